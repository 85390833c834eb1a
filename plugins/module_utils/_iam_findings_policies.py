# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Findings on the permissions of a role. Pure."""

from __future__ import annotations

import re
import typing as t
from fnmatch import fnmatchcase

from ansible_collections.onprem.ecs.plugins.module_utils import _iam_documents, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import Grants, Kind, Own
from ansible_collections.onprem.ecs.plugins.module_utils._iam_pass_role import PREFIX
from ansible_collections.onprem.ecs.plugins.module_utils._iam_subject import Seen, Subject, of_aws, resources
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

#: Policies of AWS's that no role of ECS needs.
EXCESSIVE = ("AdministratorAccess", "PowerUserAccess", "*FullAccess")
S3_READ = "AmazonS3ReadOnlyAccess"


def policy_missing(subject: Subject) -> t.Iterator[Seen]:
    """What is declared is not there; of a role without declaration, what its kind cannot do without."""
    found, wanted = subject.found, subject.wanted
    if wanted is not None:
        for arn in wanted.managed:
            if arn not in found.attached:
                yield Seen(f"the policy {arn} is not attached", _policies(subject))
        for name in wanted.inline:
            if name not in found.inline:
                yield Seen(f"the inline policy {name} is not there", _policies(subject))
    elif subject.kind is not None:
        yield from _kind_lacks(subject, subject.kind)


def _kind_lacks(subject: Subject, kind: Kind) -> t.Iterator[Seen]:
    if kind.agents:
        yield from _agents_lack(subject, kind)
        return
    choices = _choices(kind)
    if not choices and not subject.found.attached and not subject.found.inline:
        made_by_aws = any(feature.managed.managed for feature in kind.features.values())
        yield Seen("the role has no policy at all", _policies(subject), "" if made_by_aws else "low")
    lacking = [_lacking(subject, one) for one in choices]
    if lacking and all(lacking):
        fewest = min(lacking, key=len)
        yield Seen(f"what a role of this kind needs is not there: {', '.join(fewest)}", _policies(subject))


def _agents_lack(subject: Subject, kind: Kind) -> t.Iterator[Seen]:
    """Agents that have neither AWS's policy nor what they require by another one: each may have its own."""
    if any(own.name in subject.found.inline for own in (kind.least.own if kind.least else ())):
        return  # what is in it, ``policy_changed`` tells
    documents = [document for _words, document in subject.documents()]
    lacking = {
        agent: path
        for agent, one in kind.agents.items()
        for path in one.managed.managed
        if _iam_documents.policy_arn(path, subject.where) not in subject.found.attached
        and not _policy.allows(documents, one.actions)
    }
    if lacking:
        words = ", ".join(f"{path} for {agent}" for agent, path in lacking.items())
        yield Seen(f"what a role of this kind needs is not there: {words}", _policies(subject))


def _choices(kind: Kind) -> list[Grants]:
    """The sets of policies of which a role of the kind must have one."""
    instead = [feature for feature in kind.features.values() if feature.instead]
    choices = [kind.managed, kind.least, *(one for feature in instead for one in (feature.managed, feature.least))]
    return [one for one in choices if one is not None and (one.managed or one.own)]


def _lacking(subject: Subject, wanted: Grants) -> list[str]:
    """What of these policies the role has neither by name nor by what it is allowed."""
    documents = [document for _words, document in subject.documents()]
    found = [
        path for path in wanted.managed if _iam_documents.policy_arn(path, subject.where) not in subject.found.attached
    ]
    return found + [
        own.name
        for own in wanted.own
        if own.name not in subject.found.inline and not _policy.allows(documents, _needed(own))
    ]


def _needed(own: Own) -> set[str]:
    return {action for one in own.statements if not one.optional for action in one.actions}


def policy_changed(subject: Subject) -> t.Iterator[Seen]:
    """An own policy is not the one that the declaration, or the catalogue, has under its name."""
    for name, document in subject.found.inline.items():
        if subject.wanted is not None:
            changed = name in subject.wanted.inline and not _policy.same(document, subject.wanted.inline[name])
        else:
            changed = _differs(subject.kind, name, document)
        if changed:
            yield Seen(f"the inline policy {name} is not what it should be", _policy.compact(document))


