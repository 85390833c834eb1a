# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. From the role that is to the role that is wanted: the plan.

Pure: no call, no clock. What is found comes from ``_iam``, what is wanted from ``_iam_wanted``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _policy, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_pass_role import PREFIX
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

#: IAM's own default, which GetRole shows for a role that was made without one.
DEFAULT_SESSION = 3600


@dataclass(frozen=True)
class Found:
    """A role as IAM shows it."""

    role: t.Mapping[str, t.Any]
    """The ``Role`` of GetRole."""
    attached: t.Mapping[str, str] = field(default_factory=dict)
    """ARN of a managed policy to its name."""
    inline: t.Mapping[str, Document] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    """Names of the instance profiles that hold the role; looked for only when they matter."""

    @property
    def trust(self) -> Document:
        """The trust document; boto3 gives it decoded, other sources do not."""
        return _policy.parse(self.role["AssumeRolePolicyDocument"], "the trust document of the role")

    @property
    def tags(self) -> dict[str, str]:
        """The tags as a dictionary."""
        return _tags.from_aws(self.role.get("Tags"))

    @property
    def boundary(self) -> str:
        """The ARN of the permissions boundary; empty when there is none."""
        return str((self.role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""))


def sections(found: Found | None) -> dict[str, t.Any]:
    """What a person wants to see of a role, for the diff."""
    if found is None:
        return {}
    role = found.role
    shown = {
        "role": {
            "name": role["RoleName"],
            "path": role["Path"],
            "description": role.get("Description", ""),
            "max_session_duration": role.get("MaxSessionDuration", DEFAULT_SESSION),
            "permissions_boundary": found.boundary,
        },
        "trust": found.trust,
        "attached_managed_policies": sorted(found.attached),
        "inline_policies": dict(sorted(found.inline.items())),
        "tags": dict(sorted(found.tags.items())),
    }
    if found.profiles:
        shown["instance_profiles"] = sorted(found.profiles)
    return shown


def present(wanted: Wanted, found: Found | None, existing_profiles: t.Collection[str] = ()) -> Plan:
    """The changes that make the role what is wanted.

    :param existing_profiles: instance profiles that are there, with this role in them or empty
    :raises EcsError: what cannot be changed differs
    """
    _refuse_reserved(found)
    after = becomes(wanted, found)
    if found is None:
        changes = _creation(wanted)
        base = Found(after.role)
    else:
        if wanted.path is not None and wanted.path != found.role["Path"]:
            raise EcsError(
                f"role {wanted.name} has the path {found.role['Path']}, which IAM cannot change to {wanted.path}: "
                "leave the option path out, choose another name, or delete the role first"
            )
        changes = _configuration(wanted, found, after)
        base = found
    changes += _policies(wanted.name, base, after)
    changes += _profiles(wanted, base, existing_profiles)
    return Plan(tuple(changes), sections(found), sections(after) if changes else sections(found))


def _refuse_reserved(found: Found | None) -> None:
    """IAM refuses each call that changes such a role: the first would do, but check mode would promise the change."""
    if found is not None and found.role["Path"].startswith(_catalog.RESERVED_PATHS):
        raise EcsError(
            f"role {found.role['RoleName']} is AWS's own (path {found.role['Path']}) and cannot be changed or deleted "
            "here: choose another name. A service-linked role is deleted with aws iam delete-service-linked-role"
        )


def becomes(wanted: Wanted, found: Found | None) -> Found:
    """The role after the plan: what the module returns, in check mode too. What is the same stays as it is spelled."""
    if found is None:
        found = Found(_new_role(wanted))
    role = dict(found.role)
    if not _policy.same(found.trust, wanted.trust):
        role["AssumeRolePolicyDocument"] = wanted.trust
    if wanted.description is not None:
        role["Description"] = wanted.description
    if wanted.max_session_duration is not None:
        role["MaxSessionDuration"] = wanted.max_session_duration
    if wanted.permissions_boundary:
        role["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": wanted.permissions_boundary,
        }
    elif wanted.permissions_boundary == "":
        role.pop("PermissionsBoundary", None)
    if wanted.tags is not None:
        role["Tags"] = _tags.to_aws(_tags.after(found.tags, wanted.tags, wanted.purge_tags, caseless=True))
    profiles = set(found.profiles)
    if wanted.profile:
        profiles.add(wanted.profile)
    return Found(role, _attached_after(wanted, found), _inline_after(wanted, found), tuple(sorted(profiles)))


