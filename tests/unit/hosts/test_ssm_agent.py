# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for the SSM agent does what was measured with the real one."""

from __future__ import annotations

import configparser
import datetime
import json
import subprocess
import time
from typing import Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import UNITS, read_ssm, show_ssm
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit
from hosts.standins import ssm_files, wire
from hosts.standins.ssm_files import Config

from .conftest import Box, wait

WRONG = ("11111111-2222-3333-4444-555555555555", "AbCdEfGhIjKlMnOpQrSt")
NOISE = "Applying config override from"


IDENTITY = "var/lib/amazon/ssm/runtimeconfig/identity_config.json"
LOG = "var/log/amazon/ssm/amazon-ssm-agent.log"
NEVER = "0001-01-01T00:00:00Z"


def identity(box: Box) -> dict[str, str]:
    """What the running agent says of itself when it has credentials."""

    def has_credentials() -> dict[str, str] | None:
        found: dict[str, str] = box.read(IDENTITY) or {"CredentialsExpiresAt": NEVER}
        return found if found["CredentialsExpiresAt"] != NEVER else None

    said: dict[str, str] = wait(has_credentials, "identity")
    return said


def test_registers_and_comes_online(box: Box) -> None:
    done = box.register(box.aws.activation())
    assert done.returncode == 0
    instance = box.vault["instanceID"]
    assert f"Successfully registered the instance with AWS SSM using Managed instance-id: {instance}" in done.stdout
    assert box.read("var/lib/amazon/ssm/registration") == {"ManagedInstanceID": instance, "Region": "eu-west-1"}
    store = box.root / "var/lib/amazon/ssm/Vault/Store"
    assert [oct(path.stat().st_mode & 0o777) for path in (store, *store.iterdir())] == ["0o700", "0o600", "0o600"]

    box.start("ssm_agent")
    assert identity(box)["InstanceId"] == instance
    expires = datetime.datetime.fromisoformat(identity(box)["CredentialsExpiresAt"].replace("Z", "+00:00"))
    assert expires > datetime.datetime.now(datetime.timezone.utc)
    shared = configparser.ConfigParser()
    shared.read(box.root / "root/.aws/credentials")
    assert shared["default"]["aws_access_key_id"].startswith("ASIA")

    def online() -> bool:
        nodes = box.aws.client("ssm").describe_instance_information()["InstanceInformationList"]
        return [(node["InstanceId"], node["PingStatus"]) for node in nodes] == [(instance, "Online")]

    wait(online, "node that is Online")
    wait(
        lambda: "Successfully opened websocket" in box.text("var/log/amazon/ssm/amazon-ssm-agent.log"),
        "control channel",
    )


def test_a_failed_registration_destroys_one_that_worked(box: Box) -> None:
    assert box.register(box.aws.activation()).returncode == 0
    old = box.vault["instanceID"]
    done = box.register(WRONG, "-y")
    assert done.returncode == 1
    assert "Registration failed due to error registering the instance with AWS SSM. InvalidActivation: " in done.stdout
    assert box.vault["instanceID"] == ""
    assert box.read("var/lib/amazon/ssm/registration")["ManagedInstanceID"] == old


def test_asks_before_it_goes_over_a_registration(box: Box) -> None:
    assert box.register(box.aws.activation()).returncode == 0
    before = box.vault
    done = box.register(WRONG)
    assert (done.returncode, "Registration failed due to EOF" in done.stdout) == (1, True)
    assert box.vault == before
    assert box.register(WRONG, stdin="n\n").returncode == 1
    assert box.vault == before


def test_keeps_its_identity_until_it_is_restarted(box: Box) -> None:
    box.register(box.aws.activation())
    agent = box.start("ssm_agent")
    old = identity(box)["InstanceId"]
    assert box.register(box.aws.activation(), "-y").returncode == 0
    new = box.vault["instanceID"]
    assert new != old
    cli = box.run("ssm_cli", "get-instance-information")
    assert json.loads(cli.stdout.splitlines()[-1])["instance-id"] == new
    assert identity(box)["InstanceId"] == old
    agent.kill()
    box.start("ssm_agent")
    wait(lambda: identity(box)["InstanceId"] == new, "new identity")


def test_ssm_cli_says_something_before_its_json(box: Box) -> None:
    empty = box.run("ssm_cli", "get-instance-information")
    assert empty.returncode == 255
    box.register(box.aws.activation())
    lines = box.run("ssm_cli", "get-instance-information").stdout.splitlines()
    assert lines[0].startswith(NOISE)
    assert json.loads(lines[1]) == {
        "instance-id": box.vault["instanceID"],
        "region": "eu-west-1",
        "release-version": "3.3.1142.0",
    }


