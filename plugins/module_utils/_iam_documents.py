# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. From the catalogue and what the user names to documents and ARNs.

Pure. ``Where`` says which account and Regions they are for; an option that is not given is missing or empty.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import Condition, Kind, Statement
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

Options = t.Mapping[str, t.Any]

ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
PATH = re.compile(r"/|/[!-~]{1,510}/")
REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
POLICY_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(aws|\d{12}):policy/([!-~]+/)?[\w+=,.@-]{1,128}", re.ASCII)
#: As long as a real one, so that documents built with it have their real size.
SOME_ACCOUNT = "000000000000"
#: Options whose text stands in conditions as it is.
PLAIN_OPTIONS = ("vpc", "vpc_endpoint")


@dataclass(frozen=True)
class Where:
    """The account that a role is in, and the Regions that its policies speak of."""

    partition: str
    account: str
    regions: tuple[str, ...]
    wild: tuple[str, ...] = ()
    """Names with wildcards that stand for Regions which its policies speak of, besides."""
    trusted: tuple[str, ...] = ()
    """Such names of Regions from which it is trusted so far, besides; ``*`` when that is every Region."""

    @property
    def names(self) -> tuple[str, ...]:
        """What stands in an ARN in place of the Region."""
        return _policy.widest((*self.regions, *self.wild))


def names_region(statements: t.Iterable[Statement], options: Options) -> bool:
    """True when documents of these statements name Regions, so that one must be known."""
    return any(_names_region(one, options) for one in statements)


def _names_region(one: Statement, options: Options) -> bool:
    for shape in (_catalog.TARGETS[target] for target in one.on):
        items = options.get(shape.option) if shape.option else None
        if not items and (one.optional or one.unscoped):
            continue
        if "{region}" in shape.arn and not (items and all(str(item).startswith("arn:") for item in items)):
            return True
    return False


def check_regions(where: Where) -> None:
    """
    :raises EcsError: a name that is none of a Region, or a Region of another partition
    """
    for region in where.regions:
        if not REGION.fullmatch(region):
            raise EcsError(f"regions: {region!r} is not the name of a Region such as eu-west-1")
        if where.partition and _catalog.partition_of(region) != where.partition:
            raise EcsError(f"regions: {region} is not in the partition {where.partition}")


def policy_arn(policy: str, where: Where) -> str:
    """The ARN of a managed policy: given as one, of AWS by a name that the catalogue knows, or the account's own.

    :raises EcsError: malformed, or of another partition
    """
    if policy.startswith("arn:"):
        match = POLICY_ARN.fullmatch(policy)
        if not match:
            raise EcsError(
                f"{policy!r} is not the ARN of a managed policy (arn:PARTITION:iam::ACCOUNT or aws:policy/NAME)"
            )
        if where.partition and match.group(1) != where.partition:
            raise EcsError(f"{policy} is of the partition {match.group(1)}, the role is in {where.partition}")
        return policy
    path, _slash, name = policy.strip("/").rpartition("/")
    if not POLICY_NAME.fullmatch(name):
        raise EcsError(
            f"{policy!r} is not a policy's name: 1 to 128 letters, digits or _+=,.@- after an optional path/"
        )
    of_aws = _catalog.aws_policies().get(name)
    if of_aws and (not path or of_aws == policy.strip("/")):
        return f"arn:{where.partition}:iam::aws:policy/{of_aws}"
    return f"arn:{where.partition}:iam::{where.account}:policy/{policy.strip('/')}"


def services(kind: Kind, where: Where) -> list[str]:
    """The principals that assume roles of the kind, as the partition names them."""
    return _filled(service_template(kind, where.partition), where)


def service_template(kind: Kind, partition: str) -> str:
    """The principal that assumes roles of the kind; with ``{region}`` where each Region has its own."""
    return _catalog.SERVICES_IN_CHINA.get(kind.service, kind.service) if partition == "aws-cn" else kind.service


def regions_of_services(kind: Kind, partition: str, trusted: t.Iterable[str]) -> dict[str, str]:
    """Those of the services that are the kind's principal in some Region, and the Region."""
    template = service_template(kind, partition)
    if "{region}" not in template:
        return {}
    before, after = (re.escape(part) for part in template.split("{region}"))
    matches = {service: re.fullmatch(f"{before}({REGION.pattern}){after}", service) for service in trusted}
    return {service: match.group(1) for service, match in matches.items() if match}


def passed_to(kind: Kind, where: Where) -> list[str]:
    """The services that ``iam:PassedToService`` names when a role of the kind is passed."""
    return [kind.passed_to] if kind.passed_to else services(kind, where)