def _new_role(wanted: Wanted) -> dict[str, t.Any]:
    return {
        "RoleName": wanted.name,
        "Path": wanted.path or "/",
        "Arn": wanted.arn,
        "AssumeRolePolicyDocument": wanted.trust,
        "MaxSessionDuration": DEFAULT_SESSION,
    }


def _attached_after(wanted: Wanted, found: Found) -> dict[str, str]:
    kept = {arn: name for arn, name in found.attached.items() if arn in wanted.managed or not _goes(wanted, arn)}
    return {**kept, **{arn: found.attached.get(arn, arn.rpartition("/")[2]) for arn in wanted.managed}}


def _goes(wanted: Wanted, policy: str) -> bool:
    """What lets the role pass another one belongs to that other one: it is never purged here."""
    purged = wanted.purge_policies and not policy.startswith(PREFIX)
    return purged or policy in wanted.ours_managed or policy in wanted.ours_inline


def _inline_after(wanted: Wanted, found: Found) -> dict[str, Document]:
    after = {name: document for name, document in found.inline.items() if not _goes(wanted, name)}
    for name, document in wanted.inline.items():
        old = found.inline.get(name)
        after[name] = old if old is not None and _policy.same(old, document) else document
    return after


# The calls ---------------------------------------------------------------------------------------------------------


def _change(phase: Phase, operation: str, name: str, words: str, **params: t.Any) -> Change:
    return Change(phase, "iam", operation, f"role {name}", words, {"RoleName": name, **params})


def _creation(wanted: Wanted) -> list[Change]:
    params: dict[str, t.Any] = {
        "Path": wanted.path or "/",
        "AssumeRolePolicyDocument": _policy.compact(wanted.trust),
    }
    if wanted.description:
        params["Description"] = wanted.description
    if wanted.max_session_duration is not None:
        params["MaxSessionDuration"] = wanted.max_session_duration
    if wanted.permissions_boundary:
        params["PermissionsBoundary"] = wanted.permissions_boundary
    if wanted.tags:
        params["Tags"] = _tags.to_aws(wanted.tags)
    who = ", ".join(sorted(_policy.trusted_services(wanted.trust)))
    return [_change(Phase.CREATE, "CreateRole", wanted.name, f"create role {wanted.name}, trusted by {who}", **params)]


def _configuration(wanted: Wanted, found: Found, after: Found) -> list[Change]:
    name, changes = wanted.name, []
    if after.role["AssumeRolePolicyDocument"] != found.role["AssumeRolePolicyDocument"]:
        changes.append(
            _change(
                Phase.CONFIGURE,
                "UpdateAssumeRolePolicy",
                name,
                f"change the trust document of role {name}",
                PolicyDocument=_policy.compact(wanted.trust),
            )
        )
    changes += _settings(name, found, after)
    if after.boundary != found.boundary:
        changes.append(_boundary(name, after.boundary))
    return changes + _tags.iam_changes(f"role {name}", {"RoleName": name}, found.tags, after.tags)


def _settings(name: str, found: Found, after: Found) -> list[Change]:
    """UpdateRole resets what it is not told: it is told both."""
    defaults = {"Description": "", "MaxSessionDuration": DEFAULT_SESSION}
    before = {key: found.role.get(key, default) for key, default in defaults.items()}
    params = {key: after.role.get(key, default) for key, default in defaults.items()}
    labels = {"Description": "description", "MaxSessionDuration": "maximum session duration"}
    differing = [labels[key] for key in labels if before[key] != params[key]]
    if not differing:
        return []
    words = f"change the {' and the '.join(differing)} of role {name}"
    return [_change(Phase.CONFIGURE, "UpdateRole", name, words, **params)]


def _boundary(name: str, arn: str) -> Change:
    if arn:
        words = f"set the permissions boundary of role {name} to {arn}"
        return _change(Phase.CONFIGURE, "PutRolePermissionsBoundary", name, words, PermissionsBoundary=arn)
    words = f"remove the permissions boundary of role {name}"
    return _change(Phase.CONFIGURE, "DeleteRolePermissionsBoundary", name, words)


