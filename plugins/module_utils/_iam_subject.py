# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What an audit knows of a role, and how it reads documents.

Pure: no call, no clock.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import Kind
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Where, services
from ansible_collections.onprem.ecs.plugins.module_utils._iam_pass_role import Documents
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._policy import Document

if t.TYPE_CHECKING:
    from datetime import datetime

#: Policies of the catalogue that roles have which are nothing to ECS: they do not tell a role's kind.
NOT_TELLING = ("AmazonSSMManagedInstanceCore", "AmazonS3ReadOnlyAccess")


@dataclass(frozen=True)
class OwnPolicy:
    """A managed policy of the account's own: its default version, which is the one that counts."""

    arn: str
    document: Document
    version: str
    latest: str


@dataclass(frozen=True)
class Passer:
    """A principal that a declaration names in ``pass_role_to``, with its permissions."""

    principal: Principal
    exists: bool = True
    inline: t.Mapping[str, Document] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    """ARNs of managed policies."""


@dataclass(frozen=True)
class Subject:
    """All that is known of a role when it is judged."""

    name: str
    found: Found
    where: Where
    now: datetime
    kind_name: str | None = None
    """None: not known to be one of the catalogue's."""
    wanted: Wanted | None = None
    """The declaration; None: there is none."""
    own: t.Mapping[str, OwnPolicy] = field(default_factory=dict)
    """By ARN, those attached to the role or to a passer."""
    passing: Documents = field(default_factory=dict)
    """Who shall have what document to pass the role, by the declaration."""
    passers: tuple[Passer, ...] = ()
    unused_after: int = 90
    """Days."""

    @property
    def kind(self) -> Kind | None:
        """The kind as the catalogue has it."""
        return _catalog.KINDS[self.kind_name] if self.kind_name else None

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return str(self.found.role["Arn"])

    def documents(self) -> t.Iterator[tuple[str, Document]]:
        """The permissions that are written in the account: what a document is called, and the document."""
        return self._documents(self.found.inline, self.found.attached)

    def documents_of(self, passer: Passer) -> t.Iterator[tuple[str, Document]]:
        """The same of a principal that passes the role."""
        for words, document in self._documents(passer.inline, passer.attached):
            yield f"{words} of {passer.principal}", document

    def _documents(
        self, inline: t.Mapping[str, Document], attached: t.Iterable[str]
    ) -> t.Iterator[tuple[str, Document]]:
        for name, document in sorted(inline.items()):
            yield f"the inline policy {name}", document
        for arn in sorted(attached):
            if arn in self.own:
                yield f"the policy {arn}", self.own[arn].document


@dataclass(frozen=True)
class Seen:
    """That a rule is broken, and by what."""

    what: str
    """A sentence."""
    evidence: str
    """What was seen: an ARN, a statement, a date."""
    severity: str = ""
    """Empty: the rule's."""


def of_aws(arn: str) -> bool:
    """True for a managed policy of AWS's."""
    return ":iam::aws:policy/" in arn


def documented_kinds(name: str) -> list[str]:
    """The kinds whose documented role has this name: one, two for ``ecsInstanceRole``, or none."""
    return [kind for kind, one in _catalog.KINDS.items() if one.default_name == name]


def recognise(name: str, found: Found, where: Where) -> str | None:
    """The kind of a role that is not declared: by its documented name, else by whom it trusts and what it has."""
    named = documented_kinds(name)
    trusted = _policy.trusted_services(found.trust)
    points = {
        kind: _belonging(one, found)
        for kind, one in _catalog.KINDS.items()
        if (kind in named if named else trusted & {one.service, *services(one, where)})
    }
    best = max(points.values(), default=0)
    first = [kind for kind in points if points[kind] == best]
    return first[0] if named or (best and len(first) == 1) else None


def _belonging(kind: Kind, found: Found) -> int:
    """How many of the role's policies the catalogue has for the kind."""
    managed = {path for one in kind.grants() for path in one.managed if path not in NOT_TELLING}
    inline = {own.name for one in kind.grants() for own in one.own}
    attached = {arn.partition(":policy/")[2] for arn in found.attached if of_aws(arn)}
    return len(managed & attached) + len(inline & set(found.inline))


# Statements --------------------------------------------------------------------------------------------------------


def resources(one: t.Mapping[str, t.Any]) -> list[str]:
    """A statement's resources; all for ``NotResource``, which names those that are left out."""
    return ["*"] if "NotResource" in one else [str(resource) for resource in _policy.as_list(one.get("Resource"))]
