# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Who may pass a role to ECS: the inline policies that allow it. Pure.

Each principal gets a policy of its own for each role, so that several tasks do not meet in one document.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _policy
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal, principal
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

#: With it begin the names of these policies. They belong to the role that is passed, not to the one that holds them.
PREFIX = "ecsPassRole-"

#: None: the policy goes, or is not there.
Documents = t.Mapping[Principal, t.Optional[Document]]


def policy_name(role: str) -> str:
    """The inline policy that lets its holder pass this role."""
    return PREFIX + role


def principals(entries: t.Iterable[t.Mapping[str, t.Any]]) -> dict[Principal, bool]:
    """The principals of the option ``pass_role_to``, and whether they may pass the role.

    :raises EcsError: a name that IAM does not know, or the same principal twice
    """
    found: dict[Principal, bool] = {}
    for entry in entries:
        one = principal(entry, "pass_role_to")
        if one in found:
            raise EcsError(f"pass_role_to: {one} is named twice")
        found[one] = entry["state"] == "present"
    return found


def plan(role: str, wanted: Documents, found: Documents) -> Plan:
    """The changes that give the policy to those who shall have it and take it from those who shall not."""
    changes = [change for who, document in wanted.items() for change in _one(role, who, document, found[who])]
    after = {who: found[who] if _alike(document, found[who]) else document for who, document in wanted.items()}
    return Plan(tuple(changes), _section(found), _section(after))


def _alike(one: Document | None, other: Document | None) -> bool:
    if one is None or other is None:
        return one is other
    return _policy.same(one, other)


def _section(documents: Documents) -> dict[str, t.Any]:
    shown = {str(who): document for who, document in documents.items() if document is not None}
    return {"pass_role": shown} if shown else {}


def _one(role: str, who: Principal, document: Document | None, found: Document | None) -> t.Iterator[Change]:
    if _alike(document, found):
        return
    params: dict[str, t.Any] = {**who.params, "PolicyName": policy_name(role)}
    if document is None:
        words = f"no longer let {who} pass role {role}"
        yield Change(Phase.REVOKE, "iam", who.operation("Delete", "Policy"), str(who), words, params)
        return
    params["PolicyDocument"] = _policy.compact(document)
    services = _services(document)
    words = f"let {who} pass role {role} to {services}"
    if found is not None:
        words = f"let {who} pass role {role} to {services} and nothing else"
    phase = Phase.CONFIGURE if found is not None else Phase.GRANT
    yield Change(phase, "iam", who.operation("Put", "Policy"), str(who), words, params)


def _services(document: Document) -> str:
    condition = document["Statement"][0]["Condition"]
    return ", ".join(str(one) for block in condition.values() for one in _policy.as_list(block["iam:PassedToService"]))
