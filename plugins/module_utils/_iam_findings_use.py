# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Findings on who passes and uses a role, and drift. Pure."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from fnmatch import fnmatchcase

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _iam_pass_role, _iam_plan, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_subject import Seen, Subject, resources
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

PASSING = "iam:passrole"
PASSED_TO = "iam:passedtoservice"
#: What follows the account in a resource that means every role.
EVERY_ROLE = ("role/*", "*")


def profile_missing(subject: Subject) -> t.Iterator[Seen]:
    """EC2 cannot give the role to an instance."""
    profiles = subject.found.profiles
    has = f"instance profiles with the role: {', '.join(profiles) or 'none'}"
    if subject.wanted is not None:
        if subject.wanted.profile and subject.wanted.profile not in profiles:
            yield Seen(f"the role is not in the instance profile {subject.wanted.profile}", has)
    elif subject.kind is not None and subject.kind.profile and not profiles:
        yield Seen("the role is in no instance profile", has)


def boundary_missing(subject: Subject) -> t.Iterator[Seen]:
    """The declared permissions boundary is not the role's."""
    wanted, found = subject.wanted, subject.found.boundary
    if wanted is not None and wanted.permissions_boundary and wanted.permissions_boundary != found:
        yield Seen(f"the permissions boundary is not {wanted.permissions_boundary}", f"it is {found or 'none'}")


def pass_role_too_wide(subject: Subject) -> t.Iterator[Seen]:
    """The role, or who passes it, may pass more roles or to more services than is declared."""
    for words, document in subject.documents():
        for one in _policy.allowing(document):
            yield from _wide_pass(words, one)
    for passer in subject.passers:
        for words, document in subject.documents_of(passer):
            for one in _policy.allowing(document):
                if any(fnmatchcase(subject.arn, resource) for resource in resources(one)):
                    yield from _wide_pass(words, one)


def _wide_pass(words: str, one: Document) -> t.Iterator[Seen]:
    roles = [resource for resource in resources(one) if _can_be_of_iam(resource)]
    if not roles or not _policy.permits(one, PASSING):
        return
    every = any(resource == "*" or resource.split(":", 5)[-1] in EVERY_ROLE for resource in roles)
    limited = any(
        key == PASSED_TO
        and operator.partition(":")[2] == ""
        and not operator.endswith("IfExists")
        and "*" not in values
        for operator, key, values in _policy.conditions(one)
        if operator.startswith("String") and "Not" not in operator
    )
    to = "the services named" if limited else "any service"
    if every:
        yield Seen(f"{words} allows to pass every role to {to}", _policy.compact(one), "medium" if limited else "high")
    elif not limited:
        yield Seen(f"{words} allows to pass a role to any service", _policy.compact(one), "medium")


def _can_be_of_iam(resource: str) -> bool:
    """False for the ARN of another service, which is none of a role whatever the actions are."""
    parts = resource.split(":", 5)
    return len(parts) < 6 or fnmatchcase("iam", parts[2])


def pass_role_missing(subject: Subject) -> t.Iterator[Seen]:
    """Who is declared to pass the role lacks the policy for it."""
    name = _iam_pass_role.policy_name(subject.name)
    for passer in subject.passers:
        wanted, found = subject.passing.get(passer.principal), passer.inline.get(name)
        if wanted is None:
            continue
        if not passer.exists:
            yield Seen(f"{passer.principal} does not exist, so it cannot pass the role", str(passer.principal), "high")
        elif found is None:
            yield Seen(
                f"{passer.principal} has no inline policy {name}", f"inline: {', '.join(passer.inline) or 'none'}"
            )
        elif not _policy.same(found, wanted):
            words = f"the inline policy {name} of {passer.principal} is not what it should be"
            yield Seen(words, _policy.compact(found))


def unused(subject: Subject) -> t.Iterator[Seen]:
    """Nobody has used the role for long."""
    role = subject.found.role
    used = (role.get("RoleLastUsed") or {}).get("LastUsedDate")
    since = used or role.get("CreateDate")
    if since is None or subject.now - since <= timedelta(days=subject.unused_after):
        return
    day = since.date().isoformat()
    if used:
        yield Seen(f"the role was last used on {day}, more than {subject.unused_after} days ago", since.isoformat())
    else:
        words = f"the role was created on {day}, more than {subject.unused_after} days ago, and has not been used"
        yield Seen(words, since.isoformat())


def name_prefix(subject: Subject) -> t.Iterator[Seen]:
    """ECS may not pass the role to the instances that it manages, unless another role is declared to pass it."""
    prefix = _catalog.MANAGED_INSTANCE.default_name
    declared = any(principal.type == "role" and document for principal, document in subject.passing.items())
    if subject.kind_name == "managed_instance" and not subject.name.startswith(prefix) and not declared:
        yield Seen(f"the name does not begin with {prefix}", subject.arn)


def drift(subject: Subject) -> t.Iterator[Seen]:
    """What ``ecs_iam_role`` would change for the declaration."""
    if subject.wanted is None:
        return
    held = {passer.principal: passer.inline.get(_iam_pass_role.policy_name(subject.name)) for passer in subject.passers}
    wanted = {principal: subject.passing[principal] for principal in held}
    try:
        # Whether the profile is there without the role takes one more call: it is told as if it were.
        plan = _iam_plan.present(subject.wanted, subject.found, (subject.wanted.profile or "",))
    except EcsError as error:
        yield Seen("the role cannot be made what is declared", str(error))
        return
    words = (plan + _iam_pass_role.plan(subject.name, wanted, held)).words()
    if words:
        yield Seen(
            f"the role differs from its declaration in {len(words)} point{'s'[: len(words) > 1]}", "; ".join(words)
        )
