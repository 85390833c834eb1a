# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a registration, and its steps where a module test cannot go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.plugins.module_utils._host_double import NODE, NOW, OTHER_NODE, FakeHost, block, systemctl

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import TIMED_OUT, Result
from ansible_collections.onprem.ecs.plugins.module_utils._host_register import (
    Activation,
    Seen,
    find_agent,
    plan_absent,
    plan_present,
    registration,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import Ssm
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import Identity, Registration, read_registration

UNIT = Unit("amazon-ssm-agent.service", loaded=True, active=True, started_at=NOW - 100)
VAULT = Registration(NODE, "eu-west-1", NOW - 200)
SELF = Identity(NODE, "", NOW + 1800)
GOOD = Ssm("3.3", "deb", UNIT, VAULT, SELF, False)
BARE = Ssm("3.3", "deb", UNIT._replace(active=False), None, None, False)
CODE = "AbCdEfGhIjKlMnOpQrSt"
OPTIONS: dict[str, Any] = {
    "state": "present",
    "region": "eu-west-1",
    "activation_id": "11111111-2222-3333-4444-555555555555",
    "activation_code": CODE,
    "force": False,
    "agent_binary": None,
}


def actions(steps: Any) -> list[str]:
    return [step.action for step in steps]


@pytest.mark.parametrize(
    ("ssm", "backup", "force", "expected"),
    [
        (GOOD, False, False, []),
        (GOOD, True, False, ["drop backup"]),
        (GOOD, False, True, ["register", "restart"]),
        (GOOD._replace(registration=VAULT._replace(region="us-east-1")), False, False, ["register", "restart"]),
        (
            GOOD._replace(identity=SELF._replace(instance_id=OTHER_NODE), unit=UNIT._replace(started_at=NOW - 300)),
            False,
            False,
            ["restart"],
        ),
        (BARE, False, False, ["register", "restart"]),
        (BARE._replace(unit=Unit("amazon-ssm-agent.service")), False, False, ["register"]),
    ],
)
def test_plan_present(ssm: Ssm, backup: bool, force: bool, expected: list[str]) -> None:
    assert actions(plan_present(Seen(ssm, backup), "eu-west-1", force)) == expected


@pytest.mark.parametrize(
    ("ssm", "backup", "remains", "expected"),
    [
        (BARE, False, (), []),
        (GOOD, False, ("/x",), ["clear", "restart", "drop remains"]),
        # Killed after it was cleared: the agent still runs with its old identity.
        (GOOD._replace(registration=None), True, (), ["drop backup", "restart"]),
        (GOOD._replace(unit=UNIT._replace(active=False)), False, (), ["clear"]),
    ],
)
def test_plan_absent(ssm: Ssm, backup: bool, remains: tuple[str, ...], expected: list[str]) -> None:
    assert actions(plan_absent(Seen(ssm, backup, remains))) == expected


def test_the_code_is_not_in_the_activations_words() -> None:
    assert CODE not in repr(Activation("id", CODE)) and CODE not in str(Activation("id", CODE))


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    made = FakeHost(tmp_path)
    made.answers["systemctl"] = systemctl(amazon_ssm_agent=block("amazon-ssm-agent.service"))
    return made


def test_an_agent_that_hangs(host: FakeHost) -> None:
    host.register(OTHER_NODE, "us-east-1")

    def hang(_command: tuple[str, ...]) -> Result:
        host.put("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", "")
        return Result(TIMED_OUT, f"using code {CODE}", "")

    host.answers["amazon-ssm-agent"] = hang
    with pytest.raises(EcsError, match="did not end within 120 s") as caught:
        registration(host, OPTIONS, False)
    assert CODE not in str(caught.value)
    found = read_registration(host)
    assert found and found.instance_id == OTHER_NODE


def test_the_vault_tells_whether_it_worked_not_the_exit_status(host: FakeHost) -> None:
    host.answers["amazon-ssm-agent"] = lambda _command: Result(0, "Successfully registered", "")
    with pytest.raises(EcsError, match="failed"):
        registration(host, OPTIONS, False)

    def odd(_command: tuple[str, ...]) -> Result:
        host.register()
        return Result(1, "", "")

    host.answers["amazon-ssm-agent"] = odd
    assert registration(host, OPTIONS, False)["instance_id"] == NODE


def test_an_agent_of_the_snap_is_found(host: FakeHost) -> None:
    with pytest.raises(EcsError, match="Install the SSM agent first"):
        find_agent(host, None)
    host.put("/snap/amazon-ssm-agent/current/amazon-ssm-agent", "")
    Path(host.path("/snap/amazon-ssm-agent/current/amazon-ssm-agent")).chmod(0o755)
    assert find_agent(host, None) == "/snap/amazon-ssm-agent/current/amazon-ssm-agent"


def test_absent_without_the_agent_removes_the_vault(host: FakeHost) -> None:
    host.answers["systemctl"] = systemctl()
    host.register()
    host.run_as()
    done = registration(host, {**OPTIONS, "state": "absent", "region": None}, False)
    assert done["changed"] and not done["restarted"] and done["previous_instance_id"] == NODE
    left = [path.name for path in Path(host.path("/")).rglob("*") if path.is_file()]
    assert left == [], left
    assert not registration(host, {**OPTIONS, "state": "absent", "region": None}, False)["changed"]


def test_clear_that_fails(host: FakeHost) -> None:
    host.register()
    host.answers["amazon-ssm-agent"] = lambda _command: Result(
        1, "", "error clearing the registration: permission denied"
    )
    with pytest.raises(EcsError, match="cannot be cleared"):
        registration(host, {**OPTIONS, "state": "absent"}, False)


def test_not_root(host: FakeHost) -> None:
    host.root_user = False
    with pytest.raises(EcsError, match="become: true"):
        registration(host, OPTIONS, True)
