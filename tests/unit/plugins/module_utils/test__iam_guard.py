# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a role's permissions and trust nodes would lose, of which ``test_guard.py`` looks at the whole."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _iam_documents, _iam_guard, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted

HERE = _iam_documents.Where("aws", "123456789012", ("eu-west-1",))
TRUST = _iam_documents.trust(_catalog.ANYWHERE, "documented", HERE)
CORE = f"arn:aws:iam::aws:policy/{_catalog.SSM_POLICY}"
EC2 = f"arn:aws:iam::aws:policy/{_catalog.EC2_ROLE_POLICY}"
BOUNDARY = "arn:aws:iam::123456789012:policy/team"
SSM, ECS = _catalog.SSM_AGENT_REQUIRES, _catalog.ECS_AGENT_REQUIRES
#: What people write by hand for an SSM agent.
CHANNELS = ("ssmmessages:*", "ec2messages:*")


class OneNode:
    """An account with a node that lives on the role, and a policy that is a boundary."""

    region_or_none = "eu-west-1"

    def __init__(self, *boundary: str) -> None:
        self.boundary = boundary

    def call(self, _service: str, operation: str, _who: str, *_args: t.Any, **_params: t.Any) -> dict[str, t.Any]:
        """Of the boundary."""
        if operation == "GetPolicy":
            return {"Policy": {"DefaultVersionId": "v1"}}
        return {"PolicyVersion": {"Document": document(*self.boundary)}}

    def pages(self, *_args: t.Any, **_params: t.Any) -> t.Iterator[dict[str, t.Any]]:
        """The nodes."""
        yield {"InstanceId": "mi-1", "PingStatus": "Online"}


def document(*actions: str) -> _policy.Document:
    """Of one statement."""
    return _policy.document([_policy.statement(actions, ["*"])])


def role(*managed: str, inline: tuple[str, ...] = ()) -> Found:
    """A role with policies of AWS and one by hand."""
    shown = {"RoleName": "hosts", "Path": "/", "Arn": "arn:aws:iam::123456789012:role/hosts"}
    attached = {arn: arn for arn in managed}
    return Found({**shown, "AssumeRolePolicyDocument": TRUST}, attached, {"hosts": document(*inline)} if inline else {})


def becoming(before: Found, after: Found, boundary: bool = False) -> Wanted:
    """The role with the trust and the policies of another one."""
    return Wanted(
        kind="anywhere",
        name="hosts",
        arn=before.role["Arn"],
        path=None,
        description=None,
        max_session_duration=None,
        permissions_boundary=BOUNDARY if boundary else None,
        trust=after.trust,
        managed=tuple(after.attached),
        inline=after.inline,
        ours_managed=frozenset(),
        ours_inline=frozenset(),
        purge_policies=True,
        tags=None,
        purge_tags=False,
        profile=None,
    )


OPTIONS: dict[str, t.Any] = {"state": "present", "regions": None, "clusters": []}


def lost(before: Found, after: Found, *boundary: str) -> str:
    """Who loses what with the change; empty when nobody does."""
    wanted = becoming(before, after, bool(boundary))
    use = _iam_guard.find_use(t.cast(Aws, OneNode(*boundary)), OPTIONS, wanted, before)
    return f"{use.users}. {use.out}" if use else ""


FULL = role(CORE, EC2)
BY_HAND = role(inline=(*SSM, *CHANNELS, "ecs:*"))


