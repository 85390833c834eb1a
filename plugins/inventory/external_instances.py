# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring; the work is in module_utils/_inventory.py."""

from __future__ import annotations

DOCUMENTATION = r"""
name: external_instances
version_added: 0.2.0
short_description: Inventory of SSM managed nodes and ECS external instances
description:
  - The hosts outside of AWS that are managed nodes of AWS Systems Manager, with what ECS knows of those that are in a
    cluster. SSM is asked for 50 hosts a call, ECS for 100.
  - The name of the file must end with C(external_instances.yml) or C(external_instances.yaml).
  - Each host has one variable, C(external_instance), a dictionary with the members that
    M(onprem.ecs.ecs_external_instance_info) returns, and C(region). In O(compose), O(groups) and O(keyed_groups) these
    members are variables of their own, as C(ip_address) and C(attributes.site).
  - All hosts are in the group C(external_instances). Groups by state in SSM are C(ssm_online), C(ssm_connection_lost)
    and C(ssm_inactive); by cluster C(ecs_cluster_NAME); by state there C(ecs_active), C(ecs_draining) and so on.
  - How hosts are reached is for O(compose) to say. SSM knows an address of each, which need not be one that the
    controller can reach. C(ip_address) is V(null) when a host reports what is no address, has a zone as in
    C(fe80::1%eth0), or is one of the loopback interface.
  - O(regions), O(clusters), O(iam_role) and O(tags) can have templates, as C({{ lookup('env', 'SITE') }}).
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [onprem.ecs.external_instances]
  regions:
    description: The Regions to look at. Without it, the one of the connection.
    type: list
    elements: str
    default: []
  clusters:
    description:
      - Names or ARNs of clusters. Only hosts in one of them are listed. A cluster that does not exist has no hosts.
      - A name is looked for in each of O(regions), an ARN in its own Region.
      - Without it all managed nodes are listed, and all clusters of the Region are looked at.
    type: list
    elements: str
    default: []
  ecs:
    description: Whether to ask ECS at all. With V(false) only SSM is asked, and only permission for that is needed.
    type: bool
    default: true
  ping_status:
    description: List only hosts in one of these states in SSM. V(Inactive), which AWS says is no longer in use, has to
      be asked for.
    type: list
    elements: str
    choices: [Online, ConnectionLost, Inactive]
    default: [Online, ConnectionLost]
  iam_role:
    description: List only hosts of this role, by its name, or by C(path/NAME) when it has a path.
    type: str
  tags:
    description: List only hosts whose managed node carries all of these tags; V(null) stands for any value.
    type: dict
    default: {}
  hostnames:
    description:
      - What to call hosts, the most wanted first. A host is called by the first that it has for itself.
      - When hosts share a name, the only one of them that is Online has it. So a host keeps its name when it has
        registered anew, and what it left behind is called by its id.
      - Hosts report their own names. One that is not made of letters, digits and C(_.:-), the names of the controller
        itself as C(localhost), the name of a group and the id of another host are passed over.
    type: list
    elements: str
    choices: [computer_name, name, ip_address, instance_id]
    default: [computer_name, name, ip_address, instance_id]
notes:
  - "Permissions: C(ssm:DescribeInstanceInformation); with O(ecs) also C(ecs:ListContainerInstances) and
    C(ecs:DescribeContainerInstances), and C(ecs:ListClusters) without O(clusters)."
seealso:
  - module: onprem.ecs.ecs_external_instance_info
author:
  - onprem.ecs contributors (@onprem-ecs)
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
---
# All hosts of a Region, reached by the address that SSM knows.
plugin: onprem.ecs.external_instances
regions: [eu-west-1]
compose:
  ansible_host: ip_address
---
# Hosts of one cluster whose SSM agent answers, grouped by an attribute, kept for ten minutes.
plugin: onprem.ecs.external_instances
regions: [eu-west-1]
clusters: [edge]
ping_status: [Online]
hostnames: [name, computer_name]
groups:
  busy: running_tasks > 0
keyed_groups:
  - key: attributes.site
    prefix: site
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache
cache_timeout: 600
---
# Managed nodes of a site, whatever cluster they are in, without asking ECS.
plugin: onprem.ecs.external_instances
regions: [eu-west-1]
ecs: false
tags:
  site: berlin
"""

import hashlib
import json
import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase

from ansible_collections.onprem.ecs.plugins.module_utils import _inventory, _ssm_node_info
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError


