# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What AWS documents about the IAM roles of ECS: data, no decisions.

Every entry names the page of AWS that it is from. ``{partition}``, ``{region}``, ``{account}`` and ``{name}`` are put
in when a document is built (``_iam_documents``). Managed policies stand here with their path, since the path is part of
the ARN: with a wrong one IAM answers NoSuchEntity.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
SSM = "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
ACTIONS = "https://docs.aws.amazon.com/service-authorization/latest/reference/"

#: The first letters of a Region tell its partition; every other Region is in ``aws``.
PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}

#: Quotas that a role can meet: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
#: One that can be raised stands here as the most that it can be raised to. The account's own (2,048 and 10 at first) is
#: IAM's to know.
MAX_TRUST = 8192
MAX_INLINE = 10240
MAX_ATTACHED = 25
MAX_DESCRIPTION = 1000
#: What the description of a role cannot hold: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
NOT_IN_DESCRIPTION = r"[^\t\n\r -~\u00a1-\u00ff]"
#: Roles below these paths are AWS's: services make the first, IAM Identity Center the second. Nobody else changes them.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
SERVICE_LINKED = "/aws-service-role/"
RESERVED_PATHS = (SERVICE_LINKED, "/aws-reserved/")
#: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateActivation.html, a role with its path
MAX_SSM_ROLE = 64
SESSION_SECONDS = (3600, 43200)


@dataclass(frozen=True)
class Resource:
    """A type of resource that an option of the user names, and the shape of its ARN."""

    option: str
    service: str
    prefix: str
    """What stands before the name in the last part of the ARN."""
    names: str
    """Regular expression of a name, wildcards of IAM included."""
    example: str
    rooted: bool = False
    """A name may be given with a slash in front, which an ARN has only once."""