def _policies(name: str, found: Found, after: Found) -> list[Change]:
    """What is new comes before what is changed, and that before what goes: never less permission in between."""
    changes = []
    for arn in [arn for arn in after.attached if arn not in found.attached]:
        changes.append(_change(Phase.GRANT, "AttachRolePolicy", name, f"attach {arn} to role {name}", PolicyArn=arn))
    for policy, document in after.inline.items():
        if policy not in found.inline or document != found.inline[policy]:
            new = policy not in found.inline
            changes.append(
                _change(
                    Phase.GRANT if new else Phase.CONFIGURE,
                    "PutRolePolicy",
                    name,
                    f"{'put' if new else 'change'} the inline policy {policy} {'into' if new else 'of'} role {name}",
                    PolicyName=policy,
                    PolicyDocument=_policy.compact(document),
                )
            )
    gone = [policy for policy in found.inline if policy not in after.inline]
    return changes + _removals(name, sorted(set(found.attached) - set(after.attached)), gone)


def _removals(name: str, attached: t.Sequence[str], inline: t.Sequence[str]) -> list[Change]:
    changes = [
        _change(Phase.REVOKE, "DetachRolePolicy", name, f"detach {arn} from role {name}", PolicyArn=arn)
        for arn in attached
    ]
    return changes + [
        _change(
            Phase.REVOKE,
            "DeleteRolePolicy",
            name,
            f"delete the inline policy {policy} of role {name}",
            PolicyName=policy,
        )
        for policy in inline
    ]


def _profiles(wanted: Wanted, found: Found, existing: t.Collection[str]) -> list[Change]:
    """A profile that is wanted is made and gets the role. Others stay: who uses them cannot be known here."""
    profile = wanted.profile
    if not profile or profile in found.profiles:
        return []
    changes = []
    if profile not in existing:
        changes.append(
            Change(
                Phase.CREATE,
                "iam",
                "CreateInstanceProfile",
                f"instance profile {profile}",
                f"create instance profile {profile}",
                {"InstanceProfileName": profile, "Path": found.role["Path"]},
            )
        )
    words = f"put role {wanted.name} into instance profile {profile}"
    changes.append(
        _change(Phase.CONFIGURE, "AddRoleToInstanceProfile", wanted.name, words, InstanceProfileName=profile)
    )
    return changes


def absent(wanted: Wanted, found: Found | None, empty_profiles: t.Collection[str] = ()) -> Plan:
    """The changes that remove the role, and the instance profile that is the documented one.

    :param empty_profiles: the documented one, when it is there and holds no role
    :raises EcsError: a user attached something that ``purge_policies`` does not allow to be removed, or it is AWS's
    """
    _refuse_reserved(found)
    left = [_profile_deletion(profile) for profile in empty_profiles]
    before = {"instance_profiles": sorted([*(found.profiles if found else ()), *empty_profiles])} if left else {}
    if found is None:
        return Plan(tuple(left), before, {})
    foreign = _foreign(wanted, found)
    if foreign and not wanted.purge_policies:
        raise EcsError(
            f"role {wanted.name} is not deleted: it has {', '.join(foreign)}, not known to the kind {wanted.kind} nor "
            "named in managed_policies or inline_policies; name them there, remove them, or set purge_policies: true"
        )
    name = wanted.name
    changes = _removals(name, sorted(found.attached), sorted(found.inline))
    for profile in found.profiles:
        words = f"take role {name} out of instance profile {profile}"
        changes.append(_change(Phase.REVOKE, "RemoveRoleFromInstanceProfile", name, words, InstanceProfileName=profile))
        if profile == wanted.profile:
            changes.append(_profile_deletion(profile))
    changes += [*left, _change(Phase.DELETE, "DeleteRole", name, f"delete role {name}")]
    return Plan(tuple(changes), {**sections(found), **before}, {})


def _profile_deletion(profile: str) -> Change:
    where = f"instance profile {profile}"
    params = {"InstanceProfileName": profile}
    return Change(Phase.DELETE, "iam", "DeleteInstanceProfile", where, f"delete {where}", params)


def _foreign(wanted: Wanted, found: Found) -> list[str]:
    known = wanted.ours_managed | set(wanted.managed)
    words = [f"the policy {arn}" for arn in found.attached if arn not in known]
    known = wanted.ours_inline | set(wanted.inline)
    passing = {name for name in found.inline if name.startswith(PREFIX)}
    words += [f"the inline policy {name}" for name in found.inline if name not in known | passing]
    return words + [f"the instance profile {name}" for name in found.profiles if name != wanted.profile]
