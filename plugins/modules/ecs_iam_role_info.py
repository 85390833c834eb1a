# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_iam_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_iam_role_info
version_added: 0.2.0
short_description: Show the IAM roles of Amazon ECS, and what is wrong with them
description:
  - Shows roles whole, and judges them by what AWS documents for their kind, or by a declaration (O(roles)). Each
    finding says what was seen, why it matters and what helps.
  - Without O(name), O(kind), O(path_prefix) and O(roles) it looks at the roles with documented names that are there.
  - The kind of a role is that of O(kind) or of O(roles), else it is told by its documented name, else by the service
    that it trusts together with its policies. A role whose kind cannot be told has general findings only.
  - It makes three calls to IAM for a role, one more where there may be an instance profile, one for each inline policy,
    and two for each managed policy of the account's own that is attached. Several are made at a time.
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: N/A
options:
  name:
    description: The name of one role. That it is not there is a finding.
    type: str
    aliases: [role_name]
  kind:
    description:
      - The kind that O(name) is judged as.
      - Without O(name), the role with the documented name of the kind.
    type: str
    choices:
      - anywhere
      - codedeploy
      - container_instance
      - events
      - infrastructure
      - lifecycle_hook
      - managed_instance
      - task
      - task_execution
  path_prefix:
    description: All roles whose path begins so, such as V(/factory/). V(/) is every role of the account. Those that
      services of AWS made for themselves are left out.
    type: str
  roles:
    description:
      - Declared roles. Each entry has the options of M(onprem.ecs.ecs_iam_role), and the role is judged by it, so that
        what M(onprem.ecs.ecs_iam_role) would change is a finding.
      - Entries of O(roles[].pass_role_to) are looked at too, with their own policies, inline and attached. The groups
        of a user are not.
  unused_after:
    description: A role that was not used for more days than these is a finding.
    type: int
    default: 90
notes:
  - "Permissions: C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:ListRolePolicies), C(iam:GetRolePolicy),
    C(iam:ListInstanceProfilesForRole), C(iam:ListPolicyVersions) and C(iam:GetPolicyVersion); C(iam:ListRoles) for
    O(path_prefix); for O(roles[].pass_role_to) of users and groups C(iam:ListUserPolicies), C(iam:GetUserPolicy),
    C(iam:ListAttachedUserPolicies), C(iam:ListGroupPolicies), C(iam:GetGroupPolicy) and
    C(iam:ListAttachedGroupPolicies)."
  - Only what the policies say is judged, not service control policies, session policies or permissions boundaries.
    Policies of AWS are judged by their names, their documents are not read.
seealso:
  - module: onprem.ecs.ecs_iam_role
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - onprem.ecs.iam_role.roles
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look at the documented roles that are there
  onprem.ecs.ecs_iam_role_info:
  register: account

- name: The findings in a table
  ansible.builtin.debug:
    var: account.table

- name: Judge one role by what AWS documents for its kind
  onprem.ecs.ecs_iam_role_info:
    kind: anywhere
    name: factoryHosts

- name: All roles below a path
  onprem.ecs.ecs_iam_role_info:
    path_prefix: /factory/

- name: What differs from the declaration
  onprem.ecs.ecs_iam_role_info:
    roles:
      - kind: anywhere
        permissions: least_privilege
        clusters: [plant-north]
      - kind: task_execution
        pass_role_to:
          - type: user
            name: operator
"""

RETURN = r"""
iam_roles:
  description:
    - The roles, each as RV(onprem.ecs.ecs_iam_role#module:iam_role) shows it, and with the members below. One that is
      not there has C(role_name) and these only.
    - C(instance_profiles) are looked for when the kind of the role has one, or is not known.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind, or V(null) when it cannot be told.
      type: str
      sample: anywhere
    exists:
      description: Whether it is there.
      type: bool
    findings:
      description: The findings on the role, the worst first, as in RV(findings).
      type: list
      elements: dict
findings:
  description: The findings on all roles, the worst first.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: trust_condition_missing
    severity:
      description: V(high), V(medium), V(low) or V(info).
      type: str
      sample: medium
    role:
      description: The name of the role.
      type: str
      sample: ecsAnywhereRole
    what:
      description: What is wrong, in a sentence.
      type: str
      sample: the trust document does not limit aws:SourceAccount and aws:SourceArn to the account 123456789012
    evidence:
      description: What was seen. An ARN, a statement, a date.
      type: str
    why:
      description: Why it matters.
      type: str
    remedy:
      description: What helps.
      type: str
counts:
  description: How many findings there are of each severity.
  returned: always
  type: dict
  sample: {"high": 1, "medium": 0, "low": 2, "info": 0}
table:
  description: The findings as lines of text, with columns for the severity, the role, the finding and what it is about.
  returned: always
  type: list
  elements: str
"""

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import run
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS
from ansible_collections.onprem.ecs.plugins.module_utils._iam_info import work
from ansible_collections.onprem.ecs.plugins.module_utils._iam_options import roles_option


def argument_spec() -> dict[str, t.Any]:
    """The module's own options; those of the connection come from amazon.aws."""
    return {
        "name": {"aliases": ["role_name"]},
        "kind": {"choices": sorted(KINDS)},
        "path_prefix": {},
        **roles_option(),
        "unused_after": {"type": "int", "default": 90},
    }


def main() -> t.NoReturn:
    """Start here."""
    apart = [(one, other) for one in ("name", "kind") for other in ("path_prefix", "roles")]
    run(argument_spec(), work, mutually_exclusive=[*apart, ("path_prefix", "roles")])


if __name__ == "__main__":
    main()
