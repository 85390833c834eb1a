# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. From the options of a role to the role that is wanted.

Pure. ``check`` judges all that can be judged before AWS is asked; ``wanted`` builds the documents for an account.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _iam_pass_role, _policy, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import Grants, Kind
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import (
    PATH,
    POLICY_NAME,
    REGION,
    ROLE_NAME,
    SOME_ACCOUNT,
    Options,
    Where,
    arns,
    check_regions,
    names_region,
    passed_to,
    permissions,
    policy_arn,
    service_template,
    trust,
)
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document


@dataclass(frozen=True)
class Wanted:
    """A role as it shall be. None: not said, so left alone."""

    kind: str
    name: str
    arn: str
    path: str | None
    description: str | None
    max_session_duration: int | None
    permissions_boundary: str | None
    """An ARN; empty: none."""
    trust: Document
    managed: tuple[str, ...]
    inline: t.Mapping[str, Document]
    ours_managed: frozenset[str]
    """What the catalogue could attach to this kind: it goes when it is not wanted."""
    ours_inline: frozenset[str]
    purge_policies: bool
    tags: t.Mapping[str, str] | None
    purge_tags: bool
    profile: str | None
    """The instance profile; empty: none of ours."""
    clusters: tuple[str, ...] = ()
    """ARNs, with wildcards, of the clusters that the role is limited to; none for all."""


def check(options: Options, region: str) -> None:
    """Judge the options without a call.

    :param region: of the connection; empty when there is none
    :raises EcsError: says what is wrong and what is allowed
    """
    kind = _kind(options)
    _check_names(options, kind)
    _iam_pass_role.principals(options["pass_role_to"])
    _tags.wanted(options["tags"], caseless=True)
    for feature in options["features"] or []:
        if feature not in kind.features:
            allowed = ", ".join(kind.features) or "none"
            raise EcsError(f"features: kind {options['kind']} has no feature {feature!r}; it has: {allowed}")
    if options["state"] == "absent":
        return
    _check_features(options, kind)
    _check_trust_option(options)
    _check_ssm_name(options)
    regions = tuple(options["regions"] or ([region] if region else []))
    partition = _catalog.partition_of(regions[0]) if regions else ""
    wanted(options, Where(partition, SOME_ACCOUNT, regions))


def check_all(entries: t.Sequence[Options], region: str) -> None:
    """Judge the options of several roles, each as ``check`` does.

    :raises EcsError: names the role
    """
    names = [role_name(entry) for entry in entries]
    caseless = [name.lower() for name in names]
    # One without a name is told by its own check.
    twice = sorted({name for name in names if name and caseless.count(name.lower()) > 1})
    if twice:
        raise EcsError(
            f"roles: {', '.join(twice)} stands there twice, as IAM knows no case in names; give each role a name of "
            "its own"
        )
    for name, entry in zip(names, entries):
        try:
            check(entry, region)
        except EcsError as error:
            raise EcsError(f"role {name or 'of kind ' + entry['kind']}: {error}") from error


def needs_region(options: Options) -> bool:
    """True when the role's documents name Regions, so that one must be known."""
    kind = _kind(options)
    return (kind.regional and options["trust_conditions"] == "documented") or names_region(
        (one for own in grants(options).own for one in own.statements), options
    )


def wanted(options: Options, where: Where) -> Wanted:
    """The role for this account.

    :param where: an empty partition means that it is not known yet: partitions are then not compared
    :raises EcsError: a document too long, an ARN of another partition, too many policies
    """
    kind = _kind(options)
    name = role_name(options)
    check_regions(where)
    named = needs_region(options) or "{region}" in service_template(kind, where.partition)
    # Of what is deleted no document is written.
    if named and not where.names and options["state"] == "present":
        raise EcsError("no Region: set the option region or regions, the variable AWS_REGION or one in the profile")
    given = grants(options)
    inline = {own.name: permissions(own.statements, options, where) for own in given.own}
    ours_inline = frozenset(own.name for one in kind.grants() for own in one.own)
    for policy, document in (options["inline_policies"] or {}).items():
        if policy in ours_inline:
            raise EcsError(f"inline_policies: the name {policy} is that of a policy from the catalogue, choose another")
        inline[policy] = _policy.permissions(document, f"inline policy {policy}")
    _check_inline(inline)
    managed = [policy_arn(path, where) for path in given.managed]
    managed += [policy_arn(policy, where) for policy in options["managed_policies"] or []]
    managed = list(dict.fromkeys(managed))
    if len(managed) > _catalog.MAX_ATTACHED:
        raise EcsError(
            f"{len(managed)} managed policies: IAM allows {_catalog.MAX_ATTACHED} at most for a role, those of the "
            f"kind and its features among them: {', '.join(managed)}"
        )
    path = options["path"]
    return Wanted(
        kind=options["kind"],
        name=name,
        arn=f"arn:{where.partition}:iam::{where.account}:role{path or '/'}{name}",
        path=path,
        description=options["description"],
        max_session_duration=options["max_session_duration"],
        permissions_boundary=_boundary(options["permissions_boundary"], where),
        trust=trust(kind, options["trust_conditions"], where),
        managed=tuple(managed),
        inline=inline,
        ours_managed=frozenset(policy_arn(path, where) for one in kind.grants() for path in one.managed),
        ours_inline=ours_inline,
        purge_policies=options["purge_policies"],
        tags=_tags.wanted(options["tags"], caseless=True),
        purge_tags=options["purge_tags"],
        profile=profile_name(options),
        clusters=tuple(arns("cluster", options, where)) if options["clusters"] else (),
    )


