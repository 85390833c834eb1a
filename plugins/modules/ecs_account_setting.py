# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ecs_setting.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_account_setting
version_added: 0.2.0
short_description: Set the account settings of Amazon ECS
description:
  - Sets what ECS does by default, for the account or for one user or role, in one Region. For example trunking of
    network interfaces and Container Insights,
    U(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html).
  - Most settings hold for what is made afterwards. Instances, clusters and tasks that are there stay as they are.
  - A run that changes nothing makes one call, or two when it is about several settings of the account. AWS lists ten
    settings a call.
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS.
    support: full
  diff_mode:
    description: Returns the values of the settings that differ, before and after.
    support: full
options:
  state:
    description:
      - V(present) sets the values in O(settings).
      - V(absent) with O(principal) deletes the principal's own values of O(names), and the account's default holds for
        it again.
      - V(absent) without O(principal) sets the account's defaults of O(names) back to those of AWS.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description:
      - The settings and their values. Required for O(state=present).
      - C(awsvpcTrunking) gives EC2 container instances more network interfaces, V(enabled) or V(disabled).
      - C(containerInsights) is for new clusters, V(enhanced), V(enabled) or V(disabled).
      - C(dualStackIPv6) gives tasks an IPv6 address in a VPC that has both, V(enabled) or V(disabled).
      - C(defaultLogDriverMode) is V(blocking) or V(non-blocking).
      - C(tagResourceAuthorization) wants C(ecs:TagResource) for tags on new resources, V(on) or V(off).
      - C(fargateTaskRetirementWaitPeriod) is the days that AWS waits before it replaces tasks on Fargate, V(0), V(7)
        or V(14). It is the account's alone.
      - C(fargateFIPSMode) and C(fargateEventWindows) are V(enabled) or V(disabled).
      - C(serviceLongArnFormat), C(taskLongArnFormat) and C(containerInstanceLongArnFormat) are V(enabled). AWS has
        V(disabled) too, but has ended the old format in 2021.
      - Booleans of YAML stand for V(enabled) and V(disabled), or V(on) and V(off), and numbers for days.
      - C(guardDutyActivate) is set by Amazon GuardDuty and refused here.
    type: dict
  names:
    description: The settings to remove, by name. Required for O(state=absent).
    type: list
    elements: str
  principal:
    description:
      - ARN of a user or role that gets values of its own. AWS lets only the root user, administrators and the principal
        itself do this.
      - Without it, or with the ARN of the account's root, the account's default is set. It holds for all users and
        roles that have no value of their own.
    type: str
notes:
  - "Permissions: C(ecs:ListAccountSettings), and C(ecs:PutAccountSettingDefault), or with O(principal)
    C(ecs:PutAccountSetting) and C(ecs:DeleteAccountSetting)."
  - AWS shows what is in effect for the caller. A caller with a value of its own does not see the account's default,
    which only the root user or an administrator may ask for.
seealso:
  - module: onprem.ecs.ecs_account_setting_info
  - module: onprem.ecs.ecs_iam_role
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Trunking and Container Insights for the whole account
  onprem.ecs.ecs_account_setting:
    settings:
      awsvpcTrunking: enabled
      containerInsights: enhanced

- name: Trunking for the container instances with one role, and no others
  onprem.ecs.ecs_account_setting:
    principal: arn:aws:iam::123456789012:role/ecsTrunkingRole
    settings:
      awsvpcTrunking: enabled

- name: The account's default for this role again
  onprem.ecs.ecs_account_setting:
    state: absent
    principal: arn:aws:iam::123456789012:role/ecsTrunkingRole
    names: [awsvpcTrunking]

- name: AWS's own default for the account again
  onprem.ecs.ecs_account_setting:
    state: absent
    names: [awsvpcTrunking, containerInsights]
"""

RETURN = r"""
account_settings:
  description:
    - The settings that the task is about, as they are now or would be in check mode, sorted by name.
    - Empty with O(state=absent) and O(principal), which has no such values any more.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The setting's name.
      type: str
      sample: awsvpcTrunking
    value:
      description: Its value.
      type: str
      sample: enabled
    principal_arn:
      description: Whom it is set for. The account's root stands for the account's default.
      type: str
      sample: arn:aws:iam::123456789012:root
    type:
      description: V(user), or V(aws_managed) for a setting that AWS sets.
      type: str
      sample: user
changes:
  description: What was done, or would be in check mode, in plain sentences.
  returned: always
  type: list
  elements: str
  sample: [set awsvpcTrunking to enabled for the account, instead of disabled]
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ecs_setting

SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "settings": {"type": "dict"},
    "names": {"type": "list", "elements": "str"},
    "principal": {"type": "str"},
}


def main() -> None:
    """The entry point."""
    _aws.run(
        SPEC,
        _ecs_setting.work,
        required_if=[("state", "present", ["settings"]), ("state", "absent", ["names"])],
        mutually_exclusive=[("settings", "names")],
    )


if __name__ == "__main__":
    main()
