# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Findings on the trust of a role, and on conditions. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _iam_documents, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._iam_subject import Seen, Subject
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

ASSUME = "sts:assumerole"
ACCOUNT_OF = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):.*|(\d{12})")
#: Each part of an ARN, wildcards of IAM allowed.
ARN = re.compile(r"arn:(?P<partition>[a-z*?-]+):[a-z0-9*?-]+:[a-z0-9*?-]*:([0-9*?]*|aws):.+")


def trust_missing(subject: Subject) -> t.Iterator[Seen]:
    """The service that the role is for cannot assume it."""
    if subject.kind is None:
        return
    trusted = {
        service
        for one in _policy.allowing(subject.found.trust)
        if _policy.permits(one, ASSUME)
        for service in _policy.trusted_services({"Statement": one})
    }
    for service in _iam_documents.services(subject.kind, subject.where):
        if service not in trusted:
            yield Seen(f"{service} may not assume the role", _text(subject.found.trust))


def trust_too_wide(subject: Subject) -> t.Iterator[Seen]:
    """Others than the service that the role is for can assume it."""
    for one in _policy.allowing(subject.found.trust):
        for who, severity in _others(subject, one):
            yield Seen(f"{who} may assume the role", _text(one), severity)


def _others(subject: Subject, one: Document) -> t.Iterator[tuple[str, str]]:
    """Who is trusted besides, in words, and how bad it is."""
    if "NotPrincipal" in one:
        yield "everybody but those named", "high"
    principal = one.get("Principal", {})
    if not isinstance(principal, dict):
        principal = {"AWS": principal}
    for who in _policy.as_list(principal.get("AWS")):
        yield from _foreign(subject, str(who), "medium" if one.get("Condition") else "high")
    if subject.kind is None:
        return
    named = [str(service) for service in _policy.as_list(principal.get("Service"))]
    ours = {subject.kind.service, *_iam_documents.services(subject.kind, subject.where)}
    # A role can be for several Regions, of which each has a principal of its own.
    ours |= {*_iam_documents.regions_of_services(subject.kind, subject.where.partition, named)}
    for who in named:
        if who not in ours:
            yield f"another service, {who},", "medium"
    for who in _policy.as_list(principal.get("Federated")):
        yield f"whoever {who} vouches for", "medium"


def _foreign(subject: Subject, who: str, severity: str) -> t.Iterator[tuple[str, str]]:
    """A principal of IAM. Those of the own account are right for roles that are none of the catalogue's."""
    account = ACCOUNT_OF.fullmatch(who)
    if who == "*":
        yield "everybody", severity
    elif account and subject.where.account not in account.groups():
        yield f"{who}, of another account,", severity
    elif subject.kind:
        yield who, "medium"


def trust_condition_missing(subject: Subject) -> t.Iterator[Seen]:
    """Conditions that AWS documents against the confused deputy are not there."""
    kind = subject.kind
    if kind is None or not kind.trust:
        return
    declared = subject.wanted is not None and _policy.same(subject.found.trust, subject.wanted.trust)
    services = set(_iam_documents.services(kind, subject.where))
    documented = [condition.key for condition in kind.trust]
    for one in _policy.allowing(subject.found.trust):
        if not services & _policy.trusted_services({"Statement": one}):
            continue
        missing = [key for key in documented if not _limits(one, key, subject.where.account)]
        if missing:
            severity = "medium" if len(missing) == len(documented) else "low"
            yield Seen(
                f"the trust document does not limit {' and '.join(missing)} to the account {subject.where.account}",
                _text(one),
                "info" if declared else severity,
            )


def _limits(one: Document, key: str, account: str) -> bool:
    """True when a condition lets only this account pass."""
    for operator, found, values in _policy.conditions(one):
        if found != key.lower() or "Not" in operator or operator.endswith("IfExists") or not values:
            continue
        owners = [value.split(":")[4] if value.count(":") >= 5 else value for value in values]
        if all(owner == account for owner in owners):
            return True
    return False


def malformed_arn_condition(subject: Subject) -> t.Iterator[Seen]:
    """A condition on an ARN that can never hold, so that the statement is as good as not there."""
    documents = [("the trust document", subject.found.trust), *subject.documents()]
    for words, document in documents:
        for one in _policy.as_list(document.get("Statement")):
            for operator, key, values in _policy.conditions(one):
                for value in values:
                    reason = _never(subject, operator, key, value)
                    if reason:
                        yield Seen(f"the condition {operator} {key} of {words} {reason}", value)


def _never(subject: Subject, operator: str, key: str, value: str) -> str:
    """Why a condition can never hold; empty when it can, or is not about ARNs."""
    compares = operator.rpartition(":")[2]
    about_arns = compares.startswith("Arn") or (key == _policy.SOURCE_ARN and compares.startswith("String"))
    if not about_arns or value == "*" or "${" in value:
        return ""
    arn = ARN.fullmatch(value)
    if not arn:
        return "has no ARN (arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE)"
    if not {"*", "?"} & set(arn["partition"]) and arn["partition"] != subject.where.partition:
        return f"has an ARN of another partition than {subject.where.partition}"
    if compares.startswith("StringEquals") and {"*", "?"} & set(value):
        return "takes * and ? for letters; ArnLike and StringLike know them as wildcards"
    if key == _policy.SOURCE_ARN and subject.kind_name in ("task", "task_execution") and ":cluster/" in value:
        return "names a cluster, which ECS does not support in the trust of tasks"
    return ""


def _text(document: Document) -> str:
    return _policy.compact(document)