def pass_role(options: Options, arn: str, where: Where) -> _iam_pass_role.Documents:
    """Who shall have what document to pass the role; None for those who shall have none.

    :param arn: of the role, which may have been made with a path that the task does not name
    """
    document = _policy.pass_role([arn], passed_to(_kind(options), where))
    allowed = _iam_pass_role.principals(options["pass_role_to"])
    return {
        principal: document if allowed[principal] and options["state"] == "present" else None for principal in allowed
    }


def _kind(options: Options) -> Kind:
    return _catalog.KINDS[options["kind"]]


def role_name(options: Options) -> str:
    """The name given, or the documented one."""
    return str(options["name"] or _kind(options).default_name)


def profile_name(options: Options) -> str | None:
    """The instance profile that is wanted; empty for none, None for kinds that have none."""
    kind = _kind(options)
    choice = options["instance_profile"]
    if not kind.profile:
        return None
    # The option is a text, so Ansible hands over YAML's true and false as "True" and "False".
    if choice is None or str(choice).lower() in ("true", "yes"):
        return kind.profile.format(name=role_name(options))
    return "" if str(choice).lower() in ("false", "no", "") else str(choice)


def grants(options: Options) -> Grants:
    """What the catalogue gives for the kind, its features and the choice of permissions."""
    kind = _kind(options)
    least = options["permissions"] == "least_privilege"
    features = [kind.features[name] for name in dict.fromkeys(options["features"] or [])]
    parts = (
        [] if any(feature.instead for feature in features) else [kind.least if least and kind.least else kind.managed]
    )
    parts += [feature.least if least and feature.least else feature.managed for feature in features]
    return Grants(
        managed=tuple(dict.fromkeys(path for part in parts for path in part.managed)),
        own=tuple(own for part in parts for own in part.own),
    )


def known_regions(options: Options, where: Where, inline: t.Mapping[str, Document]) -> set[str]:
    """The Regions that a role has been made for, by its inline policies of the catalogue; they may have wildcards.

    A Region is one of them when it has ARNs that the options would give for it now. Those of items that the user gives
    as ARNs do not count: they stand for themselves, and the other items shall not be allowed there because of them.

    :param where: its Regions do not matter
    """
    ours = {own.name for one in _kind(options).grants() for own in one.own}
    held = {arn for name, document in inline.items() if name in ours for arn in _policy.resources(document)}
    as_given = _granted(options, replace(where, regions=()))
    named = {arn.split(":")[3] for arn in held - as_given if arn.count(":") >= 5}
    return {
        region
        for region in named
        if _can_be_in(region, where.partition)
        and held & (_granted(options, replace(where, regions=(region,))) - as_given)
    }


def _can_be_in(region: str, partition: str) -> bool:
    if _policy.has_wildcard(region):
        return True
    return bool(REGION.fullmatch(region)) and _catalog.partition_of(region) == partition


def replaces_aws_policies(options: Options, where: Where, attached: t.Iterable[str]) -> bool:
    """True when policies of our own, which name Regions, take the place of AWS's, which do not."""
    aws = {policy_arn(path, where) for path in _kind(options).managed.managed}
    stay = {policy_arn(policy, where) for policy in (*grants(options).managed, *(options["managed_policies"] or []))}
    return bool(set(attached) & (aws - stay))


def _granted(options: Options, where: Where) -> set[str]:
    """The ARNs that the policies of the catalogue are about."""
    documents = (permissions(own.statements, options, where) for own in grants(options).own)
    return {arn for document in documents for arn in _policy.resources(document)}


def _boundary(boundary: str | None, where: Where) -> str | None:
    return policy_arn(boundary, where) if boundary else boundary


# Checks ------------------------------------------------------------------------------------------------------------