#: The options that policies are scoped with. ARN formats: the service authorization reference (ACTIONS).
RESOURCES: dict[str, Resource] = {
    found.option: found
    for found in (
        Resource("clusters", "ecs", "cluster/", r"[A-Za-z0-9_*?-]{1,255}", "default"),
        Resource("repositories", "ecr", "repository/", r"[a-z0-9._/*?-]{2,256}", "team/app"),
        Resource("log_groups", "logs", "log-group:", r"[A-Za-z0-9_./#*?-]{1,512}", "/ecs/app"),
        Resource("s3_objects", "s3", "", r"[a-z0-9.*?-]{3,63}/\S{1,1024}", "bucket/ecs.config"),
        Resource("secrets", "secretsmanager", "secret:", r"[A-Za-z0-9/_+=.@*?-]{1,512}", "app/password"),
        Resource("parameters", "ssm", "parameter/", r"(?!/)[A-Za-z0-9_./*?-]{1,1011}", "/app/password", rooted=True),
        Resource(
            "kms_keys",
            "kms",
            "key/",
            r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        Resource("lambda_functions", "lambda", "function:", r"[A-Za-z0-9_*?:$-]{1,170}", "before-traffic"),
        Resource("roles", "iam", "role/", r"(?!/)[\w+=,.@/*?-]{1,576}(?<!/)", "ecsTaskExecutionRole", rooted=True),
    )
}

#: Those that a role's own permissions can be scoped to. (``roles`` is for policies that pass roles.)
ROLE_SCOPES = tuple(option for option in RESOURCES if option != "roles")


@dataclass(frozen=True)
class Target:
    """What a statement is about: an ARN made from an option's items, or from the account alone."""

    arn: str
    option: str = ""
    """The option whose items are put in for ``{name}``; every item gives one ARN."""
    as_given: bool = False
    """An item that is an ARN stands as it is: its name alone does not say all (the random end of a secret's ARN)."""


TARGETS: dict[str, Target] = {
    "cluster": Target("arn:{partition}:ecs:{region}:{account}:cluster/{name}", "clusters"),
    "container_instance": Target("arn:{partition}:ecs:{region}:{account}:container-instance/{name}/*", "clusters"),
    "new_container_instance": Target("arn:{partition}:ecs:{region}:{account}:container-instance/*"),
    "managed_node": Target("arn:{partition}:ssm:{region}:{account}:managed-instance/*"),
    "repository": Target("arn:{partition}:ecr:{region}:{account}:repository/{name}", "repositories"),
    "log_group": Target("arn:{partition}:logs:{region}:{account}:log-group:{name}", "log_groups"),
    "log_streams": Target("arn:{partition}:logs:{region}:{account}:log-group:{name}:*", "log_groups"),
    "s3_object": Target("arn:{partition}:s3:::{name}", "s3_objects"),
    "s3_bucket": Target("arn:{partition}:s3:::{bucket}", "s3_objects"),
    # Secrets Manager adds a hyphen and six letters of its own to a name.
    "secret": Target(
        "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????", "secrets", as_given=True
    ),
    "parameter": Target("arn:{partition}:ssm:{region}:{account}:parameter/{name}", "parameters"),
    "kms_key": Target("arn:{partition}:kms:{region}:{account}:key/{name}", "kms_keys"),
    "function": Target("arn:{partition}:lambda:{region}:{account}:function:{name}", "lambda_functions"),
    "role": Target("arn:{partition}:iam::{account}:role/{name}", "roles"),
    "aws_policy": Target("arn:{partition}:iam::aws:policy/*"),
}


@dataclass(frozen=True)
class Condition:
    """One line of a condition block. A value may be a name of TARGETS, or text with the braces of an ARN."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One Allow statement of a policy of our own."""

    sid: str
    actions: tuple[str, ...]
    on: tuple[str, ...] = ()
    """Names of TARGETS; none for actions that know no resource."""
    unscoped: str = ""
    """The resource when the user names none. Empty: whatever has that type in the account and its Regions."""
    optional: bool = False
    """Left out when the user names no resource."""
    conditions: tuple[Condition, ...] = ()
    """They hold only for resources that the user named."""
    always: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Own:
    """A policy of our own: an inline policy of the role. Its name tells us that it is ours."""

    name: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Grants:
    """Permissions: policies of AWS, by path and name, and policies of our own."""

    managed: tuple[str, ...] = ()
    own: tuple[Own, ...] = ()


@dataclass(frozen=True)
class Feature:
    """Something that a role can be made fit for, beyond the least that its kind needs."""

    page: str
    managed: Grants
    """With ``permissions: managed``: what the page gives."""
    least: Grants | None = None
    """With ``permissions: least_privilege``; None: the same."""
    needs: tuple[str, ...] = ()
    """Options of which one must be given."""
    least_needs: tuple[str, ...] = ()
    """The same with ``permissions: least_privilege``."""
    instead: bool = False
    """It takes the place of what the kind gets without features."""
    actions: tuple[str, ...] = ()
    """What a role must be allowed for it, by whatever policy. None: only the policies of ``managed`` tell."""
    calls: tuple[str, ...] = ()
    """All that is called for it, where that is more. Of a role in use it stays, as far as it is allowed."""
    also_in: tuple[str, ...] = ()
    """Policies of AWS that allow these actions too, though they are for something else."""


@dataclass(frozen=True)
class Kind:
    """One of the roles that ECS documents."""

    page: str
    service: str
    """The principal that assumes the role, as it is called in the partition ``aws``."""
    default_name: str = ""
    """The documented name; empty: there is none, the user gives one."""
    sid: str = ""
    trust: tuple[Condition, ...] = ()
    """The conditions that AWS documents for the trust document."""
    trust_page: str = ""
    managed: Grants = Grants()
    least: Grants | None = None
    """None: AWS documents no way to less than the managed policies."""
    features: t.Mapping[str, Feature] = field(default_factory=dict)
    agents: t.Mapping[str, Feature] = field(default_factory=dict)
    """Who lives on the role whatever its features are, and what they require: parts of ``managed`` and ``least``."""
    profile: str = ""
    """The documented name of the instance profile, with ``{name}`` of the role; empty: it has none."""
    passed_to: str = ""
    """What ``iam:PassedToService`` is like when the role is passed; empty: the service that assumes it."""

    @property
    def source(self) -> str:
        """The service whose ARNs the documented conditions name, e.g. ``ssm``; empty when there are none."""
        arns = [value for condition in self.trust for value in condition.values if value.startswith("arn:")]
        return arns[0].split(":")[2] if arns else ""

    @property
    def regional(self) -> bool:
        """True when the documented trust conditions name a Region."""
        return any("{region}" in value for condition in self.trust for value in condition.values)

    def grants(self) -> list[Grants]:
        """All that the catalogue can give to a role of this kind."""
        found = [self.managed, self.least]
        for feature in self.features.values():
            found += [feature.managed, feature.least]
        return [one for one in found if one is not None]


# What the two agents of a host call. -------------------------------------------------------------------------------

#: The SSM agent's own calls: AmazonSSMManagedInstanceCore, without documents, parameters, inventory and sessions.
SSM_AGENT = (
    Statement(
        "SsmAgentHealth",
        ("ssm:UpdateInstanceInformation", "ssm:ListInstanceAssociations"),
        ("managed_node",),
    ),
    Statement(
        "SsmAgentMessages",
        (
            "ssmmessages:CreateControlChannel",
            "ssmmessages:OpenControlChannel",
            "ec2messages:AcknowledgeMessage",
            "ec2messages:DeleteMessage",
            "ec2messages:FailMessage",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:SendReply",
        ),
    ),
)

#: The ECS agent's: ``AmazonEC2ContainerServiceforEC2Role`` without ECR, logs, and what changes the cluster.
ECS_AGENT = (
    Statement("EcsAgentEndpoint", ("ecs:DiscoverPollEndpoint",)),
    Statement(
        "EcsAgentCluster",
        (
            "ecs:RegisterContainerInstance",
            "ecs:SubmitAttachmentStateChanges",
            "ecs:SubmitContainerStateChange",
            "ecs:SubmitTaskStateChange",
        ),
        ("cluster",),
    ),
    Statement(
        "EcsAgentSession",
        ("ecs:Poll", "ecs:StartTelemetrySession"),
        ("container_instance",),
        conditions=(Condition("ArnEquals", "ecs:cluster", ("cluster",)),),
    ),
    Statement(
        "EcsAgentTags",
        ("ecs:TagResource",),
        # It has no id yet. The condition limits it to what EcsAgentCluster allows to register.
        ("new_container_instance",),
        always=(Condition("StringEquals", "ecs:CreateAction", ("RegisterContainerInstance",)),),
    ),
)

ECR_LAYERS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
ECR_TOKEN = Statement("EcrToken", ("ecr:GetAuthorizationToken",))
LOG_EVENTS = Statement("LogEvents", ("logs:CreateLogStream", "logs:PutLogEvents"), ("log_streams",))
KMS_DECRYPT = Statement("DecryptWithOwnKey", ("kms:Decrypt",), ("kms_key",), optional=True)
GET_SECRET = Statement("GetSecret", ("secretsmanager:GetSecretValue",), ("secret",), optional=True)
OWN_ACCOUNT = (Condition("StringEquals", "aws:ResourceAccount", ("{account}",)),)
S3_OBJECTS = (
    Statement("GetObject", ("s3:GetObject",), ("s3_object",), always=OWN_ACCOUNT),
    Statement("GetBucketLocation", ("s3:GetBucketLocation",), ("s3_bucket",), always=OWN_ACCOUNT),
)
LOG_ACTIONS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")

#: Without these an agent is not Online, or in no cluster: by them a role is recognised as one that agents live on,
#: whoever wrote its policies. Credentials an SSM agent gets without any permission, its own key signs for them.
#: What such a role loses is told by all that the agent calls: without its channels it is Online and takes no command.
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html tells what the ECS agent requires.
SSM_AGENT_REQUIRES = ("ssm:UpdateInstanceInformation",)
ECS_AGENT_REQUIRES = (
    "ecs:DiscoverPollEndpoint",
    "ecs:Poll",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
)

SSM_POLICY = "AmazonSSMManagedInstanceCore"
EC2_ROLE_POLICY = "service-role/AmazonEC2ContainerServiceforEC2Role"


def _actions(statements: t.Iterable[Statement]) -> tuple[str, ...]:
    return tuple(action for one in statements for action in one.actions)


def _agent(policy: str, requires: tuple[str, ...], calls: t.Iterable[Statement]) -> Feature:
    """An agent as a feature that the kind always has."""
    page = ECS + "iam-role-ecsanywhere.html"
    return Feature(page, Grants(managed=(policy,)), actions=requires, calls=_actions(calls))


THE_SSM_AGENT = {"the SSM agent": _agent(SSM_POLICY, SSM_AGENT_REQUIRES, SSM_AGENT)}
THE_ECS_AGENT = {"the ECS agent": _agent(EC2_ROLE_POLICY, ECS_AGENT_REQUIRES, ECS_AGENT)}


# Features that hosts share, on EC2 or not. -------------------------------------------------------------------------

ECR_PULL = Feature(
    ECS + "instance_IAM_role.html",
    managed=Grants(
        own=(Own("ecsEcrPull", (Statement("EcrLayers", ECR_LAYERS, ("repository",), unscoped="*"), ECR_TOKEN)),)
    ),
    least=Grants(own=(Own("ecsEcrPull", (Statement("EcrLayers", ECR_LAYERS, ("repository",)), ECR_TOKEN)),)),
    actions=(*ECR_LAYERS, *ECR_TOKEN.actions),
    also_in=(EC2_ROLE_POLICY,),
)
CLOUDWATCH_LOGS = Feature(
    ECS + "instance_IAM_role.html",
    managed=Grants(
        own=(
            Own(
                "cwlogspolicy",
                (Statement("", LOG_ACTIONS, ("log_group", "log_streams"), unscoped="arn:{partition}:logs:*:*:*"),),
            ),
        )
    ),
    least=Grants(own=(Own("cwlogspolicy", (Statement("", LOG_ACTIONS, ("log_group", "log_streams")),)),)),
    # The log driver does without the rest, when the group is there.
    actions=LOG_EVENTS.actions,
    also_in=(EC2_ROLE_POLICY,),
)
S3_CONFIG = Feature(
    ECS + "ecs-config-s3.html",
    managed=Grants(managed=("AmazonS3ReadOnlyAccess",)),
    least=Grants(own=(Own("ecsConfigFromS3", S3_OBJECTS),)),
    least_needs=("s3_objects",),
    actions=_actions(S3_OBJECTS),
)

# Conditions of trust documents. ------------------------------------------------------------------------------------

SAME_ACCOUNT = Condition("StringEquals", "aws:SourceAccount", ("{account}",))
FROM_SSM = (SAME_ACCOUNT, Condition("ArnEquals", "aws:SourceArn", ("arn:{partition}:ssm:{region}:{account}:*",)))
FROM_ECS = (SAME_ACCOUNT, Condition("ArnLike", "aws:SourceArn", ("arn:{partition}:ecs:{region}:{account}:*",)))

ANYWHERE = Kind(
    page=ECS + "iam-role-ecsanywhere.html",
    service="ssm.amazonaws.com",
    default_name="ecsAnywhereRole",
    trust=FROM_SSM,
    trust_page=SSM + "hybrid-multicloud-service-role.html",
    managed=Grants(managed=(SSM_POLICY, EC2_ROLE_POLICY)),
    least=Grants(own=(Own("ecsAnywhereAgents", SSM_AGENT + ECS_AGENT),)),
    features={"ecr_pull": ECR_PULL, "cloudwatch_logs": CLOUDWATCH_LOGS, "s3_config": S3_CONFIG},
    agents={**THE_SSM_AGENT, **THE_ECS_AGENT},
)

CONTAINER_INSTANCE = Kind(
    page=ECS + "instance_IAM_role.html",
    service="ec2.amazonaws.com",
    default_name="ecsInstanceRole",
    managed=Grants(managed=(EC2_ROLE_POLICY,)),
    least=Grants(own=(Own("ecsContainerInstanceAgent", ECS_AGENT),)),
    features={
        "ecr_pull": ECR_PULL,
        "cloudwatch_logs": CLOUDWATCH_LOGS,
        "s3_config": S3_CONFIG,
        "trunking": Feature(
            ECS + "container-instance-eni.html",
            managed=Grants(
                own=(
                    Own(
                        "ecsTrunking",
                        (
                            Statement("AccountSetting", ("ecs:ListAccountSettings", "ecs:PutAccountSetting")),
                            Statement("Attributes", ("ecs:ListAttributes",), ("cluster",)),
                        ),
                    ),
                )
            ),
        ),
    },
    agents=THE_ECS_AGENT,
    profile="{name}-profile",
)

MANAGED_INSTANCE = Kind(
    page=ECS + "managed-instances-instance-profile.html",
    service="ec2.amazonaws.com",
    default_name="ecsInstanceRole",
    managed=Grants(managed=("AmazonECSInstanceRolePolicyForManagedInstances",)),
    profile="{name}",
    # The page gives it with StringLike, since the name of EC2's principal is another one in some partitions.
    passed_to="ec2.*",
)

_INFRASTRUCTURE_PAGE = ECS + "infrastructure_IAM_role.html"


def _infrastructure(policy: str, *actions: str) -> Feature:
    return Feature(_INFRASTRUCTURE_PAGE, managed=Grants(managed=(policy,)), actions=actions)


INFRASTRUCTURE = Kind(
    page=_INFRASTRUCTURE_PAGE,
    service="ecs.amazonaws.com",
    default_name="ecsInfrastructureRole",
    sid="AllowAccessToECSForInfrastructureManagement",
    features={
        "volumes": _infrastructure(
            "service-role/AmazonECSInfrastructureRolePolicyForVolumes",
            # What must stay with the role as long as tasks have volumes, says the page.
            "ec2:DetachVolume",
            "ec2:DeleteVolume",
            "ec2:DescribeVolumes",
        ),
        "service_connect_tls": _infrastructure(
            "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
        ),
        "vpc_lattice": _infrastructure("AmazonECSInfrastructureRolePolicyForVpcLattice"),
        "load_balancers": _infrastructure("AmazonECSInfrastructureRolePolicyForLoadBalancers"),
        "managed_instances": _infrastructure("AmazonECSInfrastructureRolePolicyForManagedInstances"),
        "express": _infrastructure("service-role/AmazonECSInfrastructureRoleforExpressGatewayServices"),
    },
)

_EXECUTION_PAGE = ECS + "task_execution_IAM_role.html"

TASK_EXECUTION = Kind(
    page=_EXECUTION_PAGE,
    service="ecs-tasks.amazonaws.com",
    default_name="ecsTaskExecutionRole",
    trust=FROM_ECS,
    trust_page=ECS + "task-iam-roles.html",
    managed=Grants(managed=("service-role/AmazonECSTaskExecutionRolePolicy",)),
    least=Grants(
        own=(Own("ecsTaskExecution", (Statement("EcrLayers", ECR_LAYERS, ("repository",)), ECR_TOKEN, LOG_EVENTS)),)
    ),
    features={
        "private_registry": Feature(
            ECS + "private-auth.html",
            managed=Grants(own=(Own("ecsPrivateRegistry", (GET_SECRET, KMS_DECRYPT)),)),
            needs=("secrets",),
        ),
        "secrets": Feature(
            ECS + "secrets-envvar-secrets-manager.html",
            managed=Grants(
                own=(
                    Own(
                        "ecsSecrets",
                        (
                            GET_SECRET,
                            Statement("GetParameters", ("ssm:GetParameters",), ("parameter",), optional=True),
                            KMS_DECRYPT,
                        ),
                    ),
                )
            ),
            needs=("secrets", "parameters"),
        ),
        "environment_files": Feature(
            ECS + "use-environment-file.html",
            managed=Grants(own=(Own("ecsEnvironmentFiles", S3_OBJECTS),)),
            needs=("s3_objects",),
        ),
        "ecr_endpoint": Feature(
            _EXECUTION_PAGE,
            managed=Grants(
                own=(
                    Own(
                        "ecsEcrEndpoint",
                        (
                            Statement(
                                "EcrLayers",
                                ECR_LAYERS,
                                ("repository",),
                                always=(
                                    Condition("StringEquals", "aws:SourceVpce", ("{vpc_endpoint}",)),
                                    Condition("StringEquals", "aws:SourceVpc", ("{vpc}",)),
                                ),
                            ),
                            ECR_TOKEN,
                            LOG_EVENTS,
                        ),
                    ),
                )
            ),
            needs=("vpc", "vpc_endpoint"),
            instead=True,
        ),
    },
)

TASK = Kind(
    page=ECS + "task-iam-roles.html",
    service="ecs-tasks.amazonaws.com",
    trust=FROM_ECS,
    trust_page=ECS + "task-iam-roles.html",
    features={
        "exec": Feature(
            ECS + "task-iam-roles.html",
            managed=Grants(
                own=(
                    Own(
                        "ecsExec",
                        (
                            Statement(
                                "",
                                (
                                    "ssmmessages:CreateControlChannel",
                                    "ssmmessages:CreateDataChannel",
                                    "ssmmessages:OpenControlChannel",
                                    "ssmmessages:OpenDataChannel",
                                ),
                            ),
                        ),
                    ),
                )
            ),
        ),
    },
)

CODEDEPLOY = Kind(
    page=ECS + "codedeploy_IAM_role.html",
    service="codedeploy.amazonaws.com",
    default_name="ecsCodeDeployRole",
    managed=Grants(managed=("AWSCodeDeployRoleForECS",)),
    features={
        "limited": Feature(
            ECS + "codedeploy_IAM_role.html",
            managed=Grants(managed=("AWSCodeDeployRoleForECSLimited",)),
            instead=True,
        ),
    },
)

EVENTS = Kind(
    page=ECS + "CWE_IAM_role.html",
    service="events.amazonaws.com",
    default_name="ecsEventsRole",
    managed=Grants(managed=("service-role/AmazonEC2ContainerServiceEventsRole",)),
)

LIFECYCLE_HOOK = Kind(
    page=ECS + "blue-green-permissions.html",
    service="ecs.amazonaws.com",
    managed=Grants(
        own=(Own("ecsLifecycleHooks", (Statement("", ("lambda:InvokeFunction",), ("function",)),)),),
    ),
)

KINDS: dict[str, Kind] = {
    "anywhere": ANYWHERE,
    "container_instance": CONTAINER_INSTANCE,
    "managed_instance": MANAGED_INSTANCE,
    "infrastructure": INFRASTRUCTURE,
    "task_execution": TASK_EXECUTION,
    "task": TASK,
    "codedeploy": CODEDEPLOY,
    "events": EVENTS,
    "lifecycle_hook": LIFECYCLE_HOOK,
}

#: Options that a kind cannot do without.
KIND_NEEDS: dict[str, tuple[str, ...]] = {"lifecycle_hook": ("lambda_functions",)}

#: Principals whose name is another one in China: https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html
#: CodeDeploy has one principal for each Region there.
SERVICES_IN_CHINA: dict[str, str] = {
    "ec2.amazonaws.com": "ec2.amazonaws.com.cn",
    "codedeploy.amazonaws.com": "codedeploy.{region}.amazonaws.com.cn",
}


def partition_of(region: str) -> str:
    """The partition that a Region is in."""
    return next((partition for prefix, partition in PARTITIONS.items() if region.startswith(prefix)), "aws")


def aws_policies() -> dict[str, str]:
    """The policies of AWS that the catalogue knows: name to path and name."""
    return {path.rpartition("/")[2]: path for kind in KINDS.values() for one in kind.grants() for path in one.managed}
