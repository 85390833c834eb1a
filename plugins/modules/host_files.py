#!/usr/bin/python
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Write several small files of root's on a host at once
version_added: 0.2.0
author:
  - onprem.ecs contributors (@onprem-ecs)
description:
  - Writes files and makes the folders that they are in, with one connection for all of them.
    M(ansible.builtin.copy) needs several for each file.
  - Everything belongs to root. A file is replaced as a whole, so that nobody reads half of it.
  - What a file was and is stands in the diff, without passwords in addresses, and not at all for what is
    O(files[].secret).
options:
  files:
    description: The files, in the order in which they are written.
    type: list
    elements: dict
    required: true
    suboptions:
      dest:
        description: The absolute path of the file. Folders that are missing are made, with the mode C(0755).
        type: path
        required: true
      content:
        description: What shall be in it.
        type: str
      src:
        description: A file on the host whose content it shall have.
        type: path
      state:
        description: Whether it shall be there, with O(files[].content) or O(files[].src); or not.
        type: str
        choices: [present, absent]
        default: present
      mode:
        description: Its mode, as three or four octal digits in quotes.
        type: str
        default: "0644"
      secret:
        description: Whether the diff says no more than that it differs.
        type: bool
        default: false
attributes:
  check_mode:
    description: Can run in check mode and tell what would change.
    support: full
  diff_mode:
    description: Shows what changed.
    support: full
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
seealso:
  - module: ansible.builtin.copy
"""

EXAMPLES = r"""
- name: Two files
  onprem.ecs.host_files:
    files:
      - dest: /etc/ecs/ecs.config
        content: |
          ECS_CLUSTER=shop
        mode: "0600"
        secret: true
      - dest: /var/lib/ecs/deps/execute-command/certs/tls-ca-bundle.pem
        src: /etc/ssl/certs/ca-certificates.crt
        mode: "0400"
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in words.
  returned: success
  type: list
  elements: str
  sample: [write /etc/ecs/ecs.config]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_files import host_files


def main() -> None:
    """Wire the options to the work."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "dest": {"type": "path", "required": True},
                    "content": {"type": "str", "no_log": True},
                    "src": {"type": "path"},
                    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                    "mode": {"type": "str", "default": "0644"},
                    "secret": {"type": "bool", "default": False, "no_log": False},
                },
            },
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**host_files(module))
    except EcsError as error:
        module.fail_json(msg=str(error), **error.result)


if __name__ == "__main__":
    main()
