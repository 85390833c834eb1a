# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ecs_instance_work.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_external_instance
version_added: 0.1.0
short_description: Wait for, set up, drain and deregister ECS external instances
description:
  - An external instance is a host outside of AWS, a managed node of SSM, that is in an ECS cluster. This module takes
    any number of them at once. It looks at many of them with one call; setting tags, and deregistering, takes calls for
    each host.
  - With O(state=active) it waits until each is Online in SSM, and is in the cluster with its agent connected; it ends
    draining, and sets attributes and tags where they differ. With O(state=present) a host that is draining stays so.
  - With O(state=draining) it drains them and waits until ECS counts no task there, which it does not for one that is
    still stopping. One that is not in the cluster is named in the end, in check mode as well; the others are drained.
  - With O(state=absent) it drains them, waits, and takes them out of the cluster. The SSM registration is left alone.
  - What AWS refuses for one host does not hold back the others. In the end the task fails, and names it in RV(missing).
  - A host that registers with ECS again leaves its old container instance behind. The connected one counts, and of
    several such the newest; the others are named in the result, and O(state=absent) removes them too.
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS. It never waits.
    support: full
  diff_mode:
    description: Returns what is different before and after.
    support: full
options:
  cluster:
    description: Name or ARN of the cluster.
    type: str
    default: default
  instance_ids:
    description:
      - The hosts, by id of the managed node (V(mi-…)) or by ARN of the container instance.
      - An ARN in another account or Region than the task works in is refused before anything is changed.
      - With an empty list, or none, nothing is done and nothing is asked of AWS.
    type: list
    elements: str
  state:
    description: What the hosts should be in the cluster. V(present) was added in version 0.2.0.
    type: str
    choices: [active, present, draining, absent]
    default: active
  attributes:
    description:
      - Attributes for the container instances, name to value; V(null) is an attribute without a value. Ten at most.
      - Other attributes are left alone. Only for O(state=active) and O(state=present).
    type: dict
  names:
    description:
      - Names for hosts, by the id of the managed node. Others are left alone, and so are ids that are not in
        O(instance_ids). Only for O(state=active) and O(state=present).
      - A name is the tag C(Name) of the managed node, which SSM shows, and of the container instance. A host whose
        container instance has it is right; so nothing is asked of SSM for each host. A new name takes one call to
        SSM and one to ECS.
    type: dict
    version_added: 0.2.0
  wait:
    description:
      - Whether to wait until the state is reached, and to fail otherwise.
      - With V(false) O(state=active) and O(state=present) do what can be done now and return what is not there yet in
        RV(missing).
        O(state=draining) starts to drain. O(state=absent) acts on hosts with tasks as O(on_timeout) says.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait.
    type: int
    default: 300
  poll_interval:
    description: Seconds between the first two looks. The pauses grow up to half a minute.
    type: int
    default: 5
  on_timeout:
    description:
      - What to do with hosts that have tasks after O(wait_timeout), for O(state=draining) and O(state=absent).
      - V(fail) leaves them draining and fails.
      - V(reactivate) makes those ACTIVE again that this task has drained, and fails.
      - V(force) with O(state=absent) deregisters them; their tasks go on without ECS knowing. With O(state=draining)
        it goes on while they drain.
    type: str
    choices: [fail, reactivate, force]
    default: fail
  force:
    description: With O(state=absent) deregister at once, without draining. Tasks go on without ECS knowing of them.
    type: bool
    default: false
  account_id:
    description:
      - The account that the hosts are in, 12 digits. With credentials of another one the task fails before anything is
        changed; there a host that is alive would look like one that is gone.
    type: str
    version_added: 0.2.0
notes:
  - "Permissions: C(ssm:DescribeInstanceInformation), C(ecs:ListContainerInstances),
    C(ecs:DescribeContainerInstances), C(ecs:UpdateContainerInstancesState); for what is asked also
    C(ecs:PutAttributes), C(ecs:TagResource), C(ecs:UntagResource), C(ecs:DeregisterContainerInstance),
    C(ssm:AddTagsToResource). When O(account_id) or an ARN is given C(ecs:ListClusters) is asked for the account of the
    credentials, and where it may not be or names no cluster C(sts:GetCallerIdentity), which needs no permission."
seealso:
  - module: onprem.ecs.ecs_external_instance_info
  - module: onprem.ecs.ssm_activation
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Wait until two hosts are up, and tell tasks where they stand
  onprem.ecs.ecs_external_instance:
    cluster: edge
    instance_ids:
      - mi-0123456789abcdef0
      - mi-0123456789abcdef1
    attributes:
      site: berlin
      gpu:
    tags:
      owner: platform
    names:
      mi-0123456789abcdef0: rack-1
      mi-0123456789abcdef1: rack-2
    wait_timeout: 600

- name: Drain a host before work on it, and give it back if that takes too long
  onprem.ecs.ecs_external_instance:
    cluster: edge
    instance_ids:
      - mi-0123456789abcdef0
    state: draining
    wait_timeout: 900
    on_timeout: reactivate

- name: Take a host out of its cluster
  onprem.ecs.ecs_external_instance:
    cluster: edge
    instance_ids:
      - mi-0123456789abcdef0
    state: absent
"""

RETURN = r"""
instances:
  description:
    - The hosts as SSM and ECS show them, sorted by id. What is not known is V(null).
    - Also returned when the task fails because of some hosts. When AWS cannot be asked how they are, it is not.
    - With O(state=absent) as they were last seen in the cluster.
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
missing:
  description:
    - What hosts lack to be as wanted, also when the task fails because of them.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The host, or the ARN that was not found.
      type: str
    computer_name:
      description: The host's own name, or V(null) when SSM does not know it.
      type: str
    code:
      description:
        - V(ssm_not_registered), V(ssm_not_online), V(ecs_not_registered), V(ecs_not_active) or V(ecs_not_connected).
        - V(not_changed) when AWS has refused to do something for the host. Added in version 0.2.0.
        - V(has_tasks) when tasks are left after O(wait_timeout), but for O(on_timeout=force). Added in version 0.2.0.
      type: str
    what:
      description: What is not as it should be.
      type: str
    remedy:
      description: Where to look, or what to do.
      type: str
changes:
  description: What was done, or would be in check mode, in plain sentences. Also returned when the task fails half-way.
  returned: always
  type: list
  elements: str
  sample: [set the attribute site=berlin on mi-0123456789abcdef0]
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ecs_instance_work

SPEC = {
    "cluster": {"type": "str", "default": "default"},
    "instance_ids": {"type": "list", "elements": "str"},
    "state": {"type": "str", "choices": ["active", "present", "draining", "absent"], "default": "active"},
    "attributes": {"type": "dict"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "names": {"type": "dict"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
    "poll_interval": {"type": "int", "default": 5},
    "on_timeout": {"type": "str", "choices": ["fail", "reactivate", "force"], "default": "fail"},
    "force": {"type": "bool", "default": False},
    "account_id": {"type": "str"},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ecs_instance_work.work)


if __name__ == "__main__":
    main()
