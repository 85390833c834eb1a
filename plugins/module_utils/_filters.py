# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The documents that the filters give: pure, no call to AWS."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _catalog,
    _catalog_policies,
    _iam_documents,
    _iam_policy_wanted,
    _policy,
)
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Where
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

ROLE_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/([!-~]+/)?[\w+=,.@-]{1,64}", re.ASCII
)
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.(com|com\.cn|eu)")


def texts(value: t.Any, option: str) -> list[str]:
    """A text, or a list of some, as a list.

    :raises EcsError: anything else
    """
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
        raise EcsError(f"{option}: {value!r} is neither a text nor a list of texts")
    return [str(one) for one in found]


def place(account: t.Any, regions: t.Any, partition: t.Any = None) -> Where:
    """The account and its Regions; their partition unless it is given.

    :raises EcsError: malformed, or the Regions are not of one partition
    """
    if not re.fullmatch(r"[0-9]{12}", str(account)):
        raise EcsError(f"account: {account!r} is not the number of an account, 12 digits as a text in quotation marks")
    names = texts(regions if regions is not None else [], "regions")
    if partition is not None and not re.fullmatch(r"aws(-[a-z]+)*", str(partition)):
        raise EcsError(f"partition: {partition!r} is none such as aws, aws-cn or aws-us-gov")
    found = str(partition or (_catalog.partition_of(names[0]) if names else "aws"))
    where = Where(found, str(account), tuple(sorted(set(names))))
    _iam_documents.check_regions(where)
    return where


def trust_document(kind: t.Any, where: Where, conditions: t.Any) -> Document:
    """The trust document of a kind of role.

    :param conditions: ``documented``, ``none`` or a condition block
    :raises EcsError: an unknown kind, no Region where one is named, malformed conditions
    """
    known = _kind(kind, "the value")
    if conditions not in ("documented", "none") and not _is_block(conditions):
        raise EcsError(
            "conditions: documented, none, or a block such as {'StringEquals': {'aws:SourceAccount': '123456789012'}}"
        )
    template = _iam_documents.service_template(known, where.partition)
    named = (known.regional and conditions == "documented") or "{region}" in template
    if named and not where.regions:
        raise EcsError(f"regions: the trust document of kind {kind} names the Regions, give at least one")
    return _iam_documents.trust(known, conditions, where)


def _is_block(conditions: t.Any) -> bool:
    return isinstance(conditions, dict) and all(isinstance(keys, dict) and keys for keys in conditions.values())


def permissions_document(kind: t.Any, where: Where, options: t.Mapping[str, t.Any]) -> Document:
    """The document of a policy of the catalogue.

    :param options: those of :data:`_catalog.RESOURCES`, and ``role_kind``
    :raises EcsError: an unknown kind, a resource that is missing, not used or malformed
    """
    known = {*_catalog.RESOURCES, "role_kind"}
    for name in options:
        if name not in known:
            raise EcsError(f"{name}: there is no such option; there are {', '.join(sorted(known))}")
    given = {name: texts(options[name], name) for name in _catalog.RESOURCES if options.get(name)}
    role_kind = options.get("role_kind")
    policy = _catalog_policies.POLICIES.get(str(kind))
    if policy and not where.regions and _iam_documents.names_region(policy.statements, given):
        raise EcsError(f"regions: the document of kind {kind} names the Regions, give at least one")
    return _iam_policy_wanted.kind_document(str(kind), {**given, "role_kind": role_kind and str(role_kind)}, where)


def pass_role_document(roles: t.Any, kind: t.Any, services: t.Any) -> Document:
    """The document that lets its holder pass exactly these roles.

    :param kind: of the roles; or None
    :param services: to which they are passed; or None
    :raises EcsError: not the exact ARN of a role, roles of several partitions, neither or both of kind and service
    """
    arns = texts(roles, "the value")
    matches = [ROLE_ARN.fullmatch(arn) for arn in arns if not re.search(r"[*?]", arn)]
    if not arns or len(matches) != len(arns) or not all(matches):
        raise EcsError(
            f"{roles!r} must be exact ARNs of roles such as arn:aws:iam::123456789012:role/ecsTaskExecutionRole; a "
            "wildcard would let other roles be passed"
        )
    partitions = sorted({match.group("partition") for match in matches if match})
    if len(partitions) > 1:
        raise EcsError(f"the roles are of more than one partition: {', '.join(partitions)}")
    if (kind is None) == (services is None):
        raise EcsError("kind and service: give one of them, the kind of the roles or the service that gets them")
    return _policy.pass_role(list(dict.fromkeys(arns)), _pass_to(kind, services, Where(partitions[0], "", ())))


def _pass_to(kind: t.Any, services: t.Any, where: Where) -> list[str]:
    if services is not None:
        found = texts(services, "service")
        wrong = [service for service in found if not SERVICE.fullmatch(service)]
        if wrong or not found:
            raise EcsError(
                f"service: {(wrong or [''])[0]!r} is not the principal of a service, such as ecs.amazonaws.com"
            )
        return found
    known = _kind(kind, "kind")
    if "{region}" in _iam_documents.service_template(known, where.partition):
        raise EcsError(f"kind: in {where.partition} {kind} has one service for each Region, name those in service")
    return _iam_documents.passed_to(known, where)


def _kind(kind: t.Any, option: str) -> _catalog.Kind:
    if not isinstance(kind, str) or kind not in KINDS:
        raise EcsError(f"{option}: {kind!r} is none of the kinds of roles: {', '.join(sorted(KINDS))}")
    return KINDS[kind]