def _differs(kind: Kind | None, name: str, document: Document) -> bool:
    """True when the actions are not those of the catalogue: its resources are not known without a declaration."""
    variants = [own for one in (kind.grants() if kind else []) for own in one.own if own.name == name]
    found = {action for one in _policy.allowing(document) for action in _policy.actions(one)}
    for own in variants:
        every = {action.lower() for one in own.statements for action in one.actions}
        if {action.lower() for action in _needed(own)} <= found <= every:
            return False
    return bool(variants)


def permissions_too_wide(subject: Subject) -> t.Iterator[Seen]:
    """More is allowed than the role needs. What AWS documents and the declaration asks for is for information only."""
    for arn in sorted(subject.found.attached):
        if of_aws(arn):
            yield from _wide_policy(subject, arn)
    for words, document in subject.documents():
        for one in _policy.allowing(document):
            reason = _wide_statement(one)
            if reason:
                yield Seen(
                    f"{words} allows {reason}", _policy.compact(one), "medium" if one.get("Condition") else "high"
                )


def _wide_policy(subject: Subject, arn: str) -> t.Iterator[Seen]:
    path, kind = arn.partition(":policy/")[2], subject.kind
    name = path.rpartition("/")[2]
    declared = subject.wanted is not None and arn in subject.wanted.managed
    if any(fnmatchcase(name, pattern) for pattern in EXCESSIVE):
        yield Seen(f"the policy {name} is attached, which no role of ECS needs", arn, "high")
    elif name == S3_READ:
        words = f"the policy {name} lets the role read every object of every bucket"
        yield Seen(words, arn, "info" if declared else "medium")
    elif kind and kind.least and path in kind.managed.managed:
        words = f"the policy {name} allows more than a role of this kind needs"
        yield Seen(words, arn, "info" if declared else "low")


def _wide_statement(one: Document) -> str:
    """What is too wide in an Allow statement; empty when nothing is."""
    if "NotAction" in one:
        return "all actions but some on all resources" if "*" in resources(one) else ""
    wide = [action for action in _policy.actions(one) if any(_is_all(action, name) for name in resources(one))]
    return f"{', '.join(wide)} on all resources" if wide else ""


def _is_all(action: str, resource: str) -> bool:
    """Whether these are all actions, or all of a service, on all there is: iam:* on arn:aws:iam::*:* is no less."""
    service, colon, name = action.partition(":")
    if action != "*" and (not colon or name != "*"):
        return False
    by_arn = action != "*" and re.fullmatch(rf"arn:[^:]*:{re.escape(service)}:\*?:[^:]*:\*", resource)
    return resource == "*" or bool(by_arn)


def policy_not_documented(subject: Subject) -> t.Iterator[Seen]:
    """A policy that is neither of the kind nor declared. The permissions of a task are its own, so there are none."""
    if subject.kind is None or (
        subject.wanted is None and not _choices(subject.kind) and not _feature_policies(subject)
    ):
        return
    managed, inline = _feature_policies(subject), {own.name for one in subject.kind.grants() for own in one.own}
    if subject.wanted is not None:
        managed |= set(subject.wanted.managed)
        inline |= set(subject.wanted.inline)
    for arn in sorted(set(subject.found.attached) - managed):
        yield Seen(f"the policy {arn} is attached besides", arn)
    for name in sorted(set(subject.found.inline) - inline):
        if not name.startswith(PREFIX):
            yield Seen(f"the inline policy {name} is there besides", name)


def _feature_policies(subject: Subject) -> set[str]:
    """The managed policies that the catalogue has for the kind."""
    grants = subject.kind.grants() if subject.kind else []
    return {_iam_documents.policy_arn(path, subject.where) for one in grants for path in one.managed}


def policy_version_stale(subject: Subject) -> t.Iterator[Seen]:
    """A newer version of an own policy is not in force, or a document is in the old language."""
    for arn in sorted(set(subject.found.attached) & set(subject.own)):
        own = subject.own[arn]
        if own.version != own.latest:
            yield Seen(f"the version {own.version} of the policy {arn} is in force, the latest is {own.latest}", arn)
    for words, document in subject.documents():
        version = document.get("Version") or _policy.OLDEST_VERSION
        if version != _policy.VERSION:
            yield Seen(f"{words} is in the policy language of {version}", _policy.compact(document))


def _policies(subject: Subject) -> str:
    """The policies that are there, for evidence."""
    attached = ", ".join(sorted(subject.found.attached)) or "none"
    return f"attached: {attached}; inline: {', '.join(sorted(subject.found.inline)) or 'none'}"
