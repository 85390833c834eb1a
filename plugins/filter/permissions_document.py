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
name: permissions_document
version_added: 0.2.0
short_description: The document of an IAM policy for Amazon ECS
description:
  - Gives the document of a policy of the catalogue, as M(onprem.ecs.ecs_iam_policy) writes it, for use with other
    modules. AWS is not asked.
  - What resources a kind can be limited to, and which it needs, is the same as there.
positional: _input
options:
  _input:
    description: Which policy, see the option C(kind) of M(onprem.ecs.ecs_iam_policy).
    type: str
    required: true
    choices:
      - cloudwatch_logs
      - container_instance
      - ecr_pull
      - environment_files
      - exec
      - external_instance
      - lifecycle_hook
      - operator
      - pass_role
      - private_registry
      - s3_config
      - secrets
      - task_execution
      - trunking
  account:
    description: The number of the account, as a text.
    type: str
    required: true
  regions:
    description:
      - The Regions in which resources that are given by name are.
      - One at least must be given where the document names a Region, as for O(repositories) by name and for
        V(external_instance). Otherwise it is about all Regions when none is given.
    type: list
    elements: str
    default: []
  partition:
    description: The partition, such as V(aws-cn). The default is that of O(regions), or V(aws) without any.
    type: str
  roles:
    description: Names, with their path, or ARNs of IAM roles that can be passed. C(*) and C(?) are refused.
    type: list
    elements: str
    default: []
  role_kind:
    description: The kind of O(roles) for V(pass_role), as in M(onprem.ecs.ecs_iam_role).
    type: str
extends_documentation_fragment:
  - onprem.ecs.iam_role.resources
author:
  - onprem.ecs contributors (@onprem-ecs)
seealso:
  - module: onprem.ecs.ecs_iam_policy
  - plugin: onprem.ecs.trust_document
    plugin_type: filter
  - plugin: onprem.ecs.pass_role_document
    plugin_type: filter
"""

EXAMPLES = r"""
- name: A role of your own
  amazon.aws.iam_role:
    name: builder
    assume_role_policy_document: >-
      {{ 'task' | onprem.ecs.trust_document(account='123456789012', regions=['eu-west-1']) | to_json }}

- name: Let it pull from some repositories, by a module of amazon.aws
  amazon.aws.iam_policy:
    iam_type: role
    iam_name: builder
    policy_name: pull
    policy_json: >-
      {{ 'ecr_pull' | onprem.ecs.permissions_document(account='123456789012', regions=['eu-west-1'],
                                                      repositories=['machines/*']) | to_json }}
"""

RETURN = r"""
_value:
  description: The document.
  type: dict
"""


def permissions_document(
    kind: t.Any, account: t.Any, regions: t.Any = None, partition: t.Any = None, **resources: t.Any
) -> dict[str, t.Any]:
    """The document of a policy.

    :raises AnsibleFilterError: says what is wrong and what is allowed
    """
    try:
        return _filters.permissions_document(kind, _filters.place(account, regions, partition), resources)
    except EcsError as error:
        raise AnsibleFilterError(f"onprem.ecs.permissions_document: {error}") from error


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file."""
        return {"permissions_document": permissions_document}
