# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against the emulator: its arguments in, its JSON out, and what AWS was asked for in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _iam_policy_plan
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan
from emulator.client import REGION, SSM_TRUST, Client

MODULE = "ecs_iam_policy"
ARN = "arn:aws:iam::123456789012:policy/"
INVENTORY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inventory/*"}],
}
UNCHANGED = {"sts:GetCallerIdentity": 1, "iam:GetPolicy": 1, "iam:GetPolicyVersion": 1}


def numbered(number: int) -> dict[str, Any]:
    """A document unlike those of other numbers."""
    return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": f"s3:Get{number}", "Resource": "*"}}


class Policies:
    """Run the module in an emulated account, order faults, look at it with boto3."""

    def __init__(self, modules: Any, account: Client) -> None:
        self.modules = modules
        self.account = account
        self.iam = account.boto("iam")

    def good(self, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of a run that must not fail."""
        result: dict[str, Any] = (self.modules.check if check else self.modules.run)(MODULE, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def bad(self, **options: Any) -> str:
        """The words of a run that must fail."""
        result = self.modules.run(MODULE, **options)
        assert result.get("failed"), result
        return str(result["msg"])

    def calls(self) -> dict[str, int]:
        """The calls since the last look."""
        found: dict[str, int] = self.modules.calls()
        return found

    def fault(self, operation: str, code: str, status: int = 404, **more: Any) -> None:
        """The next call of an operation fails."""
        order = {"service": "iam", "operation": operation, "kind": "error", "code": code, "status": status, **more}
        self.account.control("POST", "faults", order)

    def people(self) -> list[dict[str, str]]:
        """A role, a user and a group, for attach_to."""
        self.iam.create_role(RoleName="app", AssumeRolePolicyDocument=SSM_TRUST)
        self.iam.create_user(UserName="ann", Path="/people/")
        self.iam.create_group(GroupName="operators")
        self.calls()
        return [
            {"type": "role", "name": "app"},
            {"type": "user", "name": "ann"},
            {"type": "group", "name": "operators"},
        ]

    def document(self, name: str) -> Any:
        """The document that counts."""
        version = self.iam.get_policy(PolicyArn=ARN + name)["Policy"]["DefaultVersionId"]
        return self.iam.get_policy_version(PolicyArn=ARN + name, VersionId=version)["PolicyVersion"]["Document"]


@pytest.fixture
def policies(modules: Any, account: Client, quick: list[float]) -> Policies:
    """An empty account."""
    return Policies(modules, account)


def test_a_policy_of_the_catalogue(policies: Policies) -> None:
    checked = policies.good(check=True, kind="cloudwatch_logs", tags={"a": "b"})
    assert policies.calls() == {"sts:GetCallerIdentity": 1, "iam:GetPolicy": 1}
    done = policies.good(kind="cloudwatch_logs", tags={"a": "b"})
    assert done["changes"] == checked["changes"] == ["create policy cwlogspolicy"]
    assert done["diff"] == checked["diff"]
    made = {"policy_id", "create_date", "default_version_id"}
    assert {key: value for key, value in done["iam_policy"].items() if key not in made} == checked["iam_policy"]
    policies.calls()
    again = policies.good(kind="cloudwatch_logs", tags={"a": "b"})
    assert again["changed"] is False
    assert again["diff"] == {"before": {}, "after": {}}
    assert again["iam_policy"] == done["iam_policy"]
    assert policies.calls() == UNCHANGED
    assert policies.document("cwlogspolicy")["Statement"][0]["Resource"] == "arn:aws:logs:*:*:*"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"name": "x"}, "kind or document: one of them must say what the policy allows"),
    "both": ({"kind": "exec", "document": INVENTORY}, "kind and document: give one of them"),
    "no name": ({"document": INVENTORY}, "a policy without kind has no name of its own, set the option name"),
    "name": ({"kind": "exec", "name": "a b"}, "name: 'a b' is not 1 to 128 letters"),
    "long name": ({"kind": "exec", "name": "a" * 129}, "1 to 128"),
    "name with a path": ({"kind": "exec", "name": "team/x"}, "a path goes into the option path"),
    "path": ({"kind": "exec", "path": "team"}, "path: 'team' must begin and end with /"),
    "path with what IAM has not": ({"kind": "exec", "path": "/a b/"}, "letters, digits or _+=,.@- between them"),
    "long path": ({"kind": "exec", "path": f"/{'x' * 511}/"}, "512 characters at most"),
    "description": ({"kind": "exec", "description": "x" * 1001}, "description: at most 1000 characters, not 1001"),
    "malformed JSON": ({"name": "x", "document": "{"}, "document is not JSON"),
    "no object": ({"name": "x", "document": "[]"}, "document must be a JSON object"),
    "no statement": ({"name": "x", "document": {}}, "document has no Statement"),
    "effect": ({"name": "x", "document": {"Statement": {"Effect": "allow"}}}, "Effect must be Allow or Deny"),
    "version": (
        {"name": "x", "document": {**INVENTORY, "Version": "2008-10-17"}},
        'IAM takes a managed policy only with "Version": "2012-10-17"',
    ),
    "no version": ({"name": "x", "document": {"Statement": INVENTORY["Statement"]}}, "managed policy only with"),
    "no resource": (
        {"name": "x", "document": {**INVENTORY, "Statement": {"Effect": "Allow", "Action": "s3:GetObject"}}},
        "statement 1 of document needs one of Resource and NotResource",
    ),
    "size": (
        {"name": "x", "document": {**INVENTORY, "Statement": {**INVENTORY["Statement"][0], "Sid": "x" * 6144}}},  # type: ignore[dict-item]  # it is one
        "without white space, IAM allows 6144 for a managed policy: make two of it",
    ),
    "size of many": (
        {"kind": "ecr_pull", "repositories": [f"{'x' * 100}{n}" for n in range(60)]},
        "IAM allows 6144 for a managed policy",
    ),
    "resource for a document": (
        {"name": "x", "document": INVENTORY, "clusters": ["a"]},
        "clusters: it limits a policy of the catalogue (kind)",
    ),
    "regions for a document": ({"name": "x", "document": INVENTORY, "regions": ["eu-west-1"]}, "regions: it limits"),
    "resource not used": (
        {"kind": "ecr_pull", "clusters": ["a"]},
        "kind ecr_pull is not limited to it; it knows repos",
    ),
    "resource where there is none": ({"kind": "exec", "clusters": ["a"]}, "it knows no resource at all"),
    "resource missing": ({"kind": "s3_config"}, "kind s3_config needs s3_objects"),
    "one of two missing": ({"kind": "secrets"}, "kind secrets needs secrets or parameters"),
    "hook without function": ({"kind": "lifecycle_hook"}, "kind lifecycle_hook needs lambda_functions"),
    "no roles": ({"kind": "pass_role", "role_kind": "task"}, "kind pass_role needs roles"),
    "no kind of roles": (
        {"kind": "pass_role", "roles": ["a"]},
        "kind pass_role needs role_kind, the kind of the roles",
    ),
    "kind of roles": ({"kind": "exec", "role_kind": "task"}, "role_kind: it is for the kind pass_role"),
    "any role": ({"kind": "operator", "roles": ["*"]}, "roles: '*' stands for more than one role"),
    "some roles": (
        {"kind": "pass_role", "role_kind": "task", "roles": ["arn:aws:iam::123456789012:role/app-?"]},
        "stands for more than one role; iam:PassRole is for exact names only",
    ),
    "role": ({"kind": "operator", "roles": ["a b"]}, "roles: 'a b' is neither a name such as ecsTaskExecutionRole"),
    "a path alone": ({"kind": "operator", "roles": ["/factory/"]}, "roles: '/factory/' is neither a name"),
    "two slashes": ({"kind": "operator", "roles": ["//hosts"]}, "roles: '//hosts' is neither a name"),
    "two slashes in an ARN": (
        {"kind": "operator", "roles": ["arn:aws:iam::123456789012:role//factory/hosts"]},
        "roles: the name '/factory/hosts' in arn:aws:iam::123456789012:role//factory/hosts is not one such as",
    ),
    "two slashes in the ARN of a parameter": (
        {"kind": "secrets", "parameters": ["arn:aws:ssm:eu-west-1:123456789012:parameter//db"]},
        "parameters: the name '/db'",
    ),
    "repository": ({"kind": "ecr_pull", "repositories": ["A"]}, "repositories: 'A' is neither a name"),
    "ARN of another service": (
        {"kind": "ecr_pull", "repositories": ["arn:aws:ecs:eu-west-1:123456789012:cluster/a"]},
        "is not an ARN such as arn:aws:ecr:",
    ),
    "partition of an ARN": (
        {"kind": "ecr_pull", "repositories": ["arn:aws-cn:ecr:cn-north-1:123456789012:repository/a"]},
        "is of the partition aws-cn",
    ),
    "partition of a Region": (
        {"kind": "ecr_pull", "repositories": ["ab"], "regions": ["eu-west-1", "cn-north-1"]},
        "cn-north-1 is not in the partition aws",
    ),
    "Region": ({"kind": "exec", "regions": ["Ireland"]}, "'Ireland' is not the name of a Region such as eu-west-1"),
    "no Region": ({"kind": "external_instance", "region": None}, "set the option region or regions, or AWS_REGION"),
    "holder by ARN": (
        {"kind": "exec", "attach_to": [{"type": "role", "name": "arn:aws:iam::123456789012:role/a"}]},
        "is not the name of a role: 1 to 64 letters",
    ),
    "holder's long name": ({"kind": "exec", "attach_to": [{"type": "user", "name": "a" * 65}]}, "1 to 64 letters"),
    "holder's type": ({"kind": "exec", "attach_to": [{"type": "team", "name": "a"}]}, "must be one of: role, user, gr"),
    "purge without attach_to": ({"kind": "exec", "purge_attachments": True}, "say in attach_to who keeps the policy"),
    "too many tags": ({"kind": "exec", "tags": {str(n): "" for n in range(51)}}, "tags: 51 tags"),
    "tag of AWS": ({"kind": "exec", "tags": {"aws:x": "y"}}, "reserved for AWS"),
    "kind": ({"kind": "everything"}, "value of kind must be one of"),
    "nameless absence": ({"state": "absent"}, "set the option name"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_before_any_call(policies: Policies, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    options, words = BAD[case]
    assert words in policies.bad(**options)
    assert policies.calls() == {}


def test_a_document_of_ones_own(policies: Policies) -> None:
    done = policies.good(name="inventory", path="/plant/", document=json.dumps(INVENTORY), description="Stock")
    assert done["iam_policy"]["arn"] == f"{ARN}plant/inventory"
    assert done["iam_policy"]["description"] == "Stock"
    spelled = {
        "Statement": {**INVENTORY["Statement"][0], "Action": ["S3:getobject"]},  # type: ignore[dict-item]  # it is one
        "Version": "2012-10-17",
    }
    again = policies.good(name="inventory", path="/plant/", document=spelled)
    assert again["changed"] is False
    assert again["iam_policy"] == done["iam_policy"]


def test_a_document_that_iam_has_rewritten_is_the_same(policies: Policies) -> None:
    policies.account.control("POST", "settings", {"canonical_documents": True})
    options: dict[str, Any] = {"kind": "secrets", "secrets": ["b", "a"], "parameters": ["/z", "/y"]}
    policies.good(**options)
    assert policies.good(**options)["changed"] is False


def test_a_policy_of_aws_with_the_same_name_is_another(policies: Policies) -> None:
    done = policies.good(name="AmazonECS_FullAccess", document=INVENTORY)
    assert done["changes"] == ["create policy AmazonECS_FullAccess"]
    assert not [call for call in policies.calls() if call.startswith("iam:List")]


def test_a_changed_document_is_a_new_version(policies: Policies) -> None:
    policies.good(name="x", document=numbered(1))
    checked = policies.good(check=True, name="x", document=numbered(2))
    assert "default_version_id" not in checked["iam_policy"]
    policies.calls()
    done = policies.good(name="x", document=numbered(2))
    assert policies.calls() == {**UNCHANGED, "iam:ListPolicyVersions": 1, "iam:CreatePolicyVersion": 1}
    assert done["changes"] == checked["changes"] == ["change the document of policy x by a new version"]
    assert (
        done["diff"]
        == checked["diff"]
        == {
            "before": {"document": numbered(1)},
            "after": {"document": numbered(2)},
        }
    )
    assert done["iam_policy"]["default_version_id"] == "v2"
    assert policies.document("x") == numbered(2)
    assert policies.good(name="x", document=numbered(2))["iam_policy"] == done["iam_policy"]


def test_the_sixth_version_takes_the_place_of_the_oldest(policies: Policies) -> None:
    for number in range(11):
        policies.good(name="x", document=numbered(number))
    result = policies.good(name="x", document=numbered(11))
    assert result["changes"][0] == "delete version v7 of policy x, the oldest, since IAM keeps 5"
    assert policies.document("x") == numbered(11)
    kept = policies.iam.list_policy_versions(PolicyArn=f"{ARN}x")["Versions"]
    assert sorted(version["VersionId"] for version in kept) == ["v10", "v11", "v12", "v8", "v9"]


def test_the_default_version_is_never_deleted(policies: Policies) -> None:
    """Somebody went back to the first version: it is the oldest, and it counts."""
    for number in range(5):
        policies.good(name="x", document=numbered(number))
    policies.iam.set_default_policy_version(PolicyArn=f"{ARN}x", VersionId="v1")
    policies.fault("CreatePolicyVersion", "ServiceFailure", 500, count=-1)
    result = policies.modules.run(MODULE, name="x", document=numbered(7))
    assert result["changes"] == ["delete version v2 of policy x, the oldest, since IAM keeps 5"]
    assert result["changed"] is True
    assert policies.document("x") == numbered(0)


def test_what_iam_cannot_change_is_warned_of(policies: Policies) -> None:
    policies.good(kind="exec", description="one")
    result = policies.good(kind="exec", description="two")
    assert result["changed"] is False
    assert "keeps its description 'one': IAM cannot change it to 'two'" in result["printed"]
    assert result["iam_policy"]["description"] == "one"


def test_tags(policies: Policies) -> None:
    policies.good(kind="exec", tags={"a": "1", "b": "2"})
    assert policies.good(kind="exec")["changed"] is False
    result = policies.good(kind="exec", tags={"b": "3", "c": "4"})
    assert result["changes"] == ["remove the tags a from policy ecsExec", "tag policy ecsExec with b=3, c=4"]
    assert result["diff"] == {"before": {"tags": {"a": "1", "b": "2"}}, "after": {"tags": {"b": "3", "c": "4"}}}
    kept = policies.good(kind="exec", tags={"d": "5"}, purge_tags=False)["iam_policy"]["tags"]
    assert kept == {"b": "3", "c": "4", "d": "5"}
    assert policies.good(kind="exec", tags={"d": "5"}, purge_tags=False)["changed"] is False
    assert policies.good(kind="exec", tags={})["iam_policy"]["tags"] == {}


# Attachments -------------------------------------------------------------------------------------------------------


def test_attach_to(policies: Policies) -> None:
    people = policies.people()
    done = policies.good(kind="exec", attach_to=people)
    assert done["changes"] == [
        "create policy ecsExec",
        "attach policy ecsExec to group operators",
        "attach policy ecsExec to role app",
        "attach policy ecsExec to user ann",
    ]
    assert done["iam_policy"]["attached_to"] == sorted(people, key=lambda one: one["type"])
    policies.calls()
    again = policies.good(kind="exec", attach_to=people)
    assert again["changed"] is False
    assert again["iam_policy"] == done["iam_policy"]
    assert policies.calls() == {**UNCHANGED, "iam:ListEntitiesForPolicy": 1}


def test_others_keep_it_unless_purged(policies: Policies) -> None:
    people = policies.people()
    policies.good(kind="exec", attach_to=people[:2])
    assert policies.good(kind="exec", attach_to=people[2:])["changes"] == ["attach policy ecsExec to group operators"]
    purged = policies.good(kind="exec", attach_to=people[2:], purge_attachments=True)
    assert purged["changes"] == ["detach policy ecsExec from role app", "detach policy ecsExec from user ann"]
    assert purged["diff"]["before"] == {"attachments": ["group operators", "role app", "user ann"]}
    assert purged["diff"]["after"] == {"attachments": ["group operators"]}
    nobody = policies.good(kind="exec", attach_to=[], purge_attachments=True)
    assert nobody["changes"] == ["detach policy ecsExec from group operators"]


def test_a_new_holder_never_has_the_old_document(policies: Policies) -> None:
    people = policies.people()
    policies.good(name="x", document=numbered(1), attach_to=people[:1])
    result = policies.good(name="x", document=numbered(2), attach_to=people[1:2], purge_attachments=True)
    assert [words.split()[0] for words in result["changes"]] == ["change", "attach", "detach"]


def test_nobody_is_given_what_is_not_there(policies: Policies) -> None:
    nobody = [{"type": "user", "name": "nobody"}]
    checked = policies.good(check=True, kind="exec", attach_to=nobody)
    assert checked["changes"] == ["create policy ecsExec", "attach policy ecsExec to user nobody"]
    assert "there is no user nobody in the account; the task fails unless" in checked["printed"]
    policies.calls()
    assert "there is no user nobody in the account, so nothing was changed" in policies.bad(
        kind="exec", attach_to=nobody
    )
    assert policies.modules.writes() == 0


def test_attachments_come_in_pages(policies: Policies) -> None:
    people = policies.people()
    policies.good(kind="exec", attach_to=people)
    policies.account.control("POST", "settings", {"page_size_limit": 1})
    assert policies.good(kind="exec", attach_to=people)["changed"] is False
    policies.account.control("POST", "settings", {"page_size_limit": None})


# Deletion ----------------------------------------------------------------------------------------------------------


def test_absent(policies: Policies) -> None:
    for number in range(3):
        policies.good(name="x", document=numbered(number))
    checked = policies.good(check=True, name="x", state="absent")
    done = policies.good(name="x", state="absent")
    assert (
        done["changes"]
        == checked["changes"]
        == [
            "delete version v1 of policy x",
            "delete version v2 of policy x",
            "delete policy x",
        ]
    )
    assert done["diff"] == checked["diff"]
    assert done["diff"]["after"] == {}
    assert done["iam_policy"] == {}
    policies.calls()
    assert policies.good(name="x", state="absent")["changed"] is False
    assert policies.calls() == {"sts:GetCallerIdentity": 1, "iam:GetPolicy": 1}


def test_absent_takes_it_only_from_those_named(policies: Policies) -> None:
    people = policies.people()
    policies.good(kind="exec", attach_to=people)
    words = policies.bad(kind="exec", state="absent", attach_to=people[:1])
    assert "policy ecsExec is not deleted: it is attached to group operators, user ann" in words
    assert "purge_attachments: true" in words
    assert policies.good(kind="exec", attach_to=people)["changed"] is False
    result = policies.good(kind="exec", state="absent", attach_to=people[:1], purge_attachments=True)
    assert result["changes"][-1] == "delete policy ecsExec"
    assert len(result["changes"]) == 4


def test_a_boundary_is_never_taken_away(policies: Policies) -> None:
    arn = policies.good(kind="exec")["iam_policy"]["arn"]
    policies.iam.create_role(RoleName="app", AssumeRolePolicyDocument=SSM_TRUST, PermissionsBoundary=arn)
    words = policies.bad(kind="exec", state="absent", purge_attachments=True)
    assert "it is the permissions boundary of role app" in words


# Others at the same time -------------------------------------------------------------------------------------------


def test_another_controller_creates_it(policies: Policies) -> None:
    people = policies.people()
    policies.fault("CreatePolicy", "EntityAlreadyExists", 409, after=True)
    result = policies.good(kind="exec", attach_to=people[:1])
    assert result["changes"] == [
        "create policy ecsExec: another controller did, while this task ran",
        "attach policy ecsExec to role app",
    ]
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["attachments"] == ["role app"]


def test_the_name_is_taken_under_another_path(policies: Policies) -> None:
    policies.good(kind="exec", path="/a/")
    words = policies.bad(kind="exec")
    assert "EntityAlreadyExists" in words
    assert "under another path, or in another case: give its path in the option path" in words


def test_it_goes_between_reading_and_writing(policies: Policies) -> None:
    policies.good(name="x", document=numbered(1))
    policies.fault("CreatePolicyVersion", "NoSuchEntity")
    assert policies.good(name="x", document=numbered(2))["changed"] is True
    assert policies.document("x") == numbered(2)
    policies.fault("GetPolicyVersion", "NoSuchEntity")
    assert policies.good(name="x", document=numbered(2))["changed"] is False
    policies.fault("DeletePolicy", "NoSuchEntity", after=True)
    assert policies.good(name="x", state="absent")["iam_policy"] == {}


@pytest.mark.parametrize("operation", ["DeletePolicy", "DetachRolePolicy"])
def test_what_was_done_by_a_call_without_an_answer_is_a_change(policies: Policies, operation: str) -> None:
    people = policies.people()[:1] if operation == "DetachRolePolicy" else []
    policies.good(kind="exec", attach_to=people)
    fault = {"service": "iam", "operation": operation, "kind": "drop", "after": True}
    policies.account.control("POST", "faults", fault)
    gone: dict[str, Any] = {"attach_to": [], "purge_attachments": True} if people else {"state": "absent"}
    result = policies.good(kind="exec", **gone)
    verb = "change" if people else "delete"
    assert result["changed"] is True
    assert result["changes"] == [
        f"{verb} policy ecsExec: another controller did, while this task ran, or the answer to a call of this task was "
        "lost"
    ]
    assert policies.good(kind="exec", **gone)["changed"] is False


def test_the_next_task_finds_the_new_policy(policies: Policies, quick: list[float]) -> None:
    """IAM does not show it at once: this task waits, as the next one would say that it is not there."""
    policies.fault("GetPolicy", "NoSuchEntity", skip=1, count=2)
    policies.good(name="own", document=numbered(1))
    assert len(quick) == 2
    done = policies.modules.run("ecs_iam_role", kind="task", name="app", managed_policies=["own"])
    assert done["changed"], done["msg"]


def test_more_tags_than_fit_are_refused_before_anything_is_changed(policies: Policies) -> None:
    policies.good(name="x", document=numbered(1), tags={f"k{number}": "" for number in range(50)})
    options = {"name": "x", "document": numbered(2), "tags": {"a": ""}, "purge_tags": False}
    assert "tags: policy x would have 51 tags with those that it has already" in policies.bad(**options)
    assert policies.document("x") == numbered(1)


def test_another_controller_makes_the_fifth_version(policies: Policies) -> None:
    policies.good(name="x", document=numbered(1))
    policies.fault("CreatePolicyVersion", "LimitExceeded", 409)
    assert policies.good(name="x", document=numbered(2))["changed"] is True


def test_somebody_gets_it_while_it_is_deleted(policies: Policies, quick: list[float]) -> None:
    policies.good(kind="exec")
    policies.fault("DeletePolicy", "DeleteConflict", 409)
    assert policies.good(kind="exec", state="absent")["changes"] == ["delete policy ecsExec"]
    assert len(quick) == 1


def test_what_was_done_is_told_when_a_later_round_refuses(policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else gets it between the two looks."""
    policies.good(kind="exec", attach_to=policies.people()[:1])
    real, looks = _iam_policy_plan.absent, [1]

    def absent(wanted: Wanted, found: Found | None) -> Plan:
        if not looks:
            raise EcsError("refused")
        looks.pop()
        return real(wanted, found)

    monkeypatch.setattr(_iam_policy_plan, "absent", absent)
    policies.fault("DeletePolicy", "NoSuchEntity")
    result = policies.modules.run(MODULE, kind="exec", state="absent", purge_attachments=True)
    assert (result["msg"], result["changed"]) == ("refused", True)
    assert result["changes"] == ["detach policy ecsExec from role app"]


def test_a_race_that_never_ends_ends(policies: Policies, quick: list[float]) -> None:
    policies.good(kind="exec")
    policies.fault("DeletePolicy", "DeleteConflict", 409, count=-1)
    assert "iam:DeletePolicy failed for policy ecsExec: DeleteConflict" in policies.bad(kind="exec", state="absent")


def test_iam_needs_time_to_know_a_new_policy(policies: Policies) -> None:
    people = policies.people()
    policies.fault("AttachUserPolicy", "NoSuchEntity")
    result = policies.good(kind="exec", attach_to=people[1:2])
    assert result["changes"] == ["create policy ecsExec", "attach policy ecsExec to user ann"]


def test_a_refusal_names_the_permission_and_what_was_done(policies: Policies) -> None:
    people = policies.people()
    policies.fault("AttachRolePolicy", "AccessDenied", 403)
    result = policies.modules.run(MODULE, kind="exec", attach_to=people[:1])
    assert "The caller lacks the permission iam:AttachRolePolicy on policy ecsExec" in result["msg"]
    assert result["changes"] == ["create policy ecsExec"]
    assert result["changed"] is True


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_other_partitions(policies: Policies, region: str) -> None:
    partition = "aws-cn" if region.startswith("cn") else "aws-us-gov"
    result = policies.good(kind="external_instance", region=region)
    assert result["iam_policy"]["arn"] == f"arn:{partition}:iam::123456789012:policy/ecsAnywhereAgents"
    assert f"arn:{partition}:ecs:{region}:123456789012:cluster/*" in result["printed"]
    assert "arn:aws:" not in json.dumps(result["iam_policy"])
    assert policies.good(kind="external_instance", region=region)["changed"] is False


# What an operator can do with it ------------------------------------------------------------------------------------


def test_an_operator_enrolls_drains_and_offboards_with_it_and_no_more(policies: Policies) -> None:
    """As a user with nothing but this policy; the emulator judges as AWS does."""
    modules, role = policies.modules, "ecsAnywhereRole"
    modules.run("ecs_iam_role", kind="anywhere")
    modules.run("ecs_iam_role", kind="anywhere", name="other")
    fleet = {"count": 1, "Region": REGION, "IamRole": role}
    (host,) = policies.account.control("POST", "seed", {"fleet": {**fleet, "cluster": "edge"}})["fleet"]
    (stranger,) = policies.account.control("POST", "seed", {"fleet": {**fleet, "cluster": "far"}})["fleet"]
    policies.iam.create_user(UserName="ann")
    holder = [{"type": "user", "name": "ann"}]
    parameter = "/ecs/activation"
    policies.good(kind="operator", clusters=["edge"], roles=[role], parameters=[parameter], attach_to=holder)
    key = policies.iam.create_access_key(UserName="ann")["AccessKey"]
    ann = {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    def good(module: str, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = modules.run(module, **options, **ann)
        assert not result.get("failed"), result["msg"]
        return result

    def lacks(module: str, **options: Any) -> str:
        result = modules.run(module, **options, **ann)
        assert result.get("failed"), result
        return str(result["msg"])

    edge = {"cluster": "edge", "instance_ids": [host]}
    assert good("ecs_iam_role", kind="anywhere")["changed"] is False
    assert good("ssm_activation", iam_role=role, store=parameter, tags={"a": "b"})["changed"] is True
    assert good("ssm_activation", iam_role=role, store=parameter, state="absent")["changed"] is True
    assert good("ecs_external_instance", **edge, attributes={"site": "x"}, tags={"a": "b"})["changed"] is True
    assert good("ecs_external_instance", **edge, tags={})["changed"] is True
    assert good("ecs_external_instance_info", cluster="edge")["changed"] is False
    assert good("ecs_external_instance", **edge, state="draining")["changed"] is True
    assert good("ecs_external_instance", **edge, state="absent")["changed"] is True

    assert "lacks the permission iam:PassRole" in lacks("ssm_activation", iam_role="other")
    assert "iam:GetRole" in lacks("ecs_iam_role", kind="anywhere", name="other")
    assert "iam:UpdateAssumeRolePolicy" in lacks("ecs_iam_role", kind="anywhere", trust_conditions="none")
    assert "ecs:ListContainerInstances" in lacks("ecs_external_instance", cluster="far", instance_ids=[stranger])
    assert "iam:GetPolicy" in lacks(MODULE, kind="exec")


@pytest.mark.parametrize("role", ["/factory/hosts", "factory/hosts", "arn:aws:iam::123456789012:role/factory/hosts"])
def test_a_role_with_a_path(policies: Policies, role: str) -> None:
    result = policies.good(kind="pass_role", role_kind="anywhere", roles=[role])
    assert '"arn:aws:iam::123456789012:role/factory/hosts"' in json.dumps(result["iam_policy"])


def test_a_role_is_passed_with_it_and_no_other(policies: Policies) -> None:
    policies.modules.run("ecs_iam_role", kind="anywhere")
    policies.modules.run("ecs_iam_role", kind="anywhere", name="other")
    holder = [{"type": "user", "name": "ann"}]
    policies.iam.create_user(UserName="ann")
    policies.good(kind="pass_role", role_kind="anywhere", roles=["ecsAnywhereRole"], attach_to=holder)
    create = {**INVENTORY["Statement"][0], "Action": "ssm:CreateActivation", "Resource": "*"}  # type: ignore[dict-item]  # it is one
    policies.good(name="activate", document={**INVENTORY, "Statement": create}, attach_to=holder)
    key = policies.iam.create_access_key(UserName="ann")["AccessKey"]
    ann = {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}
    assert policies.modules.run("ssm_activation", iam_role="ecsAnywhereRole", **ann)["changed"] is True
    assert "iam:PassRole" in policies.modules.run("ssm_activation", iam_role="other", **ann)["msg"]
