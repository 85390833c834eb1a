# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against the emulator: its arguments in, its JSON out, and what AWS was asked for in between."""

from __future__ import annotations

import contextlib
import io
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args

import emulator
from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _iam_read
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.modules import ecs_iam_role
from emulator import iam_rules
from emulator.client import Client

REGION = "eu-west-1"
NAME = "ecsAnywhereRole"
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
EC2 = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
KEYS = {"access_key": emulator.ACCESS_KEY, "secret_key": emulator.SECRET_KEY}


class Account:
    """An emulated account: run the module in it, order faults, look at it with boto3."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The emulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def fault(self, operation: str, code: str, status: int = 400, service: str = "iam", **more: Any) -> None:
        """The next call of an operation fails."""
        order = {"service": service, "operation": operation, "kind": "error", "code": code, "status": status, **more}
        self.control("POST", "faults", order)

    def run(self, check: bool = False, **options: Any) -> dict[str, Any]:
        """The module's result, whether it failed or not."""
        arguments = {"kind": "anywhere", "region": REGION, "endpoint_url": self.url, **KEYS, **options}
        arguments = {key: value for key, value in arguments.items() if value is not None}
        out = io.StringIO()
        patched = patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True})
        with patched, contextlib.redirect_stdout(out), pytest.raises(SystemExit):
            ecs_iam_role.main()
        result: dict[str, Any] = json.loads(out.getvalue())
        assert "Traceback" not in out.getvalue(), result
        return result

    def good(self, **options: Any) -> dict[str, Any]:
        """The result of a run that must not fail."""
        result = self.run(**options)
        assert not result.get("failed"), result["msg"]
        return result

    def bad(self, **options: Any) -> str:
        """The words of a run that must fail."""
        result = self.run(**options)
        assert result.get("failed"), result
        return str(result["msg"])

    def calls(self) -> dict[str, int]:
        """The calls of the controller since the last look."""
        counted: dict[str, int] = self.control("GET", "calls")["calls"]
        self.control("DELETE", "calls")
        return counted

    def iam(self) -> Any:
        """A client of IAM."""
        return boto3.client(
            "iam",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=emulator.ACCESS_KEY,
            aws_secret_access_key=emulator.SECRET_KEY,
        )

    def node(self, region: str = REGION, role: str = NAME, number: int = 0) -> str:
        """A managed node that lives on a role."""
        node = {"InstanceId": f"mi-{number:017x}", "Region": region, "IamRole": role, "PingStatus": "Online"}
        self.control("POST", "seed", {"nodes": [node]})
        return node["InstanceId"]


@pytest.fixture(scope="module")
def running() -> Iterator[emulator.Emulator]:
    with emulator.Emulator(tls_port=None) as started:
        # moto keeps one account for the whole process: the tests of another file may have left something.
        Account(started.url).control("POST", "reset")
        yield started


