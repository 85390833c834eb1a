#!/usr/bin/python
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_host_info
short_description: Look at a host that is, or shall become, an Amazon ECS external instance
version_added: 0.1.0
author:
  - onprem.ecs contributors (@onprem-ecs)
description:
  - Tells in one call all that enrolling a host needs to know, namely the system and whether AWS supports it, the SSM
    agent and whether its registration really works, the container engine, the ECS agent, credentials that stand in
    the way.
  - Names the problems, each with its remedy, and which of them block.
  - Can wait until an agent works, and tells the cause from the agents' logs when it does not.
  - Runs on the host, needs nothing but Python's standard library, makes no call to AWS, and never changes anything.
  - What is really so in the account is for M(onprem.ecs.ecs_external_instance_info) to say. The host may hold
    credentials for up to an hour after the node was deregistered.
options:
  region:
    description:
      - The AWS Region that the host belongs to, or shall belong to.
      - When set, a registration in another Region is a problem.
    type: str
  cluster:
    description:
      - The name or ARN of the ECS cluster that the host belongs to, or shall belong to.
      - When set, an ECS agent in another cluster is a problem.
    type: str
  files:
    description:
      - Paths of files whose SHA-256 is wanted, to see whether they are as they should be without another call.
    type: list
    elements: path
    default: []
  until:
    description:
      - What to wait for.
      - V(ssm) waits until the SSM agent runs, is registered (in O(region), when set), and has got credentials for
        that very node.
      - V(ecs) waits until the ECS agent says that it is registered (in O(cluster), when set).
      - When it is not reached the module fails with the cause and the remedy. It does not wait for what cannot come
        by itself, such as an agent that is not installed.
    type: str
    choices: [none, ssm, ecs]
    default: none
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
  allow_unsupported:
    description:
      - Whether a system that is not in AWS's list of supported systems is accepted.
      - It is named as a problem all the same.
    type: bool
    default: false
  allow_ec2:
    description: Whether an EC2 instance is accepted. It is named as a problem all the same.
    type: bool
    default: false
  allow_move:
    description:
      - Whether a host that works in another Region than O(region), or in another cluster than O(cluster), may be
        taken from there.
    type: bool
    default: false
  controller_time:
    description:
      - What a clock that AWS accepts says, in seconds since 1970. The controller's will do, as it calls AWS itself.
      - When set, a clock of the host that differs by more than two and a half minutes is a problem, and by more than
        five minutes a blocking one, as AWS refuses such calls.
    type: float
    version_added: 0.2.0
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
notes:
  - Needs C(root), as the agents' files are private; without it there is the problem V(not_root).
seealso:
  - module: onprem.ecs.ssm_registration
"""

EXAMPLES = r"""
- name: Look at the host
  onprem.ecs.ecs_host_info:
    region: eu-west-1
    cluster: default
    controller_time: "{{ now().timestamp() }}"
  register: look

- name: Stop before anything is changed
  ansible.builtin.fail:
    msg: "{{ blocking | map(attribute='what') | join('; ') }}. {{ blocking | map(attribute='remedy') | join('; ') }}"
  vars:
    blocking: "{{ look.ecs_host.problems | selectattr('blocking') | list }}"
  when: blocking | length > 0

- name: Wait until the ECS agent works
  onprem.ecs.ecs_host_info:
    region: eu-west-1
    cluster: default
    until: ecs
    wait_timeout: 300
