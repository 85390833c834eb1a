# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring; the work is in module_utils/_filters.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.onprem.ecs.plugins.module_utils import _filters
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

DOCUMENTATION = r"""
name: pass_role_document
version_added: 0.2.0
short_description: The document of an IAM policy that lets roles be passed to a service
description:
  - Gives the document that lets its holder pass exactly these roles to exactly one service, C(iam:PassRole) with
    C(iam:PassedToService), for use with other modules. AWS is not asked.
positional: _input
options:
  _input:
    description: The ARN of a role, or a list of ARNs. With C(*) or C(?) it is refused.
    type: raw
    required: true
  kind:
    description:
      - The kind of the roles, as in M(onprem.ecs.ecs_iam_role). It tells the service, in the partition of the roles.
      - One of O(kind) and O(service) must be given.
    type: str
    choices:
      - anywhere
      - codedeploy
      - container_instance
      - events
      - infrastructure
      - lifecycle_hook
      - managed_instance
      - task
      - task_execution
  service:
    description: The service that gets the roles, such as C(ecs-tasks.amazonaws.com), or a list of services.
    type: raw
author:
  - onprem.ecs contributors (@onprem-ecs)
seealso:
  - module: onprem.ecs.ecs_iam_policy
  - plugin: onprem.ecs.permissions_document
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The role that tasks are started with
  onprem.ecs.ecs_iam_role:
    kind: task_execution
  register: execution

- name: Who starts them
  amazon.aws.iam_group:
    name: deployers
    state: present

- name: Let them use that role and no other, by a module of amazon.aws
  amazon.aws.iam_policy:
    iam_type: group
    iam_name: deployers
    policy_name: pass-execution-role
    policy_json: "{{ execution.iam_role.arn | onprem.ecs.pass_role_document(kind='task_execution') | to_json }}"
"""

RETURN = r"""
_value:
  description: The document.
  type: dict
"""


def pass_role_document(roles: t.Any, kind: t.Any = None, service: t.Any = None) -> dict[str, t.Any]:
    """The document that lets roles be passed.

    :raises AnsibleFilterError: says what is wrong and what is allowed
    """
    try:
        return _filters.pass_role_document(roles, kind, service)
    except EcsError as error:
        raise AnsibleFilterError(f"onprem.ecs.pass_role_document: {error}") from error


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file."""
        return {"pass_role_document": pass_role_document}