@pytest.fixture
def account(running: emulator.Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    found = Account(running.url)
    if found.control("GET", "log"):  # to empty an account takes seconds
        found.control("POST", "reset")
    found.control("DELETE", "calls")
    yield found
    assert found.control("GET", "unknown") == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": "a b"}, "name: 'a b' is not 1 to 64 letters"),
    "long name": ({"name": "a" * 65}, "1 to 64"),
    "name with a path": ({"name": "team/role"}, "a path goes into the option path"),
    "no name": ({"kind": "task"}, "kind task has no documented name: set the option name"),
    "path": ({"path": "team"}, "path: 'team' must begin and end with /"),
    "path and name": (
        {"path": "/factory/", "name": "a" * 57},
        "at most 64 characters, and path and name are 65: factory/a",
    ),
    "session too short": ({"max_session_duration": 3599}, "3599 is not from 3600 to 43200"),
    "session too long": ({"max_session_duration": 43201}, "43201 is not from 3600 to 43200"),
    "description": ({"description": "x" * 1001}, "description: at most 1000 characters, not 1001"),
    "description in other letters": (
        {"description": "Werk \u2013 S\u00fcd"},
        "letters of Latin-1 only, and",
    ),
    "path of AWS": ({"path": "/aws-service-role/"}, "is reserved for roles of AWS's own"),
    "feature": ({"features": ["volumes"]}, "no feature 'volumes'; it has: ecr_pull, cloudwatch_logs, s3_config"),
    "feature of a kind without": ({"kind": "events", "features": ["x"]}, "no feature 'x'; it has: none"),
    "feature without its resource": (
        {"features": ["s3_config"], "permissions": "least_privilege"},
        "features: s3_config needs s3_objects",
    ),
    "secrets without any": (
        {"kind": "task_execution", "features": ["secrets"]},
        "features: secrets needs secrets or parameters",
    ),
    "hook without a function": ({"kind": "lifecycle_hook", "name": "x"}, "needs lambda_functions"),
    "resource for nothing": ({"clusters": ["a"]}, "clusters: nothing of kind anywhere with permissions managed"),
    "no least privilege": (
        {"kind": "events", "permissions": "least_privilege"},
        "least_privilege is there for anywhere, container_instance, task_execution, not for kind events",
    ),
    "profile": ({"instance_profile": "x"}, "instance_profile: kind anywhere has none, only container_instance"),
    "profile name": (
        {"kind": "container_instance", "instance_profile": "a b"},
        "instance_profile: 'a b' is not a name",
    ),
    "cluster": ({"permissions": "least_privilege", "clusters": ["a/b"]}, "neither a name such as default nor an ARN"),
    "cluster of another service": (
        {"permissions": "least_privilege", "clusters": ["arn:aws:eks:eu-west-1:123456789012:cluster/a"]},
        "is not an ARN such as arn:aws:ecs:",
    ),
    "key by alias": (
        {"kind": "task_execution", "features": ["secrets"], "secrets": ["a"], "kms_keys": ["alias/x"]},
        "kms_keys: 'alias/x' is neither",
    ),
    "partition of a cluster": (
        {"permissions": "least_privilege", "clusters": ["arn:aws-cn:ecs:cn-north-1:123456789012:cluster/a"]},
        "is of the partition aws-cn, the role is in aws",
    ),
    "partition of a policy": (
        {"managed_policies": ["arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"]},
        "is of the partition aws-us-gov, the role is in aws",
    ),
    "partition of the boundary": (
        {"permissions_boundary": "arn:aws-cn:iam::aws:policy/X"},
        "is of the partition aws-cn",
    ),
    "partition of a Region": ({"regions": ["eu-west-1", "cn-north-1"]}, "cn-north-1 is not in the partition aws"),
    "Region": ({"regions": ["Ireland"]}, "'Ireland' is not the name of a Region such as eu-west-1"),
    "no Region": ({"region": None}, "no Region: set the option region or regions"),
    "malformed ARN of the pages": (
        {"managed_policies": ["arn:aws::iam::aws:policy/AmazonS3ReadOnlyAccess"]},
        "is not the ARN of a managed policy",
    ),
    "another malformed ARN of the pages": (
        {"managed_policies": ["arn:aws:iam:111122223333:aws:policy/cwlogspolicy"]},
        "is not the ARN of a managed policy",
    ),
    "policy name": ({"managed_policies": ["a b"]}, "'a b' is not a policy's name"),
    "too many policies": ({"managed_policies": [f"p{n}" for n in range(24)]}, "26 managed policies: IAM allows 25"),
    "inline name": ({"inline_policies": {"a b": DOCUMENT}}, "inline_policies: 'a b' is not a name"),
    "inline name of ours": ({"inline_policies": {"ecsEcrPull": DOCUMENT}}, "ecsEcrPull is that of a policy from the"),
    "malformed JSON": ({"inline_policies": {"p": "{"}}, "inline policy p is not JSON"),
    "no statement": ({"inline_policies": {"p": {}}}, "inline policy p has no Statement"),
    "no resource": (
        {"inline_policies": {"p": {"Statement": {"Effect": "Allow", "Action": "s3:GetObject"}}}},
        "statement 1 of inline policy p needs one of Resource and NotResource",
    ),
    "a principal": (
        {"inline_policies": {"p": {"Statement": {**DOCUMENT["Statement"][0], "Principal": "*"}}}},  # type: ignore[dict-item]  # it is one
        "statement 1 of inline policy p has a Principal, which only trust documents",
    ),
    "a Sid twice": (
        {"inline_policies": {"p": {"Statement": [{**DOCUMENT["Statement"][0], "Sid": "x"}] * 2}}},  # type: ignore[dict-item]  # it is one
        "the Sid 'x' stands twice",
    ),
    "an action without a service": (
        {"inline_policies": {"p": {"Statement": {**DOCUMENT["Statement"][0], "Action": ["GetObject"]}}}},  # type: ignore[dict-item]  # it is one
        "Action must name actions as SERVICE:ACTION, not GetObject",
    ),
    "no action": (
        {"inline_policies": {"p": {"Statement": {**DOCUMENT["Statement"][0], "Action": []}}}},  # type: ignore[dict-item]  # it is one
        "Action must name actions as SERVICE:ACTION, not none",
    ),
    "inline size": (
        {"inline_policies": {name: {"Statement": {**DOCUMENT["Statement"][0], "Sid": "x" * 5100}} for name in "pq"}},  # type: ignore[dict-item]  # it is one
        "IAM allows 10240 for a role (p: 51",
    ),
    "trust size": (
        {"regions": [f"eu-{letter * 300}-{n}" for letter in "xyz" for n in range(10)]},
        "IAM allows 8192 at most: name fewer regions",
    ),
    "trust conditions": ({"trust_conditions": "strict"}, "trust_conditions: documented, none, or a block"),
    "trust block": ({"trust_conditions": {"StringEquals": "x"}}, "trust_conditions: documented, none, or a block"),
    "too many tags": (
        {"tags": {str(number): "x" for number in range(51)}},
        "51 tags, but a resource can have 50 at most",
    ),
    "tags that differ in case alone": ({"tags": {"Owner": "a", "owner": "b"}}, "'Owner' and 'owner' are one key"),
    "tag of AWS": ({"tags": {"aws:x": "y"}}, "the key 'aws:x' begins with 'aws:', which is reserved"),
    "tag value": ({"tags": {"x": "y" * 257}}, "the value of 'x' has more than 256 characters"),
    "feature of a role that goes": ({"state": "absent", "features": ["x"]}, "has no feature 'x'; it has: ecr_pull"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_before_any_call(account: Account, case: str) -> None:
    options, words = BAD[case]
    assert words in account.bad(**options)
    assert account.calls() == {}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_unknown_kind(account: Account, state: str) -> None:
    assert "value of kind must be one of" in account.bad(kind="x", state=state)


def test_calls_of_a_run_that_changes_nothing(account: Account) -> None:
    account.good()
    account.calls()
    assert account.good()["changed"] is False
    assert account.calls() == {"iam:GetRole": 1, "iam:ListAttachedRolePolicies": 1, "iam:ListRolePolicies": 1}
    account.good(kind="container_instance")
    account.calls()
    assert account.good(kind="container_instance")["changed"] is False
    assert sum(account.calls().values()) == 4


def test_check_mode_shows_the_role_that_would_be(account: Account) -> None:
    checked = account.good(check=True, tags={"a": "b"}, path="/x/")
    assert not [call for call in account.calls() if not call.split(":")[1].startswith(("Get", "List"))]
    done = account.good(tags={"a": "b"}, path="/x/")
    made = {"role_id", "create_date"}
    assert {key: value for key, value in done["iam_role"].items() if key not in made} == checked["iam_role"]
    assert made <= set(done["iam_role"])
    assert checked["diff"] == done["diff"]


def test_what_is_returned_is_what_iam_holds(account: Account) -> None:
    role = account.good(
        permissions="least_privilege",
        description="x",
        permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess",
        tags={"a": "b"},
    )["iam_role"]
    held = account.iam().get_role(RoleName=NAME)["Role"]
    assert role["assume_role_policy_document"] == held["AssumeRolePolicyDocument"]
    assert role["role_id"] == held["RoleId"]
    assert role["arn"] == held["Arn"]
    assert role["create_date"] == held["CreateDate"].isoformat()
    assert (
        role["permissions_boundary"]["permissions_boundary_arn"]
        == held["PermissionsBoundary"]["PermissionsBoundaryArn"]
    )
    inline = account.iam().get_role_policy(RoleName=NAME, PolicyName="ecsAnywhereAgents")
    assert role["inline_policies"] == [
        {"policy_name": "ecsAnywhereAgents", "policy_document": inline["PolicyDocument"]}
    ]


def test_an_equal_trust_document_in_another_spelling_is_left_alone(account: Account) -> None:
    account.good()
    statement = {
        "Sid": "",
        "Effect": "Allow",
        "Principal": {"Service": ["ssm.amazonaws.com"]},
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "ArnLike": {"aws:sourcearn": ["arn:aws:ssm:eu-west-1:123456789012:*"]},
            "StringEquals": {"AWS:SourceAccount": ["123456789012"]},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement}, indent=4)
    account.iam().update_assume_role_policy(RoleName=NAME, PolicyDocument=document)
    assert account.good()["changed"] is False


def test_a_role_by_hand_gets_what_is_missing(account: Account) -> None:
    """As AWS's page makes it: no condition, two policies."""
    trust = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": ["ssm.amazonaws.com"]}, "Action": "sts:AssumeRole"},
    }
    account.iam().create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(trust))
    account.iam().attach_role_policy(RoleName=NAME, PolicyArn=CORE)
    result = account.good()
    assert result["changes"] == [f"attach {EC2} to role {NAME}", f"change the trust document of role {NAME}"]
    assert account.good(trust_conditions="none")["changes"] == [f"change the trust document of role {NAME}"]
    assert account.good(trust_conditions="none")["changed"] is False


