# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Tags: from and to AWS's lists, what differs, what is not allowed."""

from __future__ import annotations

import typing as t
import unicodedata

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase

Tags = t.Dict[str, str]

#: AWS's limits for the tags of one resource.
MOST_TAGS, LONGEST_KEY, LONGEST_VALUE = 50, 128, 256

#: What IAM tags without heed to the case of keys: the tag that is set last replaces one of another spelling.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#case-sensitivity
CASELESS = ("Role",)

#: What a key or a value can hold besides letters, digits and spaces of every language.
SIGNS = "_.:/=+-@"

#: Tags with this prefix are AWS's own: nobody can set or remove them.
RESERVED = "aws:"


def from_aws(tags: t.Iterable[t.Mapping[str, str]] | None) -> Tags:
    """AWS's list as a dictionary. Some services write ``Key``, others ``key``."""
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags or []}


def to_aws(tags: t.Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """A dictionary as AWS's list, sorted."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def wanted(tags: t.Mapping[str, t.Any] | None, caseless: bool = False) -> Tags | None:
    """The option ``tags`` with strings as values; None stays None, which means "leave alone".

    :param caseless: keys that differ in case alone are the same key, as for the tags of roles
    :raises EcsError: when AWS would not accept them
    """
    if tags is None:
        return None
    result = {str(name): "" if text is None else str(text) for name, text in tags.items()}
    if len(result) > MOST_TAGS:
        raise EcsError(f"tags: {len(result)} tags, but a resource can have {MOST_TAGS} at most")
    for name, text in result.items():
        if not 1 <= len(name) <= LONGEST_KEY:
            raise EcsError(f"tags: the key {name!r} must have 1 to {LONGEST_KEY} characters")
        if name.lower().startswith(RESERVED):
            raise EcsError(f"tags: the key {name!r} begins with {RESERVED!r}, which is reserved for AWS")
        if len(text) > LONGEST_VALUE:
            raise EcsError(f"tags: the value of {name!r} has more than {LONGEST_VALUE} characters")
        check_signs("tags", f"{name}={text}")
    if caseless:
        _check_case(result)
    return result


def check_signs(option: str, text: str) -> None:
    """
    :raises EcsError: for a sign that AWS takes neither in tags nor in the names of nodes
    """
    strange = next((sign for sign in text if not _is_allowed(sign)), "")
    if strange:
        raise EcsError(f"{option}: {strange!r} in {text} is neither letter, digit, space nor one of {SIGNS}")


def check_count(resource: str, then: t.Iterable[str]) -> None:
    """
    :param then: the keys that the resource would have
    :raises EcsError: they are too many, with those that it has already. AWS's own do not count
    """
    own = [name for name in then if not name.lower().startswith(RESERVED)]
    if len(own) > MOST_TAGS:
        raise EcsError(
            f"tags: {resource} would have {len(own)} tags with those that it has already, and can have {MOST_TAGS} at "
            "most: name fewer, or remove some. tags with purge_tags: true removes those that it does not name"
        )


def _is_allowed(sign: str) -> bool:
    """As AWS's pattern has it: letters, numbers and separators of Unicode, and some signs."""
    return sign in SIGNS or unicodedata.category(sign)[0] in "LNZ"


def _check_case(tags: Tags) -> None:
    spelled: dict[str, str] = {}
    for name in tags:
        other = spelled.setdefault(name.lower(), name)
        if other != name:
            raise EcsError(f"tags: {other!r} and {name!r} are one key, since the tags of a role know no case; name one")


def difference(
    found: t.Mapping[str, str], want: t.Mapping[str, str] | None, purge: bool, caseless: bool = False
) -> tuple[Tags, list[str]]:
    """What to set and what to remove, sorted. AWS's own tags always stay; ``want`` None changes nothing.

    :param caseless: a tag that is set takes the place of one whose key differs in case alone: it need not be removed
    """
    if want is None:
        return {}, []
    to_set = {name: want[name] for name in sorted(want) if found.get(name) != want[name]}
    key = str.lower if caseless else str
    named = {key(name) for name in want}
    surplus = [name for name in sorted(found) if key(name) not in named and not name.lower().startswith(RESERVED)]
    return to_set, surplus if purge else []


def after(found: t.Mapping[str, str], want: t.Mapping[str, str] | None, purge: bool, caseless: bool = False) -> Tags:
    """The tags when the difference has been made up."""
    to_set, surplus = difference(found, want, purge, caseless)
    key = str.lower if caseless else str
    gone = {key(name) for name in (*surplus, *to_set)}
    return {**{name: found[name] for name in found if key(name) not in gone}, **to_set}


def iam_changes(
    resource: str, params: t.Mapping[str, t.Any], found: t.Mapping[str, str], then: t.Mapping[str, str]
) -> list[Change]:
    """The calls of IAM that make the tags ``then``. What goes is first, since there is a limit.

    :param resource: ``role NAME`` or ``policy NAME``
    :param params: what names it in the calls
    """
    kind = resource.partition(" ")[0].capitalize()
    to_set, surplus = difference(found, then, purge=True, caseless=kind in CASELESS)
    if to_set:
        check_count(resource, then)
    changes = []
    if surplus:
        words = f"remove the tags {', '.join(surplus)} from {resource}"
        more = {**params, "TagKeys": surplus}
        changes.append(Change(Phase.CONFIGURE, "iam", f"Untag{kind}", resource, words, more))
    if to_set:
        words = f"tag {resource} with {', '.join(f'{key}={value}' for key, value in to_set.items())}"
        more = {**params, "Tags": to_aws(to_set)}
        changes.append(Change(Phase.CONFIGURE, "iam", f"Tag{kind}", resource, words, more))
    return changes