def test_clear(box: Box) -> None:
    box.register(box.aws.activation())
    stale = box.read("var/lib/amazon/ssm/registration")
    assert box.run("ssm_agent", "-clear").returncode == 1
    assert box.vault["instanceID"]
    assert box.run("ssm_agent", "-register", "-clear").returncode == 0
    assert box.vault["instanceID"] == box.vault["privateKey"] == ""
    assert box.read("var/lib/amazon/ssm/registration") == stale


def test_without_a_registration_it_exits_well_after_two_seconds(box: Box) -> None:
    agent = box.start("ssm_agent")
    assert agent.wait(10) == 0


@pytest.mark.parametrize("code", ["ActivationExpired", "RegistrationLimitExceeded", "InvalidActivation"])
def test_names_the_code_of_a_refusal(box: Box, code: str) -> None:
    activation = box.aws.activation(limit=1)
    if code == "ActivationExpired":
        box.aws.control("POST", "activations/expire", {"ActivationId": activation[0]})
    elif code == "RegistrationLimitExceeded":
        assert box.register(activation).returncode == 0
    else:
        activation = (activation[0], "x" * 20)
    done = box.register(activation, "-y")
    assert (done.returncode, f"AWS SSM. {code}: " in done.stdout) == (1, True)


def test_rotates_its_key_when_told_to(box: Box) -> None:
    box.aws.control("POST", "settings", {"update_key_pair": True})
    box.register(box.aws.activation())
    first = box.vault["publicKey"]
    box.start("ssm_agent")
    identity(box)
    assert box.vault["publicKey"] != first
    assert box.vault["instanceID"] == identity(box)["InstanceId"]


def tokens(box: Box) -> int:
    """How often credentials were asked for."""
    return int(box.aws.control("GET", "calls")["agent_calls"].get("ssm:RequestManagedInstanceRoleToken", 0))


def restart(box: Box) -> subprocess.Popen[str]:
    """Start the agent once more, on a log of its own."""
    for process in box.started:
        process.kill()
        process.wait()
    for file in (box.root / "var/log/amazon/ssm").iterdir():
        file.unlink()
    return box.start("ssm_agent")


def test_uses_the_credentials_that_it_has_until_half_of_their_life_is_over(box: Box) -> None:
    box.register(box.aws.activation())
    box.start("ssm_agent")
    before = identity(box)
    restart(box)
    wait(lambda: "Successfully opened websocket" in box.text(LOG), "control channel")
    assert "Next credential rotation will be in 30.0 minutes" in box.text(LOG) or "in 29." in box.text(LOG)
    assert tokens(box) == 1 and identity(box) == before
    # Without the file it asks at once, so that a restart brings it back.
    (box.root / "root/.aws/credentials").unlink()
    restart(box)
    wait((box.root / "root/.aws/credentials").exists, "credentials")
    assert tokens(box) == 2 and "Credentials are not available when they should be" in box.text(LOG)


def test_sleeps_when_its_first_call_is_refused(box: Box) -> None:
    """Its credentials are valid for an hour; nothing of it is in the log of errors."""
    box.register(box.aws.activation())
    box.start("ssm_agent")
    before, node = identity(box), box.vault["instanceID"]
    box.aws.client("ssm").deregister_managed_instance(InstanceId=node)
    restart(box)
    line = f" INFO [ssm-agent-worker] Entering SSM Agent hibernate - InvalidInstanceId: Not existing InstanceId {node}"
    wait(lambda: line in box.text(LOG), "refusal")
    assert "websocket" not in box.text(LOG) and tokens(box) == 1 and identity(box) == before
    assert [path.name for path in (box.root / "var/log/amazon/ssm").iterdir()] == ["amazon-ssm-agent.log"]


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({}, 600),
        ({"CredentialsRetrievedAt": -3000.0}, -300),
        ({"CredentialsExpiresAt": -1.0}, None),
        ({"InstanceId": "mi-2"}, None),
        ({"CredentialsExpiresAt": "soon"}, None),
    ],
)
def test_credentials_are_kept(
    box: Box, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], left: float | None
) -> None:
    """From their life's beginning 1,200 seconds ago to its end in 2,400, unless changed."""
    said = {"InstanceId": "mi-1", "CredentialsRetrievedAt": -1200.0, "CredentialsExpiresAt": 2400.0, **changed}

    def shown(value: Any) -> str:
        moment = wire.now() + datetime.timedelta(seconds=value if isinstance(value, float) else 0)
        return wire.timestamp(moment) if isinstance(value, float) else str(value)

    times = {key: shown(value) for key, value in said.items()}
    monkeypatch.setattr(ssm_files, "IDENTITY", box.put(IDENTITY, json.dumps(times)))
    text = "[default]\naws_access_key_id = A\naws_secret_access_key = S\naws_session_token = T\n"
    monkeypatch.setattr(ssm_files, "CREDENTIALS", box.put("root/.aws/credentials", text))
    kept = ssm_files.kept_credentials("mi-1")
    assert (kept and kept[0]) == (None if left is None else ("A", "S", "T"))
    assert left is None or (kept and abs(kept[1] - left) < 5)