def by_hand(
    account: Account,
    service: str,
    conditions: dict[str, Any] | None = None,
    name: str = NAME,
    policies: tuple[str, ...] = (CORE, EC2),
) -> None:
    """A role that somebody made without the collection."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if conditions:
        statement["Condition"] = conditions
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.iam().create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    for policy in policies:
        account.iam().attach_role_policy(RoleName=name, PolicyArn=policy)


def conditions_of(result: dict[str, Any]) -> Any:
    """The conditions of the trust document, their operators left out."""
    (statement,) = result["iam_role"]["assume_role_policy_document"]["Statement"]
    return {key: value for keys in statement["Condition"].values() for key, value in keys.items()}


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        {"StringLike": {"aws:SourceArn": "arn:aws:ssm:*:123456789012:*"}},
        {"StringEquals": {"aws:SourceOrgID": "o-1234567890"}},
        {"StringEquals": {"aws:SourceAccount": "123456789012", "aws:SourceOrgID": "o-1234567890"}},
        {"StringLike": {"aws:SourceArn": "arn:aws:ssm:*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:*:123456789012:managed-instance/*"}},
        {"ArnNotLike": {"aws:SourceArn": "arn:aws:ssm:us-west-2:123456789012:*"}},
    ],
    ids=["as AWS's page makes it", "account", "wildcard", "organisation", "both", "the service", "nodes", "not one"],
)
def test_a_role_for_every_region_stays_one(account: Account, conditions: Any) -> None:
    """Nodes in other Regions live on it, and nothing tells which: they keep their credentials."""
    by_hand(account, "ssm.amazonaws.com", conditions)
    account.node(region="us-east-1")
    checked = account.good(check=True)
    done = account.good()
    assert checked["changes"] == done["changes"] == [f"change the trust document of role {NAME}"]
    assert conditions_of(done) == {
        "aws:SourceAccount": "123456789012",
        "aws:SourceArn": "arn:aws:ssm:*:123456789012:*",
    }
    assert account.good()["changed"] is False
    assert account.good(region="us-east-1")["changed"] is False
    # To name Regions narrows it, which the guard looks at.
    last_used(account, "us-east-1", NAME)
    assert "managed nodes in us-east-1 live on it and would lose" in account.bad(regions=[REGION])
    narrowed = account.good(regions=[REGION, "us-east-1"])
    assert len(conditions_of(narrowed)["aws:SourceArn"]) == 2
    assert account.good()["changed"] is False


ORGANISATION = {"StringEquals": {"aws:SourceOrgID": "o-1234567890"}}


def test_a_second_statement_that_names_no_region(account: Account) -> None:
    """What one statement lets in counts, though another one names its Regions."""
    by_hand(account, "ssm.amazonaws.com", ORGANISATION)
    trust = account.iam().get_role(RoleName=NAME)["Role"]["AssumeRolePolicyDocument"]
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:ssm:{REGION}:123456789012:*"}}
    trust["Statement"].append({**trust["Statement"][0], "Condition": source})
    account.iam().update_assume_role_policy(RoleName=NAME, PolicyDocument=json.dumps(trust))
    account.node(region="us-east-1")
    last_used(account, "us-east-1", NAME)
    assert "managed nodes in us-east-1 live on it and would lose" in account.bad(regions=[REGION])
    assert "managed nodes in us-east-1 live on it" in account.bad(state="absent")
    assert conditions_of(account.good())["aws:SourceArn"] == "arn:aws:ssm:*:123456789012:*"


def test_the_region_of_nodes_stays(account: Account) -> None:
    """It stands in an ARN of theirs, which is not all of the service."""
    source = "arn:aws:ssm:us-east-1:123456789012:managed-instance/*"
    by_hand(account, "ssm.amazonaws.com", {"ArnLike": {"aws:SourceArn": source}})
    account.node(region="us-east-1")
    assert "managed nodes in us-east-1 live on it" in account.bad(regions=[REGION])
    both = [f"arn:aws:ssm:{region}:123456789012:*" for region in (REGION, "us-east-1")]
    assert conditions_of(account.good())["aws:SourceArn"] == both


def test_less_privilege_for_every_region_of_an_organisation(account: Account) -> None:
    by_hand(account, "ssm.amazonaws.com", ORGANISATION)
    done = account.good(**LEAST)["iam_role"]
    assert "arn:aws:ecs:*:123456789012:cluster/lab" in json.dumps(done["inline_policies"])


def test_each_region_of_china_adds_its_principal(account: Account) -> None:
    """CodeDeploy has one for each Region there."""
    services = [f"codedeploy.{region}.amazonaws.com.cn" for region in ("cn-north-1", "cn-northwest-1")]
    options = {"kind": "codedeploy"}
    for region in ("cn-north-1", "cn-northwest-1"):
        result = account.good(**options, region=region)
    (statement,) = result["iam_role"]["assume_role_policy_document"]["Statement"]
    assert statement["Principal"] == {"Service": services}
    assert account.good(**options, region="cn-north-1")["changed"] is False
    result = account.good(**options, region="cn-north-1", regions=["cn-north-1"])
    (statement,) = result["iam_role"]["assume_role_policy_document"]["Statement"]
    assert statement["Principal"] == {"Service": services[0]}


@pytest.mark.parametrize("kind", ["task", "task_execution"])
def test_a_role_of_tasks_for_every_region_stays_one(account: Account, kind: str) -> None:
    by_hand(account, "ecs-tasks.amazonaws.com", name="app", policies=())
    done = account.good(kind=kind, name="app")
    assert conditions_of(done)["aws:SourceArn"] == "arn:aws:ecs:*:123456789012:*"
    assert account.good(kind=kind, name="app", region="us-east-1")["changed"] is False
    narrowed = account.good(kind=kind, name="app", regions=[REGION])
    assert conditions_of(narrowed)["aws:SourceArn"] == f"arn:aws:ecs:{REGION}:123456789012:*"
    made_anew = account.good(kind=kind, name="other")
    assert conditions_of(made_anew)["aws:SourceArn"] == f"arn:aws:ecs:{REGION}:123456789012:*"


def test_a_role_for_some_regions_by_a_wildcard_is_not_deleted_from_elsewhere(account: Account) -> None:
    by_hand(account, "ssm.amazonaws.com", {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:eu-*:123456789012:*"}})
    account.node()
    words = account.bad(region="us-east-1", state="absent")
    assert "no Region is known in which to look for who uses it" in words
    assert f"managed nodes in {REGION} live on it" in account.bad(state="absent")


def test_a_role_for_some_regions_by_a_wildcard_stays_one(account: Account) -> None:
    by_hand(account, "ssm.amazonaws.com", {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:eu-*:123456789012:*"}})
    assert conditions_of(account.good())["aws:SourceArn"] == "arn:aws:ssm:eu-*:123456789012:*"
    both = ["arn:aws:ssm:eu-*:123456789012:*", "arn:aws:ssm:us-east-1:123456789012:*"]
    assert sorted(conditions_of(account.good(region="us-east-1"))["aws:SourceArn"]) == both
    assert account.good()["changed"] is False


@pytest.mark.parametrize("first", ["adopted", "at once"])
def test_less_privilege_for_every_region(account: Account, first: str) -> None:
    """AWS's policies know no Region. Those in their place let hosts elsewhere do what they could."""
    by_hand(account, "ssm.amazonaws.com")
    if first == "adopted":
        account.good()
    options: dict[str, Any] = {**LEAST, "features": ["ecr_pull"]}
    done = account.good(**options)
    text = json.dumps(done["iam_role"]["inline_policies"])
    assert "arn:aws:ecs:*:123456789012:cluster/lab" in text
    assert inline_regions(done["iam_role"]) == set()
    for region in (REGION, "us-east-1"):
        assert account.good(**options, region=region)["changed"] is False
    narrowed = account.good(**options, regions=[REGION])["iam_role"]
    assert inline_regions(narrowed) == {REGION}
    assert "arn:aws:ecs:*" not in json.dumps(narrowed["inline_policies"])


@pytest.mark.parametrize("first", ["by hand", "adopted"])
def test_less_privilege_of_instances_in_every_region(account: Account, first: str) -> None:
    """The trust of an instance's role never names a Region, and AWS's policy is for each."""
    if first == "by hand":
        by_hand(account, "ec2.amazonaws.com", name="ecsInstanceRole", policies=(EC2,))
    else:
        account.good(kind="container_instance")
    options: dict[str, Any] = {"kind": "container_instance", **LEAST}
    done = account.good(**options)["iam_role"]
    assert "arn:aws:ecs:*:123456789012:cluster/lab" in json.dumps(done["inline_policies"])
    assert inline_regions(done) == set()
    for region in (REGION, "us-east-1"):
        assert account.good(**options, region=region)["changed"] is False
    assert inline_regions(account.good(**options, regions=[REGION])["iam_role"]) == {REGION}


