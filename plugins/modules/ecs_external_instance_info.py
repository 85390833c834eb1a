# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ecs_instance_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_external_instance_info
version_added: 0.1.0
short_description: Show ECS external instances, one joined view of SSM and ECS for each host
description:
  - Shows the hosts outside of AWS that are managed nodes of SSM or in an ECS cluster, with what both services know.
  - Without O(cluster) and O(instance_ids) it shows all of the Region, also nodes that are in no cluster, and
    container instances whose node has been deregistered.
  - Its calls grow with the pages of AWS's answers, not with the hosts.
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: N/A
options:
  cluster:
    description:
      - Name or ARN of a cluster. Only hosts in it are shown, and those of O(instance_ids). A cluster that does not
        exist has no hosts, and is returned in RV(missing_clusters).
      - Without it all clusters of the Region are looked at.
    type: str
  instance_ids:
    description: Show these hosts, by id of the managed node (V(mi-…)) or by ARN of the container instance. Those that
      neither SSM nor ECS knows are left out.
    type: list
    elements: str
  iam_role:
    description: Show only nodes of this role, by its name, or by C(path/NAME) when it has a path.
    type: str
notes:
  - "Permissions: C(ssm:DescribeInstanceInformation), C(ecs:ListContainerInstances),
    C(ecs:DescribeContainerInstances), and C(ecs:ListClusters) without O(cluster)."
seealso:
  - module: onprem.ecs.ecs_external_instance
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: All hosts of a cluster
  onprem.ecs.ecs_external_instance_info:
    cluster: edge
  register: fleet

- name: See that the cluster is there at all
  ansible.builtin.assert:
    that: not fleet.missing_clusters

- name: Those whose agent is not connected
  ansible.builtin.debug:
    msg: "{{ fleet.instances | rejectattr('agent_connected') | map(attribute='computer_name') }}"

- name: All nodes that live on a role, in every cluster and in none
  onprem.ecs.ecs_external_instance_info:
    iam_role: ecsAnywhereRole
"""

RETURN = r"""
instances:
  description: The hosts, sorted by id. What is not known is V(null).
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The managed node's id.
      type: str
      sample: mi-0123456789abcdef0
    name:
      description: The node's name in SSM, or V(null).
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
      description: V(Online), V(ConnectionLost) or V(Inactive); V(null) when SSM does not know the node.
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
      description: When it registered with SSM, in UTC.
      type: str
    container_instance_arn:
      description: The container instance's ARN; V(null) when it is in no cluster that was looked at.
      type: str
    cluster:
      description: The cluster's name.
      type: str
    ecs_status:
      description: V(ACTIVE), V(DRAINING) or another status of a container instance.
      type: str
    agent_connected:
      description: Whether the ECS agent is connected.
      type: bool
    agent_version:
      description: The ECS agent's version.
      type: str
    docker_version:
      description: The container engine's version.
      type: str
    running_tasks:
      description: The number of running tasks.
      type: int
    pending_tasks:
      description: The number of pending tasks.
      type: int
    attributes:
      description: Attributes of your own, name to value. V(null) is an attribute without a value.
      type: dict
    capabilities:
      description: Attributes that ECS and its agent have set, name to value.
      type: dict
    tags:
      description: The container instance's tags.
      type: dict
    ecs_registration_date:
      description: When it registered with ECS, in UTC.
      type: str
    duplicates:
      description:
        - Other container instances of the same host in the cluster, which it left behind when it registered again.
        - The connected one counts as the host's; of several such the newest.
      type: list
      elements: dict
      contains:
        container_instance_arn:
          description: Its ARN.
          type: str
        ecs_status:
          description: Its status.
          type: str
        agent_connected:
          description: Whether an agent is connected.
          type: bool
        running_tasks:
          description: How many tasks ECS thinks it has.
          type: int
        ecs_registration_date:
          description: When it registered, in UTC.
          type: str
table:
  description:
    - The hosts as lines of text by cluster, with columns for the cluster, the node, the host's name, its state in SSM,
      the version of the ECS agent, the state in ECS, whether that agent is connected, and the number of running tasks.
  returned: always
  type: list
  elements: str
  version_added: 0.2.0
missing_clusters:
  description: Those of the clusters looked at, as they were given, that do not exist in this account and Region.
  returned: always
  type: list
  elements: str
  sample: [egde]
  version_added: 0.2.0
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ecs_instance_info

SPEC = {
    "cluster": {"type": "str"},
    "instance_ids": {"type": "list", "elements": "str"},
    "iam_role": {"type": "str"},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ecs_instance_info.work)


if __name__ == "__main__":
    main()
