# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _tags
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

KEYS = st.one_of(
    st.sampled_from(["owner", "site", "aws:cloudformation:stack"]), st.text("abC:", min_size=1, max_size=3)
)
OWN_KEYS = KEYS.filter(lambda key: not key.lower().startswith("aws:"))
VALUES = st.text(max_size=3)


@given(found=st.dictionaries(KEYS, VALUES), want=st.none() | st.dictionaries(OWN_KEYS, VALUES), purge=st.booleans())
def test_difference_leads_to_what_is_wanted_and_no_further(
    found: dict[str, str], want: dict[str, str] | None, purge: bool
) -> None:
    to_set, to_remove = _tags.difference(found, want, purge)
    after = {**{name: value for name, value in found.items() if name not in to_remove}, **to_set}

    assert not set(to_set) & set(to_remove)
    assert all(after[name] == value for name, value in (want or {}).items())
    reserved = {name for name in found if name.lower().startswith("aws:")}
    assert reserved <= set(after)
    if want is None:
        assert after == found
    elif purge:
        assert set(after) == set(want) | reserved
    else:
        assert set(after) == set(want) | set(found)
    assert _tags.difference(after, want, purge) == ({}, [])


def _spelled_once(tags: dict[str, str]) -> bool:
    return len({name.lower() for name in tags}) == len(tags)


CASELESS = st.dictionaries(st.text("aBb", min_size=1, max_size=2), VALUES).filter(_spelled_once)


@given(found=CASELESS, want=CASELESS, purge=st.booleans())
def test_without_case_a_tag_takes_the_place_of_another_spelling(
    found: dict[str, str], want: dict[str, str], purge: bool
) -> None:
    to_set, to_remove = _tags.difference(found, want, purge, caseless=True)
    after = _tags.after(found, want, purge, caseless=True)

    assert not {name.lower() for name in to_set} & {name.lower() for name in to_remove}
    assert _spelled_once(after) and want.items() <= after.items()
    assert {name.lower() for name in after} == {name.lower() for name in (want if purge else {**found, **want})}
    assert _tags.difference(after, want, purge, caseless=True) == ({}, [])


def test_only_the_tags_of_roles_know_no_case() -> None:
    params = {"RoleName": "r"}
    (change,) = _tags.iam_changes("role r", params, {"Owner": "a"}, {"owner": "b"})
    assert change.words == "tag role r with owner=b"
    operations = [one.operation for one in _tags.iam_changes("policy p", params, {"Owner": "a"}, {"owner": "b"})]
    assert operations == ["UntagPolicy", "TagPolicy"]
    pair = {"Owner": "a", "owner": "b"}
    assert _tags.wanted(pair) == pair
    with pytest.raises(EcsError, match="'Owner' and 'owner' are one key"):
        _tags.wanted(pair, caseless=True)


@given(st.dictionaries(OWN_KEYS, VALUES))
def test_aws_lists_and_back(tags: dict[str, str]) -> None:
    assert _tags.from_aws(_tags.to_aws(tags)) == tags
    assert _tags.from_aws(_tags.to_aws(tags, "key", "value")) == tags


def test_values_become_strings_and_none_stays_none() -> None:
    assert _tags.wanted({"n": 1, "flag": True, "empty": None}) == {"n": "1", "flag": "True", "empty": ""}
    assert _tags.wanted(None) is None
    assert _tags.wanted({}) == {}
    assert _tags.wanted({"Größe 1": "a_b.c:d/e=f+g-h@i 機械"}) == {"Größe 1": "a_b.c:d/e=f+g-h@i 機械"}


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"AWS:x": "1"}, "reserved"),
        ({"": "1"}, "1 to 128"),
        ({"k" * 129: "1"}, "1 to 128"),
        ({"k": "v" * 257}, "256"),
        ({f"k{n}": "" for n in range(51)}, "50 at most"),
        ({"a,b": "1"}, "','"),
        ({"k": "a\n"}, "neither letter, digit, space"),
    ],
)
def test_refused_before_aws_refuses(tags: dict[str, str], words: str) -> None:
    with pytest.raises(EcsError, match=words):
        _tags.wanted(tags)
