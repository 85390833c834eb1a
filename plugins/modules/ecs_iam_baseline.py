# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_iam.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_iam_baseline
version_added: 0.2.0
short_description: Manage many IAM roles for Amazon ECS in one task
description:
  - Does for a list of roles what M(onprem.ecs.ecs_iam_role) does for one, in one process and several at a time.
  - All roles are looked at and all plans are made before the first call that changes something. So a wrong option, a
    policy or principal that does not exist, or a change that would break running work stops the task with nothing
    changed.
  - A role can be passed by another one of the same list (O(roles[].pass_role_to)), which may be made in the same task.
  - A run that changes nothing makes three calls to IAM for a role, one more for kinds with an instance profile, one for
    each inline policy, and one for each entry of O(roles[].pass_role_to).
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS.
    support: full
  diff_mode:
    description: Returns for each role what is different before and after. What stays the same is left out.
    support: full
options:
  roles:
    required: true
notes:
  - The permissions are those of M(onprem.ecs.ecs_iam_role).
seealso:
  - module: onprem.ecs.ecs_iam_role
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - onprem.ecs.iam_role.roles
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: All that an account needs for external instances and their tasks
  onprem.ecs.ecs_iam_baseline:
    roles:
      - kind: anywhere
        permissions: least_privilege
        clusters: [plant-north]
      - kind: task_execution
      - kind: infrastructure
        features: [volumes, service_connect_tls]
      - kind: task
        name: shop
        features: [exec]

- name: Roles that others pass
  onprem.ecs.ecs_iam_baseline:
    roles:
      - kind: events
      - kind: task
        name: nightly
        pass_role_to:
          - type: role
            name: ecsEventsRole
"""

RETURN = r"""
iam_roles:
  description: The roles in the order of O(roles), each as RV(onprem.ecs.ecs_iam_role#module:iam_role) shows it.
  returned: always
  type: list
  elements: dict
changes:
  description: What was done, or would be in check mode, in plain sentences, role by role.
  returned: always
  type: list
  elements: str
  sample:
    - create role ecsAnywhereRole, trusted by ssm.amazonaws.com
    - attach arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore to role ecsAnywhereRole
"""

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import run
from ansible_collections.onprem.ecs.plugins.module_utils._iam import manage_baseline
from ansible_collections.onprem.ecs.plugins.module_utils._iam_options import roles_option


def main() -> t.NoReturn:
    """Start here."""
    run(roles_option(required=True), manage_baseline)


if __name__ == "__main__":
    main()