def _check_names(options: Options, kind: Kind) -> None:
    name = role_name(options)
    if not name:
        raise EcsError(f"kind {options['kind']} has no documented name: set the option name")
    if not ROLE_NAME.fullmatch(name):
        raise EcsError(f"name: {name!r} is not 1 to 64 letters, digits or _+=,.@- (a path goes into the option path)")
    path = options["path"]
    if path is not None and not PATH.fullmatch(path):
        raise EcsError(
            f"path: {path!r} must begin and end with / and have at most 512 characters, none of them a space"
        )
    if (path or "").startswith(_catalog.RESERVED_PATHS):
        raise EcsError(f"path: {path!r} is reserved for roles of AWS's own")
    seconds = options["max_session_duration"]
    low, high = _catalog.SESSION_SECONDS
    if seconds is not None and not low <= seconds <= high:
        raise EcsError(f"max_session_duration: {seconds} is not from {low} to {high} seconds")
    _check_description(options["description"] or "")
    if not kind.profile and options["instance_profile"] is not None:
        allowed = ", ".join(name for name, one in _catalog.KINDS.items() if one.profile)
        raise EcsError(f"instance_profile: kind {options['kind']} has none, only {allowed} have")
    profile = profile_name(options)
    if profile and not POLICY_NAME.fullmatch(profile):
        raise EcsError(f"instance_profile: {profile!r} is not a name of 1 to 128 letters, digits or _+=,.@-")


def _check_description(text: str) -> None:
    if len(text) > _catalog.MAX_DESCRIPTION:
        raise EcsError(f"description: at most {_catalog.MAX_DESCRIPTION} characters, not {len(text)}")
    strange = re.search(_catalog.NOT_IN_DESCRIPTION, text)
    if strange:
        raise EcsError(f"description: IAM takes letters of Latin-1 only, and {strange.group()!r} is none")


def _check_features(options: Options, kind: Kind) -> None:
    least = options["permissions"] == "least_privilege"
    for name in options["features"] or []:
        feature = kind.features[name]
        for needs in (feature.needs, feature.least_needs if least else ()):
            if needs and not any(options[option] for option in needs):
                raise EcsError(f"features: {name} needs {' or '.join(needs)}")
    needs = _catalog.KIND_NEEDS.get(options["kind"], ())
    if needs and not any(options[option] for option in needs):
        raise EcsError(f"kind {options['kind']} needs {' or '.join(needs)}")
    if least and kind.least is None and not any(one.least for one in kind.features.values()):
        allowed = ", ".join(name for name, one in _catalog.KINDS.items() if one.least)
        raise EcsError(f"permissions: least_privilege is there for {allowed}, not for kind {options['kind']}")
    _check_used(options, kind)


def _check_used(options: Options, kind: Kind) -> None:
    """A resource that no policy is scoped to would look like a restriction and be none."""
    used = {
        _catalog.TARGETS[target].option for own in grants(options).own for one in own.statements for target in one.on
    }
    for name in options["features"] or []:
        used.update(kind.features[name].needs)
    for option in (*_catalog.ROLE_SCOPES, "vpc", "vpc_endpoint"):
        if options[option] and option not in used:
            raise EcsError(
                f"{option}: nothing of kind {options['kind']} with permissions {options['permissions']} and features "
                f"[{', '.join(options['features'] or [])}] is scoped to it; set permissions: least_privilege, add the "
                "feature that uses it, or leave it out"
            )


def _check_trust_option(options: Options) -> None:
    choice = options["trust_conditions"]
    if choice in ("documented", "none"):
        return
    if not isinstance(choice, dict) or not all(isinstance(keys, dict) and keys for keys in choice.values()):
        raise EcsError(
            "trust_conditions: documented, none, or a block such as {StringEquals: {aws:SourceAccount: '123456789012'}}"
        )


def _check_ssm_name(options: Options) -> None:
    """SSM calls a role by path and name, and takes fewer characters than IAM: no host could use a longer one."""
    called = f"{options['path'] or '/'}{role_name(options)}".lstrip("/")
    if options["kind"] == "anywhere" and len(called) > _catalog.MAX_SSM_ROLE:
        raise EcsError(
            f"path: Systems Manager takes roles of at most {_catalog.MAX_SSM_ROLE} characters, and path and name are "
            f"{len(called)}: {called}"
        )


def _check_inline(inline: t.Mapping[str, Document]) -> None:
    for policy in inline:
        if not POLICY_NAME.fullmatch(policy):
            raise EcsError(f"inline_policies: {policy!r} is not a name of 1 to 128 letters, digits or _+=,.@-")
    total = sum(_policy.size(document) for document in inline.values())
    if total > _catalog.MAX_INLINE:
        raise EcsError(
            f"the inline policies have {total} characters together, IAM allows {_catalog.MAX_INLINE} for a role "
            f"({', '.join(f'{name}: {_policy.size(document)}' for name, document in inline.items())})"
        )
