# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The traps of the SSM agent's command line, as measured with the real one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from hosts.standins import ssm_cli, ssm_files

from .conftest import Box

FINGERPRINT = "var/lib/amazon/ssm/Vault/Store/InstanceFingerprint"
ID, CODE = "11111111-2222-3333-4444-555555555555", "AbCdEfGhIjKlMnOpQrSt"


class Trap(NamedTuple):
    """A registration that fails: how many calls it makes, how long it takes at least (seconds), and what it says."""

    calls: int
    seconds: float
    words: str
    activation: tuple[str, str] = (ID, CODE)
    status: int = 0
    network: bool = True


TRAPS = {
    "refused": Trap(1, 0, "AWS SSM. InvalidActivation: "),
    "failed": Trap(4, 10, "AWS SSM. InternalServerError: ", status=500),
    "no network": Trap(0, 10, "connect: connection refused", network=False),
    "short code": Trap(0, 0, "InvalidParameter: 1 validation error(s) found.", (ID, CODE[:-1])),
    "short id": Trap(0, 0, "InvalidParameter: 1 validation error(s) found.", (ID[:-1], CODE)),
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_registration_that_fails_has_blanked_the_vault(box: Box, trap: Trap) -> None:
    """Whatever the reason, also one that is found before AWS is asked."""
    assert box.register(box.aws.activation()).returncode == 0
    old = box.vault["instanceID"]
    if trap.status:
        fault = {"service": "ssm", "operation": "RegisterManagedInstance", "kind": "error", "count": -1}
        box.aws.control("POST", "faults", {**fault, "status": trap.status, "code": "InternalServerError"})
    if not trap.network:
        box.put("etc/amazon/ssm/amazon-ssm-agent.json", json.dumps({"Ssm": {"Endpoint": "https://127.0.0.1:1"}}))
    box.aws.control("DELETE", "calls")
    began = time.monotonic()
    done = box.register(trap.activation, "-y")
    assert time.monotonic() - began >= trap.seconds
    assert done.returncode == 1 and trap.words in done.stdout
    assert box.aws.control("GET", "calls")["agent_calls"].get("ssm:RegisterManagedInstance", 0) == trap.calls
    assert box.vault["instanceID"] == "" and box.vault["region"] == ""
    assert box.read("var/lib/amazon/ssm/registration")["ManagedInstanceID"] == old


def test_clear_does_nothing_beside_an_activation(box: Box) -> None:
    assert box.register(box.aws.activation()).returncode == 0
    before = box.vault
    done = box.register((ID, CODE), "-clear")
    assert (done.returncode, box.vault) == (1, before) and "Registration failed due to EOF" in done.stdout
    assert box.register(box.aws.activation(), "-clear", "-y").returncode == 0
    assert box.vault["instanceID"] not in ("", before["instanceID"])


@pytest.mark.parametrize(("threshold", "code"), [(1, 0), (100, 0), (-1, 0), (0, 1), (101, 1), (-2, 1)])
def test_the_threshold_of_similarity(box: Box, threshold: int, code: int) -> None:
    """It leaves the rest as it is: on a cloned disk the vault stays the other machine's."""
    assert box.register(box.aws.activation()).returncode == 0
    before = box.read(FINGERPRINT)
    assert before["similarityThreshold"] == 40
    box.put("etc/machine-id", "f" * 32)
    done = box.run("ssm_agent", "-fingerprint", "-similarityThreshold", str(threshold))
    assert done.returncode == code
    assert box.read(FINGERPRINT) == {**before, "similarityThreshold": 40 if code else threshold}
    assert (f"Invalid Similarity Threshold value of {threshold}." in done.stdout) is bool(code)


def test_the_threshold_wants_a_fingerprint(box: Box) -> None:
    done = box.run("ssm_agent", "-fingerprint", "-similarityThreshold", "50")
    assert (done.returncode, box.read(FINGERPRINT)) == (1, None)
    assert "save called with empty fingerprint key" in done.stdout


@pytest.mark.parametrize(("user", "code"), [(0, 0), (1000, 255)])
def test_ssm_cli_is_roots(
    box: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], user: int, code: int
) -> None:
    assert box.register(box.aws.activation()).returncode == 0
    monkeypatch.setattr(ssm_files, "ROOT", Path("/"))
    monkeypatch.setattr(ssm_files, "REGISTRATION_KEY", box.root / "var/lib/amazon/ssm/Vault/Store/RegistrationKey")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ssm_cli.main(["get-instance-information"], "3.3.1142.0") == code
    said = capsys.readouterr()
    assert ("permission denied" in said.err) is bool(code) and (box.vault["instanceID"] in said.out) is not bool(code)
