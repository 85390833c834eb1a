# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ssm_activation_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_activation_info
version_added: 0.2.0
short_description: Show SSM hybrid activations
description:
  - Shows activations that hosts outside of AWS can register with, or could, until they are deleted. 50 a call.
  - Each option narrows what is shown; an activation has to fit all of them.
  - The code of an activation is never shown. AWS tells it only once, when the activation is created.
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: N/A
options:
  activation_ids:
    description: Show these activations. Those that there are not are left out. An empty list shows none.
    type: list
    elements: str
  iam_role:
    description: Show only activations for this role, by its name, or by C(path/NAME) when it has a path.
    type: str
  default_instance_name:
    description: Show only activations that give nodes this name.
    type: str
  tags:
    description: Show only activations that carry all of these tags.
    type: dict
  valid:
    description: Show only activations that have not expired and have room for at least one more host.
    type: bool
    default: false
notes:
  - "Permission: C(ssm:DescribeActivations)."
seealso:
  - module: onprem.ecs.ssm_activation
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Activations that a host could register with now
  onprem.ecs.ssm_activation_info:
    valid: true
  register: open_doors

- name: All activations for a role
  onprem.ecs.ssm_activation_info:
    iam_role: ecsAnywhereRole
"""

RETURN = r"""
activations:
  description: The activations, the newest first.
  returned: always
  type: list
  elements: dict
  contains:
    activation_id:
      description: Its id.
      type: str
      sample: 5743558d-563b-4457-8682-d16c3EXAMPLE
    iam_role:
      description: The role of its nodes.
      type: str
    registration_limit:
      description: How many hosts can register, those that already have included.
      type: int
    registrations_count:
      description: How many have.
      type: int
    default_instance_name:
      description: The name that its nodes get, or V(null).
      type: str
    description:
      description: What it is for, or V(null).
      type: str
    expiration_date:
      description: When it ends or ended, in UTC.
      type: str
    expired:
      description: Whether it has ended.
      type: bool
    created_date:
      description: When it was created, in UTC.
      type: str
    tags:
      description: Its tags.
      type: dict
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ssm_activation_info

SPEC = {
    "activation_ids": {"type": "list", "elements": "str"},
    "iam_role": {"type": "str"},
    "default_instance_name": {"type": "str"},
    "tags": {"type": "dict"},
    "valid": {"type": "bool", "default": False},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ssm_activation_info.work)


if __name__ == "__main__":
    main()
