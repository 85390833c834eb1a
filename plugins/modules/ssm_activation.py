# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_ssm_activation.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_activation
version_added: 0.1.0
short_description: Create and delete SSM hybrid activations
description:
  - An activation lets hosts outside of AWS register as managed nodes of AWS Systems Manager. It has an id and a code,
    an IAM role that the nodes get, a number of registrations and an end.
  - AWS shows the code only once, when the activation is created, and an activation cannot be changed. So
    O(state=present) makes a new one B(every time), unless O(store) names a place to keep the code in; then the kept
    one is used again while it is valid.
  - O(state=absent) deletes by id, by tags or by age. Nodes that have registered with a deleted activation stay
    registered.
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS.
    support: full
  diff_mode:
    description: Returns what is different before and after. The activation code is never part of it.
    support: full
options:
  state:
    description: Whether there should be an activation.
    type: str
    choices: [present, absent]
    default: present
  iam_role:
    description:
      - Name of the role that the nodes get, not its ARN. Needed for O(state=present).
      - When the role has a path, it stands before the name, without the slash in front, as in V(factory/hosts). AWS
        takes 64 characters in all.
      - It must trust C(ssm.amazonaws.com); M(onprem.ecs.ecs_iam_role) with
        O(onprem.ecs.ecs_iam_role#module:kind=anywhere) makes such a role. A role that was made a moment ago is waited
        for.
      - With O(state=absent) only activations of this role are looked at.
    type: str
  registration_limit:
    description: How many hosts can register with the activation, 1 to 1000.
    type: int
    default: 1
  expires_in:
    description:
      - How long the activation can be used from now on. A number and its unit, V(m) for minutes, V(h) for hours or
        V(d) for days.
      - At least V(5m), at most V(30d).
    type: str
    default: 24h
  default_instance_name:
    description: The name that the nodes get in SSM. Without it they have none.
    type: str
  description:
    description: What the activation is for; shown in SSM.
    type: str
  tags:
    description:
      - Tags for the activation. They are copied to each node that registers with it, and cannot be changed
        afterwards.
      - With O(state=absent) all activations that carry B(all) of these tags are deleted. A tag that names the owner
        or the run makes it possible to clean up after a run that was killed.
    type: dict
    aliases: [resource_tags]
  store:
    description:
      - Name of an SSM parameter of type C(SecureString), encrypted with the account's default key, that keeps id and
        code between runs.
      - With O(state=present) the activation in it is returned again when it has not expired, has room for
        O(registration_limit) more registrations, and has the same role, name and tags. Otherwise a new one is made
        and kept in its place.
      - With O(state=absent) the activation in it and the parameter are deleted, when the activation is one that the
        other options choose. O(activation_id) must be the one in it, when both are given.
    type: str
  activation_id:
    description: The activation to delete, for O(state=absent).
    type: str
  expired:
    description: With O(state=absent) delete only activations that have expired. It narrows the other options, or
      stands alone.
    type: bool
    default: false
notes:
  - B(Set) C(no_log=true) on a task with O(state=present), since it returns a secret in RV(activation_code). Ansible
    would replace the code in the result by asterisks if the module itself declared it secret, and it could not be
    used.
  - "Permissions: C(ssm:CreateActivation) and C(iam:PassRole) on the role; C(ssm:DescribeActivations) and
    C(ssm:DeleteActivation); with O(store) also C(ssm:GetParameter), C(ssm:PutParameter) and C(ssm:DeleteParameter)."
seealso:
  - module: onprem.ecs.ecs_iam_role
  - module: onprem.ecs.ecs_external_instance
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: An activation for two hosts, for two hours
  onprem.ecs.ssm_activation:
    iam_role: ecsAnywhereRole
    registration_limit: 2
    expires_in: 2h
    tags:
      owner: enroll
  register: activation
  no_log: true

- name: Delete it
  onprem.ecs.ssm_activation:
    state: absent
    activation_id: "{{ activation.activation_id }}"

- name: One activation for a month, kept and used again by later runs
  onprem.ecs.ssm_activation:
    iam_role: ecsAnywhereRole
    registration_limit: 10
    expires_in: 30d
    store: /onprem/ecs/activation
  register: activation
  no_log: true

- name: Delete whatever runs of this owner have left over
  onprem.ecs.ssm_activation:
    state: absent
    iam_role: ecsAnywhereRole
    tags:
      owner: enroll

- name: Delete all activations that have expired
  onprem.ecs.ssm_activation:
    state: absent
    expired: true
"""

RETURN = r"""
activation_id:
  description: The id of the activation. V(null) in check mode when one would be created.
  returned: when O(state=present)
  type: str
  sample: 5743558d-563b-4457-8682-d16c3EXAMPLE
activation_code:
  description: The code that belongs to it, a B(secret). V(null) in check mode.
  returned: when O(state=present)
  type: str
expiration_date:
  description: When it ends, in UTC.
  returned: when O(state=present)
  type: str
  sample: "2026-01-31T12:00:00Z"
registration_limit:
  description: How many hosts can register with it, those that already have included.
  returned: when O(state=present)
  type: int
  sample: 2
activations:
  description: The activations that were deleted, or would be in check mode.
  returned: when O(state=absent)
  type: list
  elements: dict
  contains:
    activation_id:
      description: Its id.
      type: str
    iam_role:
      description: The role of its nodes.
      type: str
    registration_limit:
      description: How many hosts could register.
      type: int
    registrations_count:
      description: How many have.
      type: int
    default_instance_name:
      description: The name that its nodes got, or V(null).
      type: str
    description:
      description: What it was for, or V(null).
      type: str
    expiration_date:
      description: When it ended or would have, in UTC.
      type: str
    expired:
      description: Whether it had ended.
      type: bool
    created_date:
      description: When it was created, in UTC.
      type: str
    tags:
      description: Its tags.
      type: dict
changes:
  description: What was done, or would be in check mode, in plain sentences.
  returned: always
  type: list
  elements: str
  sample: [create an activation for 2 hosts with the role ecsAnywhereRole]
"""

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _ssm_activation

SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "iam_role": {"type": "str"},
    "registration_limit": {"type": "int", "default": 1},
    "expires_in": {"type": "str", "default": "24h"},
    "default_instance_name": {"type": "str"},
    "description": {"type": "str"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "store": {"type": "str"},
    "activation_id": {"type": "str"},
    "expired": {"type": "bool", "default": False},
}


def main() -> None:
    """The entry point."""
    _aws.run(SPEC, _ssm_activation.work, required_if=[("state", "present", ["iam_role"])])


if __name__ == "__main__":
    main()
