# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. From the options of a policy to the policy that is wanted.

Pure. ``check`` judges all that can be judged before AWS is asked; ``wanted`` builds the document for an account;
``kind_document`` is the document of a kind alone.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _catalog_policies, _policy, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import POLICIES, PolicyKind
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import (
    POLICY_NAME,
    SOME_ACCOUNT,
    Options,
    Where,
    arns,
    check_regions,
    names_region,
    passed_to,
    permissions,
)
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal, principal
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

#: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
PATH = re.compile(r"(/[A-Za-z0-9.,+@=_-]+)*/")
MAX_PATH = 512


@dataclass(frozen=True)
class Wanted:
    """A policy as it shall be. None: not said, so left alone."""

    name: str
    path: str
    arn: str
    description: str | None
    document: Document | None
    """None: the policy shall not be there."""
    attach_to: frozenset[Principal] | None
    purge_attachments: bool
    tags: t.Mapping[str, str] | None
    purge_tags: bool


def check(options: Options, region: str) -> None:
    """Judge the options without a call.

    :param region: of the connection; empty when there is none
    :raises EcsError: says what is wrong and what is allowed
    """
    if options["kind"] and options["document"] is not None:
        raise EcsError("kind and document: give one of them, the catalogue's policy or a document of your own")
    regions = tuple(options["regions"] or ([region] if region else []))
    partition = _catalog.partition_of(regions[0]) if regions else ""
    wanted(options, Where(partition, SOME_ACCOUNT, regions))


def wanted(options: Options, where: Where) -> Wanted:
    """The policy for this account.

    :param where: an empty partition means that it is not known yet: partitions are then not compared
    :raises EcsError: a wrong name or resource, a document too long
    """
    name, path = policy_name(options), options["path"] or "/"
    _check_texts(name, path, options)
    present = options["state"] == "present"
    attach_to = options["attach_to"]
    if present and options["purge_attachments"] and attach_to is None:
        raise EcsError("purge_attachments: say in attach_to who keeps the policy; [] detaches it from everybody")
    return Wanted(
        name=name,
        path=path,
        arn=f"arn:{where.partition}:iam::{where.account}:policy{path}{name}",
        description=options["description"],
        document=document(options, where) if present else None,
        attach_to=None if attach_to is None else frozenset(principal(one, "attach_to") for one in attach_to),
        purge_attachments=options["purge_attachments"],
        tags=_tags.wanted(options["tags"]),
        purge_tags=options["purge_tags"],
    )


def policy_name(options: Options) -> str:
    """The name given, or that of the kind; empty when there is neither."""
    return str(options["name"] or (POLICIES[options["kind"]].default_name if options["kind"] else ""))


def document(options: Options, where: Where) -> Document:
    """The document given, or that of the kind.

    :raises EcsError: neither is given, it is malformed, or longer than IAM allows
    """
    if options["kind"]:
        found = kind_document(options["kind"], options, where)
    elif options["document"] is not None:
        _check_own_document(options)
        found = _policy.permissions(options["document"], "document")
        if found.get("Version") != _policy.VERSION:
            raise EcsError(f'document: IAM takes a managed policy only with "Version": "{_policy.VERSION}"')
    else:
        raise EcsError("kind or document: one of them must say what the policy allows")
    if _policy.size(found) > _catalog_policies.MAX_POLICY:
        raise EcsError(
            f"the document has {_policy.size(found)} characters without white space, IAM allows "
            f"{_catalog_policies.MAX_POLICY} for a managed policy: make two of it"
        )
    return found


def _check_own_document(options: Options) -> None:
    for option in (*_catalog.RESOURCES, "regions", "role_kind"):
        if options[option]:
            raise EcsError(f"{option}: it limits a policy of the catalogue (kind), a document of your own says it all")


def kind_document(name: str, options: Options, where: Where) -> Document:
    """The document of a kind for the resources that the options name.

    :raises EcsError: an unknown kind, a resource that is missing, not used or malformed, or no Region
    """
    if name not in POLICIES:
        raise EcsError(f"kind {name!r} is none of the policies of the catalogue: {', '.join(sorted(POLICIES))}")
    kind = POLICIES[name]
    _check_resources(name, kind, options)
    check_regions(where)
    if names_region(kind.statements, options) and not where.regions:
        raise EcsError(f"kind {name} names Regions: set the option region or regions, or AWS_REGION")
    if kind.passes_roles:
        role_kind = _catalog.KINDS[options["role_kind"]]
        return _policy.pass_role(arns("role", options, where), passed_to(role_kind, where))
    return permissions(kind.statements, options, where)


def _check_resources(name: str, kind: PolicyKind, options: Options) -> None:
    """What a policy needs is there; a resource that it is not limited to would look like a restriction and be none."""
    if kind.needs and not any(options.get(option) for option in kind.needs):
        raise EcsError(f"kind {name} needs {' or '.join(kind.needs)}")
    for option in _catalog.RESOURCES:
        if options.get(option) and option not in kind.uses:
            used = ", ".join(sorted(kind.uses)) or "no resource at all"
            raise EcsError(f"{option}: kind {name} is not limited to it; it knows {used}")
    for role in options.get("roles") or []:
        if re.search(r"[*?]", str(role)):
            raise EcsError(f"roles: {role!r} stands for more than one role; iam:PassRole is for exact names only")
    role_kind = options.get("role_kind")
    if kind.passes_roles and role_kind not in _catalog.KINDS:
        raise EcsError(
            f"kind {name} needs role_kind, the kind of the roles: one of {', '.join(sorted(_catalog.KINDS))}"
        )
    if role_kind and not kind.passes_roles:
        raise EcsError(f"role_kind: it is for the kind pass_role, not for kind {name}")


def _check_texts(name: str, path: str, options: Options) -> None:
    if not name:
        raise EcsError("name: a policy without kind has no name of its own, set the option name")
    if not POLICY_NAME.fullmatch(name):
        raise EcsError(f"name: {name!r} is not 1 to 128 letters, digits or _+=,.@- (a path goes into the option path)")
    if not PATH.fullmatch(path) or len(path) > MAX_PATH:
        raise EcsError(
            f"path: {path!r} must begin and end with /, with letters, digits or _+=,.@- between them, "
            f"{MAX_PATH} characters at most"
        )
    if len(options["description"] or "") > _catalog.MAX_DESCRIPTION:
        raise EcsError(f"description: at most {_catalog.MAX_DESCRIPTION} characters, not {len(options['description'])}")