def no_template(value: t.Any) -> t.Any:
    """The same, in which nothing can be taken for a template. ansible-core 2.19 takes none by itself.

    Only texts that could be one are marked: the mark shows in the output of ``ansible-inventory --list``.
    """
    if isinstance(value, dict):
        return {no_template(name): no_template(item) for name, item in value.items()}
    if isinstance(value, list):
        return [no_template(item) for item in value]
    return wrap_var(value) if isinstance(value, str) and "{" in value else value


class _Connection:
    """What _aws.Aws takes for a module: this plugin, in one Region."""

    def __init__(self, plugin: t.Any, region: str | None) -> None:
        self._plugin = plugin
        self.region = region

    def client(self, service: str, **options: t.Any) -> t.Any:
        """A boto3 client."""
        return self._plugin.client(service, **{"region": self.region, **options})


class InventoryModule(AWSInventoryBase):  # type: ignore[misc]  # amazon.aws has no type information
    """The plugin."""

    class TemplatedOptions(AWSInventoryBase.TemplatedOptions):  # type: ignore[misc]  # amazon.aws has no types
        """Options in which a template is replaced; without it one would be looked for as it stands, and not found."""

        TEMPLATABLE_OPTIONS = (*AWSInventoryBase.TemplatedOptions.TEMPLATABLE_OPTIONS, "clusters", "iam_role", "tags")

    NAME = "onprem.ecs.external_instances"
    INVENTORY_FILE_SUFFIXES = ("external_instances.yml", "external_instances.yaml")

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Fill the inventory, from the cache when it has an answer."""
        super().parse(inventory, loader, path, cache=cache)
        known, hosts = self.get_cached_result(path, cache)
        if not known:
            hosts = self._look()
            self.update_cached_result(path, cache, hosts)
        self._fill(hosts)

    def get_cache_key(self, path: str) -> str:
        """With what is asked for, as a template in it may give something else in the next run."""
        options = ("regions", "clusters", "iam_role", "tags", "ping_status", "ecs")
        asked = json.dumps([self.region, *(self.get_option(name) for name in options)], default=str)
        return f"{super().get_cache_key(path)}_{hashlib.sha256(asked.encode()).hexdigest()[:12]}"

    def client(self, service: str, **options: t.Any) -> t.Any:
        """A boto3 client; without a Region of the connection, as STS for assume_role_arn, in the first of ours."""
        first = next(iter(self.get_option("regions")), None)
        return super().client(service, **{"region": self.region or first, **options})

    def _look(self) -> list[_inventory.Host]:
        hosts: list[_inventory.Host] = []
        where = ""
        try:
            want = self._wanted()
            for region in dict.fromkeys(self.get_option("regions") or [self.region]):
                where = f"Region {region}: " if region else ""
                hosts += _inventory.look(Aws(_Connection(self, region)), want)
        except EcsError as error:
            self.fail_aws(f"{where}{error}")
        return hosts

    def _wanted(self) -> _inventory.Wanted:
        if self.get_option("clusters") and not self.get_option("ecs"):
            raise EcsError("clusters: they cannot be looked at with ecs=false")
        if not all(self.get_option("clusters")):
            raise EcsError("clusters: one is empty, as the template of it may be. Leave it out to see all clusters")
        options = {name: self.get_option(name) for name in ("iam_role", "ping_status", "tags")}
        others = dict.fromkeys(("instance_ids", "activation_ids", "computer_names", "inactive_for"))
        return _inventory.Wanted(
            ecs=self.get_option("ecs"),
            clusters=tuple(self.get_option("clusters")),
            nodes=_ssm_node_info.wanted({**others, **options}),
        )

    def _fill(self, hosts: list[_inventory.Host]) -> None:
        """Add the hosts with their variables, then their groups: Ansible takes a name that is a group's for the group.

        Groups by key are last, as only their names are not known beforehand.
        """
        named = [self._sanitize_group_name(name) for name in self.get_option("groups")]
        taken = {*self.inventory.groups, *named, *(group for host in hosts for group in _inventory.groups(host))}
        called = _inventory.names(hosts, self.get_option("hostnames"), taken)
        # Hosts report their own names, and anybody with a right to tag writes tags: none of it is a template.
        members = {called[host["instance_id"]]: no_template(host) for host in hosts}
        strict = self.get_option("strict")
        for name, host in members.items():
            self.inventory.add_host(name)
            self.inventory.set_variable(name, "external_instance", host)
            self._set_composite_vars(self.get_option("compose"), host, name, strict=strict)
        for name, host in members.items():
            for group in _inventory.groups(host):
                self.inventory.add_group(group)
                self.inventory.add_child(group, name)
            self._add_host_to_composed_groups(self.get_option("groups"), host, name, strict=strict)
        for name, host in members.items():
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), host, name, strict=strict)
