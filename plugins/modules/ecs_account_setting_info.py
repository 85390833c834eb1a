# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ecs_setting.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_account_setting_info
version_added: 0.2.0
short_description: Show the account settings of Amazon ECS
description:
  - Shows the account settings of ECS in one Region, those in effect for a user or role or those that it has of its own.
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: N/A
options:
  principal:
    description:
      - ARN of the user or role, or of the account's root. AWS lets only the root user, administrators and the
        principal itself look at it.
      - Without it the settings of the caller are shown.
    type: str
  names:
    description: Show only these settings. See O(onprem.ecs.ecs_account_setting#module:settings) for what there is;
      C(guardDutyActivate) can be looked at as well.
    type: list
    elements: str
  effective:
    description:
      - V(true) shows what is in effect. That is the principal's own value, or else the account's default.
      - V(false) shows only values that were set for the principal itself.
    type: bool
    default: true
notes:
  - "Permissions: C(ecs:ListAccountSettings)."
seealso:
  - module: onprem.ecs.ecs_account_setting
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: All that is in effect for me
  onprem.ecs.ecs_account_setting_info:
  register: mine

- name: Does a role have trunking of its own
  onprem.ecs.ecs_account_setting_info:
    principal: arn:aws:iam::123456789012:role/ecsTrunkingRole
    names: [awsvpcTrunking]
    effective: false
  register: trunking

- name: Tell
  ansible.builtin.debug:
    msg: "{{ trunking.account_settings | map(attribute='value') | first | default('the account decides') }}"
"""

RETURN = r"""
account_settings:
  description:
    - The settings, sorted by name, each as RV(onprem.ecs.ecs_account_setting#module:account_settings) shows it.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ecs_setting

SPEC = {
    "principal": {"type": "str"},
    "names": {"type": "list", "elements": "str"},
    "effective": {"type": "bool", "default": True},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ecs_setting.look)


if __name__ == "__main__":
    main()
