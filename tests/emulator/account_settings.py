# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS account settings: of the account (its root), of a user or role, and what is in effect."""

from __future__ import annotations

import re
from typing import Any

from .authorization import is_allowed
from .calls import Call, operation
from .constants import ACCOUNT
from .errors import AwsError
from .pagination import ecs_page
from .policies import Question
from .roles import find_role

SWITCH = ("enabled", "disabled")
VALUES: dict[str, tuple[str, ...]] = {
    "serviceLongArnFormat": SWITCH,
    "taskLongArnFormat": SWITCH,
    "containerInstanceLongArnFormat": SWITCH,
    "awsvpcTrunking": SWITCH,
    "containerInsights": ("enhanced", "enabled", "disabled"),
    "dualStackIPv6": SWITCH,
    "fargateFIPSMode": SWITCH,
    "tagResourceAuthorization": ("on", "off"),
    "fargateTaskRetirementWaitPeriod": ("0", "7", "14"),
    "guardDutyActivate": ("on", "off"),
    "defaultLogDriverMode": ("blocking", "non-blocking"),
    "fargateEventWindows": SWITCH,
}
DEFAULTS = {
    "serviceLongArnFormat": "enabled",
    "taskLongArnFormat": "enabled",
    "containerInstanceLongArnFormat": "enabled",
    "awsvpcTrunking": "disabled",
    "containerInsights": "disabled",
    "dualStackIPv6": "enabled",
    "fargateFIPSMode": "disabled",
    "tagResourceAuthorization": "on",
    "fargateTaskRetirementWaitPeriod": "7",
    "guardDutyActivate": "off",
    "defaultLogDriverMode": "non-blocking",
    "fargateEventWindows": "disabled",
}
AWS_MANAGED = ("guardDutyActivate",)
ACCOUNT_ONLY = ("fargateTaskRetirementWaitPeriod",)
"""Only the root has a value."""

PRINCIPAL = re.compile(r"(?P<account>arn:[a-z-]+:iam::\d{12}):(?:root|(?:user|role)/[\w+=,.@/-]+)")
MOST_RESULTS = 10


def _root(call: Call) -> str:
    return f"arn:{call.partition}:iam::{ACCOUNT}:root"


def _caller(call: Call) -> str:
    """The principal that calls: a session counts as its role, whose ARN has a path."""
    if call.caller.kind not in ("role", "node"):
        return call.caller.arn
    role = find_role(call.partition, call.caller.arn.split("/")[1])
    return role.arn if role else call.caller.arn


def _is_administrator(call: Call) -> bool:
    """AWS: "a user with administrator privileges"; here one who may do everything."""
    everything = Question("*:*", "*")
    return not call.state.settings.strict or is_allowed(call.caller, call.partition, everything)


def _principal(call: Call) -> str:
    """The principal that a call is about: the caller, unless one is named. One's own may be named by anybody."""
    given: str | None = call.params.get("principalArn")
    if given is None:
        return _caller(call)
    match = PRINCIPAL.fullmatch(given)
    if not match or f"{match['account']}:root" != _root(call):
        raise AwsError("InvalidParameterException", "The specified principalArn is invalid.")
    if given != _caller(call) and not _is_administrator(call):
        message = (
            f"User: {call.caller.arn} must be the root user or the principal to use the account settings of {given}"
        )
        raise AwsError("AccessDeniedException", message)
    return given


def _shown(name: str, value: str, principal: str) -> dict[str, str]:
    kind = "aws_managed" if name in AWS_MANAGED else "user"
    return {"name": name, "value": value, "principalArn": principal, "type": kind}


def _check_name(call: Call, principal: str) -> str:
    """The name of a setting that can be set for a principal."""
    name: str = call.params["name"]
    if name in AWS_MANAGED:
        raise AwsError("InvalidParameterException", f"The setting {name} is managed by AWS and cannot be changed.")
    if name in ACCOUNT_ONLY and principal != _root(call):
        raise AwsError("InvalidParameterException", f"You must use the root user when you set {name}.")
    return name


def _put(call: Call, principal: str) -> dict[str, Any]:
    name, value = _check_name(call, principal), call.params["value"]
    if value not in VALUES[name]:
        allowed = ", ".join(VALUES[name])
        raise AwsError("InvalidParameterException", f"The value {value} is invalid for {name}. Allowed: {allowed}.")
    call.state.account_settings.setdefault((call.region, principal), {})[name] = value
    return {"setting": _shown(name, value, principal)}


@operation("ecs", "PutAccountSetting")
def put_account_setting(call: Call) -> dict[str, Any]:
    """Set it for a user or role, or for the caller; for the root it is the account's default."""
    return _put(call, _principal(call))


@operation("ecs", "PutAccountSettingDefault")
def put_account_setting_default(call: Call) -> dict[str, Any]:
    """Set it for everybody who has no value of his own."""
    return _put(call, _root(call))


@operation("ecs", "DeleteAccountSetting")
def delete_account_setting(call: Call) -> dict[str, Any]:
    """Forget a value; the account's default holds again."""
    principal = _principal(call)
    name = _check_name(call, principal)
    own = call.state.account_settings.get((call.region, principal), {})
    value = own.pop(name, DEFAULTS[name])
    return {"setting": _shown(name, value, principal)}


def _effective(call: Call, principal: str) -> list[dict[str, str]]:
    own = call.state.account_settings.get((call.region, principal), {})
    account = call.state.account_settings.get((call.region, _root(call)), {})
    shown = []
    for name, default in DEFAULTS.items():
        value = own.get(name, account.get(name, default))
        shown.append(_shown(name, value, principal if name in own else _root(call)))
    return shown


def effective_value(call: Call, name: str) -> str:
    """What holds for the caller: its own value, the account's, or AWS's."""
    return next(one["value"] for one in _effective(call, _caller(call)) if one["name"] == name)


@operation("ecs", "ListAccountSettings")
def list_account_settings(call: Call) -> dict[str, Any]:
    """What is set for a principal, or what is in effect for it."""
    principal, name, value = _principal(call), call.params.get("name"), call.params.get("value")
    if value is not None and name is None:
        raise AwsError("InvalidParameterException", "If value is specified, name must be specified too.")
    if call.params.get("effectiveSettings"):
        found = _effective(call, principal)
    else:
        own = call.state.account_settings.get((call.region, principal), {})
        found = [_shown(key, setting, principal) for key, setting in own.items()]
    found = [one for one in found if name in (None, one["name"]) and value in (None, one["value"])]
    found.sort(key=lambda one: one["name"])
    return ecs_page(call, "settings", found, usual=MOST_RESULTS, most=MOST_RESULTS)
