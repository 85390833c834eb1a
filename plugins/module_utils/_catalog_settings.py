# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The account settings that AWS documents for ECS: data, no decisions.

Names and values: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutAccountSetting.html
Defaults: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
"""

from __future__ import annotations

from dataclasses import dataclass

GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
REFERENCE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"


@dataclass(frozen=True)
class Setting:
    """One account setting, with the page of AWS that tells what it does."""

    page: str
    values: tuple[str, ...]
    default: str
    """What holds where nobody has set it."""
    yes: str | None = None
    """The value that a YAML ``true`` stands for; None where a boolean says nothing."""
    no: str | None = None
    aws_managed: bool = False
    """Another service of AWS sets it. It can be looked at, and no more."""
    account_only: bool = False
    """It holds for the account, and not for one user or role."""
    modelled: bool = True
    """botocore lists it. AWS takes names that its own model leaves out."""


def _switch(page: str, default: str, yes: str = "enabled", no: str = "disabled", **more: bool) -> Setting:
    return Setting(page, (yes, no), default, yes, no, **more)


SETTINGS: dict[str, Setting] = {
    # AWS has ended the old format on 2021-04-01. "disabled" is a value of the interface all the same.
    "serviceLongArnFormat": _switch(GUIDE + "ecs-account-settings.html#ecs-resource-ids", "enabled"),
    "taskLongArnFormat": _switch(GUIDE + "ecs-account-settings.html#ecs-resource-ids", "enabled"),
    "containerInstanceLongArnFormat": _switch(GUIDE + "ecs-account-settings.html#ecs-resource-ids", "enabled"),
    "awsvpcTrunking": _switch(GUIDE + "container-instance-eni.html", "disabled"),
    "containerInsights": Setting(
        GUIDE + "cloudwatch-container-insights.html",
        ("enhanced", "enabled", "disabled"),
        "disabled",
        yes="enabled",
        no="disabled",
    ),
    # "disabled" in Regions where an account had awsvpc tasks in IPv6 subnets in October 2020; AWS does not tell which.
    "dualStackIPv6": _switch(GUIDE + "ecs-account-settings.html#dual-stack-setting", "enabled", modelled=False),
    "fargateFIPSMode": _switch(GUIDE + "ecs-account-settings.html#fips-setting", "disabled"),
    "fargateTaskRetirementWaitPeriod": Setting(
        GUIDE + "ecs-account-settings.html#fargate-retirement-wait-time", ("0", "7", "14"), "7", account_only=True
    ),
    "fargateEventWindows": _switch(REFERENCE + "API_PutAccountSetting.html", "disabled"),
    "tagResourceAuthorization": _switch(GUIDE + "ecs-account-settings.html#tag-resources-setting", "on", "on", "off"),
    "defaultLogDriverMode": Setting(
        REFERENCE + "API_LogConfiguration.html", ("blocking", "non-blocking"), "non-blocking"
    ),
    "guardDutyActivate": _switch(GUIDE + "ecs-guard-duty-integration.html", "off", "on", "off", aws_managed=True),
}


def settable() -> list[str]:
    """The names of the settings that can be set, sorted."""
    return sorted(name for name, setting in SETTINGS.items() if not setting.aws_managed)
