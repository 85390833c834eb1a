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
name: trust_document
version_added: 0.2.0
short_description: The trust document of an IAM role for Amazon ECS
description:
  - Gives the trust document that AWS documents for a kind of role, as M(onprem.ecs.ecs_iam_role) writes it, for use
    with other modules. AWS is not asked.
positional: _input
options:
  _input:
    description: The kind of role.
    type: str
    required: true
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
  account:
    description: The number of the account, as a text.
    type: str
    required: true
  regions:
    description:
      - The Regions whose services may use the role. V(anywhere), V(task) and V(task_execution) need one at least.
    type: list
    elements: str
    default: []
  partition:
    description: The partition, such as V(aws-cn). The default is that of O(regions), or V(aws) without any.
    type: str
  conditions:
    description:
      - V(documented) puts the conditions into the document that AWS documents for the kind, V(none) puts none.
      - A dictionary is taken as the condition block.
    type: raw
    default: documented
author:
  - onprem.ecs contributors (@onprem-ecs)
seealso:
  - module: onprem.ecs.ecs_iam_role
  - plugin: onprem.ecs.permissions_document
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The role of external instances, by a module of amazon.aws
  amazon.aws.iam_role:
    name: plantHosts
    assume_role_policy_document: >-
      {{ 'anywhere' | onprem.ecs.trust_document(account='123456789012', regions=['eu-west-1']) | to_json }}
    managed_policies:
      - arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore
      - arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role
"""

RETURN = r"""
_value:
  description: The document.
  type: dict
"""


def trust_document(
    kind: t.Any, account: t.Any, regions: t.Any = None, partition: t.Any = None, conditions: t.Any = "documented"
) -> dict[str, t.Any]:
    """The trust document of a kind.

    :raises AnsibleFilterError: says what is wrong and what is allowed
    """
    try:
        return _filters.trust_document(kind, _filters.place(account, regions, partition), conditions)
    except EcsError as error:
        raise AnsibleFilterError(f"onprem.ecs.trust_document: {error}") from error


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file."""
        return {"trust_document": trust_document}
