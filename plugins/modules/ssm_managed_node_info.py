# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ssm_node_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_managed_node_info
version_added: 0.2.0
short_description: Show SSM managed nodes
description:
  - Shows hosts outside of AWS that are managed nodes of AWS Systems Manager, 50 a call.
  - Each option narrows what is shown; a node has to fit all of them. An empty list fits none, so that a list from an
    earlier task never turns into everything.
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: N/A
options:
  instance_ids:
    description: Show these nodes, V(mi-…). Those that SSM does not know are left out.
    type: list
    elements: str
  iam_role:
    description: Show only nodes of this role, by its name, or by C(path/NAME) when it has a path.
    type: str
  activation_ids:
    description: Show only nodes that registered with one of these activations.
    type: list
    elements: str
  ping_status:
    description: Show only nodes in one of these states. AWS says that V(Inactive) is no longer in use.
    type: list
    elements: str
    choices: [Online, ConnectionLost, Inactive]
  tags:
    description: Show only nodes that carry all of these tags; V(null) stands for any value.
    type: dict
  computer_names:
    description: Show only hosts that call themselves by one of these names. Upper and lower case are the same.
    type: list
    elements: str
  inactive_for:
    description: Show only nodes that SSM has not heard of for so many seconds; for one that never reported, since it
      registered.
    type: int
  include_tags:
    description: Whether to return the nodes' tags. This is one call more for B(each) node that is shown.
    type: bool
    default: false
notes:
  - "Permissions: C(ssm:DescribeInstanceInformation), and C(ssm:ListTagsForResource) with O(include_tags)."
seealso:
  - module: onprem.ecs.ssm_managed_node
  - module: onprem.ecs.ecs_external_instance_info
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: All managed nodes of the Region
  onprem.ecs.ssm_managed_node_info:
  register: fleet

- name: Those that have been silent for a month
  onprem.ecs.ssm_managed_node_info:
    ping_status: [ConnectionLost, Inactive]
    inactive_for: 2592000
  register: silent

- name: Those of a site, with all of their tags
  onprem.ecs.ssm_managed_node_info:
    tags:
      site: berlin
    include_tags: true
"""

RETURN = r"""
managed_nodes:
  description: The nodes, sorted by id. What is not known is V(null).
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The node's id.
      type: str
      sample: mi-0123456789abcdef0
    name:
      description: Its name in SSM, or V(null).
      type: str
    computer_name:
      description: The host's own name.
      type: str
    ip_address:
      description: The host's address.
      type: str
    platform_name:
      description: The host's operating system.
      type: str
    platform_version:
      description: Its version.
      type: str
    ping_status:
      description: V(Online), V(ConnectionLost) or V(Inactive).
      type: str
    last_ping:
      description: When SSM last heard of it, in UTC.
      type: str
    ssm_agent_version:
      description: The SSM agent's version.
      type: str
    ssm_agent_is_latest:
      description: Whether that is the latest version.
      type: bool
    iam_role:
      description: The node's role.
      type: str
    activation_id:
      description: The activation that it registered with.
      type: str
    ssm_registration_date:
      description: When it registered, in UTC.
      type: str
    tags:
      description: Its tags. V(null) when they were not asked for by O(include_tags).
      type: dict
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ssm_node_info

SPEC = {
    "instance_ids": {"type": "list", "elements": "str"},
    "iam_role": {"type": "str"},
    "activation_ids": {"type": "list", "elements": "str"},
    "ping_status": {"type": "list", "elements": "str", "choices": ["Online", "ConnectionLost", "Inactive"]},
    "tags": {"type": "dict"},
    "computer_names": {"type": "list", "elements": "str"},
    "inactive_for": {"type": "int"},
    "include_tags": {"type": "bool", "default": False},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ssm_node_info.work)


if __name__ == "__main__":
    main()