"""

RETURN = r"""
ecs_host:
  description: What the host is and holds.
  returned: always, also when O(until) was not reached
  type: dict
  contains:
    system:
      description: The machine and its system.
      type: dict
      returned: always
      contains:
        distribution:
          description: The C(ID) of os-release.
          type: str
          returned: always
          sample: debian
        version:
          description: The C(VERSION_ID) of os-release, empty for a rolling release.
          type: str
          returned: always
          sample: "12"
        base:
          description: The distribution that its archives are of, V(ubuntu) for Linux Mint; the same for most.
          type: str
          returned: always
          sample: debian
        codename:
          description: The code name by which those archives go, empty where there is none.
          type: str
          returned: always
          sample: bookworm
        family:
          description: V(debian), V(redhat), V(suse), or null when unknown.
          type: str
          returned: always
          sample: debian
        architecture:
          description: V(amd64), V(arm64) or V(other).
          type: str
          returned: always
          sample: amd64
        package_format:
          description: V(deb), V(rpm), or null when unknown.
          type: str
          returned: always
          sample: deb
        package_manager:
          description: V(apt), V(dnf), V(yum), V(zypper), or null when unknown.
          type: str
          returned: always
          sample: apt
        install:
          description:
            - The command that installs packages named after it. Null for V(apt), which Ansible has a module for.
          type: list
          elements: str
          returned: always
          sample: [dnf, --assumeyes, install]
        install_file:
          description: The same for a file of a package whose signature was verified before.
          type: list
          elements: str
          returned: always
          sample: [dnf, --assumeyes, --setopt=localpkg_gpgcheck=0, install]
        install_codes:
          description: The exit codes with which these commands have succeeded. Null for V(apt).
          type: list
          elements: int
          returned: always
          sample: [0]
        verifier:
          description: Whether gpgv or gpg is there, which check signatures.
          type: bool
          returned: always
        systemd:
          description: Whether systemd runs the system.
          type: bool
          returned: always
        supported:
          description: Whether the system is in AWS's list for external instances.
          type: bool
          returned: always
        ec2:
          description: Whether the machine is an EC2 instance.
          type: bool
          returned: always
        machine:
          description:
            - The same for two hosts of the inventory that are one machine, until it is started again. Null when it has
              no C(/etc/machine-id).
          type: str
          returned: always
          sample: 3f0c6e2b9d1a4c5f8e7d6c5b4a392817
        unfinished:
          description:
            - Those of the packages of Docker and of the agents that dpkg is installing, or was stopped at. Other
              package managers leave none.
          type: list
          elements: str
          returned: always
          sample: []
        interrupted:
          description:
            - Whether dpkg is at work, or was stopped at it. Apt refuses to begin until C(dpkg --configure -a) was run.
          type: bool
          returned: always
    ssm:
      description: The SSM agent.
      type: dict
      returned: always
      contains:
        installed:
          description: Whether it is installed.
          type: bool
          returned: always
        version:
          description: Its version, without the packager's release.
          type: str
          returned: always
          sample: 3.3.1142.0
        source:
          description: V(deb), V(rpm), V(snap), or null when it is not installed.
          type: str
          returned: always
          sample: deb
        unit:
          description: The name of its systemd unit.
          type: str
          returned: always
          sample: amazon-ssm-agent.service
        enabled:
          description: Whether the unit starts with the system.
          type: bool
          returned: always
        active:
          description: Whether the unit is active. That alone does not prove that the agent works.
          type: bool
          returned: always
        registered:
          description: Whether the host holds the key of a managed node.
          type: bool
          returned: always
        instance_id:
          description: The managed node's id.
          type: str
          returned: always
          sample: mi-0123456789abcdef0
        region:
          description: The Region of the registration.
          type: str
          returned: always
          sample: eu-west-1
        working:
          description:
            - Whether the agent runs, and got credentials for the node of the registration that have not expired.
            - This is the best proof that the host itself can give.
          type: bool
          returned: always
        reason:
          description: Why it does not work, or null.
          type: str
          returned: always
          sample: the SSM agent is not registered
        credentials_expire_at:
          description: When the node's credentials expire, in UTC. They are renewed at half of their life.
          type: str
          returned: always
          sample: "2026-11-21T19:40:00Z"
        other_machine:
          description:
            - Whether the registration was made on another machine (a cloned disk, or a new machine-id), or AWS has
              another key for the node (an old copy of a disk, whose original may live on).
          type: bool
          returned: always
        needs_registration:
          description: Whether M(onprem.ecs.ssm_registration) with this O(region) would register the host.
          type: bool
          returned: always
        needs_restart:
          description:
            - Whether the running agent has another identity than the registration, or a configuration that was
              written, or a version that was installed, after it started.
            - Also whether it hibernates, as it does for up to an hour when AWS has not taken the first call after its
              start. Added in version 0.2.0.
          type: bool
          returned: always
        own_config:
          description:
            - Whether P(onprem.ecs.ssm_agent#role) has written C(/etc/amazon/ssm/amazon-ssm-agent.json).
            - Added in version 0.2.0.
          type: bool
          returned: always
        set_aside:
          description:
            - The id of the managed node that the host was before a new registration was cut off, as by a loss of power.
              Null otherwise.
            - M(onprem.ecs.ssm_registration) with O(onprem.ecs.ssm_registration#module:state=present) puts that
              registration back first. Added in version 0.2.0.
          type: str
          returned: always
          sample: mi-0123456789abcdef0
    engine:
      description: The container engine.
      type: dict
      returned: always
      contains:
        installed:
          description: Whether Docker is installed.
          type: bool
          returned: always
        name:
          description: The package that brought it, null when none did.
          type: str
          returned: always
          sample: docker.io
        version:
          description: Its version, without the packager's release.
          type: str
          returned: always
          sample: 20.10.24
        held:
          description: Whether an upgrade of the system leaves its package as it is.
          type: bool
          returned: always
        unit:
          description: The name of its systemd unit.
          type: str
          returned: always
          sample: docker.service
        enabled:
          description: Whether the unit starts with the system.
          type: bool
          returned: always
        active:
          description: Whether the unit is active.
          type: bool
          returned: always
        needs_restart:
          description:
            - Whether the proxy that P(onprem.ecs.container_engine#role) wrote for Docker is newer than the Docker that
              runs.
          type: bool
          returned: always
        reason:
          description: Why it cannot be used, or null.
          type: str
          returned: always
          sample: Docker is not installed
        unfinished:
          description:
            - Whether dpkg is installing the package RV(ecs_host.engine.name), or was stopped at it. What it has brought
              so far may work.
          type: bool
          returned: always
        suits_agent:
          description:
            - Whether the ECS agent can be installed beside it. On Debian and Ubuntu its package wants V(docker-ce),
              V(docker-engine), V(docker-ee) or V(docker.io), and apt would install one in the place of another Docker.
          type: bool
          returned: always
        snap:
          description:
            - Whether Docker is there as a snap, which the ECS agent cannot use. RV(ecs_host.engine.installed) does not
              count it.
          type: bool
          returned: always
        sources:
          description: Where Docker can come from on this system.
          type: dict
          returned: always
          contains:
            distribution:
              description: The distribution's own; null when it has none that the ECS agent can use.
              type: dict
              returned: always
              contains: &source
                packages:
                  description: The names of the packages.
                  type: list
                  elements: str
                  returned: always
                  sample: [docker-ce, docker-ce-cli, containerd.io]
                exact:
                  description: How the package manager is asked for one version.
                  type: str
                  returned: always
                  sample: "{name}=5:{version}-*"
                folder:
                  description: The repository's folder below its base address; null for the distribution's own.
                  type: str
                  returned: always
                  sample: linux/debian
            docker:
              description: Docker's own repository; null when there is none for the system.
              type: dict
              returned: always
              contains: *source
        other_keys:
          description:
            - The files of apt that name Docker's repository, or a mirror of it, with another C(Signed-By) than
              P(onprem.ecs.container_engine#role) does. Beside its file apt would refuse every call.
          type: list
          elements: dict
          returned: always
          contains:
            file:
              description: The file.
              type: str
              returned: always
              sample: /etc/apt/sources.list.d/docker.list
            uri:
              description: The address of the repository, without a slash at its end.
              type: str
              returned: always
              sample: https://download.docker.com/linux/debian
    agent:
      description: The ECS agent.
      type: dict
      returned: always
      contains:
        installed:
          description: Whether it is installed.
          type: bool
          returned: always
        version:
          description: The version of the package, without the packager's release.
          type: str
          returned: always
          sample: 1.105.1
        unit:
          description: The name of its systemd unit.
          type: str
          returned: always
          sample: ecs.service
        enabled:
          description: Whether the unit starts with the system.
          type: bool
          returned: always
        active:
          description: Whether the unit is active.
          type: bool
          returned: always
        working:
          description: Whether the running agent says that it is registered.
          type: bool
          returned: always
        reason:
          description: Why it does not work, or null.
          type: str
          returned: always
          sample: the ECS agent is not installed
        cluster:
          description: The cluster in its configuration.
          type: str
          returned: always
          sample: default
        region:
          description: The Region in its configuration.
          type: str
          returned: always
          sample: eu-west-1
        registered_cluster:
          description: The cluster that it is registered in, by its own word, or by its kept state when it does not run.
          type: str
          returned: always
          sample: default
        container_instance_arn:
          description: Its ARN, from the same source.
          type: str
          returned: always
          sample: arn:aws:ecs:eu-west-1:123456789012:container-instance/default/0123456789abcdef0123456789abcdef
        running_version:
          description: The version that runs.
          type: str
          returned: always
          sample: 1.105.1
        has_state:
          description: Whether it kept the state of a registration.
          type: bool
          returned: always
        state_refused:
          description: Whether ECS refused that state since the agent's last start.
          type: bool
          returned: always
        exec:
          description: What ECS Exec needs on the host.
          type: dict
          returned: always
          contains:
            source:
              description: Where the SSM agent's programs are, or null when they are not all there.
              type: str
              returned: always
              sample: /usr/bin
            folder:
              description: Where the ECS agent looks for them, or null without an SSM agent.
              type: str
              returned: always
              sample: /var/lib/ecs/deps/execute-command/bin/3.3.1142.0
            ready:
              description: Whether they are there.
              type: bool
              returned: always
        stale_state:
          description:
            - Why the agent must begin without that state, or null. It is of another cluster or Region than O(cluster)
              and O(region), of a managed node that is lost, or of a container instance that was deregistered.
          type: str
          returned: always
          sample: it is of cluster default
        needs_restart:
          description: Whether its configuration was written, or its version was installed, after it started.
          type: bool
          returned: always
    credentials_conflict:
      description: Where credentials of another origin are, and how that shows; or null.
      type: dict
      returned: always
      contains:
        path:
          description: The file.
          type: str
          returned: always
          sample: /root/.aws/credentials
        reason:
          description: What is wrong with it.
          type: str
          returned: always
    files:
      description: The SHA-256 of each of O(files), or null for a file that is not there.
      type: dict
      returned: always
    problems:
      description: What stands in the way, the blocking ones first.
      type: list
      elements: dict
      returned: always
      contains:
        code:
          description:
            - A short name of the kind of problem.
            - Of the machine C(not_root), C(no_systemd), C(unsupported_system), C(unsupported_architecture),
              C(old_kernel), C(no_cgroup), C(cgroup_memory), C(cgroup_v2), C(ec2_instance), C(no_package_manager),
              C(engine_missing), C(engine_snap), C(engine_podman), C(engine_unknown_to_agent),
              C(iptables_missing), C(clock), C(clock_wrong), C(selinux), C(disk_space).
            - Of services that are masked C(engine_masked), C(ssm_masked), C(agent_masked).
            - Of what is there already C(credentials_conflict), C(registered_elsewhere), C(other_region),
              C(other_cluster), C(ssm_config_invalid), C(ssm_not_working), or the name of the failure that was found in
              the SSM agent's log, such as C(node_deregistered), C(fingerprint_mismatch), C(machine_changed) and
              C(clock_skew).
          type: str
          returned: always
          sample: unsupported_system
        what:
          description: What is wrong.
          type: str
          returned: always
        remedy:
          description: What helps.
          type: str
          returned: always
        blocking:
          description: Whether nothing should be changed on the host before this is solved.
          type: bool
          returned: always
causes:
  description: The known failures found in the agents' logs, the most likely first.
  returned: when O(until) was not reached
  type: list
  elements: dict
  contains:
    code:
      description: A short name of the failure.
      type: str
      returned: always
      sample: node_deregistered
    cause:
      description: Why it happens.
      type: str
      returned: always
    remedy:
      description: What helps.
      type: str
      returned: always
    evidence:
      description: The line that shows it.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.ecs.plugins.module_utils._host_info import NotReached, info
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host


def main() -> None:
    """Wire the options to the look."""
    module = AnsibleModule(
        argument_spec={
            "region": {"type": "str"},
            "cluster": {"type": "str"},
            "files": {"type": "list", "elements": "path", "default": []},
            "until": {"type": "str", "choices": ["none", "ssm", "ecs"], "default": "none"},
            "wait_timeout": {"type": "int", "default": 120},
            "allow_unsupported": {"type": "bool", "default": False},
            "allow_ec2": {"type": "bool", "default": False},
            "allow_move": {"type": "bool", "default": False},
            "controller_time": {"type": "float"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, ecs_host=info(Host(), module.params))
    except NotReached as error:
        module.fail_json(msg=str(error), ecs_host=error.ecs_host, causes=error.causes)


if __name__ == "__main__":
    main()