def test_a_policy_of_aws_that_stays_widens_nothing(account: Account) -> None:
    options: dict[str, Any] = {**LEAST, "trust_conditions": "none", "managed_policies": [CORE]}
    account.good(**options)
    assert account.good(**options)["changed"] is False


def test_a_policy_that_is_not_there_is_told_before_any_write(account: Account) -> None:
    words = account.bad(managed_policies=["mine"])
    assert "the managed policy arn:aws:iam::123456789012:policy/mine does not exist" in words
    assert not [call for call in account.calls() if "Create" in call or "Attach" in call]


# The guard ---------------------------------------------------------------------------------------------------------


def test_a_role_with_nodes_is_not_deleted(account: Account) -> None:
    account.good()
    names = [account.node(number=number) for number in range(12)]
    words = account.bad(state="absent")
    assert f"is not deleted: managed nodes in {REGION} live on it" in words
    assert any(name in words for name in names)
    assert "protect: false" in words
    assert account.calls()["ssm:DescribeInstanceInformation"] == 1
    assert account.bad(state="absent", check=True) == words
    assert account.good(state="absent", protect=False)["changed"] is True


def test_nodes_of_other_roles_do_not_matter(account: Account) -> None:
    account.good()
    account.node(role="another")
    assert account.good(state="absent")["changed"] is True


def test_nodes_in_another_region_are_seen(account: Account) -> None:
    account.good(regions=[REGION, "eu-central-1"])
    account.node(region="eu-central-1")
    assert "managed nodes in eu-central-1 live on it" in account.bad(state="absent")
    words = account.bad(regions=[REGION])
    assert "is not changed in its trust: managed nodes in eu-central-1" in words
    assert "Add eu-central-1 to the option regions" in words
    assert account.good(regions=[REGION], protect=False)["changed"] is True


def test_more_regions_are_no_danger(account: Account) -> None:
    account.good()
    account.node()
    account.calls()
    assert account.good(regions=[REGION, "eu-central-1"])["changed"] is True
    assert account.good(trust_conditions="none")["changed"] is True
    only_account = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert account.good(trust_conditions=only_account)["changed"] is True
    assert "ssm:DescribeInstanceInformation" not in account.calls()


def test_a_wildcard_in_place_of_the_region_is_no_danger(account: Account) -> None:
    """The collection advises it when a trust document becomes too long. One that leaves a Region out is a danger."""
    account.good(regions=[REGION, "eu-central-1"])
    account.node(region="eu-central-1")
    account.calls()
    assert account.good(trust_conditions=EVERYWHERE)["changed"] is True
    assert "ssm:DescribeInstanceInformation" not in account.calls()
    in_europe = {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:eu-*:123456789012:*"}}
    assert account.good(trust_conditions=in_europe, region="eu-central-1")["changed"] is True
    west = {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:*-west-?:123456789012:*"}}
    words = account.bad(trust_conditions=west, region="eu-central-1")
    assert "is not changed in its trust: managed nodes in eu-central-1" in words


LEAST: dict[str, Any] = {"permissions": "least_privilege", "clusters": ["lab"]}
EVERYWHERE = {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:*:123456789012:*"}}


def inline_regions(role: dict[str, Any]) -> set[str]:
    """The Regions that the inline policies name."""
    text = json.dumps([one["policy_document"] for one in role["inline_policies"]])
    return {region for region in ("eu-central-1", "eu-west-1", "us-east-1") if f":{region}:" in text}


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "container_instance", **LEAST},
        {"kind": "container_instance", "permissions": "least_privilege", "features": ["ecr_pull"]},
        {**LEAST, "trust_conditions": "none"},
        {**LEAST, "trust_conditions": EVERYWHERE},
        {**LEAST, "trust_conditions": {"ArnLike": {"aws:SourceArn": "arn:aws:ssm:*-*-1:123456789012:*"}}},
        {**LEAST, "clusters": ["lab", "arn:aws:ecs:eu-central-1:123456789012:cluster/lab"], "trust_conditions": "none"},
        {"kind": "task_execution", "permissions": "least_privilege", "trust_conditions": "none"},
        {"kind": "task_execution", "features": ["secrets"], "secrets": ["a"], "trust_conditions": "none"},
        {"kind": "lifecycle_hook", "name": "hooks", "lambda_functions": ["before"]},
    ],
    ids=str,
)
def test_each_region_adds_its_own_to_the_policies(account: Account, options: dict[str, Any]) -> None:
    """The trust document names none, so the policies must tell; a cluster given as an ARN makes no Region."""
    given = {"eu-central-1"} if len(options.get("clusters", [])) > 1 else set()
    first = account.good(**options)["iam_role"]
    assert inline_regions(first) == {REGION} | given
    assert account.good(**options)["changed"] is False
    assert inline_regions(account.good(**options, region="us-east-1")["iam_role"]) == {REGION, "us-east-1"} | given
    for region in (REGION, "us-east-1"):
        assert account.good(**options, region=region)["changed"] is False
    stays = account.good(**options, regions=["us-east-1"])["iam_role"]
    assert inline_regions(stays) == {"us-east-1"} | given


def test_an_arn_that_goes_leaves_no_region(account: Account) -> None:
    """What was allowed in another Region by an ARN is no reason to allow there what is given by name."""
    options: dict[str, Any] = {"kind": "container_instance", **LEAST}
    there = "arn:aws:ecs:us-east-1:123456789012:cluster/other"
    account.good(**{**options, "clusters": ["lab", there]})
    assert inline_regions(account.good(**options)["iam_role"]) == {REGION}


@pytest.mark.parametrize("region", ["us-east-1", "*"])
def test_an_arn_that_becomes_a_name_leaves_its_region(account: Account, region: str) -> None:
    """By its name the cluster stays allowed where it was; so is what else has a name. To name Regions ends it."""
    options: dict[str, Any] = {"kind": "container_instance", **LEAST}
    there = f"arn:aws:ecs:{region}:123456789012:cluster/lab"
    account.good(**{**options, "clusters": [there]})
    named = json.dumps(account.good(**options)["iam_role"]["inline_policies"])
    assert there in named
    assert f"arn:aws:ecs:{region}:123456789012:container-instance/*" in named
    assert there not in json.dumps(account.good(**options, regions=[REGION])["iam_role"]["inline_policies"])


def test_other_clusters_leave_the_regions(account: Account) -> None:
    options: dict[str, Any] = {"kind": "container_instance", "permissions": "least_privilege"}
    account.good(**options)
    role = account.good(**options, region="us-east-1", clusters=["lab"])["iam_role"]
    assert inline_regions(role) == {REGION, "us-east-1"}


