# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and arguments; the work is in module_utils/_iam.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_iam_role
version_added: 0.1.0
short_description: Manage the IAM roles that Amazon ECS needs
description:
  - Creates, changes and deletes one of the IAM roles that AWS documents for Amazon ECS, whole. The trust document,
    AWS's managed policies, policies of its own, tags, boundary and instance profile all follow from O(kind),
    O(features) and O(permissions).
  - What is new is put first and what goes is taken away last, so a role in use never has less than it needs. Documents
    are compared by what they mean, not by how they are spelled.
  - A run that changes nothing makes three calls to IAM, one more for kinds with an instance profile, and one for each
    inline policy of the role. Listing all policies of an account is never needed.
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without any write call to AWS.
    support: full
  diff_mode:
    description: Returns what is different before and after. Sections that stay the same are left out.
    support: full
notes:
  - "Permissions: C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:ListRolePolicies), C(iam:GetRolePolicy),
    C(iam:GetPolicy); C(iam:CreateRole), C(iam:AttachRolePolicy), C(iam:DetachRolePolicy), C(iam:PutRolePolicy),
    C(iam:DeleteRolePolicy), C(iam:UpdateRole), C(iam:UpdateAssumeRolePolicy), C(iam:TagRole), C(iam:UntagRole),
    C(iam:PutRolePermissionsBoundary), C(iam:DeleteRolePermissionsBoundary) and C(iam:DeleteRole), as far as they are
    needed; for instance profiles C(iam:ListInstanceProfilesForRole), C(iam:GetInstanceProfile),
    C(iam:CreateInstanceProfile), C(iam:AddRoleToInstanceProfile) with C(iam:PassRole) on the role,
    C(iam:RemoveRoleFromInstanceProfile) and C(iam:DeleteInstanceProfile); for O(pass_role_to) C(iam:GetUser),
    C(iam:GetUserPolicy), C(iam:PutUserPolicy) and C(iam:DeleteUserPolicy), or the same for roles and groups; for
    O(protect) C(iam:GetPolicyVersion), C(ssm:DescribeInstanceInformation), C(ecs:ListClusters),
    C(ecs:ListContainerInstances), C(ecs:DescribeContainerInstances), C(ecs:ListTasks), C(ecs:DescribeTasks),
    C(ecs:ListServices), C(ecs:DescribeServices), C(ecs:DescribeExpressGatewayService),
    C(ecs:DescribeCapacityProviders), C(ecs:ListGateways) and C(ecs:DescribeGateway). A call that is refused is named
    in the error."
  - The role is known to IAM when the task ends. Other services may need some seconds more;
    M(onprem.ecs.ssm_activation) waits for it.
seealso:
  - module: onprem.ecs.ssm_activation
  - name: IAM roles for Amazon ECS
    description: What each of the roles is for.
    link: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-ecs-iam-role-overview.html
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - onprem.ecs.iam_role
  - onprem.ecs.iam_role.resources
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: The role of external instances, as AWS documents it
  onprem.ecs.ecs_iam_role:
    kind: anywhere

- name: The same with no more than the agents of two clusters need
  onprem.ecs.ecs_iam_role:
    kind: anywhere
    permissions: least_privilege
    clusters: [plant-north, plant-south]
    features: [ecr_pull]
    repositories: ["machines/*"]
    tags:
      owner: platform

- name: One role for hosts in two Regions
  onprem.ecs.ecs_iam_role:
    kind: anywhere
    name: factoryHosts
    path: /factory/
    regions: [eu-west-1, eu-central-1]
    max_session_duration: 7200

- name: A policy of your own in it
  onprem.ecs.ecs_iam_role:
    kind: anywhere
    name: factoryHosts
    regions: [eu-west-1, eu-central-1]
    inline_policies:
      read-inventory:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: s3:GetObject
            Resource: arn:aws:s3:::factory-inventory/*

- name: Delete it
  onprem.ecs.ecs_iam_role:
    kind: anywhere
    name: factoryHosts
    state: absent
    purge_policies: true

- name: The infrastructure role for volumes
  onprem.ecs.ecs_iam_role:
    kind: infrastructure
    features: [volumes]
"""

RETURN = r"""
iam_role:
  description:
    - The role as it is when the task has ended, or would be in check mode. Empty when O(state=absent).
  returned: always
  type: dict
  contains:
    role_name:
      description: Its name.
      type: str
      sample: ecsAnywhereRole
    path:
      description: Its path.
      type: str
      sample: /
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:iam::123456789012:role/ecsAnywhereRole
    role_id:
      description: Its unique id. Missing in check mode when the role would be created.
      type: str
      sample: AROAEXAMPLEEXAMPLE123
    create_date:
      description: When it was created. Missing in check mode when the role would be created.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
    description:
      description: Its description.
      type: str
    max_session_duration:
      description: The longest session in seconds.
      type: int
      sample: 3600
    assume_role_policy_document:
      description: The trust document, with AWS's spelling of its keys.
      type: dict
    attached_managed_policies:
      description: The managed policies that are attached.
      type: list
      elements: dict
      contains:
        policy_name:
          description: The name of the policy.
          type: str
          sample: AmazonSSMManagedInstanceCore
        policy_arn:
          description: The ARN of the policy.
          type: str
          sample: arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore
    inline_policies:
      description: The policies inside of the role.
      type: list
      elements: dict
      contains:
        policy_name:
          description: The name of the policy.
          type: str
          sample: ecsAnywhereAgents
        policy_document:
          description: The document, with AWS's spelling of its keys.
          type: dict
    instance_profiles:
      description: The instance profiles that hold the role; looked for only when the kind has one.
      type: list
      elements: dict
      contains:
        instance_profile_name:
          description: The name of the instance profile.
          type: str
          sample: ecsInstanceRole-profile
    permissions_boundary:
      description: The permissions boundary. Missing when there is none.
      type: dict
      contains:
        permissions_boundary_type:
          description: Always V(Policy).
          type: str
          sample: Policy
        permissions_boundary_arn:
          description: The ARN of the policy that is the boundary.
          type: str
    role_last_used:
      description: When and where the role was last used. Missing when it is not known.
      type: dict
      contains:
        last_used_date:
          description: When.
          type: str
        region:
          description: In which Region.
          type: str
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
    - create role ecsAnywhereRole, trusted by ssm.amazonaws.com
    - attach arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore to role ecsAnywhereRole
"""

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import run
from ansible_collections.onprem.ecs.plugins.module_utils._iam import manage_role
from ansible_collections.onprem.ecs.plugins.module_utils._iam_options import role_options


def main() -> t.NoReturn:
    """Start here."""
    run(role_options(), manage_role)


if __name__ == "__main__":
    main()
