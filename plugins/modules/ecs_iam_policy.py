# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_iam_policy.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_iam_policy
version_added: 0.2.0
short_description: Manage customer managed IAM policies for Amazon ECS
description:
  - Creates, changes and deletes a managed policy of your account. Its document is one of those that AWS documents for
    Amazon ECS, by O(kind), or your own, by O(document). It can be attached to roles, users and groups.
  - The policy is found by its ARN, made of the caller's account, O(path) and O(name), and never by a list. A policy of
    AWS with the same name is another policy.
  - Documents are compared by what they mean, not by how they are spelled. A document that is different becomes a new
    version, the default one at once. IAM keeps five; when there are five the oldest that is not the default is deleted.
  - A run that changes nothing makes two calls to IAM and one to STS, and one more with O(attach_to).
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS.
    support: full
  diff_mode:
    description: Returns what is different before and after. Sections that stay the same are left out.
    support: full
options:
  kind:
    description:
      - Which policy it is. Instead of O(document).
      - V(external_instance), V(container_instance) and V(task_execution) are what M(onprem.ecs.ecs_iam_role) gives to
        roles of that kind with least privilege, the first for external instances (ECS Anywhere).
      - V(ecr_pull), V(cloudwatch_logs), V(s3_config) and V(trunking) are for what hosts can do beyond that;
        V(private_registry), V(secrets) and V(environment_files) for task execution roles; V(exec) for task roles;
        V(lifecycle_hook) for the role that invokes the hooks of deployments.
      - V(pass_role) lets its holder pass O(roles) to the service that O(role_kind) is for, and to no other.
      - V(operator) is what the user of a controller needs to enroll, drain and offboard hosts of O(clusters), to look
        at O(roles) and to give them to hosts. It changes nothing of IAM, so the roles must be there. With
        O(parameters) it covers activations that are kept in SSM Parameter Store.
    type: str
    choices:
      - cloudwatch_logs
      - container_instance
      - ecr_pull
      - environment_files
      - exec
      - external_instance
      - lifecycle_hook
      - operator
      - pass_role
      - private_registry
      - s3_config
      - secrets
      - task_execution
      - trunking
  document:
    description: A policy document of your own, as a dictionary or JSON text. Instead of O(kind).
    type: json
  name:
    description:
      - The name of the policy.
      - Without it the name is that of the kind. For V(cloudwatch_logs) it is the documented C(cwlogspolicy), for
        V(ecr_pull) C(ecsEcrPull), for V(s3_config) C(ecsConfigFromS3), for V(external_instance) C(ecsAnywhereAgents),
        for V(container_instance) C(ecsContainerInstanceAgent), for V(task_execution) C(ecsTaskExecution), for
        V(trunking) C(ecsTrunking), for V(exec) C(ecsExec), for V(private_registry) C(ecsPrivateRegistry), for
        V(secrets) C(ecsSecrets), for V(environment_files) C(ecsEnvironmentFiles), for V(lifecycle_hook)
        C(ecsLifecycleHooks), for V(pass_role) C(ecsPassRole), and for V(operator) C(ecsOperator).
    type: str
    aliases: [policy_name]
  path:
    description:
      - The path of the policy. It is a part of its ARN, and IAM cannot change it.
    type: str
    default: /
  description:
    description: The description of a new policy. IAM cannot change it; one that is different is warned of.
    type: str
  state:
    description:
      - V(present) makes the policy what the other options say.
      - V(absent) takes the policy from those in O(attach_to) and deletes it with its versions. While others have it
        the task fails, unless O(purge_attachments=true).
    type: str
    choices: [present, absent]
    default: present
  roles:
    description: Names, with their path, or ARNs of the IAM roles that can be passed. C(*) and C(?) are refused.
    type: list
    elements: str
    default: []
  role_kind:
    description: The kind of O(roles) for O(kind=pass_role), as in M(onprem.ecs.ecs_iam_role). It tells the service.
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
  regions:
    description:
      - The Regions in which resources that are given by name are looked for, or all of them when none is given. The
        default is the Region of the connection.
    type: list
    elements: str
  attach_to:
    description:
      - Who is to have the policy, or is to lose it with O(state=absent). When it is not given attachments stay as they
        are, and AWS is not asked for them.
      - One that is not there is refused before anything is changed. In check mode that is a warning, since an earlier
        task may be going to make it.
    type: list
    elements: dict
    suboptions:
      type:
        description: What it is.
        type: str
        choices: [role, user, group]
        required: true
      name:
        description: Its name, without path.
        type: str
        required: true
  purge_attachments:
    description: Whether the policy is taken from those who are not in O(attach_to).
    type: bool
    default: false
  tags:
    description: The tags of the policy. When it is not given they stay as they are.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags are removed that are not in O(tags). It counts only when O(tags) is given.
    type: bool
    default: true
