# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a role, documented once for all modules that take them."""

from __future__ import annotations

import re
import textwrap


def _nested(*documentation: str) -> str:
    """The same options as suboptions of ``roles``, whose names are then written ``roles[].name``."""
    options = "".join(one.partition("options:\n")[2] for one in documentation)
    options = re.sub(r"\bO\((?!roles)", "O(roles[].", options)
    suboptions = textwrap.indent(options, "    ")
    return f"""
options:
  roles:
    description:
      - The roles. Each entry has the options of M(onprem.ecs.ecs_iam_role).
    type: list
    elements: dict
    suboptions:
{suboptions}
"""


class ModuleDocFragment:
    """The options of one role, those that name resources, and a list of roles."""

    DOCUMENTATION = r"""
options:
  kind:
    description:
      - Which of the roles it is.
      - V(anywhere) is the role of external instances (ECS Anywhere), which the SSM agent of each host assumes,
        U(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/iam-role-ecsanywhere.html).
      - V(container_instance) is for EC2 instances of a cluster, and V(managed_instance) for ECS Managed Instances.
      - V(infrastructure) lets ECS manage volumes, TLS certificates, load balancers and more for tasks.
      - V(task_execution) lets the agent pull images, write logs and read secrets for a task. V(task) is for the
        programs in the task.
      - V(codedeploy), V(events) and V(lifecycle_hook) are for AWS CodeDeploy, Amazon EventBridge and the hooks of
        deployments.
    type: str
    required: true
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
  name:
    description:
      - The name of the role. The default is the one that AWS documents. For V(anywhere) it is C(ecsAnywhereRole), for
        V(container_instance) and V(managed_instance) C(ecsInstanceRole), for V(infrastructure)
        C(ecsInfrastructureRole), for V(task_execution) C(ecsTaskExecutionRole), for V(codedeploy)
        C(ecsCodeDeployRole), and for V(events) C(ecsEventsRole).
      - Required for O(kind=task) and O(kind=lifecycle_hook), which have no documented name.
    type: str
    aliases: [role_name]
  state:
    description:
      - V(present) makes the role what the other options say.
      - V(absent) deletes it with its policies and its documented instance profile, also when the role is gone and an
        empty profile is what an earlier run has left. A role with policies or instance profiles that O(kind),
        O(managed_policies), O(inline_policies) and O(instance_profile) do not account for is left as it is and the
        task fails, unless O(purge_policies=true).
    type: str
    choices: [present, absent]
    default: present
  features:
    description:
      - What the role shall be fit for beyond the least that its kind needs. A feature that is no longer named loses
        its policy.
      - For O(kind=anywhere) there are V(ecr_pull), V(cloudwatch_logs) and V(s3_config); O(kind=container_instance) has
        V(trunking) too.
      - For O(kind=infrastructure) there are V(volumes), V(service_connect_tls), V(vpc_lattice), V(load_balancers),
        V(managed_instances) and V(express).
      - For O(kind=task_execution) there are V(private_registry), V(secrets), V(environment_files) and V(ecr_endpoint),
        which takes the place of what the kind has without features.
      - For O(kind=task) there is V(exec). For O(kind=codedeploy) there is V(limited), which takes the place of the
        wider policy.
    type: list
    elements: str
    default: []
  permissions:
    description:
      - V(managed) attaches the managed policies of AWS that the documentation names.
      - V(least_privilege) puts a policy of the collection's own into the role instead, limited to the account, the
        Regions and the resources of O(clusters), O(repositories), O(log_groups) and so on. It is there for
        O(kind=anywhere), O(kind=container_instance) and O(kind=task_execution). Managed policies of AWS that it
        replaces are detached afterwards.
      - For O(kind=anywhere) V(least_privilege) allows what the SSM agent and the ECS agent call to be online, to take
        part in clusters and to answer Run Command. Against the managed policies it does not allow Session Manager,
        State Manager documents, inventory, patch compliance and reading of SSM parameters; creation of clusters,
        draining or deregistration by the host itself and reading of tags; pulling from ECR and writing logs, which are
        the features V(ecr_pull) and V(cloudwatch_logs). Where one of these is needed, name the policy of AWS in
        O(managed_policies).
    type: str
    choices: [managed, least_privilege]
    default: managed
  regions:
    description:
      - The Regions whose services may use the role, in the trust document of O(kind=anywhere), O(kind=task) and
        O(kind=task_execution), and in which resources that are given by name are looked for. In China each Region has a
        service of its own for O(kind=codedeploy).
      - Without it they are the Region of the connection and those that the role is for already. These are the Regions
        that its trust document names, and those in which its policies of the catalogue allow resources that the task
        gives by name, or all of a kind. So tasks for different Regions can share a role, each adds its own. A Region is
        taken away only by naming those that stay.
      - A role that was trusted from every Region stays so, for example one that was made by hand as the page of ECS
        tells it, or one whose conditions name no Region, such as C(aws:SourceOrgID). Its trust document gets C(*) in
        place of the Region, with C(aws:SourceAccount) beside it. Policies of the collection's own that take the place
        of AWS's are then for every Region, too. Name the Regions to narrow it.
    type: list
    elements: str
  vpc:
    description: Id of the VPC from which the feature V(ecr_endpoint) allows to pull.
    type: str
  vpc_endpoint:
    description: Id of the VPC endpoint of ECR through which the feature V(ecr_endpoint) allows to pull.
    type: str
  trust_conditions:
    description:
      - V(documented) puts the conditions into the trust document that AWS documents for the kind. For O(kind=anywhere),
        O(kind=task) and O(kind=task_execution) these are C(aws:SourceAccount) and C(aws:SourceArn), which keep others
        from having a service of AWS use the role for them. For all other kinds there are none. Which Regions they
        name is said in O(regions).
      - V(none) puts no condition.
      - A dictionary is taken as the condition block.
    type: raw
    default: documented
  managed_policies:
    description:
      - More managed policies for the role, each an ARN or a name. A name is looked up among AWS's policies for ECS,
        else it is that of a policy of the account, C(path/name) where it has a path. Any other policy of AWS is
        named by its ARN.
      - One that the role has and that is not named here stays, unless O(purge_policies=true).
      - IAM attaches 10 to a role, those of the kind and its features among them, until the account's quota is raised.
    type: list
    elements: str
    default: []
  inline_policies:
    description:
      - Policies of your own inside of the role, name to document. A document is a dictionary or JSON text.
      - One that the role has and that is not named here stays, unless O(purge_policies=true).
      - A new one is put before an old one is removed, so there must be room for both in the 10,240 characters that IAM
        allows. Under the name of the old one it replaces it in one call.
    type: dict
    default: {}
  purge_policies:
    description:
      - Whether policies are removed that the task does not name.
      - Policies that the collection itself gives to a role of this O(kind) are removed in any case when O(features) and
        O(permissions) no longer ask for them.
    type: bool
    default: false
  instance_profile:
    description:
      - The name of the instance profile for O(kind=container_instance) and O(kind=managed_instance). The default is the
        documented one, C(NAME-profile) for the former and C(NAME) for the latter. V(true) stands for it as well.
      - V(false) makes none. Instance profiles that are there are not removed by it.
    type: str
  pass_role_to:
    description:
      - Who may hand the role to the service that uses it (C(iam:PassRole)), for example the user that starts tasks or
        the role of a pipeline. Each of them gets an inline policy C(ecsPassRole-NAME) for exactly this role and
        exactly this service. Other policies of theirs are not touched.
      - One that is no longer named keeps its policy. It is taken away with V(absent) in O(pass_role_to[].state), or
        together with the role.
    type: list
    elements: dict
    default: []
    suboptions:
      type:
        description: What it is.
        type: str
        required: true
        choices: [role, user, group]
      name:
        description: Its name, without a path.
        type: str
        required: true
      state:
        description: V(absent) removes the policy.
        type: str
        choices: [present, absent]
        default: present
  path:
    description:
      - The path of a new role. The default is C(/).
      - IAM cannot change it. If the role is there with another path the task fails.
      - Systems Manager takes 64 characters of path and name together, so no more are accepted with C(kind=anywhere).
    type: str
  description:
    description: The description of the role, in letters of Latin-1. When it is not given it stays as it is.
    type: str
  permissions_boundary:
    description:
      - ARN or name of the managed policy that is the permissions boundary of the role. An empty string removes it. When
        it is not given it stays as it is.
    type: str
    aliases: [boundary]
  max_session_duration:
    description: The longest session of the role in seconds, 3600 to 43200. When it is not given it stays as it is.
    type: int
  tags:
    description:
      - The tags of the role. When it is not given they stay as they are.
      - Keys and values can hold letters, digits and spaces of every language and C(_.:/=+-@).
      - IAM heeds no case in the keys of a role's tags. A tag takes the place of one whose key is spelled in another
        case, and two keys that differ in case alone are refused.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags are removed that are not in O(tags). It counts only when O(tags) is given.
    type: bool
    default: true
  protect:
    description:
      - Refuse what would break running work. V(false) does it all the same, with a warning.
      - A role that managed nodes live on is not deleted, and its trust document not narrowed so that they would lose
        their credentials. They are looked for in the Regions that the trust document names. Where it trusts more than
        it names, they are looked for in the Region of the connection, in O(regions), and where the role was last used.
        Nor is the role limited to O(clusters) while
        hosts that live on it are in other clusters of the connection's Region.
      - Nor does it lose what it allowed them so far, by policies of the catalogue, of AWS or of your own, or by a new
        O(permissions_boundary). That is what the agents call and the features V(ecr_pull), V(cloudwatch_logs) and
        V(s3_config). What the agents call is what O(permissions=least_privilege) allows them, each action for itself.
        The managed policies of O(kind=anywhere) give V(ecr_pull) and V(cloudwatch_logs) without their being named, so
        name in O(features) what shall stay when you go on to O(permissions=least_privilege).
      - An infrastructure role is not deleted, and does not lose its trust or the policy of a feature, while tasks,
        services or capacity providers use it for that. Tasks would stay in DEPROVISIONING otherwise, and volumes could
        not be deleted. A task that is stopping counts until it is STOPPED. They are looked for in the Region of the
        connection, in O(regions), and where the role was last used. Nor is it deleted, or does it lose its trust, while
        an ECS gateway uses it; a botocore that does not know gateways yet does not find them.
      - When none of these Regions is known, what would take something away is refused as well.
      - With V(false) the role is looked at in the same way, and who uses it is named in a warning. When that cannot be
        looked for, since a call is refused or a Region does not answer, this is a warning too.
    type: bool
    default: true
"""

    RESOURCES = r"""
options:
  clusters:
    description:
      - Names or ARNs of ECS clusters. Without it all of the account in O(regions).
      - C(*) and C(?) in names stand for what they stand for in IAM, here and in the other lists of resources.
      - A list that nothing of the role or the policy is limited to is refused.
    type: list
    elements: str
    default: []
  repositories:
    description: Names or ARNs of ECR repositories that can be pulled from.
    type: list
    elements: str
    default: []
  log_groups:
    description: Names or ARNs of CloudWatch log groups that can be written to.
    type: list
    elements: str
    default: []
  s3_objects:
    description: Objects in S3 that can be read, each as C(bucket/key) or ARN.
    type: list
    elements: str
    default: []
  secrets:
    description: Names or ARNs of secrets in AWS Secrets Manager.
    type: list
    elements: str
    default: []
  parameters:
    description: Names or ARNs of parameters in SSM Parameter Store.
    type: list
    elements: str
    default: []
  kms_keys:
    description: Ids or ARNs of own KMS keys that secrets and parameters are encrypted with. An alias cannot be used in
      a policy.
    type: list
    elements: str
    default: []
  lambda_functions:
    description: Names or ARNs of the Lambda functions that the hooks of deployments invoke.
    type: list
    elements: str
    default: []
"""

    ROLES: str = _nested(DOCUMENTATION, RESOURCES)
