#!/usr/bin/python
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: signed_download
short_description: Download a file and keep it only when it is signed by a pinned key
version_added: 0.1.0
author:
  - onprem.ecs contributors (@onprem-ecs)
description:
  - Downloads a file and its detached OpenPGP signature, and puts the file in its place only when the signature is
    good and was made by one of the given keys whose fingerprint is pinned.
  - The key ring of the user who runs it counts for nothing; no key is fetched from anywhere.
  - When anything is wrong it fails and leaves nothing; a file that was there before stays as it is.
  - A file that is there already and has a good signature is not downloaded again. Its signature is, since only that
    tells.
options:
  url:
    description:
      - The address of the file. C(https), C(http), C(file), or an absolute path on the host.
    type: str
    required: true
  signature_url:
    description: The address of its detached signature, binary or armoured.
    type: str
    required: true
  dest:
    description: The absolute path to put the file at. Its folder is made when it is missing.
    type: path
    required: true
  public_keys:
    description: The texts of the public keys (armoured) that may have signed the file.
    type: list
    elements: str
    required: true
  fingerprints:
    description:
      - The fingerprints of the keys to trust, of a primary key or of a signing subkey, 40 hexadecimal digits each.
      - A key in O(public_keys) whose fingerprint is not here is not trusted.
    type: list
    elements: str
    required: true
  checksum:
    description: The SHA-256 that the file must have, besides being signed.
    type: str
  validate_certs:
    description: Whether the server's certificate is verified.
    type: bool
    default: true
  ca_path:
    description: The path on the host of a PEM file with authorities to trust for the download.
    type: path
  timeout:
    description: How long to wait for the server at a time, in seconds.
    type: int
    default: 60
attributes:
  check_mode:
    description: Can run in check mode and say what it would do, without doing it.
    support: partial
    details:
      - In check mode nothing is downloaded; whether it would change is told by whether there is a file at O(dest).
  diff_mode:
    description: Shows what changed.
    support: none
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
notes:
  - The proxy is taken from the environment variables E(http_proxy), E(https_proxy) and E(no_proxy).
  - Needs C(gpgv) or C(gpg).
seealso:
  - module: ansible.builtin.get_url
"""

EXAMPLES = r"""
- name: Get the SSM agent
  onprem.ecs.signed_download:
    url: "{{ mirror }}/amazon-ssm-agent.deb"
    signature_url: "{{ mirror }}/amazon-ssm-agent.deb.sig"
    dest: /var/cache/amazon-ssm-agent.deb
    public_keys:
      - "{{ lookup('ansible.builtin.file', 'amazon-ssm-agent.gpg') }}"
    fingerprints:
      - 1C5B395CBE5E74E2F1CA21592784DBF388D19D46
  vars:
    mirror: https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_amd64
"""

RETURN = r"""
dest:
  description: The path of the file.
  returned: success
  type: str
  sample: /var/cache/amazon-ssm-agent.deb
fingerprint:
  description: The fingerprint of the primary key that vouches for the file; null in check mode.
  returned: success
  type: str
  sample: 1C5B395CBE5E74E2F1CA21592784DBF388D19D46
key_expires_at:
  description: When that key, or the subkey that signed, expires, in UTC; null for never, and in check mode.
  returned: success
  type: str
  sample: "2027-11-25T00:00:00Z"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_download import signed_download
from ansible_collections.onprem.ecs.plugins.module_utils._host_fetch import fetch_with
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_secrets import hide_passwords


def main() -> None:
    """Wire the options to the download."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "signature_url": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "public_keys": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "fingerprints": {"type": "list", "elements": "str", "required": True},
            "checksum": {"type": "str"},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    try:
        done = signed_download(Host(), module.params, module.check_mode, fetch_with(module))
        for warning in done.pop("warnings"):
            module.warn(warning)
        module.exit_json(**done)
    except EcsError as error:
        # The address of a mirror may have a password in it.
        module.fail_json(msg=hide_passwords(str(error)))


if __name__ == "__main__":
    main()
