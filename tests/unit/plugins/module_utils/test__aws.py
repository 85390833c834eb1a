# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls to AWS, with a client of boto3 that answers what the test says."""

from __future__ import annotations

import time
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import exceptions, xform_name
from botocore.stub import Stubber

from ansible_collections.onprem.ecs.plugins.module_utils import _aws
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, NoAnswer, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

ROLE = "arn:aws-cn:iam::123456789012:user/x"


class Module:
    """As much of AnsibleAWSModule as is used."""

    def __init__(self, region: str | None = "eu-west-1") -> None:
        self.region = region
        self.made: list[tuple[str, str | None]] = []
        self.stubs: dict[str, Stubber] = {}

    def client(self, service: str, config: Any, region: str | None = None) -> Any:
        """A client whose calls are stubbed."""
        self.made.append((service, region))
        client = boto3.client(
            service,  # type: ignore[call-overload]  # any service
            region_name=region or self.region or "us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=config,
        )
        self.stubs[service] = Stubber(client)
        self.stubs[service].activate()
        return client


@pytest.fixture
def module() -> Module:
    return Module()


@pytest.fixture
def aws(module: Module) -> Aws:
    return Aws(module)


@pytest.mark.parametrize("service", ["iam", "ssm", "ecs", "sts"])
def test_methods_are_named_as_boto3_names_them(service: str) -> None:
    operations = botocore.session.get_session().get_service_model(service).operation_names
    assert {name: _aws.snake(name) for name in operations} == {name: xform_name(name) for name in operations}


def test_a_client_is_made_once_for_a_service_and_region(aws: Aws, module: Module) -> None:
    assert aws.client("iam") is aws.client("iam")
    assert aws.client("ssm", "eu-central-1") is not aws.client("ssm")
    assert aws.client("ssm", "eu-central-1") is aws.client("ssm", "eu-central-1")
    assert module.made == [("iam", None), ("ssm", "eu-central-1"), ("ssm", None)]
    assert aws.client("ssm", "eu-central-1").meta.region_name == "eu-central-1"


def test_an_answer_is_what_aws_said(aws: Aws, module: Module) -> None:
    aws.client("iam")
    module.stubs["iam"].add_response("list_role_policies", {"PolicyNames": ["a"]}, {"RoleName": "r"})
    answer = aws.call("iam", "ListRolePolicies", "role r", RoleName="r")
    assert answer == {"PolicyNames": ["a"]}


def test_the_items_of_all_pages_when_they_are_needed(aws: Aws, module: Module) -> None:
    aws.client("iam")
    stub = module.stubs["iam"]
    stub.add_response("list_role_policies", {"PolicyNames": ["a", "b"], "IsTruncated": True, "Marker": "m"})
    stub.add_response("list_role_policies", {"PolicyNames": ["c"]}, {"RoleName": "r", "Marker": "m"})
    pages = aws.pages("iam", "ListRolePolicies", "PolicyNames", "role r", RoleName="r")
    assert [next(pages), next(pages)] == ["a", "b"]
    with pytest.raises(AssertionError):
        stub.assert_no_pending_responses()
    assert list(pages) == ["c"]
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (("iam", "GetRole", "RoleName"), "NoSuchEntity", "iam:GetRole failed for it: NoSuchEntity: why"),
        (("iam", "GetRole", "RoleName"), "AccessDenied", "The caller lacks the permission iam:GetRole on it"),
        (
            ("ssm", "CreateActivation", "IamRole"),
            "AccessDeniedException",
            "permission ssm:CreateActivation and iam:PassRole on it",
        ),
    ],
)
def test_errors_say_what_where_and_which_permission(
    module: Module, call: tuple[str, str, str], code: str, words: str
) -> None:
    service, operation, parameter = call
    aws = Aws(module)
    aws.client(service)
    module.stubs[service].add_client_error(_aws.snake(operation), code, "why")
    with pytest.raises(AwsError) as caught:
        aws.call(service, operation, "it", **{parameter: "r"})
    assert words in str(caught.value)
    assert (caught.value.code, caught.value.operation) == (code, operation)


def test_a_page_that_fails_is_told_too(aws: Aws, module: Module) -> None:
    aws.client("iam")
    module.stubs["iam"].add_client_error("list_role_policies", "ServiceFailure", "")
    with pytest.raises(AwsError, match="iam:ListRolePolicies failed for role r: ServiceFailure"):
        list(aws.pages("iam", "ListRolePolicies", "PolicyNames", "role r", RoleName="r"))


def test_what_botocore_refuses_is_told_too(aws: Aws, module: Module) -> None:
    aws.client("iam")
    module.stubs["iam"].deactivate()
    with pytest.raises(AwsError, match="ParamValidationError"):
        aws.call("iam", "GetRole", "it", Name="r")