@pytest.mark.parametrize(
    ("before", "after", "agent", "action"),
    [
        (FULL, role(EC2, inline=SSM), "the SSM agent", "ssmmessages:OpenControlChannel"),
        (FULL, role(EC2, inline=(*SSM, "ssm:List*", "ssmmessages:*")), "the SSM agent", "ec2messages:GetMessages"),
        (FULL, role(EC2, inline=CHANNELS), "the SSM agent", "ssm:UpdateInstanceInformation"),
        (FULL, role(CORE, inline=(*ECS, "ecs:TagResource", "ecr:*", "logs:*")), "the ECS agent", "StartTelemetry"),
        (FULL, role(CORE, inline=(*ECS, "ecs:Start*", "ecr:*", "logs:*")), "the ECS agent", "ecs:TagResource"),
        (BY_HAND, role(inline=(*SSM, "ecs:*")), "the SSM agent", "ec2messages:SendReply"),
        (BY_HAND, role(inline=(*SSM, *CHANNELS, *ECS)), "the ECS agent", "ecs:StartTelemetrySession"),
        # It could do without some of them before, not without one of these.
        (role(inline=(*SSM, "ec2messages:*")), role(inline=SSM), "the SSM agent", "ec2messages:GetEndpoint"),
    ],
)
def test_what_an_agent_loses(before: Found, after: Found, agent: str, action: str) -> None:
    words = lost(before, after)
    assert f"would lose what {agent} needs: mi-1 (Online). Let a policy of the role allow it (" in words
    assert action in words


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A policy by hand that never allowed the channels.
        (role(inline=(*SSM, "ec2:*")), role(inline=SSM)),
        (role(inline=(*SSM, *ECS, "ec2:*")), role(inline=(*SSM, *ECS))),
        # One on which no agent lives: none can be online with it.
        (role(inline=CHANNELS), role(inline=("ec2:*",))),
        (BY_HAND, FULL),
        (FULL, role(inline=(*SSM, "ssm:List*", *CHANNELS, "ecs:*", "ecr:*", "logs:*"))),
    ],
)
def test_what_is_no_loss(before: Found, after: Found) -> None:
    assert lost(before, after) == ""


def test_a_boundary_that_shuts_a_part_out() -> None:
    """The agent is seen as online with what is left to it."""
    words = lost(FULL, FULL, *SSM, "ssm:List*", "ecs:*", "ecr:*", "logs:*", "ec2messages:*")
    channels = "ssmmessages:CreateControlChannel, ssmmessages:OpenControlChannel"
    assert words.endswith(
        f"what the SSM agent needs: mi-1 (Online). Let the permissions_boundary allow it ({channels})"
    )
    telemetry = lost(FULL, FULL, "ssm*:*", "ec2messages:*", *ECS, "ecs:Tag*", "ecr:*", "logs:*")
    assert telemetry.endswith("Let the permissions_boundary allow it (ecs:StartTelemetrySession)")
    assert lost(role(inline=(*SSM, *ECS)), role(inline=(*SSM, *ECS)), *SSM, *ECS) == ""


@pytest.mark.parametrize("agents", [_catalog.ANYWHERE.agents, _catalog.CONTAINER_INSTANCE.agents], ids=len)
def test_what_agents_call_is_all_that_least_privilege_gives(agents: dict[str, _catalog.Feature]) -> None:
    """So it is no loss when it takes the place of AWS's policies, which allow more."""
    kind = _catalog.ANYWHERE if len(agents) > 1 else _catalog.CONTAINER_INSTANCE
    assert kind.least is not None
    given = {action for own in kind.least.own for one in own.statements for action in one.actions}
    assert {action for one in agents.values() for action in one.calls} == given
    assert all(set(one.actions) <= set(one.calls) for one in agents.values())


def test_from_managed_to_least_privilege() -> None:
    assert _catalog.ANYWHERE.least is not None
    own = _catalog.ANYWHERE.least.own[0]
    built = _iam_documents.permissions(own.statements, {}, HERE)
    least = replace(role(inline=("ecr:*", "logs:*")), inline={"rest": document("ecr:*", "logs:*"), own.name: built})
    assert lost(FULL, least) == ""
    assert lost(least, FULL) == ""


# Trust -------------------------------------------------------------------------------------------------------------

OTHER = "999999999999"


def trusting(kind: _catalog.Kind, conditions: t.Any) -> Found:
    """The role, with these conditions in its trust document."""
    found = role(CORE, EC2)
    return replace(found, role={**found.role, "AssumeRolePolicyDocument": _iam_documents.trust(kind, conditions, HERE)})


#: Each lets nobody of the role's own account in.
SHUT_OUT: list[dict[str, t.Any]] = [
    {"StringEquals": {"aws:SourceAccount": OTHER}},
    {"StringNotEquals": {"aws:SourceAccount": "123456789012"}},
    {"ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:eu-west-1:{OTHER}:*"}},
    {"ArnLike": {"aws:SourceArn": f"arn:aws:ssm:*:{OTHER}:*"}},
]


