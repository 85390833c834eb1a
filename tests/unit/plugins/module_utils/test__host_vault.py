# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the SSM agent keeps on disk."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import MACHINE_ID, NODE, NOW, PRIVATE_KEY, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import (
    Identity,
    is_other_machine,
    parse_identity,
    parse_registration,
    parse_time,
    read_registration,
    show_time,
)


def test_registration_holds_node_region_and_age_and_no_key(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    assert read_registration(host) is None
    host.register(written_at=NOW - 5)
    found = read_registration(host)
    assert found == (NODE, "eu-west-1", NOW - 5)
    assert PRIVATE_KEY not in repr(found)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "{", '{"instanceID": ""}', '{"instanceID": " "}', '{"instanceID": 1}']
)
def test_a_blank_vault_is_no_registration(text: str) -> None:
    """A failed registration and ``-clear`` leave such a file, and the file ``registration`` beside it goes stale."""
    assert parse_registration(text) is None


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_read(text: str) -> None:
    parse_registration(text)
    parse_identity(text)
    parse_time(text)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["", ".5", ".123456789"]),
)
def test_times_of_every_offset(when: datetime, offset: int, fraction: str) -> None:
    zone = timezone(timedelta(minutes=offset))
    whole = when.replace(microsecond=0, tzinfo=zone)
    text = whole.strftime("%Y-%m-%dT%H:%M:%S") + fraction + whole.strftime("%z")
    assert parse_time(text) == pytest.approx(whole.timestamp() + float(fraction or 0))
    assert parse_time(show_time(whole.timestamp()) or "") == whole.timestamp()


def test_go_writes_the_year_one_for_no_time() -> None:
    assert parse_time("0001-01-01T00:00:00Z") is None
    assert parse_time("soon") is None
    assert show_time(None) is None


def test_identity() -> None:
    text = json.dumps(
        {"InstanceId": NODE, "ShareFile": "/root/.aws/credentials", "CredentialsExpiresAt": "2026-11-21T16:48:00Z"}
    )
    assert parse_identity(text, 5.0) == Identity(NODE, "/root/.aws/credentials", NOW, 5.0)
    assert parse_identity(json.dumps({"InstanceId": NODE})) == Identity(NODE, "", None)
    assert parse_identity(json.dumps({"ShareFile": "x"})) is None


@pytest.mark.parametrize(
    ("saved", "current", "threshold", "expected"),
    [
        (MACHINE_ID, MACHINE_ID + "\n", 40, False),
        (MACHINE_ID, "f" * 32, 40, True),
        (MACHINE_ID, "f" * 32, -1, False),
        ("sha256:abc", "f" * 32, 40, False),
        (None, "f" * 32, 40, False),
        (MACHINE_ID, None, 40, False),
        (MACHINE_ID, "uninitialized", 40, False),
    ],
)
def test_cloned_disk(saved: str | None, current: str | None, threshold: int, expected: bool) -> None:
    text = json.dumps({"hardwareHash": {"machine-id": saved}, "similarityThreshold": threshold})
    assert is_other_machine(text, current) is expected
    assert is_other_machine("", current) is False