def test_backs_off_when_it_was_deregistered(box: Box) -> None:
    box.register(box.aws.activation())
    box.aws.client("ssm").deregister_managed_instance(InstanceId=box.vault["instanceID"])
    box.start("ssm_agent")

    def log() -> str:
        return box.text("var/log/amazon/ssm/amazon-ssm-agent.log")

    wait(
        lambda: "InvalidInstanceId: " in log() and "Next credential rotation will be in 0.3 minutes" in log(),
        "back-off",
    )
    assert box.read(IDENTITY)["CredentialsExpiresAt"] == NEVER, "it names itself and the file before it has any"


FINGERPRINT = "var/lib/amazon/ssm/Vault/Store/InstanceFingerprint"
CLONE = "f" * 32


def clone(box: Box) -> None:
    """The disk gets into another machine, and its agent knows nothing of the credentials."""
    box.put("etc/machine-id", CLONE + "\n")
    for name in (IDENTITY, "root/.aws/credentials"):
        (box.root / name).unlink(missing_ok=True)


def test_another_machine_is_refused_after_local_errors(box: Box) -> None:
    """It doubts for 15 seconds, makes itself a new fingerprint, is refused, and sleeps."""
    box.register(box.aws.activation())
    before, began = box.read(FINGERPRINT), time.time()
    clone(box)
    box.start("ssm_agent")
    wait(lambda: "Next credential rotation will be in 25.0 minutes" in box.text(LOG), "refusal", 40)
    assert time.time() - began >= 15
    lines = [line.partition("] ")[2] for line in box.text(LOG).splitlines() if "[amazon-ssm-agent]" in line]
    doubt = f"The hardware ID ({CLONE}) has changed from the registered value ({before['hardwareHash']['machine-id']})."
    assert lines[1:6] == [
        *[f"Cannot connect to AWS Systems Manager.  {doubt}"] * 4,
        "Calculated hardware difference, regenerating fingerprint...",
    ]
    assert "MachineFingerprintDoesNotMatch: " in lines[6] and tokens(box) == 1
    after = box.read(FINGERPRINT)
    assert after["fingerprint"] != before["fingerprint"] and after["hardwareHash"]["machine-id"] == CLONE
    assert not (box.root / "root/.aws/credentials").exists()

    # The vault is the new machine's by now: only what AWS said shows that it is a clone.
    running = Unit(UNITS[0], loaded=True, active=True, sub_state="running", started_at=began)
    units = {**{name: Unit(name) for name in UNITS}, running.name: running}
    shown = show_ssm(read_ssm(Host(str(box.root)), units, {}, "deb"), "eu-west-1", time.time())
    assert shown["needs_registration"] and shown["other_machine"] and not shown["working"]


def test_another_machine_is_taken_where_the_check_is_off(box: Box) -> None:
    box.register(box.aws.activation(), "-disableSimilarityCheck")
    clone(box)
    box.start("ssm_agent")
    assert identity(box)["InstanceId"] == box.vault["instanceID"]
    assert "Cannot connect" not in box.text(LOG)


def test_endpoints() -> None:
    lab = Config(ssm="http://10.0.0.1:80", mds="host.example", mgs="https://10.0.0.1:4567")
    assert lab.url("ssm", "eu-west-1") == "http://10.0.0.1:80/"
    assert lab.url("ec2messages", "eu-west-1") == "https://host.example/"
    assert lab.url("ssmmessages", "eu-west-1") == "https://10.0.0.1:4567/"
    # A port without a scheme does not count, and the scheme itself does not matter.
    assert Config(mgs="10.0.0.1:4567").url("ssmmessages", "eu-west-1") == "https://ssmmessages.eu-west-1.amazonaws.com/"
    assert Config(mgs="http://10.0.0.1:4567").url("ssmmessages", "eu-west-1") == "https://10.0.0.1:4567/"
    assert Config().url("ssm", "cn-north-1") == "https://ssm.cn-north-1.amazonaws.com.cn/"


def test_a_damaged_config_is_passed_over(box: Box) -> None:
    box.put("etc/amazon/ssm/amazon-ssm-agent.json", '{"Ssm": {"Endpoint"')
    lines = box.run("ssm_cli", "get-instance-information").stdout.splitlines()
    assert lines[1] == "Failed to unmarshal config override. Fall back to default."