def test_a_condition_that_is_not_understood_is_a_danger(account: Account) -> None:
    account.good()
    account.node()
    words = account.bad(trust_conditions={"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}})
    assert "is not changed in its trust" in words


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike"])
def test_a_condition_for_another_account_is_a_danger(account: Account, operator: str) -> None:
    account.good()
    account.node()
    shut: dict[str, Any] = {operator: {"aws:SourceAccount": "999999999999"}}
    assert "is not changed in its trust: managed nodes in" in account.bad(trust_conditions=shut)
    assert account.good(trust_conditions=shut, protect=False)["changed"] is True
    # Nobody has credentials by it, so it can be put right.
    account.calls()
    assert account.good()["changed"] is True
    assert "ssm:DescribeInstanceInformation" not in account.calls()


def test_a_trust_document_beyond_the_quota_of_the_account(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be raised, so IAM is asked; what can be done is told with its refusal."""
    many = [f"eu-{letter * 30}-{n}" for letter in "xyz" for n in range(10)]
    way_out = "Cannot exceed quota for ACLSizePerRole: 2048. A trust document has 2048 characters at most until"
    assert way_out in account.bad(regions=many)
    assert account.iam().list_roles()["Roles"] == []
    before = account.good()["iam_role"]["assume_role_policy_document"]
    assert way_out in account.bad(regions=many)
    assert account.iam().get_role(RoleName=NAME)["Role"]["AssumeRolePolicyDocument"] == before
    monkeypatch.setattr(iam_rules, "TRUST_SIZE", 4096)
    assert account.good(regions=many)["changed"] is True
    assert account.good(regions=many)["changed"] is False


def test_no_remedy_for_other_quotas(account: Account) -> None:
    words = "Cannot exceed quota for RolesPerAccount: 1000"
    account.fault("CreateRole", "LimitExceeded", 409, message=words)
    assert account.bad().endswith(words)


def test_a_user_who_passes_too_many_roles(account: Account) -> None:
    account.iam().create_user(UserName="deploy")
    passing = {"pass_role_to": [{"type": "user", "name": "deploy"}]}
    for number in range(9):
        account.good(kind="task", name=f"plant-north-task-{number}", **passing)
    words = account.bad(kind="task", name="plant-north-task-9", **passing)
    assert "Maximum policy size of 2048 bytes exceeded for user deploy. The inline policies of a user have" in words
    assert "let a group or a role pass it in the place of the user, or leave it out of pass_role_to and attach" in words


def test_a_large_inline_policy_under_another_name(account: Account) -> None:
    """Both do not fit beside each other; by its name the old one is replaced in one call."""
    options: dict[str, Any] = {"kind": "task", "name": "app", "purge_policies": True}
    old, new = (
        {
            "Version": "2012-10-17",
            "Statement": {"Sid": sid * 5500, "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
        }
        for sid in "xy"
    )
    account.good(**options, inline_policies={"old": old})
    words = account.bad(**options, inline_policies={"new": new})
    assert "Maximum policy size of 10240 bytes exceeded" in words
    assert "put the new document under the name of the old policy, which replaces it in one call" in words
    assert account.iam().list_role_policies(RoleName="app")["PolicyNames"] == ["old"]
    assert account.good(**options, inline_policies={"old": new})["changed"] is True


# Others at the same time -------------------------------------------------------------------------------------------


def test_another_controller_creates_the_role(account: Account) -> None:
    account.fault("CreateRole", "EntityAlreadyExists", 409, after=True)
    result = account.good()
    assert [words.split()[0] for words in result["changes"]] == ["create", "attach", "attach"]
    assert result["diff"]["before"] == {}
    assert account.good()["changed"] is False


def test_another_controller_creates_all_of_it(account: Account) -> None:
    """Its answer is lost, or another was first: the role was not there and now is."""
    account.fault("CreateRole", "EntityAlreadyExists", 409, after=True)
    result = account.good(kind="task", name="x")
    assert result["changed"] is True
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["role"]["name"] == "x"


def test_a_role_of_our_own_is_not_that_of_another_controller(account: Account) -> None:
    """It is there in the second round, since the first has made it."""
    account.fault("CreateInstanceProfile", "EntityAlreadyExists", 409)
    result = account.good(kind="container_instance")
    made = [words for words in result["changes"] if words.startswith("create role")]
    assert made == ["create role ecsInstanceRole, trusted by ec2.amazonaws.com"]


def test_what_was_done_is_told_when_a_later_round_refuses(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_later(monkeypatch)
    account.fault("CreateInstanceProfile", "EntityAlreadyExists", 409)
    result = account.run(kind="container_instance")
    assert (result["msg"], result["changed"]) == ("refused", True)
    assert result["changes"] == ["create role ecsInstanceRole, trusted by ec2.amazonaws.com"]


def refuse_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look at an instance profile ends with a refusal."""
    looks = iter([()])

    def existing_profiles(*_: Any) -> tuple[str, ...]:
        for found in looks:
            return found
        raise EcsError("refused")

    monkeypatch.setattr(_iam_read, "existing_profiles", existing_profiles)


def test_iam_still_counts_what_was_taken_away(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    account.good()
    account.fault("DeleteRole", "DeleteConflict", 409, count=4)
    result = account.good(state="absent")
    assert [words.split()[0] for words in result["changes"]] == ["detach", "detach", "delete"]
    assert len(slept) == 4


def test_a_conflict_that_never_ends_ends(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    account.good()
    account.fault("DeleteRole", "DeleteConflict", 409, count=-1)
    result = account.run(state="absent")
    assert "iam:DeleteRole failed for role ecsAnywhereRole: DeleteConflict" in result["msg"]
    assert len(result["changes"]) == 2
    assert len(slept) == 5 and sum(slept) < 24


def test_a_policy_goes_between_reading_and_writing(account: Account) -> None:
    account.good(features=["ecr_pull"])
    account.fault("DeleteRolePolicy", "NoSuchEntity", 404, after=True)
    assert account.good()["iam_role"]["inline_policies"] == []
    assert account.good()["changed"] is False


def test_a_policy_goes_while_reading(account: Account) -> None:
    account.good(features=["ecr_pull"])
    account.fault("GetRolePolicy", "NoSuchEntity", 404)
    assert account.good(features=["ecr_pull"])["changed"] is False


LOST: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "role": ({}, {"state": "absent"}, "DeleteRole", "delete"),
    "policy": ({"features": ["exec"]}, {}, "DeleteRolePolicy", "change"),
    "passing": (
        {"pass_role_to": [{"type": "role", "name": "other"}]},
        {"pass_role_to": [{"type": "role", "name": "other", "state": "absent"}]},
        "DeleteRolePolicy",
        "change",
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_what_was_done_by_a_call_without_an_answer_is_a_change(
    account: Account, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore makes the call again, which finds nothing to do any more."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    before, options, operation, verb = LOST[case]
    account.good(kind="task", name="other")
    account.good(kind="task", name="x", **before)
    account.control("POST", "faults", {"service": "iam", "operation": operation, "kind": "drop", "after": True})
    result = account.good(kind="task", name="x", **options)
    assert result["changed"] is True
    assert result["changes"] == [
        f"{verb} role x: another controller did, while this task ran, or the answer to a call of this task was lost"
    ]
    assert result["diff"]["before"] != result["diff"]["after"]
    assert account.good(kind="task", name="x", **options)["changed"] is False


def test_a_role_in_its_profile_by_a_call_without_an_answer(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same call is refused then, since a profile holds one role."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    fault = {"service": "iam", "operation": "AddRoleToInstanceProfile", "kind": "drop", "after": True}
    account.control("POST", "faults", fault)
    result = account.good(kind="container_instance")
    assert result["iam_role"]["instance_profiles"] == [{"instance_profile_name": "ecsInstanceRole-profile"}]
    assert account.good(kind="container_instance")["changed"] is False


def test_a_role_that_a_look_misses_is_looked_for_again_after_a_pause(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that another controller made a moment ago: IAM says that it exists, and does not show it yet."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    account.good(kind="task", name="x")
    account.fault("GetRole", "NoSuchEntity", 404, count=3)
    assert account.good(kind="task", name="x")["changed"] is True
    assert len(slept) == 3


def test_more_tags_than_fit_are_refused_before_anything_is_changed(account: Account) -> None:
    account.good(kind="task", name="x", tags={f"k{number}": "v" for number in range(48)})
    more = {"kind": "task", "name": "x", "tags": {"a": "", "b": "", "c": "", "k0": "w"}, "purge_tags": False}
    words = "tags: role x would have 51 tags with those that it has already, and can have 50 at most"
    for check in (True, False):
        result = account.run(check, features=["exec"], **more)
        assert words in result["msg"]
        assert not result["changed"]
    assert account.iam().list_role_policies(RoleName="x")["PolicyNames"] == []
    assert len(account.good(**{**more, "purge_tags": True})["iam_role"]["tags"]) == 4


def test_a_race_that_never_ends_ends(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    account.fault("CreateRole", "EntityAlreadyExists", 409, count=-1)
    assert "iam:CreateRole failed for role ecsAnywhereRole: EntityAlreadyExists" in account.bad()
    assert 0 < sum(slept) <= 7


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"name": "ECSAnywhereRole"}, "CreateRole failed for role ECSAnywhereRole"),
        ({"kind": "container_instance", "name": "r", "instance_profile": "HOSTS"}, "for instance profile HOSTS"),
    ],
    ids=["role", "profile"],
)
def test_a_name_that_is_taken_in_another_case(account: Account, options: dict[str, Any], what: str) -> None:
    account.good()
    account.iam().create_instance_profile(InstanceProfileName="hosts")
    words = account.bad(**options)
    assert what in words
    assert "There is none that is spelled so, and IAM knows no case in names: give the name in the spelling" in words


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_role_of_aws_is_left_alone(account: Account, state: str, check: bool) -> None:
    """IAM lets nobody change it, so check mode must not promise it."""
    account.iam().create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    account.calls()
    words = account.bad(check=check, kind="infrastructure", name="AWSServiceRoleForECS", state=state)
    assert "role AWSServiceRoleForECS is AWS's own (path /aws-service-role/ecs.amazonaws.com/)" in words
    assert account.control("GET", "calls")["writes"] == 0


def test_iam_needs_time_to_know_a_new_profile(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role is there already, so nothing else says that IAM may be behind."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    account.good(kind="container_instance", instance_profile="false")
    account.calls()
    account.fault("AddRoleToInstanceProfile", "NoSuchEntity", 404, count=5)
    assert account.good(kind="container_instance")["changed"] is True
    # Not planned anew: it is the call that is right a moment later.
    assert account.calls()["iam:GetRole"] == 1
    assert account.good(kind="container_instance")["changed"] is False


def test_iam_needs_time_to_know_a_new_role(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    account.fault("GetRole", "NoSuchEntity", 404, skip=1, count=2)
    account.fault("AttachRolePolicy", "NoSuchEntity", 404)
    result = account.good()
    assert [words.split()[0] for words in result["changes"]] == ["create", "attach", "attach"]
    assert account.good()["changed"] is False


def test_a_refusal_names_the_permission_and_what_was_done(account: Account) -> None:
    account.fault("AttachRolePolicy", "AccessDenied", 403)
    result = account.run()
    assert "The caller lacks the permission iam:AttachRolePolicy on role ecsAnywhereRole" in result["msg"]
    assert result["changes"] == ["create role ecsAnywhereRole, trusted by ssm.amazonaws.com"]
    assert account.good()["changed"] is True


@pytest.mark.parametrize("kind", ["throttle", "drop"])
def test_passing_faults_pass(account: Account, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    account.control("POST", "faults", {"service": "iam", "operation": "*", "kind": kind, "count": 1, "skip": 3})
    assert account.good()["changed"] is True
    assert account.good()["changed"] is False


# What the agents can do with it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"permissions": "least_privilege", "clusters": ["lab"]}])
def test_a_host_works_with_the_role(account: Account, running: emulator.Emulator, options: dict[str, Any]) -> None:
    """Everything that the two agents call, authorised by nothing but the role; the emulator judges as AWS does."""
    account.good(**options)
    client = Client(running)
    account.control("POST", "settings", {"message_poll_seconds": 0})
    client.boto("ecs").create_cluster(clusterName="lab")
    client.boto("ecs").create_cluster(clusterName="other")
    node = client.node(IamRole=NAME).come_online()
    assert node.call("ssm", "ListInstanceAssociations", {"InstanceId": node.instance_id}).status == 200
    channel = {"MessageSchemaVersion": "1.0", "RequestId": "6c7aca51-e1a8-47f3-a02d-f6b418868cdb"}
    assert node.rest("ssmmessages", "POST", f"/v1/control-channel/{node.instance_id}", channel).status == 201
    messages = {"Destination": node.instance_id, "MessagesRequestId": "abc", "VisibilityTimeoutInSeconds": 10}
    assert node.call("ec2messages", "GetMessages", messages).status == 200
    reply = node.join()
    assert reply.status == 200, reply.body
    arn = reply.json()["containerInstance"]["containerInstanceArn"]
    assert node.call("ecs", "DiscoverPollEndpoint", {"cluster": "lab", "containerInstance": arn}).status == 200
    sockets = [node.open_socket("ssmmessages", f"/v1/control-channel/{node.instance_id}?role=subscribe&stream=input")]
    sockets.append(node.acs(arn))
    telemetry = f"/ws?agentHash=a&agentVersion=1.105.1&cluster=lab&containerInstance={quote(arn, safe='')}"
    sockets.append(node.open_socket("ecs", telemetry))
    refused = [one for one in account.control("GET", "log") if one["code"] and "Denied" in one["code"]]
    assert refused == []
    for socket in sockets[1:]:
        socket.close()
    elsewhere = node.join("other")
    assert ("AccessDenied" in elsewhere.json().get("__type", "")) == bool(options), elsewhere.body
    parameter = node.call("ssm", "GetParameter", {"Name": "/secret"})
    assert ("AccessDenied" in parameter.json().get("__type", "")) == bool(options), parameter.body


# The guard of infrastructure roles ---------------------------------------------------------------------------------

INFRA = {"kind": "infrastructure", "features": ["volumes", "service_connect_tls"]}
INFRA_ARN = "arn:aws:iam::123456789012:role/ecsInfrastructureRole"


def _task_with_volume(account: Account, running: emulator.Emulator) -> None:
    Client(running).boto("ecs").create_cluster(clusterName="lab")
    node = account.node(role="x")
    instance = {"InstanceId": node, "Region": REGION, "cluster": "lab", "agentConnected": True}
    account.control("POST", "seed", {"container_instances": [instance]})
    account.control("POST", "tasks", {"containerInstance": node, "roleArn": INFRA_ARN})


def test_a_role_with_volumes_is_kept(account: Account, running: emulator.Emulator) -> None:
    account.good(**INFRA)
    _task_with_volume(account, running)
    words = account.bad(**INFRA, state="absent")
    assert "role ecsInfrastructureRole is not deleted: task arn:aws:ecs:eu-west-1:123456789012:task/lab/" in words
    assert "has a volume that is managed with it in eu-west-1" in words
    tls = {"kind": "infrastructure", "features": ["service_connect_tls"]}
    assert "Keep volumes in the option features" in account.bad(**tls)
    volumes = {"kind": "infrastructure", "features": ["volumes"]}
    assert account.good(**volumes)["changed"] is True
    account.control("DELETE", "tasks")
    assert account.good(**volumes, state="absent")["changed"] is True


def last_used(account: Account, region: str, name: str) -> None:
    """What IAM knows of the last use of a role."""
    account.control("POST", "roles/last-used", {"RoleName": name, "days": 1, "region": region})


@pytest.fixture
def nowhere(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account in which calls of IAM need no Region, as in AWS; those of the emulator's address would."""
    monkeypatch.setattr(_aws.Aws, "region_or_none", None)
    return account


def test_an_infrastructure_role_without_a_region(nowhere: Account, running: emulator.Emulator) -> None:
    """Where it was last used it is looked for; when nothing is known of that, it is left."""
    nowhere.good(**INFRA)
    _task_with_volume(nowhere, running)
    words = "no Region is known in which to look for who uses it; set the option region or regions to where"
    assert f"role ecsInfrastructureRole: {words}" in nowhere.bad(**INFRA, state="absent")
    last_used(nowhere, REGION, "ecsInfrastructureRole")
    found = "has a volume that is managed with it in eu-west-1"
    assert found in nowhere.bad(**INFRA, state="absent")
    assert found in nowhere.bad(kind="infrastructure", features=["service_connect_tls"])
    assert nowhere.calls()["ecs:DescribeTasks"]


def test_an_infrastructure_role_in_use_in_another_region(account: Account, running: emulator.Emulator) -> None:
    account.good(**INFRA)
    _task_with_volume(account, running)
    last_used(account, REGION, "ecsInfrastructureRole")
    words = account.bad(**INFRA, region="us-east-1", state="absent")
    assert "has a volume that is managed with it in eu-west-1" in words


def test_without_a_region_and_without_protection_there_is_a_warning(nowhere: Account) -> None:
    nowhere.good(**INFRA)
    result = nowhere.good(**INFRA, state="absent", protect=False)
    words = "whether it is in use could not be found out, and protect is false: role ecsInfrastructureRole: no Region"
    assert any(words in str(warning) for warning in result["warnings"]), result["warnings"]


def test_what_takes_nothing_away_needs_no_region(nowhere: Account) -> None:
    nowhere.good(kind="infrastructure", features=["volumes"])
    assert nowhere.good(**INFRA)["changed"] is True
    assert nowhere.good(kind="events")["changed"] is True
    assert nowhere.good(kind="events", state="absent")["changed"] is True


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"permissions": "least_privilege"},
        {"kind": "task", "name": "shop"},
        {"kind": "container_instance", "permissions": "least_privilege"},
    ],
    ids=str,
)
def test_what_is_gone_already_needs_no_region(nowhere: Account, options: dict[str, Any]) -> None:
    assert nowhere.good(**options, state="absent")["changed"] is False


@pytest.mark.parametrize(
    "options",
    [
        {"trust_conditions": "none", "state": "absent"},
        {"trust_conditions": "none", "permissions_boundary": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
        {"kind": "infrastructure", "name": NAME},
    ],
    ids=str,
)
def test_a_role_of_hosts_without_a_region(nowhere: Account, options: dict[str, Any]) -> None:
    nowhere.good(trust_conditions="none")
    nowhere.node()
    words = nowhere.bad(**options)
    assert f"role {NAME}: no Region is known in which to look for who uses it" in words
    last_used(nowhere, REGION, NAME)
    assert f"managed nodes in {REGION} live on it" in nowhere.bad(**options)


def test_the_least_for_volumes_may_stay(account: Account, running: emulator.Emulator) -> None:
    account.good(**INFRA)
    _task_with_volume(account, running)
    actions = ["ec2:DetachVolume", "ec2:DeleteVolume", "ec2:DescribeVolumes"]
    least = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
    result = account.good(kind="infrastructure", inline_policies={"least": least})
    assert [words.split()[0] for words in result["changes"]] == ["put", "detach", "detach"]


def test_without_protection_there_is_a_warning(account: Account, running: emulator.Emulator) -> None:
    account.good(**INFRA)
    _task_with_volume(account, running)
    result = account.good(**INFRA, state="absent", protect=False)
    # In one process Ansible collects the warnings of other tests as well.
    words = "role ecsInfrastructureRole is deleted since protect is false, although task arn:"
    assert any(words in str(warning) for warning in result["warnings"]), result["warnings"]


@pytest.mark.parametrize(
    ("feature", "configuration"),
    [
        (
            "volumes",
            {"volumeConfigurations": [{"name": "d", "managedEBSVolume": {"roleArn": INFRA_ARN, "sizeInGiB": 1}}]},
        ),
        (
            "service_connect_tls",
            {
                "serviceConnectConfiguration": {
                    "enabled": True,
                    "services": [
                        {
                            "portName": "p",
                            "tls": {
                                "roleArn": INFRA_ARN,
                                "issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:::x"},
                            },
                        }
                    ],
                }
            },
        ),
        (
            "vpc_lattice",
            {"vpcLatticeConfigurations": [{"roleArn": INFRA_ARN, "targetGroupArn": "arn:x", "portName": "p"}]},
        ),
        (
            "load_balancers",
            {
                "loadBalancers": [
                    {
                        "containerName": "main",
                        "containerPort": 80,
                        "advancedConfiguration": {
                            "roleArn": INFRA_ARN,
                            "alternateTargetGroupArn": "arn:x",
                            "productionListenerRule": "arn:y",
                        },
                    }
                ]
            },
        ),
    ],
)
def test_services_that_use_the_role(
    account: Account, running: emulator.Emulator, feature: str, configuration: dict[str, Any]
) -> None:
    account.good(kind="infrastructure", features=[feature])
    ecs = Client(running).boto("ecs")
    ecs.create_cluster(clusterName="lab")
    container = {"name": "main", "image": "busybox", "memory": 8, "portMappings": [{"containerPort": 80, "name": "p"}]}
    volume = {"volumes": [{"name": "d", "configuredAtLaunch": True}]} if feature == "volumes" else {}
    ecs.register_task_definition(family="app", containerDefinitions=[container], **volume)
    ecs.create_service(cluster="lab", serviceName="app", taskDefinition="app", desiredCount=0, **configuration)
    words = account.bad(kind="infrastructure")
    assert f"service arn:aws:ecs:eu-west-1:123456789012:service/lab/app uses it for {feature} in eu-west-1" in words
    assert "is not deleted: service" in account.bad(kind="infrastructure", features=[feature], state="absent")


def test_hosts_in_other_clusters(account: Account, running: emulator.Emulator) -> None:
    """A role is not limited to clusters while hosts that live on it are in others."""
    account.good()
    ecs = Client(running).boto("ecs")
    ecs.create_cluster(clusterName="lab")
    ecs.create_cluster(clusterName="other")
    node = account.node()
    instance = {"InstanceId": node, "Region": REGION, "cluster": "other", "agentConnected": True}
    account.control("POST", "seed", {"container_instances": [instance]})
    least = {"permissions": "least_privilege", "features": ["ecr_pull", "cloudwatch_logs"]}
    words = account.bad(**least, clusters=["lab"])
    assert f"hosts that live on it are in cluster other and would be cut off: {node}" in words
    assert "Add other to the option clusters" in words
    assert account.good(**least, clusters=["lab", "oth*"])["changed"] is True
    assert account.good(**least, clusters=["lab"], protect=False)["warnings"]


# Every kind, page by page ------------------------------------------------------------------------------------------

AWS_POLICY = "arn:aws:iam::aws:policy/"
PAGES: dict[str, tuple[dict[str, Any], str, list[str], dict[str, list[str]], list[str]]] = {
    # options, trusted service, managed policies, own policies with their actions, instance profiles
    "iam-role-ecsanywhere": ({"kind": "anywhere"}, "ssm.amazonaws.com", [CORE, EC2], {}, []),
    "instance_IAM_role": (
        {"kind": "container_instance", "features": ["ecr_pull", "cloudwatch_logs", "s3_config"]},
        "ec2.amazonaws.com",
        [f"{AWS_POLICY}AmazonS3ReadOnlyAccess", EC2],
        {
            "cwlogspolicy": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "ecsEcrPull": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetAuthorizationToken",
                "ecr:GetDownloadUrlForLayer",
            ],
        },
        ["ecsInstanceRole-profile"],
    ),
    "container-instance-eni": (
        {"kind": "container_instance", "name": "ecsTrunkingRole", "features": ["trunking"]},
        "ec2.amazonaws.com",
        [EC2],
        {"ecsTrunking": ["ecs:ListAccountSettings", "ecs:ListAttributes", "ecs:PutAccountSetting"]},
        ["ecsTrunkingRole-profile"],
    ),
    "infrastructure_IAM_role": (
        {"kind": "infrastructure", "features": ["volumes", "service_connect_tls", "vpc_lattice"]},
        "ecs.amazonaws.com",
        [
            f"{AWS_POLICY}AmazonECSInfrastructureRolePolicyForVpcLattice",
            f"{AWS_POLICY}service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity",
            f"{AWS_POLICY}service-role/AmazonECSInfrastructureRolePolicyForVolumes",
        ],
        {},
        [],
    ),
    "task_execution_IAM_role": (
        {
            "kind": "task_execution",
            "features": ["private_registry", "secrets", "environment_files"],
            "secrets": ["db"],
            "parameters": ["/db"],
            "s3_objects": ["bucket/env"],
        },
        "ecs-tasks.amazonaws.com",
        [f"{AWS_POLICY}service-role/AmazonECSTaskExecutionRolePolicy"],
        {
            "ecsEnvironmentFiles": ["s3:GetBucketLocation", "s3:GetObject"],
            "ecsPrivateRegistry": ["secretsmanager:GetSecretValue"],
            "ecsSecrets": ["secretsmanager:GetSecretValue", "ssm:GetParameters"],
        },
        [],
    ),
    "ecr through an endpoint": (
        {"kind": "task_execution", "features": ["ecr_endpoint"], "vpc": "vpc-1", "vpc_endpoint": "vpce-1"},
        "ecs-tasks.amazonaws.com",
        [],
        {
            "ecsEcrEndpoint": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetAuthorizationToken",
                "ecr:GetDownloadUrlForLayer",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ]
        },
        [],
    ),
    "task-iam-roles": (
        {"kind": "task", "name": "app", "features": ["exec"]},
        "ecs-tasks.amazonaws.com",
        [],
        {
            "ecsExec": [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ]
        },
        [],
    ),
    "managed-instances-instance-profile": (
        {"kind": "managed_instance"},
        "ec2.amazonaws.com",
        [f"{AWS_POLICY}AmazonECSInstanceRolePolicyForManagedInstances"],
        {},
        ["ecsInstanceRole"],
    ),
    "codedeploy_IAM_role": (
        {"kind": "codedeploy", "features": ["limited"]},
        "codedeploy.amazonaws.com",
        [f"{AWS_POLICY}AWSCodeDeployRoleForECSLimited"],
        {},
        [],
    ),
    "CWE_IAM_role": (
        {"kind": "events"},
        "events.amazonaws.com",
        [f"{AWS_POLICY}service-role/AmazonEC2ContainerServiceEventsRole"],
        {},
        [],
    ),
    "blue-green-permissions": (
        {"kind": "lifecycle_hook", "name": "hooks", "lambda_functions": ["hook-*"]},
        "ecs.amazonaws.com",
        [],
        {"ecsLifecycleHooks": ["lambda:InvokeFunction"]},
        [],
    ),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_aws_is_one_task(account: Account, page: str) -> None:
    """Check, run, run again, delete; and in between it is what the page gives."""
    options, service, managed, own, profiles = PAGES[page]
    checked = account.good(check=True, **options)
    done = account.good(**options)
    assert (checked["changes"], checked["diff"]) == (done["changes"], done["diff"])
    again = account.good(**options)
    assert (again["changed"], again["iam_role"]) == (False, done["iam_role"])
    role = done["iam_role"]
    assert role["assume_role_policy_document"]["Statement"][0]["Principal"] == {"Service": service}
    assert [one["policy_arn"] for one in role["attached_managed_policies"]] == managed
    assert {one["policy_name"]: _actions(one["policy_document"]) for one in role["inline_policies"]} == own
    assert [one["instance_profile_name"] for one in role["instance_profiles"]] == profiles
    held = account.iam().list_instance_profiles_for_role(RoleName=role["role_name"])["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in held] == profiles
    assert account.good(**options, state="absent")["changed"] is True
    assert account.iam().list_roles()["Roles"] == []
    assert account.iam().list_instance_profiles()["InstanceProfiles"] == []
    assert account.good(**options, state="absent")["changed"] is False


def _actions(document: dict[str, Any]) -> list[str]:
    actions: list[str] = []
    for statement in document["Statement"]:
        listed = statement["Action"]
        actions += [listed] if isinstance(listed, str) else listed
    return sorted(actions)


PROFILE = "ecsInstanceRole-profile"


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("DeleteConflict", 409)])
def test_a_profile_that_was_not_deleted_goes_next_time(
    account: Account, code: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    options: dict[str, Any] = {"kind": "container_instance", "state": "absent"}
    account.good(kind="container_instance")
    account.fault("DeleteInstanceProfile", code, status)
    result = account.run(**options)
    assert "take role ecsInstanceRole out of instance profile ecsInstanceRole-profile" in result["changes"]
    if code == "AccessDenied":
        assert result["failed"]
        result = account.good(**options)
    assert result["changes"][-2:] == [f"delete instance profile {PROFILE}", "delete role ecsInstanceRole"]
    assert account.iam().list_instance_profiles()["InstanceProfiles"] == []
    account.calls()
    assert account.good(**options)["changed"] is False
    assert account.calls()["iam:GetInstanceProfile"] == 1


def test_a_profile_that_is_left_without_its_role(account: Account) -> None:
    iam, options = account.iam(), {"kind": "container_instance", "state": "absent"}
    iam.create_instance_profile(InstanceProfileName=PROFILE)
    account.calls()
    assert account.good(**options, instance_profile=False)["changed"] is False
    assert "iam:GetInstanceProfile" not in account.calls()
    checked, done = account.good(check=True, **options), account.good(**options)
    assert (checked["changes"], checked["diff"]) == (done["changes"], done["diff"])
    assert done["changes"] == [f"delete instance profile {PROFILE}"]
    assert done["diff"] == {"before": {"instance_profiles": [PROFILE]}, "after": {}}
    account.good(kind="container_instance", name="another", instance_profile=PROFILE)
    assert account.good(**options)["changed"] is False


def test_a_profile_by_true_is_the_documented_one(account: Account) -> None:
    role = account.good(kind="container_instance", instance_profile=True)["iam_role"]
    assert role["instance_profiles"] == [{"instance_profile_name": PROFILE}]


@pytest.mark.parametrize("purge", [True, False])
def test_a_tag_in_another_spelling_takes_the_place(account: Account, purge: bool) -> None:
    account.good(tags={"Owner": "a", "stage": "test"})
    options: dict[str, Any] = {"tags": {"owner": "b", "stage": "test"}, "purge_tags": purge}
    done = account.good(**options)
    assert done["changes"] == [f"tag role {NAME} with owner=b"]
    assert done["iam_role"]["tags"] == {"owner": "b", "stage": "test"}
    again = account.good(**options)
    assert (again["changed"], again["iam_role"]) == (False, done["iam_role"])


def test_a_profile_that_is_there_already(account: Account) -> None:
    iam = account.iam()
    iam.create_instance_profile(InstanceProfileName="ecsInstanceRole-profile")
    result = account.good(kind="container_instance")
    assert not any("create instance profile" in words for words in result["changes"])
    words = account.bad(kind="container_instance", name="another", instance_profile="ecsInstanceRole-profile")
    assert "instance profile ecsInstanceRole-profile holds the role ecsInstanceRole" in words
    assert account.good(kind="container_instance", name="another", instance_profile=False)["changed"] is True
