# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a registration was refused, by what the agent writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils._host_refusal import REFUSALS, error_code, refusal

OUTPUT = """Initializing new seelog logger
New Seelog Logger Creation Complete
2026-11-21 16:48:00 ERROR Registration failed due to error registering the instance with AWS SSM. {code}: {message}
"""


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("message", ["", "some words\n\tstatus code: 400, request id: 1234"])
def test_codes(code: str, message: str) -> None:
    found, cause, remedy, evidence = refusal(OUTPUT.format(code=code, message=message))
    assert found == code and (cause, remedy) == REFUSALS[code] and code in evidence


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        ("Registration failed due to EOF", None, "somebody else"),
        (
            OUTPUT.format(code="RequestError", message="send request failed\ncaused by: dial tcp: i/o timeout"),
            "RequestError",
            "reached",
        ),
        (
            OUTPUT.format(code="RequestError", message="x509: certificate signed by unknown authority"),
            "RequestError",
            "trust",
        ),
        ("Try running as sudo/administrator: open /var/lib/amazon: permission denied", None, "may not write"),
        (OUTPUT.format(code="NewThing", message="x"), "NewThing", "AWS or the agent refused it"),
        ("InvalidParameter: 1 validation error(s) found.", None, "does not take the activation"),
        ("", None, "AWS or the agent refused it"),
    ],
)
def test_other_causes(output: str, code: str | None, words: str) -> None:
    found, cause, _remedy, evidence = refusal(output)
    assert found == code and words in cause and evidence


@given(st.text())
def test_any_output(output: str) -> None:
    error_code(output)
    assert len(refusal(output)[3]) <= 300