@pytest.mark.parametrize("conditions", SHUT_OUT, ids=str)
@pytest.mark.parametrize("before", ["documented", "none"])
def test_a_condition_for_another_account(before: str, conditions: t.Any) -> None:
    words = lost(trusting(_catalog.ANYWHERE, before), trusting(_catalog.ANYWHERE, conditions))
    assert words.startswith("managed nodes in eu-west-1 live on it and would lose their credentials: mi-1 (Online)")


@pytest.mark.parametrize("conditions", SHUT_OUT, ids=str)
@pytest.mark.parametrize("after", ["documented", "none", {"StringEquals": {"aws:SourceAccount": "111111111111"}}])
def test_who_is_shut_out_already_loses_nothing(conditions: t.Any, after: t.Any) -> None:
    assert lost(trusting(_catalog.ANYWHERE, conditions), trusting(_catalog.ANYWHERE, after)) == ""


@pytest.mark.parametrize(
    "conditions",
    [
        {"StringEquals": {"aws:SourceAccount": 123456789012}},
        {"StringLike": {"aws:SourceAccount": "1234*"}},
        {"StringNotEquals": {"aws:SourceAccount": OTHER}},
        {"ArnLike": {"aws:SourceArn": "arn:aws*:ssm:*:123456*:*"}},
    ],
    ids=str,
)
def test_a_condition_for_the_own_account_is_no_danger(conditions: t.Any) -> None:
    assert lost(trusting(_catalog.ANYWHERE, "documented"), trusting(_catalog.ANYWHERE, conditions)) == ""


class OneProvider(OneNode):
    """An account whose capacity provider makes its instances with the role."""

    def call(self, _service: str, operation: str, _who: str, *_args: t.Any, **_params: t.Any) -> dict[str, t.Any]:
        """The capacity provider."""
        assert operation == "DescribeCapacityProviders"
        provider = {"infrastructureRoleArn": "arn:aws:iam::123456789012:role/hosts"}
        return {"capacityProviders": [{"name": "factory", "managedInstancesProvider": provider}]}


@pytest.mark.parametrize("conditions", SHUT_OUT[:2], ids=str)
def test_an_infrastructure_role_for_another_account(conditions: t.Any) -> None:
    aws = t.cast(Aws, OneProvider())
    free, shut = (trusting(_catalog.INFRASTRUCTURE, choice) for choice in ("none", conditions))
    wanted = replace(becoming(free, shut), kind="infrastructure")
    use = _iam_guard.find_use(aws, OPTIONS, wanted, free)
    assert use and use.change == "changed in its trust"
    other = trusting(_catalog.INFRASTRUCTURE, {"StringEquals": {"aws:SourceAccount": "111111111111"}})
    assert _iam_guard.find_use(aws, OPTIONS, replace(becoming(shut, other), kind="infrastructure"), shut) is None


# Policies that are not there yet -----------------------------------------------------------------------------------


def test_at_best_a_policy_that_is_not_there_yet_allows_everything() -> None:
    """What is lost even then is lost for sure; what it does not matter for stays a loss."""
    aws = t.cast(Aws, OneNode("ecs:*"))
    bounded = becoming(FULL, FULL, boundary=True)
    attached = becoming(FULL, role(BOUNDARY, inline=SSM))
    assert _iam_guard.find_use(aws, OPTIONS, bounded, FULL)
    assert _iam_guard.find_use(aws, OPTIONS, attached, FULL)
    for wanted in (bounded, attached):
        assert _iam_guard.at_best(wanted, []) == wanted
        assert _iam_guard.find_use(aws, OPTIONS, _iam_guard.at_best(wanted, [BOUNDARY]), FULL) is None
    shut = replace(bounded, trust=trusting(_catalog.ANYWHERE, SHUT_OUT[0]).trust)
    use = _iam_guard.find_use(aws, OPTIONS, _iam_guard.at_best(shut, [BOUNDARY]), FULL)
    assert use and use.change == "changed in its trust"
