# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ssm_node.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_managed_node
version_added: 0.2.0
short_description: Set role, name and tags of SSM managed nodes, and deregister them
description:
  - A managed node is a host outside of AWS that has registered with AWS Systems Manager. Only the host itself can
    register; M(onprem.ecs.ssm_registration) does that there. This module takes any number of registered nodes.
  - O(state=absent) deregisters. The host loses its AWS credentials within the hour, and has to be registered anew to
    come back, under another id. What is in an ECS cluster stays there;
    M(onprem.ecs.ecs_external_instance) with O(onprem.ecs.ecs_external_instance#module:state=absent) takes it out, and
    should do so before.
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS.
    support: full
  diff_mode:
    description: Returns what is different before and after.
    support: full
options:
  instance_ids:
    description:
      - The ids of the nodes, V(mi-…).
      - With an empty list nothing is done and nothing is asked of AWS.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) sets what the other options say. All nodes must be there.
      - V(absent) deregisters those that are there. One that is not is no change.
    type: str
    choices: [present, absent]
    default: present
  iam_role:
    description:
      - Name of the role that the nodes shall have, not its ARN. It must trust C(ssm.amazonaws.com).
      - When the role has a path, it stands before the name, without the slash in front, as in V(factory/hosts). AWS
        takes 64 characters in all.
      - A node takes it when it next asks for credentials, within the hour. A role that was made a moment ago is waited
        for.
    type: str
  name:
    description:
      - The name that SSM shows for the node. It is the tag C(Name), and takes the place of the one that the node got
        from its activation.
      - For one node only.
    type: str
  tags:
    description:
      - Tags for the nodes. Without this option they are left alone.
      - SSM tells tags with one call for each node. Without O(tags) and O(name) there is none.
  protect:
    description:
      - With V(true) nothing is deregistered when one of the nodes is Online, and the task fails and names them. An id
        that was mixed up does not cost a living host then.
      - Only SSM is looked at. Whether the host is in a cluster, M(onprem.ecs.ecs_external_instance_info) tells.
      - Set it to V(false) to deregister a host that is alive, when it has been taken out of its cluster.
    type: bool
    default: true
  account_id:
    description:
      - The account that the nodes are in, 12 digits. With credentials of another one the task fails before anything is
        changed; there a node that is alive would look like one that is gone.
    type: str
notes:
  - Nodes are looked at 50 a call. What changes is one call for each node and kind of change, several at a time.
  - "Permissions: C(ssm:DescribeInstanceInformation); for what is asked also C(ssm:UpdateManagedInstanceRole) with
    C(iam:PassRole) on the role, C(ssm:ListTagsForResource), C(ssm:AddTagsToResource), C(ssm:RemoveTagsFromResource),
    C(ssm:DeregisterManagedInstance). When O(account_id) is given C(ecs:ListClusters) is asked for the account of the
    credentials, and where it may not be or names no cluster C(sts:GetCallerIdentity), which needs no permission."
seealso:
  - module: onprem.ecs.ssm_managed_node_info
  - module: onprem.ecs.ecs_external_instance
  - module: onprem.ecs.ssm_registration
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Give a node a name and tags
  onprem.ecs.ssm_managed_node:
    instance_ids:
      - mi-0123456789abcdef0
    name: rack-1
    tags:
      site: berlin

- name: Move two nodes to another role
  onprem.ecs.ssm_managed_node:
    instance_ids:
      - mi-0123456789abcdef0
      - mi-0123456789abcdef1
    iam_role: ecsAnywhereRole

- name: The hosts that are alive
  onprem.ecs.ssm_managed_node_info:
    ping_status: [Online]
  register: alive

- name: Nodes that the same hosts left behind when they registered anew, silent for a day
  onprem.ecs.ssm_managed_node_info:
    ping_status: [ConnectionLost, Inactive]
    computer_names: "{{ alive.managed_nodes | map(attribute='computer_name') | select }}"
    inactive_for: 86400
  register: stale

- name: Deregister them
  onprem.ecs.ssm_managed_node:
    state: absent
    instance_ids: "{{ stale.managed_nodes | map(attribute='instance_id') }}"
"""

RETURN = r"""
managed_nodes:
  description:
    - The nodes, sorted by id, as they are now or would be in check mode, each as
      RV(onprem.ecs.ssm_managed_node_info#module:managed_nodes) shows it.
    - C(tags) are V(null) when they were not asked for by O(tags) or O(name).
    - With O(state=absent) those that were deregistered, or would be, as they were before.
  returned: always
  type: list
  elements: dict
changes:
  description: What was done, or would be in check mode, in plain sentences. Also returned when the task fails half-way.
  returned: always
  type: list
  elements: str
  sample: [give mi-0123456789abcdef0 the role ecsAnywhereRole instead of oldRole]
remaining:
  description: The ids of the nodes that are still registered.
  returned: when the task fails half-way with O(state=absent)
  type: list
  elements: str
  sample: [mi-0123456789abcdef0]
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ssm_node

SPEC = {
    "instance_ids": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "iam_role": {"type": "str"},
    "name": {"type": "str"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "protect": {"type": "bool", "default": True},
    "account_id": {"type": "str"},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ssm_node.work)


if __name__ == "__main__":
    main()
