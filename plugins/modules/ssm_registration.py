#!/usr/bin/python
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_registration
short_description: Register a host with AWS Systems Manager as a managed node
version_added: 0.1.0
author:
  - onprem.ecs contributors (@onprem-ecs)
description:
  - Registers the host that it runs on with an activation, by the SSM agent that is installed there.
  - Never registers over a registration for the same Region, unless O(force), or unless it is lost for sure. It is on
    a disk that was cloned from another machine, and where it does not work and AWS's last word in the agent's log is
    that the node was deregistered, is another machine, or has another key.
  - A second run changes nothing and uses no room of the activation.
  - The SSM agent drops an old registration before it asks for a new one. When the new one fails, or the run is
    killed, the old one is put back.
  - Restarts the agent when its identity changed, also when an earlier run was killed before it could.
  - It does not wait for the agent to work. M(onprem.ecs.ecs_host_info) with
    O(onprem.ecs.ecs_host_info#module:until=ssm) does.
options:
  state:
    description:
      - V(present) sees to a registration in O(region).
      - V(absent) clears the registration and removes the node's credentials and what else it left on the host. The
        managed node stays in the account until it is deregistered there.
    type: str
    choices: [present, absent]
    default: present
  region:
    description:
      - The AWS Region to register in.
      - Required when O(state=present).
    type: str
  activation_id:
    description:
      - The id of the activation, a UUID.
      - Needed only when the host has to be registered.
    type: str
  activation_code:
    description:
      - The code of the activation.
      - It is given to the agent on its command line, since the agent takes it nowhere else, and so stands in the
        host's process list for the moment of the registration. It is written nowhere.
    type: str
  force:
    description:
      - Whether to register anew although there is a registration for O(region). For a node that was deregistered in
        the account.
      - It uses room of the activation at every run.
    type: bool
    default: false
  agent_binary:
    description: The path of the SSM agent's program. Found by itself, also for the snap.
    type: path
attributes:
  check_mode:
    description: Can run in check mode and say what it would do, without doing it.
    support: full
  diff_mode:
    description: Shows what changed.
    support: full
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
notes:
  - Needs C(root).
seealso:
  - module: onprem.ecs.ecs_host_info
  - module: onprem.ecs.ssm_activation
"""

EXAMPLES = r"""
- name: Register the host
  onprem.ecs.ssm_registration:
    region: eu-west-1
    activation_id: "{{ activation.activation_id }}"
    activation_code: "{{ activation.activation_code }}"
  register: registration

- name: Take the registration away
  onprem.ecs.ssm_registration:
    state: absent
"""

RETURN = r"""
instance_id:
  description: The managed node's id, or null when there is none (also in check mode, when it would be registered).
  returned: success
  type: str
  sample: mi-0123456789abcdef0
previous_instance_id:
  description: The id of the registration that was found, or null.
  returned: success
  type: str
  sample: mi-0123456789abcdef0
region:
  description: The Region of the registration; with O(state=absent) that of the one that was found.
  returned: success
  type: str
  sample: eu-west-1
restarted:
  description: Whether the agent was restarted.
  returned: success
  type: bool
changes:
  description: What was done, or would be, in sentences.
  returned: success
  type: list
  elements: str
  sample:
    - register with AWS Systems Manager in eu-west-1, as it is not registered
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_register import registration


def main() -> None:
    """Wire the options to the registration."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "region": {"type": "str"},
            "activation_id": {"type": "str"},
            "activation_code": {"type": "str", "no_log": True},
            "force": {"type": "bool", "default": False},
            "agent_binary": {"type": "path"},
        },
        required_if=[("state", "present", ("region",))],
        required_together=[("activation_id", "activation_code")],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**registration(Host(), module.params, module.check_mode))
    except EcsError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
