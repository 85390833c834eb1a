# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. ECS account settings: what is wanted, and the plan for it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.onprem.ecs.plugins.module_utils._catalog_settings import SETTINGS, settable
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan

Item = t.Dict[str, t.Any]
Found = t.Mapping[str, Item]

PRINCIPAL = re.compile(r"arn:([a-z-]+):iam::([0-9]{12}):(root|(?:user|role)/[\w+=,.@/-]*[\w+=,.@-])\Z", re.ASCII)
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "on"), ("false", "no", "off")


@dataclass(frozen=True)
class Wanted:
    """The options, checked."""

    values: t.Mapping[str, str | None]
    """None: the principal shall have no value of its own."""
    principal: str | None
    """The ARN of a user or role; None for the account's default."""
    account: str | None = None
    """The account that the option ``principal`` names, if it does."""


def checked_name(name: str, option: str, to_set: bool = True) -> str:
    """The name of a setting.

    :param to_set: it shall be set, not only looked at
    :raises EcsError: when there is no such setting, or AWS manages it
    """
    if name not in SETTINGS:
        allowed = ", ".join(settable() if to_set else sorted(SETTINGS))
        raise EcsError(f"{option}: ECS has no account setting {name!r}; it has {allowed}")
    if to_set and SETTINGS[name].aws_managed:
        raise EcsError(
            f"{option}: {name} is managed by AWS and can only be looked at ({SETTINGS[name].page}); "
            f"those that can be set are {', '.join(settable())}"
        )
    return name


def checked_value(name: str, given: t.Any) -> str:
    """The value of a setting, as AWS spells it. YAML makes booleans of on, off, yes and no, and numbers of days.

    :raises EcsError: when AWS has no such value
    """
    setting = SETTINGS[name]
    text = str(given).lower() if isinstance(given, bool) else str(given)
    if text in setting.values:
        return text
    if setting.yes and text.lower() in TRUE_WORDS:
        return setting.yes
    if setting.no and text.lower() in FALSE_WORDS:
        return setting.no
    told = "nothing" if given is None else repr(given)
    raise EcsError(f"settings: {name} cannot be {told}; its values are {', '.join(setting.values)}")


def checked_principal(text: str | None, partition: str) -> t.Match[str] | None:
    """The option ``principal``: partition, account, and ``root``, ``user/NAME`` or ``role/NAME``.

    :raises EcsError: when no setting can be made for it
    """
    if not text:
        return None
    match = PRINCIPAL.match(text)
    if not match:
        hint = "; a session has the settings of its role, whose ARN is wanted" if ":assumed-role/" in text else ""
        raise EcsError(
            f"principal: {text!r} is not the ARN of a user, of a role or of the account's root, such as "
            f"arn:{partition}:iam::123456789012:role/ecsInstanceRole{hint}"
        )
    if match.group(1) != partition:
        raise EcsError(f"principal: {text!r} is in the partition {match.group(1)}, but the Region is in {partition}")
    return match


def wanted(params: t.Mapping[str, t.Any], partition: str) -> Wanted:
    """The options of ``ecs_account_setting``.

    :raises EcsError: when AWS would refuse one
    """
    match = checked_principal(params["principal"], partition)
    account = match.group(2) if match else None
    principal = params["principal"] if match and match.group(3) != "root" else None
    values: dict[str, str | None]
    if params["state"] == "absent":
        names = [checked_name(name, "names") for name in params["names"]]
        values = {name: None if principal else SETTINGS[name].default for name in names}
    else:
        given = params["settings"]
        values = {checked_name(name, "settings"): checked_value(name, given[name]) for name in given}
    for name in values:
        if principal and SETTINGS[name].account_only:
            raise EcsError(
                f"principal: {name} holds for the whole account ({SETTINGS[name].page}); leave principal out"
            )
    return Wanted(values, principal, account)


def root_of(arn: str) -> str:
    """The root of the account that the ARN of a principal is in."""
    return ":".join([*arn.split(":")[:5], "root"])


def plan(want: Wanted, found: Found) -> Plan:
    """The writes that lead from ``found`` to ``want``; what is right already needs none."""
    changes = []
    before = {name: found[name]["value"] for name in sorted(want.values) if name in found}
    whom = want.principal or "the account"
    for name, value in sorted(want.values.items()):
        old = before.get(name)
        if value == old:
            continue
        params = {"name": name}
        if want.principal:
            params["principalArn"] = want.principal
        if value is None:
            operation, phase, words = "DeleteAccountSetting", Phase.DELETE, f"delete {name} ({old}) of {whom}"
        else:
            operation = "PutAccountSetting" if want.principal else "PutAccountSettingDefault"
            params["value"], phase = value, Phase.CONFIGURE
            words = f"set {name} to {value} for {whom}" + (f", instead of {old}" if old else "")
        changes.append(Change(phase, "ecs", operation, f"{name} of {whom}", words, params))
    after = {name: value for name, value in sorted(want.values.items()) if value is not None}
    return Plan(tuple(changes), before, after)
