# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ssm_registration as Ansible runs it, with programs that stand for the SSM agent and systemctl."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from unit.plugins.modules._sandbox import Sandbox, sandbox

__all__ = ["sandbox"]

NODE, OTHER = "mi-0123456789abcdef0", "mi-0fedcba9876543210"
ACTIVATION = "11111111-2222-3333-4444-555555555555"
CODE = "AbCdEfGhIjKlMnOpQrSt"
UNIT = "amazon-ssm-agent.service"
KEY = "/var/lib/amazon/ssm/Vault/Store/RegistrationKey"
IDENTITY = "/var/lib/amazon/ssm/runtimeconfig/identity_config.json"
CREDENTIALS = "[default]\naws_access_key_id=ASIAX\naws_secret_access_key=x\naws_session_token=y\n"


def task(**options: Any) -> dict[str, Any]:
    given = {"region": "eu-west-1", "activation_id": ACTIVATION, "activation_code": CODE, **options}
    return {"onprem.ecs.ssm_registration": {name: value for name, value in given.items() if value is not None}}


def unit(sandbox: Sandbox, started_ago: float, sub: str = "running", name: str = UNIT) -> None:
    """The unit as systemctl shows it; its main process started so many seconds ago."""
    active = "active" if sub == "running" else "activating"
    started = int((time.monotonic() - started_ago) * 1e6)
    sandbox.unit(
        name,
        f"Id={name}\nLoadState=loaded\nActiveState={active}\nSubState={sub}\nUnitFileState=enabled\n"
        f"ExecMainStartTimestampMonotonic={started}\n",
    )


def registered(sandbox: Sandbox, node: str = NODE, region: str = "eu-west-1") -> None:
    sandbox.put(KEY, json.dumps({"instanceID": node, "region": region, "privateKey": "PRIVATEprivatePRIVATE"}))
    sandbox.put("/var/lib/amazon/ssm/registration", json.dumps({"ManagedInstanceID": node, "Region": region}))


def running(sandbox: Sandbox, node: str = NODE) -> None:
    identity = {
        "InstanceId": node,
        "ShareFile": "/root/.aws/credentials",
        "CredentialsExpiresAt": "2099-01-01T00:00:00Z",
    }
    sandbox.put(IDENTITY, json.dumps(identity))
    sandbox.put("/root/.aws/credentials", CREDENTIALS)


def held(sandbox: Sandbox) -> str | None:
    """The node in the vault after the run."""
    text = (sandbox.after / "amazon/ssm/Vault/Store/RegistrationKey").read_text()
    return str(json.loads(text)["instanceID"]) if text.strip() else None


def test_first_registration_in_check_mode_for_real_and_again(sandbox: Sandbox) -> None:
    unit(sandbox, 10, "auto-restart")
    sandbox.put("/outcome", NODE)
    (checked,), printed_check = sandbox.run(task(), check=True)
    assert checked["changed"] and checked["instance_id"] is None and not checked["restarted"]
    assert checked["diff"]["after"].startswith(
        "register with AWS Systems Manager in eu-west-1, as it is not registered"
    )
    assert sandbox.commands() == []

    unit(sandbox, 10, "auto-restart")
    (first,), printed = sandbox.run(task())
    assert (first["changed"], first["instance_id"], first["previous_instance_id"]) == (True, NODE, None)
    assert first["restarted"] and first["region"] == "eu-west-1" and len(first["changes"]) == 2
    assert sandbox.commands() == [
        f"agent -register -code {CODE} -id {ACTIVATION} -region eu-west-1",
        f"systemctl restart {UNIT}",
    ]
    assert CODE not in printed + printed_check and "PRIVATEprivate" not in printed

    sandbox.keep()
    unit(sandbox, 0)
    running(sandbox)
    (second,), _printed = sandbox.run(task())
    assert not second["changed"] and second["changes"] == [] and second["instance_id"] == NODE
    assert sandbox.commands() == []


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("ActivationExpired: ", "ActivationExpired: the activation has expired"),
        ("InvalidActivation: ", "wrong id or code"),
        ("RegistrationLimitExceeded: ", "the activation is used up"),
        (
            "RequestError: send request failed caused by: dial tcp: lookup ssm.eu-west-9.x: no such host",
            "cannot be resolved",
        ),
    ],
)
def test_a_refused_registration_keeps_the_old_one_and_says_why(sandbox: Sandbox, refusal: str, words: str) -> None:
    registered(sandbox, OTHER, "us-east-1")
    running(sandbox, OTHER)
    unit(sandbox, 100)
    sandbox.put("/outcome", refusal)
    (result,), printed = sandbox.run(task())
    assert result["failed"] and words in result["msg"] and "Remedy: " in result["msg"]
    assert f"The registration of {OTHER} was put back." in result["msg"]
    assert held(sandbox) == OTHER
    assert sorted(path.name for path in (sandbox.after / "amazon/ssm").iterdir()) == [
        "Vault",
        "registration",
        "runtimeconfig",
    ]
    assert [command.split()[0] for command in sandbox.commands()] == ["agent"], "restarted for nothing"
    assert CODE not in printed


def test_another_region_moves_the_host(sandbox: Sandbox) -> None:
    registered(sandbox, OTHER, "us-east-1")
    running(sandbox, OTHER)
    unit(sandbox, 100)
    sandbox.put("/outcome", NODE)
    (result,), _printed = sandbox.run(task())
    assert (result["instance_id"], result["previous_instance_id"], result["restarted"]) == (NODE, OTHER, True)
    assert "as it is registered in us-east-1, not in eu-west-1" in result["changes"][0]
    assert sandbox.commands()[0].endswith(" -y")
    assert held(sandbox) == NODE and not (sandbox.after / "amazon/ssm/.registration-before").exists()


