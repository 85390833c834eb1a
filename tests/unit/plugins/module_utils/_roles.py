# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every role and every policy that ``ecs_iam_role`` and ``ecs_iam_policy`` can ask of the catalogue, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _catalog,
    _iam_documents,
    _iam_policy_wanted,
    _iam_wanted,
)
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import POLICIES
from ansible_collections.onprem.ecs.plugins.module_utils._iam_options import role_options

ACCOUNT = "123456789012"
#: A Region of each partition that ECS Anywhere is in.
REGIONS = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
#: One resource for every option that names some.
RESOURCES: dict[str, Any] = {
    "clusters": ["lab"],
    "repositories": ["team/app"],
    "log_groups": ["/ecs/app"],
    "s3_objects": ["company-config/ecs.config"],
    "secrets": ["app/password"],
    "parameters": ["/app/password"],
    "kms_keys": [KEY],
    "lambda_functions": ["before-traffic"],
    "roles": ["ours"],
    "vpc": "vpc-0123456789abcdef0",
    "vpc_endpoint": "vpce-0123456789abcdef0",
}


@dataclass(frozen=True)
class Role:
    """A role that can be asked for."""

    kind: str
    features: tuple[str, ...]
    permissions: str
    named: bool
    """All the resources are named that the role can be scoped to; otherwise only those that it cannot do without."""
    partition: str

    def __str__(self) -> str:
        """For the names of tests."""
        scope = "named" if self.named else "unnamed"
        return "-".join([self.kind, "+".join(self.features) or "plain", self.permissions, scope, self.partition])

    def options(self) -> dict[str, Any]:
        """The options of the module, as Ansible hands them over."""
        options = {name: spec.get("default") for name, spec in role_options().items()}
        options |= {"kind": self.kind, "name": "ours", "features": list(self.features), "permissions": self.permissions}
        return {**options, **{name: RESOURCES[name] for name in self._resources(options)}}

    def _resources(self, options: dict[str, Any]) -> set[str]:
        kind = _catalog.KINDS[self.kind]
        least = self.permissions == "least_privilege"
        features = [kind.features[name] for name in self.features]
        needed = {*_catalog.KIND_NEEDS.get(self.kind, ())}
        for feature in features:
            needed |= {*feature.needs, *(feature.least_needs if least else ())}
        if not self.named:
            return needed
        targets = {on for own in _iam_wanted.grants(options).own for one in own.statements for on in one.on}
        return needed | {_catalog.TARGETS[target].option for target in targets} - {""}

    def wanted(self) -> _iam_wanted.Wanted:
        """The role, its options judged before as the module does it."""
        region = REGIONS[self.partition]
        _iam_wanted.check(self.options(), region)
        return _iam_wanted.wanted(self.options(), _iam_documents.Where(self.partition, ACCOUNT, (region,)))


def _features(kind: str) -> list[tuple[str, ...]]:
    """None, each alone, and all together."""
    every = tuple(_catalog.KINDS[kind].features)
    return list(dict.fromkeys([(), *((name,) for name in every), every]))


def _can_be_less(kind: str) -> bool:
    found = _catalog.KINDS[kind]
    return found.least is not None or any(feature.least for feature in found.features.values())


def every_role() -> Iterator[Role]:
    """All kinds, with every feature alone and all together, in every partition, with resources named and not."""
    for kind in _catalog.KINDS:
        for permissions in ("managed", "least_privilege") if _can_be_less(kind) else ("managed",):
            for features in _features(kind):
                for named in (False, True):
                    for partition in REGIONS:
                        yield Role(kind, features, permissions, named, partition)


@dataclass(frozen=True)
class Policy:
    """A managed policy that can be asked for."""

    kind: str
    named: bool
    partition: str

    def __str__(self) -> str:
        """For the names of tests."""
        return f"policy-{self.kind}-{'named' if self.named else 'unnamed'}-{self.partition}"

    def document(self) -> dict[str, Any]:
        """Its document, as the module makes it."""
        kind = POLICIES[self.kind]
        options = {name: RESOURCES[name] for name in (kind.uses if self.named else kind.needs)}
        options["role_kind"] = "anywhere" if kind.passes_roles else None
        where = _iam_documents.Where(self.partition, ACCOUNT, (REGIONS[self.partition],))
        return _iam_policy_wanted.kind_document(self.kind, options, where)


def every_policy() -> Iterator[Policy]:
    """All of the catalogue's, in every partition, with resources named and not."""
    for kind in POLICIES:
        for named in (False, True):
            for partition in REGIONS:
                yield Policy(kind, named, partition)