notes:
  - "Permissions: C(iam:GetPolicy) and C(iam:GetPolicyVersion); C(iam:CreatePolicy), C(iam:ListPolicyVersions),
    C(iam:CreatePolicyVersion), C(iam:DeletePolicyVersion), C(iam:TagPolicy), C(iam:UntagPolicy) and
    C(iam:DeletePolicy), as far as they are needed; with O(attach_to) and for O(state=absent)
    C(iam:ListEntitiesForPolicy); for each that gets or loses the policy C(iam:GetRole), C(iam:AttachRolePolicy) and
    C(iam:DetachRolePolicy), or the same for users and groups. A call that is refused is named in the error."
  - The name of a policy is unique in an account, whatever its path, and in upper and lower case.
seealso:
  - module: onprem.ecs.ecs_iam_role
  - plugin: onprem.ecs.permissions_document
    plugin_type: filter
  - name: Managed policies and inline policies
    description: What the difference is.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - onprem.ecs.iam_role.resources
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: The policy of AWS's page for the logs of hosts
  onprem.ecs.ecs_iam_policy:
    kind: cloudwatch_logs

- name: One that lets hosts pull from some repositories of two Regions
  onprem.ecs.ecs_iam_policy:
    kind: ecr_pull
    name: pull-machines
    path: /plant/
    repositories: ["machines/*"]
    regions: [eu-west-1, eu-central-1]
    tags:
      owner: platform

- name: What a controller's user needs to enroll hosts of one cluster
  onprem.ecs.ecs_iam_policy:
    kind: operator
    clusters: [plant-north]
    roles: [ecsAnywhereRole]

- name: Let it start tasks with one execution role
  onprem.ecs.ecs_iam_policy:
    kind: pass_role
    name: pass-execution-role
    role_kind: task_execution
    roles: [ecsTaskExecutionRole]

- name: A role of hosts
  onprem.ecs.ecs_iam_role:
    kind: anywhere

- name: A policy of your own, and nobody but the role has it
  onprem.ecs.ecs_iam_policy:
    name: read-inventory
    document:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::factory-inventory/*
    attach_to:
      - type: role
        name: ecsAnywhereRole
    purge_attachments: true

- name: Delete it, whoever has it
  onprem.ecs.ecs_iam_policy:
    name: read-inventory
    state: absent
    purge_attachments: true
"""

RETURN = r"""
iam_policy:
  description: The policy as it is when the task has ended, or would be in check mode. Empty when O(state=absent).
  returned: always
  type: dict
  contains:
    policy_name:
      description: Its name.
      type: str
      sample: cwlogspolicy
    path:
      description: Its path.
      type: str
      sample: /
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:iam::123456789012:policy/cwlogspolicy
    policy_id:
      description: Its unique id. Missing in check mode when the policy would be created.
      type: str
      sample: ANPAEXAMPLEEXAMPLE123
    default_version_id:
      description: The version that counts. Missing in check mode when there would be a new one.
      type: str
      sample: v1
    create_date:
      description: When it was created. Missing in check mode when the policy would be created.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
    description:
      description: Its description.
      type: str
    policy_document:
      description: The document of the default version, with AWS's spelling of its keys.
      type: dict
    attached_to:
      description: Who has it. Missing when O(attach_to) is not given.
      type: list
      elements: dict
      contains:
        type:
          description: V(role), V(user) or V(group).
          type: str
          sample: role
        name:
          description: Its name.
          type: str
          sample: ecsAnywhereRole
    tags:
      description: Its tags.
      type: dict
      sample: {"owner": "platform"}
changes:
  description: What was done, or would be in check mode, in plain sentences and in its order.
  returned: always
  type: list
  elements: str
  sample:
    - create policy cwlogspolicy
    - attach policy cwlogspolicy to role ecsAnywhereRole
"""

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import run
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS, RESOURCES
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import POLICIES
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy import manage_policy
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import LONGEST


def argument_spec() -> dict[str, t.Any]:
    """The module's own options; those of the connection come from amazon.aws."""
    texts = {"type": "list", "elements": "str"}
    holder = {"type": {"choices": list(LONGEST), "required": True}, "name": {"required": True}}
    return {
        "kind": {"choices": sorted(POLICIES)},
        "document": {"type": "json"},
        "name": {"aliases": ["policy_name"]},
        "path": {"default": "/"},
        "description": {},
        "state": {"choices": ["present", "absent"], "default": "present"},
        **{option: {**texts, "default": [], "no_log": False} for option in RESOURCES},
        "role_kind": {"choices": sorted(KINDS)},
        "regions": dict(texts),
        "attach_to": {"type": "list", "elements": "dict", "options": holder},
        "purge_attachments": {"type": "bool", "default": False},
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": True},
    }


def main() -> t.NoReturn:
    """Start here."""
    run(argument_spec(), manage_policy)


if __name__ == "__main__":
    main()
