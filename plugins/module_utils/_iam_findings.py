# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The rules of the audit, and the findings on roles.

Pure. Each rule is a function that looks at a :class:`Subject`; here stands what its finding means and what helps.
docs/audit.md tells users the same.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.onprem.ecs.plugins.module_utils import _iam_findings_policies as policies
from ansible_collections.onprem.ecs.plugins.module_utils import _iam_findings_trust as trust
from ansible_collections.onprem.ecs.plugins.module_utils import _iam_findings_use as use
from ansible_collections.onprem.ecs.plugins.module_utils._iam_subject import Seen, Subject

SEVERITIES = ("high", "medium", "low", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    id: str
    severity: str
    role: str
    what: str
    evidence: str
    why: str
    remedy: str

    @property
    def rank(self) -> tuple[int, str, str, str]:
        """Findings are told in this order."""
        return (SEVERITIES.index(self.severity), self.role, self.id, self.what)

    def shown(self) -> dict[str, str]:
        """As the module returns it."""
        return asdict(self)


@dataclass(frozen=True)
class Rule:
    """What a finding means. ``{role}`` in ``remedy`` is the task that makes the role what it should be."""

    severity: str
    """Of findings that do not bring one of their own."""
    why: str
    remedy: str
    look: t.Callable[[Subject], t.Iterable[Seen]]


def _nothing(_subject: Subject) -> t.Iterable[Seen]:
    """For what is not there there is nothing to look at: ``missing`` and ``left_over`` tell it."""
    return ()


RULES: dict[str, Rule] = {
    "role_missing": Rule("high", "What is to use the role fails until it is there.", "{role}", _nothing),
    "trust_missing": Rule(
        "high",
        "The service that the role is for cannot assume it, so whatever lives on the role has no credentials.",
        "{role}, which puts the documented trust document in place",
        trust.trust_missing,
    ),
    "trust_too_wide": Rule(
        "high",
        "Others than the service that the role is for get its permissions.",
        "{role}, which trusts the documented service only; a role for another purpose gets a name of its own",
        trust.trust_too_wide,
    ),
    "trust_condition_missing": Rule(
        "medium",
        "Somebody in another account can have the service use the role for them (the confused deputy).",
        "{role} with trust_conditions: documented, and in regions all that use it",
        trust.trust_condition_missing,
    ),
    "malformed_arn_condition": Rule(
        "medium",
        "The condition never holds, so the statement allows nothing, and a Deny denies nothing.",
        "Write the ARN in full, with the operator ArnLike; for a trust document: {role}",
        trust.malformed_arn_condition,
    ),
    "policy_missing": Rule(
        "high",
        "Calls that the agents, ECS or the task must make are refused.",
        "{role} with the features that are in use",
        policies.policy_missing,
    ),
    "policy_changed": Rule(
        "medium",
        "Somebody changed the policy by hand, or it is of an older release: it allows more or less than is thought.",
        "{role} with the features and resources that are in use; a policy of your own gets another name",
        policies.policy_changed,
    ),
    "permissions_too_wide": Rule(
        "low",
        "Whoever gets hold of a host or a task has these permissions too.",
        "{role} with permissions: least_privilege where the kind has it; wide policies of your own are detached or "
        "limited to actions and ARNs",
        policies.permissions_too_wide,
    ),
    "policy_not_documented": Rule(
        "info",
        "It is not among those that AWS documents for this kind of role, and not declared.",
        "Name it in managed_policies or inline_policies, or have it removed with purge_policies: true",
        policies.policy_not_documented,
    ),
    "policy_version_stale": Rule(
        "low",
        "Changes that were made are not in force. The old policy language knows no policy variables.",
        "aws iam set-default-policy-version, or delete the newer version; write Version 2012-10-17 in documents",
        policies.policy_version_stale,
    ),
    "profile_missing": Rule(
        "high",
        "EC2 hands a role to an instance by an instance profile only.",
        "{role} with instance_profile",
        use.profile_missing,
    ),
    "boundary_missing": Rule(
        "high",
        "The role can do more than its declaration lets it do.",
        "{role} with permissions_boundary",
        use.boundary_missing,
    ),
    "pass_role_too_wide": Rule(
        "high",
        "Who can pass any role to a service gets the permissions of the most powerful one.",
        "Limit Resource to ARNs of roles and iam:PassedToService to services, as pass_role_to of ecs_iam_role does",
        use.pass_role_too_wide,
    ),
    "pass_role_missing": Rule(
        "medium",
        "Who is to hand the role to ECS is refused (iam:PassRole).",
        "{role} with pass_role_to",
        use.pass_role_missing,
    ),
    "unused": Rule(
        "low",
        "Nobody misses an unused role, and nobody watches it.",
        "If nothing needs it: {role} with state: absent. IAM knows the last use of the past 400 days only",
        use.unused,
    ),
    "name_prefix": Rule(
        "medium",
        "AmazonECSInfrastructureRolePolicyForManagedInstances lets ECS pass only roles whose name begins so.",
        "Use a role named ecsInstanceRole..., or let the infrastructure role pass this one: {role} with pass_role_to",
        use.name_prefix,
    ),
    "drift": Rule(
        "medium",
        "The account is not what the declaration says.",
        "{role} with its declaration; --check --diff shows the changes first",
        use.drift,
    ),
}


def judge(subject: Subject) -> list[Finding]:
    """The findings on a role that is there, the worst first."""
    found = [
        _finding(name, rule, subject.name, subject.kind_name, seen)
        for name, rule in RULES.items()
        for seen in rule.look(subject)
    ]
    return in_order(found)


def missing(name: str, kind: str | None) -> Finding:
    """The finding on a role that is not there."""
    return _finding("role_missing", RULES["role_missing"], name, kind, Seen("the role does not exist", "NoSuchEntity"))


def left_over(name: str, kind: str, arn: str) -> Finding:
    """The finding on a role that is declared to be absent."""
    return _finding("drift", RULES["drift"], name, kind, Seen("the role is declared absent and is there", arn))


def in_order(findings: t.Iterable[Finding]) -> list[Finding]:
    """The worst first, then by role."""
    return sorted(findings, key=lambda finding: finding.rank)


def _finding(name: str, rule: Rule, role: str, kind: str | None, seen: Seen) -> Finding:
    task = f"ecs_iam_role (kind: {kind}, name: {role})" if kind else f"ecs_iam_role (name: {role})"
    remedy = rule.remedy.format(role=task)
    return Finding(name, seen.severity or rule.severity, role, seen.what, seen.evidence, rule.why, remedy)


def counts(findings: t.Iterable[Finding]) -> dict[str, int]:
    """How many there are of each severity."""
    every = [finding.severity for finding in findings]
    return {severity: every.count(severity) for severity in SEVERITIES}


def table(findings: t.Sequence[Finding]) -> list[str]:
    """The findings as lines for a person."""
    rows = [("SEVERITY", "ROLE", "FINDING", "WHAT")]
    rows += [(finding.severity, finding.role, finding.id, finding.what) for finding in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]) for row in rows]