@pytest.mark.parametrize(
    ("error", "silent"),
    [
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), True),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), True),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), True),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), True),
        (exceptions.ProxyConnectionError(proxy_url="http://x"), True),
        (exceptions.SSLError(endpoint_url="https://x", error=OSError("certificate")), True),
        (exceptions.NoCredentialsError(), True),
        (exceptions.PartialCredentialsError(provider="env", cred_var="key"), True),
        (exceptions.CredentialRetrievalError(provider="process", error_msg="no"), True),
        (exceptions.UnauthorizedSSOTokenError(), True),
        (exceptions.ParamValidationError(report="too long"), False),
        (exceptions.PaginationError(message="the same token twice"), False),
        (exceptions.ClientError({"Error": {"Code": "ThrottlingException"}}, "GetRole"), False),
    ],
)
def test_only_who_is_not_reached_or_has_no_credentials_gives_no_answer(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, error: Exception, silent: bool
) -> None:
    """What botocore refuses by itself is about this call, and the next one may be good."""

    def fail(**_params: Any) -> None:
        raise error

    monkeypatch.setattr(aws.client("iam"), "get_role", fail)
    with pytest.raises(AwsError) as caught:
        aws.call("iam", "GetRole", "role r", RoleName="r")
    assert isinstance(caught.value, NoAnswer) == silent
    assert "iam:GetRole failed for role r: " in str(caught.value)


def test_the_caller_is_asked_for_once(aws: Aws, module: Module) -> None:
    aws.client("sts")
    module.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012", "Arn": ROLE, "UserId": "u"})
    assert aws.caller() == ("123456789012", "aws-cn", ROLE)
    assert aws.caller() is aws.caller()


@pytest.mark.parametrize("region", [None, ""])
def test_no_region(region: str | None) -> None:
    aws = Aws(Module(region))
    assert aws.region_or_none is None
    with pytest.raises(EcsError, match="no Region: set the option region"):
        _unused = aws.region


def test_eventually(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    errors = [AwsError("iam", "GetRole", "r", "NoSuchEntity", "")] * 3
    assert eventually(lambda: _raise(errors.pop()) if errors else "there", lambda error: True) == "there"
    assert len(slept) == 3
    with pytest.raises(AwsError):
        eventually(
            lambda: _raise(AwsError("iam", "GetRole", "r", "Other", "")), lambda error: error.code == "NoSuchEntity"
        )
    assert len(slept) == 3
    with pytest.raises(AwsError):
        eventually(lambda: _raise(AwsError("iam", "GetRole", "r", "X", "")), lambda error: True, retries=2)


def _raise(error: AwsError) -> None:
    raise error


class Profile(Module):
    """The Region stands in a profile: amazon.aws makes a session of boto3 to read it, some 40 ms each time."""

    def __init__(self) -> None:
        self.asked = 0
        super().__init__()

    @property
    def region(self) -> str | None:
        """The Region."""
        self.asked += 1
        return "eu-west-1"

    @region.setter
    def region(self, value: str | None) -> None:
        """What the profile says counts."""


def test_the_region_is_looked_up_once() -> None:
    profile = Profile()
    aws = Aws(profile)
    assert {aws.region for _host in range(1000)} == {aws.region_or_none} == {"eu-west-1"}
    assert profile.asked == 1


def test_nobody_waits_minutes_for_a_connection(aws: Aws) -> None:
    """The packets of a controller in a closed net are dropped in silence: each attempt lasts until its end."""
    config = aws.client("iam").meta.config
    assert config.retries["mode"] == "standard"
    assert config.connect_timeout * _aws.MAX_ATTEMPTS < 120


def test_a_message_that_more_follows_has_one_full_stop() -> None:
    error = AwsError("iam", "CreateRole", "role x", "EntityAlreadyExists", "Role with name x already exists.")
    assert str(error.with_remedy("Choose another")).endswith("Role with name x already exists. Choose another")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "User: u is not authorized to perform: iam:TagRole on resource: r",
            "The caller lacks the permission iam:TagRole",
        ),
        (
            "User: u is not authorized to perform: iam:GetRole on resource: r",
            "The caller lacks the permission iam:GetRole on it",
        ),
    ],
)
def test_the_permission_is_the_one_that_aws_names(message: str, words: str) -> None:
    assert str(AwsError("iam", "GetRole", "it", "AccessDenied", message)).endswith(words)


def test_a_wrong_key_is_told_with_the_region_but_in_iam() -> None:
    told = {service: str(AwsError(service, "GetIt", "it", "InvalidClientTokenId", "why")) for service in ("sts", "iam")}
    assert told["sts"].endswith("The key is wrong, or the account has not enabled the Region")
    assert told["iam"].endswith("The key is wrong")


def test_another_region_than_the_connections_is_named(aws: Aws, module: Module) -> None:
    """As one that the account has not opted in to, which answers as to a wrong key."""
    code = "UnrecognizedClientException"
    aws.client("ssm", "me-south-1")
    for _two in range(2):
        module.stubs["ssm"].add_client_error("describe_activations", code, "why")
    words = f"ssm:DescribeActivations failed for the activations in me-south-1: {code}: why. The key is wrong, or the "
    words += "account has not enabled the Region"
    with pytest.raises(AwsError, match=words):
        aws.call("ssm", "DescribeActivations", "the activations", "me-south-1")
    with pytest.raises(AwsError, match=words):
        list(aws.pages("ssm", "DescribeActivations", "ActivationList", "the activations", "me-south-1"))
