# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. From the policy that is to the policy that is wanted: the plan.

Pure: no call, no clock. What is found comes from ``_iam_policy``, what is wanted from ``_iam_policy_wanted``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.onprem.ecs.plugins.module_utils import _policy, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import MAX_VERSIONS
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document


@dataclass(frozen=True)
class Found:
    """A policy as IAM shows it."""

    policy: t.Mapping[str, t.Any]
    """The ``Policy`` of GetPolicy."""
    document: Document
    """Of the default version."""
    holders: frozenset[Principal] | None = None
    """Who has it; None: not asked."""
    boundary_of: frozenset[Principal] = frozenset()
    """Whose permissions boundary it is; looked for only when it shall be deleted."""
    versions: tuple[t.Mapping[str, t.Any], ...] = ()
    """Those of ListPolicyVersions; looked for only when one is to be made or removed."""

    @property
    def tags(self) -> dict[str, str]:
        """The tags as a dictionary."""
        return _tags.from_aws(self.policy.get("Tags"))

    def others(self) -> list[str]:
        """The ids of the versions that are not the default one, the oldest first."""
        others = [one for one in self.versions if not one["IsDefaultVersion"]]
        return [one["VersionId"] for one in sorted(others, key=lambda one: int(one["VersionId"][1:].split(".")[0]))]


def sections(found: Found | None) -> dict[str, t.Any]:
    """What a person wants to see of a policy, for the diff."""
    if found is None:
        return {}
    policy = found.policy
    shown: dict[str, t.Any] = {
        "policy": {
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "description": policy.get("Description", ""),
        },
        "document": found.document,
        "tags": dict(sorted(found.tags.items())),
    }
    if found.holders is not None:
        shown["attachments"] = sorted(str(holder) for holder in found.holders)
    return shown


def new_version(wanted: Wanted, found: Found) -> bool:
    """True when the document does not mean what it shall."""
    return wanted.document is not None and not _policy.same(found.document, wanted.document)


def becomes(wanted: Wanted, found: Found | None) -> Found:
    """The policy after the plan: what the module returns, in check mode too. What is the same stays as it is."""
    new = wanted.document or {}
    if found is None:
        made = {
            "PolicyName": wanted.name,
            "Path": wanted.path,
            "Arn": wanted.arn,
            "Description": wanted.description or "",
        }
        found = Found(made, new, None if wanted.attach_to is None else frozenset())
    policy, document = dict(found.policy), found.document
    if new_version(wanted, found):
        document = new
        policy.pop("DefaultVersionId", None)  # its number is known when it is made
    if wanted.tags is not None:
        policy["Tags"] = _tags.to_aws(_tags.after(found.tags, wanted.tags, wanted.purge_tags))
    return Found(policy, document, holders_after(wanted, found))


def holders_after(wanted: Wanted, found: Found) -> frozenset[Principal] | None:
    """Who has the policy in the end; None when it is not asked."""
    if wanted.attach_to is None:
        return found.holders
    return wanted.attach_to | (frozenset() if wanted.purge_attachments else found.holders or frozenset())


def present(wanted: Wanted, found: Found | None) -> Plan:
    """The changes that make the policy what is wanted."""
    after = becomes(wanted, found)
    if found is None:
        changes = [_creation(wanted)]
        before: frozenset[Principal] = frozenset()
    else:
        changes = _versions(wanted, found)
        changes += _tags.iam_changes(f"policy {wanted.name}", {"PolicyArn": wanted.arn}, found.tags, after.tags)
        before = found.holders or frozenset()
    if wanted.attach_to is not None:
        changes += [attachment(wanted, holder) for holder in sorted(wanted.attach_to - before)]
        changes += [detachment(wanted, holder) for holder in sorted(before - (after.holders or frozenset()))]
    return Plan(tuple(changes), sections(found), sections(after) if changes else sections(found))


def absent(wanted: Wanted, found: Found | None) -> Plan:
    """The changes that remove the policy, and take it from those that it is said to be taken from.

    :raises EcsError: others have it
    """
    if found is None:
        return Plan()
    holders = found.holders or frozenset()
    given = holders if wanted.purge_attachments else (wanted.attach_to or frozenset()) & holders
    _refuse_if_held(wanted, holders - given, found.boundary_of)
    changes = [detachment(wanted, holder) for holder in sorted(given)]
    for version in found.others():
        words = f"delete version {version} of policy {wanted.name}"
        changes.append(_change(Phase.REVOKE, "DeletePolicyVersion", wanted, words, VersionId=version))
    changes.append(_change(Phase.DELETE, "DeletePolicy", wanted, f"delete policy {wanted.name}"))
    return Plan(tuple(changes), sections(found), {})


def _refuse_if_held(wanted: Wanted, others: frozenset[Principal], boundary_of: frozenset[Principal]) -> None:
    if boundary_of:
        whom = ", ".join(str(holder) for holder in sorted(boundary_of))
        raise EcsError(
            f"policy {wanted.name} is not deleted: it is the permissions boundary of {whom}, which would be allowed "
            "more without it. Give them another boundary first"
        )
    if others:
        whom = ", ".join(str(holder) for holder in sorted(others))
        raise EcsError(
            f"policy {wanted.name} is not deleted: it is attached to {whom}. Name those in attach_to that shall lose "
            "it, or set purge_attachments: true to take it from everybody"
        )


# The calls ---------------------------------------------------------------------------------------------------------


def _change(phase: Phase, operation: str, wanted: Wanted, words: str, **params: t.Any) -> Change:
    return Change(phase, "iam", operation, f"policy {wanted.name}", words, {"PolicyArn": wanted.arn, **params})


def _creation(wanted: Wanted) -> Change:
    params: dict[str, t.Any] = {
        "PolicyName": wanted.name,
        "Path": wanted.path,
        "PolicyDocument": _policy.compact(wanted.document or {}),
    }
    if wanted.description:
        params["Description"] = wanted.description
    if wanted.tags:
        params["Tags"] = _tags.to_aws(wanted.tags)
    where = "" if wanted.path == "/" else f" under {wanted.path}"
    words = f"create policy {wanted.name}{where}"
    return Change(Phase.CREATE, "iam", "CreatePolicy", f"policy {wanted.name}", words, params)


def _versions(wanted: Wanted, found: Found) -> list[Change]:
    """A new version is the default one at once, before anybody new gets the policy: who is new never has the old."""
    if not new_version(wanted, found):
        return []
    changes = []
    if len(found.versions) >= MAX_VERSIONS:
        oldest = found.others()[0]
        words = f"delete version {oldest} of policy {wanted.name}, the oldest, since IAM keeps {MAX_VERSIONS}"
        changes.append(_change(Phase.CREATE, "DeletePolicyVersion", wanted, words, VersionId=oldest))
    document = _policy.compact(wanted.document or {})
    words = f"change the document of policy {wanted.name} by a new version"
    changes.append(
        _change(Phase.CREATE, "CreatePolicyVersion", wanted, words, PolicyDocument=document, SetAsDefault=True)
    )
    return changes


def attachment(wanted: Wanted, holder: Principal) -> Change:
    """The call that gives the policy to one more."""
    words = f"attach policy {wanted.name} to {holder}"
    return _change(Phase.GRANT, holder.operation("Attach", "Policy"), wanted, words, **holder.params)


def detachment(wanted: Wanted, holder: Principal) -> Change:
    """The call that takes the policy from one."""
    words = f"detach policy {wanted.name} from {holder}"
    return _change(Phase.REVOKE, holder.operation("Detach", "Policy"), wanted, words, **holder.params)
