#!/usr/bin/python
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pinned_key
short_description: Refuse an OpenPGP public key whose fingerprint is not pinned
version_added: 0.2.0
author:
  - onprem.ecs contributors (@onprem-ecs)
description:
  - Fails unless every key in a text is one whose fingerprint was pinned, and none has expired. To be used before a
    package manager is told to trust the text.
  - The key ring of the user who runs it counts for nothing, no key is fetched from anywhere, and no C(gpg) is needed.
options:
  key:
    description: The text of the public key, armoured.
    type: str
    required: true
  fingerprints:
    description: The fingerprints of the primary keys that may be trusted, 40 hexadecimal digits each.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Can run in check mode and do nothing else than without it.
    support: full
    details:
      - This module never changes anything.
  diff_mode:
    description: Shows what changed.
    support: N/A
    details:
      - This module never changes anything.
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
seealso:
  - module: onprem.ecs.signed_download
  - module: ansible.builtin.rpm_key
"""

EXAMPLES = r"""
- name: See that it is Docker's key
  onprem.ecs.pinned_key:
    key: "{{ lookup('ansible.builtin.file', 'docker.asc') }}"
    fingerprints:
      - 9DC858229FC7DD38854AE2D88D81803C0EBFCD88
"""

RETURN = r"""
trusted:
  description: The fingerprints of the primary keys in the text, all of them pinned.
  returned: success
  type: list
  elements: str
  sample: [9DC858229FC7DD38854AE2D88D81803C0EBFCD88]
key:
  description: The text of the keys that were checked, written anew, so that nothing else in O(key) is trusted.
  returned: success
  type: str
  sample: "-----BEGIN PGP PUBLIC KEY BLOCK-----..."
key_expires_at:
  description: When the first of them expires, in UTC; null for never.
  returned: success
  type: str
  sample: "2027-11-25T00:00:00Z"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_key import pinned_key


def main() -> None:
    """Wire the options to the check."""
    module = AnsibleModule(
        argument_spec={
            "key": {"type": "str", "required": True, "no_log": False},
            "fingerprints": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        done = pinned_key(Host(), module.params)
        for warning in done.pop("warnings"):
            module.warn(warning)
        module.exit_json(**done)
    except EcsError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
