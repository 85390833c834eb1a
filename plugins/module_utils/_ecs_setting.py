# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. ECS account settings: looking at them and changing them."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog
from ansible_collections.onprem.ecs.plugins.module_utils._aws import DENIED, Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_setting_plan import (
    Found,
    Item,
    Wanted,
    checked_name,
    checked_principal,
    plan,
    root_of,
    wanted,
)
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module
    from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan


class _PrincipalErrors:
    """Says whom AWS lets look at and change the settings of a principal: the permission alone is not enough."""

    def __init__(self, principal: str | None) -> None:
        self._principal = principal

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: t.Any, error: BaseException | None, trace: t.Any) -> None:
        if self._principal and isinstance(error, AwsError) and error.code in DENIED:
            raise EcsError(
                f"{error}. Besides, AWS lets only the root user, an administrator or the principal itself do this for "
                f"{self._principal}"
            ) from error


def listed(aws: Aws, names: t.Collection[str], principal: str | None, effective: bool) -> dict[str, Item]:
    """ListAccountSettings by name, only ``names`` if there are any; without ``principal`` it is about the caller."""
    params: dict[str, t.Any] = {"effectiveSettings": effective}
    if principal:
        params["principalArn"] = principal
    if len(names) == 1:
        # One call instead of a call for each ten settings.
        params["name"] = next(iter(names))
    about = f"the account settings of {principal or 'the caller'}"
    with _PrincipalErrors(principal):
        found = list(aws.pages("ecs", "ListAccountSettings", "settings", about, **params))
    return {item["name"]: item for item in found if not names or item["name"] in names}


def account_defaults(aws: Aws, names: t.Collection[str]) -> dict[str, Item]:
    """What holds for everybody without a value of his own.

    AWS shows what is in effect for the caller, and only root and administrators may look at root. So the caller's own
    values, where there are some, are told apart first: they hide the account's default.

    :raises EcsError: when a default stays hidden
    """
    found = listed(aws, names, None, effective=True)
    others = [name for name in found if not found[name]["principalArn"].endswith(":root")]
    hidden = set(listed(aws, names, None, effective=False)).intersection(others) if others else set()
    if hidden:
        root = root_of(found[others[0]]["principalArn"])
        try:
            found.update(listed(aws, hidden, root, effective=True))
        except EcsError as error:
            named = ", ".join(sorted(hidden))
            raise EcsError(f"{error}. The caller's own values hide the account's default of {named}") from error
    return {name: {**item, "principalArn": root_of(item["principalArn"])} for name, item in found.items()}


def work(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The module ``ecs_account_setting``."""
    want = wanted(module.params, _catalog.partition_of(aws.region))
    found = {}
    if want.values:
        names = list(want.values)
        found = listed(aws, names, want.principal, effective=False) if want.principal else account_defaults(aws, names)
    _check_account(want, found)
    planned = plan(want, found)
    answers = {} if module.check_mode else _apply(aws, planned, want.principal)
    return {
        "changed": bool(planned.changes),
        "changes": planned.words(),
        "diff": planned.diff(),
        "account_settings": _after(want, found, answers),
    }


def _check_account(want: Wanted, found: Found) -> None:
    """The account's default is set for the caller's account, whatever the ARN of a root says."""
    for item in found.values():
        account = item["principalArn"].split(":")[4]
        if want.account not in (None, account):
            raise EcsError(f"principal: it is in the account {want.account}, but the caller is in {account}")


def _apply(aws: Aws, planned: Plan, principal: str | None) -> dict[str, Item]:
    """Execute; AWS's answers by name. An error tells what was done until then."""
    answers: dict[str, Item] = {}
    done: list[str] = []
    for change in planned.ordered():
        try:
            with _PrincipalErrors(principal):
                answer = aws.call(change.service, change.operation, change.resource, **change.params)
        except EcsError as error:
            error.result.update(changed=bool(done), changes=done)
            raise
        answers[change.params["name"]] = answer["setting"]
        done.append(change.words)
    return answers


def _after(want: Wanted, found: Found, answers: Found) -> list[Item]:
    """The settings that the options name, as they are now or would be."""
    result = []
    for name, value in sorted(want.values.items()):
        if value is not None:
            then = {"name": name, "principalArn": want.principal, "type": "user", **found.get(name, {}), "value": value}
            result.append(shown(answers.get(name, then)))
    return result


def shown(item: Item) -> Item:
    """A setting in snake_case."""
    return {
        "name": item["name"],
        "value": item["value"],
        "principal_arn": item.get("principalArn"),
        "type": item.get("type"),
    }


def look(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The module ``ecs_account_setting_info``."""
    principal = module.params["principal"]
    checked_principal(principal, _catalog.partition_of(aws.region))
    names = [checked_name(name, "names", to_set=False) for name in module.params["names"] or []]
    found = listed(aws, set(names), principal, module.params["effective"])
    return {"changed": False, "account_settings": [shown(found[name]) for name in sorted(found)]}