def trust(kind: Kind, choice: t.Any, where: Where) -> Document:
    """The trust document of a kind.

    :param choice: ``documented``, ``none`` or a condition block
    :raises EcsError: longer than IAM allows
    """
    conditions = choice if isinstance(choice, dict) else None
    if choice == "documented":
        conditions = _block(kind.trust, {}, replace(where, wild=where.trusted))
    document = _policy.trust(services(kind, where), kind.sid, conditions)
    if _policy.size(document) > _catalog.MAX_TRUST:
        raise EcsError(
            f"the trust document has {_policy.size(document)} characters, IAM allows {_catalog.MAX_TRUST} at most: "
            "name fewer regions, or set trust_conditions to a block with a wildcard"
        )
    return document


def permissions(statements: t.Iterable[Statement], options: Options, where: Where) -> Document:
    """The document of these statements for the resources that the options name."""
    built = [_statement(one, options, where) for one in statements]
    return _policy.document([one for one in built if one is not None])


def _statement(one: Statement, options: Options, where: Where) -> Document | None:
    """None for an optional statement whose resources the user does not name."""
    named = any(options.get(_catalog.TARGETS[target].option) for target in one.on if _catalog.TARGETS[target].option)
    if one.optional and not named:
        return None
    if one.unscoped and not named:
        resources = [one.unscoped.format(partition=where.partition)]
    else:
        resources = [arn for target in one.on for arn in arns(target, options, where)] or ["*"]
    conditions = _block(one.always + (one.conditions if named else ()), options, where)
    return _policy.statement(one.actions, list(dict.fromkeys(resources)), one.sid, conditions)


def _block(conditions: t.Sequence[Condition], options: Options, where: Where) -> Document | None:
    """The condition block; a condition on an option that is not given is left out."""
    block: Document = {}
    for condition in conditions:
        values: list[str] = []
        for value in condition.values:
            option = value.strip("{}")
            if value in _catalog.TARGETS:
                values += arns(value, options, where)
            elif option in PLAIN_OPTIONS:
                values += [options[option]] if options.get(option) else []
            else:
                values += _filled(value, where)
        if values:
            block.setdefault(condition.operator, {})[condition.key] = _policy.one_or_list(values)
    return block or None


def _filled(template: str, where: Where, **more: str) -> list[str]:
    """The template for every Region, or once when it names none."""
    regions = where.names if "{region}" in template else ("",)
    return [
        template.format(partition=where.partition, account=where.account, region=region, **more) for region in regions
    ]


def arns(target: str, options: Options, where: Where) -> list[str]:
    """The ARNs of a target: of the items that its option holds, or of all there are.

    :raises EcsError: an item is neither a name nor an ARN of its kind
    """
    shape = _catalog.TARGETS[target]
    if not shape.option:
        return _filled(shape.arn, where)
    found: list[str] = []
    for item in options.get(shape.option) or ["*"]:
        if str(item).startswith("arn:"):
            found += _from_arn(shape, str(item), where)
        else:
            found += _from_name(shape, str(item), where)
    return list(dict.fromkeys(found))


def _from_name(shape: _catalog.Target, item: str, where: Where) -> list[str]:
    resource = _catalog.RESOURCES[shape.option]
    name = item[1:] if resource.rooted and item.startswith("/") else item
    if item != "*" and not re.fullmatch(resource.names, name, re.ASCII):
        raise EcsError(
            f"{shape.option}: {item!r} is neither a name such as {resource.example} nor an ARN of {resource.service}"
        )
    arn = shape.arn if item != "*" else shape.arn.replace("{name}-??????", "{name}")
    return _filled(arn, where, name=name, bucket=name.partition("/")[0])


def _from_arn(shape: _catalog.Target, item: str, where: Where) -> list[str]:
    resource = _catalog.RESOURCES[shape.option]
    parts = item.split(":", 5)
    if len(parts) < 6 or parts[2] != resource.service or not parts[5].startswith(resource.prefix):
        like = f"arn:aws:{resource.service}:REGION:ACCOUNT:{resource.prefix}{resource.example}"
        if resource.service == "s3":
            like = f"arn:aws:s3:::{resource.example}"
        raise EcsError(f"{shape.option}: {item!r} is not an ARN such as {like}")
    if where.partition and parts[1] != where.partition:
        raise EcsError(f"{shape.option}: {item} is of the partition {parts[1]}, the role is in {where.partition}")
    name = parts[5][len(resource.prefix) :]
    if shape.option == "log_groups" and name.endswith(":*"):
        name = name[:-2]
    pattern = resource.names if shape.option != "log_groups" else r"[^:]+"
    if not re.fullmatch(pattern, name, re.ASCII):
        raise EcsError(f"{shape.option}: the name {name!r} in {item} is not one such as {resource.example}")
    if shape.as_given:
        return [item]
    filled = shape.arn.format(
        partition=parts[1], region=parts[3], account=parts[4], name=name, bucket=name.partition("/")[0]
    )
    return [filled]
