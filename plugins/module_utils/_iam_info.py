# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. IAM roles, only looked at, several at a time, and judged."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _catalog,
    _iam_apply,
    _iam_documents,
    _iam_findings,
    _iam_pass_role,
    _iam_read,
    _iam_wanted,
    _policy,
)
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Options, Where
from ansible_collections.onprem.ecs.plugins.module_utils._iam_findings import Finding
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._iam_subject import (
    OwnPolicy,
    Passer,
    Subject,
    documented_kinds,
    of_aws,
    recognise,
)
from ansible_collections.onprem.ecs.plugins.module_utils._parallel import each

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module


@dataclass(frozen=True)
class Request:
    """A role that is to be looked at."""

    name: str
    kind: str | None = None
    """None: to be recognised."""
    declared: Options | None = None
    expected: bool = True
    """That it is not there is a finding."""


def work(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The module ``ecs_iam_role_info``."""
    options = module.params
    requests = _requests(options, aws.region_or_none or "")
    # Made here: what is wrong with the profile or the keys ends the module, and in threads would do so several times.
    aws.client("iam")
    if options["path_prefix"]:
        requests = [Request(name, expected=False) for name in _below(aws, options["path_prefix"])]
    roles = each(lambda request: _read(aws, request), requests)
    passers = _passers(aws, requests)
    own = _own_policies(aws, roles, passers.values())
    around = _Around(datetime.now(timezone.utc), options["unused_after"], own, passers)
    judged = [
        _absent(request) if found is None else _present(aws, request, found, around)
        for request, found in zip(requests, roles)
    ]
    return _result([one for one in judged if one is not None])


# What is asked for -------------------------------------------------------------------------------------------------


def _requests(options: Options, region: str) -> list[Request]:
    """The roles that the options name, judged before the first call.

    :raises EcsError: an option is wrong
    """
    _check(options)
    if options["roles"] is not None:
        _iam_wanted.check_all(options["roles"], region)
        return [Request(_iam_wanted.role_name(entry), entry["kind"], entry) for entry in options["roles"]]
    kind, name = options["kind"], options["name"]
    if kind and not name:
        name = _catalog.KINDS[kind].default_name
        if not name:
            raise EcsError(f"kind {kind} has no documented name: set the option name")
    if name:
        return [Request(name, kind)]
    names = dict.fromkeys(one.default_name for one in _catalog.KINDS.values() if one.default_name)
    return [Request(name, expected=False) for name in names]


def _check(options: Options) -> None:
    name, prefix = options["name"], options["path_prefix"]
    if name is not None and not _iam_documents.ROLE_NAME.fullmatch(name):
        raise EcsError(f"name: {name!r} is not 1 to 64 letters, digits or _+=,.@- (without a path)")
    if prefix is not None and not _iam_documents.PATH.fullmatch(prefix):
        raise EcsError(
            f"path_prefix: {prefix!r} must begin and end with / and have at most 512 characters, none a space"
        )
    if options["unused_after"] < 1:
        raise EcsError(f"unused_after: {options['unused_after']} is not at least 1 day")


# What is there -----------------------------------------------------------------------------------------------------


def _below(aws: Aws, prefix: str) -> list[str]:
    """The names of the roles below a path, without those that services made for themselves."""
    roles = aws.pages("iam", "ListRoles", "Roles", f"roles below {prefix}", PathPrefix=prefix)
    return [role["RoleName"] for role in roles if not role["Path"].startswith(_catalog.SERVICE_LINKED)]


def _read(aws: Aws, request: Request) -> Found | None:
    """The role, with its instance profiles when it may need one."""
    kinds = [request.kind] if request.kind else documented_kinds(request.name)
    profiles = not kinds or any(_catalog.KINDS[kind].profile for kind in kinds)
    # A policy of the role may go while it is read.
    return _iam_apply.replanned(
        lambda: _iam_read.read(aws, request.name, profiles), lambda error: error.code == "NoSuchEntity"
    )


def _passers(aws: Aws, requests: t.Iterable[Request]) -> dict[Principal, Passer]:
    """All principals that declarations name in ``pass_role_to``, with their permissions."""
    named: dict[Principal, None] = {}
    for request in requests:
        if request.declared is not None:
            named.update(dict.fromkeys(_iam_pass_role.principals(request.declared["pass_role_to"])))
    return {passer.principal: passer for passer in each(lambda one: _passer(aws, one), list(named))}


def _passer(aws: Aws, principal: Principal) -> Passer:
    """A principal's inline policies and the ARNs of those attached: two calls, and one for each inline policy."""
    who, kind = str(principal), principal.type.capitalize()
    try:
        names = list(aws.pages("iam", f"List{kind}Policies", "PolicyNames", who, **principal.params))
        listed = aws.pages("iam", f"ListAttached{kind}Policies", "AttachedPolicies", who, **principal.params)
        attached = tuple(one["PolicyArn"] for one in listed)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return Passer(principal, exists=False)
        raise
    found = {name: _iam_read.documents_of_principals(aws, [principal], name)[principal] for name in names}
    return Passer(principal, True, {name: one for name, one in found.items() if one is not None}, attached)


def _own_policies(aws: Aws, roles: t.Iterable[Found | None], passers: t.Iterable[Passer]) -> dict[str, OwnPolicy]:
    """The account's own managed policies that are attached, each read once."""
    arns = {arn for found in roles if found is not None for arn in found.attached}
    arns |= {arn for passer in passers for arn in passer.attached}
    found = each(lambda arn: _own_policy(aws, arn), sorted(arn for arn in arns if not of_aws(arn)))
    return {one.arn: one for one in found if one is not None}


def _own_policy(aws: Aws, arn: str) -> OwnPolicy | None:
    """The version of a policy that is in force, and which is the latest: two calls. None when it is gone."""
    who = f"policy {arn}"
    try:
        versions = {
            one["VersionId"]: bool(one["IsDefaultVersion"])
            for one in aws.pages("iam", "ListPolicyVersions", "Versions", who, PolicyArn=arn)
        }
        default = next(version for version, chosen in versions.items() if chosen)
        answer = aws.call("iam", "GetPolicyVersion", who, PolicyArn=arn, VersionId=default)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return None
        raise
    latest = max(versions, key=lambda version: int(version.lstrip("v").partition(".")[0]))
    return OwnPolicy(arn, _policy.parse(answer["PolicyVersion"]["Document"], who), default, latest)


# What comes of it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Around:
    """What is the same for all roles."""

    now: datetime
    unused_after: int
    own: t.Mapping[str, OwnPolicy]
    passers: t.Mapping[Principal, Passer]


class _Judged(t.NamedTuple):
    """A role as it is returned, and its findings."""

    shown: dict[str, t.Any]
    findings: list[Finding]


def _absent(request: Request) -> _Judged | None:
    """A role that is not there; None when nobody minds."""
    if not request.expected:
        return None
    wanted = request.declared is None or request.declared["state"] == "present"
    shown = {"role_name": request.name, "kind": request.kind, "exists": False}
    return _Judged(shown, [_iam_findings.missing(request.name, request.kind)] if wanted else [])


def _present(aws: Aws, request: Request, found: Found, around: _Around) -> _Judged:
    subject = _subject(aws, request, found, around)
    shown = {**_iam_read.shown(found), "kind": subject.kind_name, "exists": True}
    if request.declared is not None and request.declared["state"] == "absent":
        return _Judged(shown, [_iam_findings.left_over(subject.name, request.declared["kind"], subject.arn)])
    return _Judged(shown, _iam_findings.judge(subject))


def _subject(aws: Aws, request: Request, found: Found, around: _Around) -> Subject:
    """The role with all that is known around it; one that is not declared is recognised."""
    where, wanted = _where(aws, found), None
    passing: dict[Principal, _policy.Document | None] = {}
    if request.declared is not None and request.declared["state"] == "present":
        where = _iam_read.where(aws, request.declared, found)
        wanted = _iam_wanted.wanted(request.declared, where)
        passing = dict(_iam_wanted.pass_role(request.declared, found.role["Arn"], where))
    return Subject(
        name=request.name,
        found=found,
        where=where,
        now=around.now,
        kind_name=request.kind or recognise(request.name, found, where),
        wanted=wanted,
        own=around.own,
        passing=passing,
        passers=tuple(around.passers[principal] for principal in passing),
        unused_after=around.unused_after,
    )


def _where(aws: Aws, found: Found) -> Where:
    _arn, partition, _service, _region, account, _resource = found.role["Arn"].split(":", 5)
    return Where(partition, account, (aws.region_or_none,) if aws.region_or_none else ())


def _result(results: t.Sequence[_Judged]) -> dict[str, t.Any]:
    every = _iam_findings.in_order(finding for one in results for finding in one.findings)
    return {
        "changed": False,
        "iam_roles": [{**one.shown, "findings": [finding.shown() for finding in one.findings]} for one in results],
        "findings": [finding.shown() for finding in every],
        "counts": _iam_findings.counts(every),
        "table": _iam_findings.table(every),
    }
