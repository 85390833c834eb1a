# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS account settings: of the account (its root), of a user or role, and what is in effect."""

from __future__ import annotations

from typing import Any

from .calls import Call, operation
from .clusters import BAD_TOKEN
from .constants import ACCOUNT
from .errors import AwsError
from .pagination import page

SWITCH = ("enabled", "disabled")
VALUES: dict[str, tuple[str, ...]] = {
    "serviceLongArnFormat": SWITCH,
    "taskLongArnFormat": SWITCH,
    "containerInstanceLongArnFormat": SWITCH,
    "awsvpcTrunking": SWITCH,
    "containerInsights": ("enhanced", "enabled", "disabled"),
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
    "fargateFIPSMode": "disabled",
    "tagResourceAuthorization": "on",
    "fargateTaskRetirementWaitPeriod": "7",
    "guardDutyActivate": "off",
    "defaultLogDriverMode": "non-blocking",
    "fargateEventWindows": "disabled",
}
AWS_MANAGED = ("guardDutyActivate",)


def _root(call: Call) -> str:
    return f"arn:{call.partition}:iam::{ACCOUNT}:root"


def _principal(call: Call) -> str:
    """The principal that a call is about: a session counts as its role."""
    given: str | None = call.params.get("principalArn")
    if given:
        if f":iam::{ACCOUNT}:" not in given:
            raise AwsError("InvalidParameterException", "The specified principalArn is invalid.")
        return given
    if call.caller.kind in ("role", "node"):
        return f"arn:{call.partition}:iam::{ACCOUNT}:role/{call.caller.arn.split('/')[1]}"
    return call.caller.arn


def _shown(name: str, value: str, principal: str) -> dict[str, str]:
    kind = "aws_managed" if name in AWS_MANAGED else "user"
    return {"name": name, "value": value, "principalArn": principal, "type": kind}


def _put(call: Call, principal: str) -> dict[str, Any]:
    name, value = call.params["name"], call.params["value"]
    if name in AWS_MANAGED:
        raise AwsError("InvalidParameterException", f"The setting {name} is managed by AWS and cannot be changed.")
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
    principal, name = _principal(call), call.params["name"]
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
    size = call.params.get("maxResults") or 10
    shown, token = page(found, size, call.params.get("nextToken"), call.state.settings.page_size_limit, BAD_TOKEN)
    answer: dict[str, Any] = {"settings": shown}
    return {**answer, "nextToken": token} if token else answer