def test_force_registers_over_a_registration_and_nothing_else_does(sandbox: Sandbox) -> None:
    registered(sandbox)
    running(sandbox)
    unit(sandbox, 100)
    sandbox.put("/outcome", OTHER)
    kept, forced = sandbox.run(task(activation_id=None, activation_code=None), task(force=True))[0]
    assert not kept["changed"] and kept["instance_id"] == NODE
    assert forced["changed"] and forced["instance_id"] == OTHER and forced["previous_instance_id"] == NODE


def test_killed_between_registration_and_restart(sandbox: Sandbox) -> None:
    """The vault is of the new node, the agent still runs as the old one: the next run restarts it, no more."""
    registered(sandbox, NODE)
    running(sandbox, OTHER)
    unit(sandbox, 100)
    (result,), _printed = sandbox.run(task(activation_id=None, activation_code=None))
    assert result["changed"] and result["restarted"] and result["instance_id"] == NODE
    assert sandbox.commands() == [f"systemctl restart {UNIT}"]


def test_an_agent_that_just_started_is_left_alone(sandbox: Sandbox) -> None:
    registered(sandbox, NODE)
    running(sandbox, OTHER)
    unit(sandbox, -100)
    (result,), _printed = sandbox.run(task())
    assert not result["changed"] and sandbox.commands() == []


def test_killed_while_the_vault_was_blank(sandbox: Sandbox) -> None:
    """The module is killed by its agent in the middle; the next run puts the old registration back."""
    registered(sandbox, OTHER, "us-east-1")
    running(sandbox, OTHER)
    unit(sandbox, 100)
    sandbox.put("/outcome", "killed")
    (killed,), _printed = sandbox.run(task())
    assert killed["failed"] and held(sandbox) is None
    assert (sandbox.after / "amazon/ssm/.registration-before").stat().st_mode & 0o777 == 0o700
    sandbox.keep()
    (put_back,), _printed = sandbox.run(task(region="us-east-1"))
    assert put_back["changes"] == ["restore the registration that an interrupted run had set aside"]
    assert put_back["instance_id"] == OTHER and held(sandbox) == OTHER
    assert not (sandbox.after / "amazon/ssm/.registration-before").exists()


def test_absent_clears_restarts_and_removes_what_is_left(sandbox: Sandbox) -> None:
    registered(sandbox)
    running(sandbox)
    unit(sandbox, 100)
    absent = task(state="absent", region=None, activation_id=None, activation_code=None)
    (checked,), _printed = sandbox.run(absent, check=True)
    assert checked["changed"] and held(sandbox) == NODE
    (result,), _printed = sandbox.run(absent)
    assert result["previous_instance_id"] == NODE and result["instance_id"] is None and result["restarted"]
    assert sandbox.commands() == ["agent -register -clear", f"systemctl restart {UNIT}"]
    assert held(sandbox) is None and not (sandbox.after / "aws/credentials").exists()
    sandbox.keep()
    (again,), _printed = sandbox.run(absent)
    assert not again["changed"]


def test_absent_leaves_credentials_of_somebody_else(sandbox: Sandbox) -> None:
    registered(sandbox)
    running(sandbox)
    sandbox.put("/root/.aws/credentials", "[default]\naws_access_key_id=AKIAX\naws_secret_access_key=x\n")
    unit(sandbox, 100)
    (result,), _printed = sandbox.run(task(state="absent", region=None, activation_id=None, activation_code=None))
    assert result["changed"] and "AKIAX" in (sandbox.after / "aws/credentials").read_text()


def test_the_snap_has_its_own_unit(sandbox: Sandbox) -> None:
    snap = "snap.amazon-ssm-agent.amazon-ssm-agent.service"
    unit(sandbox, 100, name=snap)
    sandbox.put("/outcome", NODE)
    (result,), _printed = sandbox.run(task())
    assert result["restarted"] and sandbox.commands()[-1] == f"systemctl restart {snap}"


def test_a_restart_that_fails_keeps_the_registration(sandbox: Sandbox) -> None:
    unit(sandbox, 100)
    sandbox.put("/outcome", NODE)
    sandbox.put("/restart-fails", "")
    (result,), _printed = sandbox.run(task())
    assert result["failed"] and "cannot be restarted (Job for amazon-ssm-agent.service failed.)" in result["msg"]
    assert held(sandbox) == NODE


def test_malformed_options_and_missing_agent_are_refused_before_anything_is_done(sandbox: Sandbox) -> None:
    registered(sandbox, OTHER, "us-east-1")
    unit(sandbox, 100)
    wrong = {
        "no AWS Region": task(region="Ireland"),
        "no activation's id": task(activation_id="abc"),
        "no activation's code": task(activation_code="short"),
        # As in a file that was read with the end of its line.
        "'eu-west-1\\n' is no AWS Region": task(region="eu-west-1\n"),
        f"'{ACTIVATION}\\n' is no activation's id": task(activation_id=f"{ACTIVATION}\n"),
        "20 to 250 characters and no spaces": task(activation_code=f"{CODE}\n"),
        "give activation_id and activation_code": task(activation_id=None, activation_code=None),
        "is not a program": task(agent_binary="/etc/passwd"),
        "state is present but all of the following are missing: region": task(region=None),
    }
    results, printed = sandbox.run(*wrong.values())
    for words, result in zip(wrong, results, strict=True):
        assert result["failed"] and words in result["msg"], (words, result["msg"])
    assert held(sandbox) == OTHER and sandbox.commands() == [] and CODE not in printed
    (sandbox.folder / "bin" / "amazon-ssm-agent").unlink()
    (missing,), _printed = sandbox.run(task())
    assert "Install the SSM agent first" in missing["msg"] and held(sandbox) == OTHER
