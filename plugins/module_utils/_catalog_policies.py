# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The policies for ECS that can stand alone: data, no decisions.

They are those that a role of ``_catalog`` can have inside of it, and two for people and programs that use the roles.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import Condition, Feature, Grants, Own, Statement

#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_POLICY = 6144
MAX_VERSIONS = 5


@dataclass(frozen=True)
class PolicyKind:
    """A policy that the catalogue can write."""

    page: str
    default_name: str
    statements: tuple[Statement, ...] = ()
    needs: tuple[str, ...] = ()
    """Options of which one must be given."""
    passes_roles: bool = False
    """It lets its holder pass the roles of the option ``roles`` to the service that ``role_kind`` is for."""

    @property
    def uses(self) -> frozenset[str]:
        """The options that name what the policy is limited to."""
        targets = [_catalog.TARGETS[target] for one in self.statements for target in one.on]
        return frozenset([target.option for target in targets if target.option] + (["roles"] * self.passes_roles))


def _same_as(page: str, grants: Grants | None, needs: tuple[str, ...] = ()) -> PolicyKind:
    own: Own = (grants or Grants()).own[0]
    return PolicyKind(page, own.name, own.statements, needs)


def _feature(feature: Feature) -> PolicyKind:
    """What a role gets for a feature: the page's own policy, or the least where the page attaches one of AWS's."""
    if feature.managed.own:
        return _same_as(feature.page, feature.managed, feature.needs)
    return _same_as(feature.page, feature.least, feature.needs + feature.least_needs)


#: What a controller calls for enroll, drain and offboard: the modules ssm_activation, ecs_external_instance and its
#: _info whole, and ecs_iam_role as far as it reads. Nothing in it changes IAM.
OPERATOR = (
    Statement(
        "Activations",
        (
            "ssm:CreateActivation",
            "ssm:DeleteActivation",
            "ssm:DescribeActivations",
            "ssm:DescribeInstanceInformation",
        ),
    ),
    Statement(
        "StoredActivation",
        ("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"),
        ("parameter",),
        optional=True,
    ),
    Statement("ManagedNodes", ("ssm:AddTagsToResource", "ssm:DeregisterManagedInstance"), ("managed_node",)),
    Statement("FindClusters", ("ecs:ListClusters",)),
    Statement(
        "Clusters",
        ("ecs:DescribeClusters", "ecs:ListContainerInstances", "ecs:DeregisterContainerInstance"),
        ("cluster",),
    ),
    Statement(
        "Instances",
        (
            "ecs:DescribeContainerInstances",
            "ecs:PutAttributes",
            "ecs:TagResource",
            "ecs:UntagResource",
            "ecs:UpdateContainerInstancesState",
        ),
        ("container_instance",),
    ),
    Statement(
        "ReadRoles",
        (
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
        ),
        ("role",),
    ),
    Statement("ReadPoliciesOfAws", ("iam:GetPolicy",), ("aws_policy",)),
    Statement(
        "GiveRolesToHosts",
        ("iam:PassRole",),
        ("role",),
        always=(Condition("StringEquals", "iam:PassedToService", (_catalog.ANYWHERE.service,)),),
    ),
)

_HOST = _catalog.CONTAINER_INSTANCE.features
_EXECUTION = _catalog.TASK_EXECUTION.features

POLICIES: dict[str, PolicyKind] = {
    "cloudwatch_logs": _feature(_catalog.CLOUDWATCH_LOGS),
    "ecr_pull": _feature(_catalog.ECR_PULL),
    "s3_config": _feature(_catalog.S3_CONFIG),
    "external_instance": _same_as(_catalog.ANYWHERE.page, _catalog.ANYWHERE.least),
    "container_instance": _same_as(_catalog.CONTAINER_INSTANCE.page, _catalog.CONTAINER_INSTANCE.least),
    "task_execution": _same_as(_catalog.TASK_EXECUTION.page, _catalog.TASK_EXECUTION.least),
    "trunking": _feature(_HOST["trunking"]),
    "exec": _feature(_catalog.TASK.features["exec"]),
    "private_registry": _feature(_EXECUTION["private_registry"]),
    "secrets": _feature(_EXECUTION["secrets"]),
    "environment_files": _feature(_EXECUTION["environment_files"]),
    "lifecycle_hook": _same_as(
        _catalog.LIFECYCLE_HOOK.page, _catalog.LIFECYCLE_HOOK.managed, _catalog.KIND_NEEDS["lifecycle_hook"]
    ),
    "pass_role": PolicyKind(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
        "ecsPassRole",
        needs=("roles",),
        passes_roles=True,
    ),
    "operator": PolicyKind(_catalog.ECS + "ecs-anywhere.html", "ecsOperator", OPERATOR, ("roles",)),
}
