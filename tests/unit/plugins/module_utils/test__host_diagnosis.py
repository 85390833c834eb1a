# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known failures, found in what the agents really write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import (
    ECS,
    ENGINE,
    FAILURES,
    SSM,
    diagnose,
    evidence_line,
)

HERE = Path(__file__).resolve().parent


def log(name: str) -> list[tuple[str, str]]:
    """Lines of an agent's log, each with the code of the failure that it shows (``-``: none)."""
    lines = (HERE / name).read_text().splitlines()
    return [(line, code) for code, _tab, line in (whole.partition("\t") for whole in lines)]


SSM_LINES, ECS_LINES = log("_host_log_ssm.txt"), log("_host_log_ecs.txt")


@pytest.mark.parametrize(("line", "code"), SSM_LINES)
def test_ssm_lines(line: str, code: str) -> None:
    assert [found.code for found in diagnose([line], SSM)] == ([] if code == "-" else [code])


@pytest.mark.parametrize(("line", "code"), ECS_LINES)
def test_ecs_lines(line: str, code: str) -> None:
    assert [found.code for found in diagnose([line], ECS)] == ([] if code == "-" else [code])


def test_every_failure_is_tested_and_written_as_it_should_be() -> None:
    tested = {code for _line, code in [*SSM_LINES, *ECS_LINES]} - {"-"}
    assert {failure.code for failure in FAILURES} == tested
    for failure in FAILURES:
        re.compile(failure.pattern)
        assert not failure.cause.endswith(".") and not failure.remedy.endswith("."), failure.code
        assert failure.cause and failure.remedy and failure.services


def test_the_latest_cause_comes_first_and_consequences_only_alone() -> None:
    lines = [
        "ClusterNotFoundException: Cluster not found.",
        "AccessDeniedException: no",
        "NoCredentialProviders: no valid providers in chain",
    ]
    assert [found.code for found in diagnose(lines, ECS)] == ["access_denied", "cluster_not_found"]
    assert [found.code for found in diagnose(lines[2:], ECS)] == ["no_credentials"]
    assert diagnose(["failed to start daemon: error initializing graphdriver"], ENGINE)[0].code == "engine_storage"


@pytest.mark.parametrize(("status", "code"), [(5, "terminal_exit"), (255, None), (1, None), (0, None)])
def test_the_exit_status_speaks_when_the_logs_are_silent(status: int, code: str | None) -> None:
    assert [found.code for found in diagnose(["nothing"], ECS, status)] == ([code] if code else [])
    assert diagnose(["nothing"], SSM, status) == []


@given(st.lists(st.text()), st.sampled_from([SSM, ECS, ENGINE]))
def test_any_lines_are_read(lines: list[str], service: str) -> None:
    diagnose(lines, service)


TOKEN = "IQoJb3JpZ2luX2VjEJr" * 10


@pytest.mark.parametrize(
    "line",
    [
        "key AKIAQQQQQQQQQQQQQQQZ refused",
        "SecretAccessKey: wJalrXUtnFEMIK7MDENGbPxRfiCYzzzz",
        '"privateKey":"wJalrXUtnFEMIK7MDENGbPxRfiCYzzzz"',
        "amazon-ssm-agent -register -code wJalrXUtnFEMIK7MDENGzzzz -id 1",
        f"token {TOKEN}zzzz",
        f"X-Amz: {TOKEN}zzzz",
        'proxyconnect tcp: invalid proxy address "http://user:QQQZ@zzzz@proxy:3128"',
    ],
)
def test_secrets_are_not_shown(line: str) -> None:
    shown = evidence_line(line)
    assert "***" in shown and "zzzz" not in shown and "QQQZ" not in shown


def test_what_is_no_secret_is_shown() -> None:
    line = (
        "Status code: 400 InvalidInstanceId arn:aws:ecs:eu-west-1:123456789012:container-instance/default/" + "0" * 32
    )
    assert evidence_line(line) == line
    assert len(evidence_line("word " * 200)) == 300
