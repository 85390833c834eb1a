# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Roles, users and groups, as those who hold a policy. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

#: The longest name of each, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST = {"role": 64, "user": 64, "group": 128}


class Principal(t.NamedTuple):
    """A role, user or group."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    def operation(self, verb: str, what: str = "") -> str:
        """IAM's operation: ``GetUser``, ``PutUserPolicy`` and so on."""
        return f"{verb}{self.type.capitalize()}{what}"

    @property
    def params(self) -> dict[str, str]:
        """What names it in a call."""
        return {f"{self.type.capitalize()}Name": self.name}


def principal(entry: t.Mapping[str, t.Any], option: str) -> Principal:
    """The principal that an entry of an option names.

    :raises EcsError: a name that IAM does not accept, e.g. an ARN
    """
    found = Principal(entry["type"], entry["name"])
    longest = LONGEST[found.type]
    if not re.fullmatch(rf"[\w+=,.@-]{{1,{longest}}}", found.name, re.ASCII):
        raise EcsError(
            f"{option}: {found.name!r} is not the name of a {found.type}: 1 to {longest} letters, digits or _+=,.@-, "
            "without path and ARN"
        )
    return found
