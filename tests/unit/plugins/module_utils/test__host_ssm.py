# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a registration works, needs a restart, or needs to be made anew."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from unit.plugins.module_utils._host_double import NODE, NOW, OTHER_NODE, PRIVATE_KEY, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_backup import save
from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import Finding
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Result
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import (
    UNITS,
    Ssm,
    not_working,
    read_ssm,
    show_ssm,
    snap_version,
    why_register,
    why_restart,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import (
    REGISTRATION_KEY,
    Identity,
    Registration,
)

UNIT = Unit(
    "amazon-ssm-agent.service", loaded=True, enabled=True, active=True, sub_state="running", started_at=NOW - 100
)
VAULT = Registration(NODE, "eu-west-1", NOW - 200)
SELF = Identity(NODE, "/root/.aws/credentials", NOW + 1800)
GOOD = Ssm("3.3.1142.0", "deb", UNIT, VAULT, SELF, False)
STOPPED = UNIT._replace(active=False, sub_state="dead")
WAITING = UNIT._replace(active=False, sub_state="auto-restart")
GONE = Finding("node_deregistered", "gone", "", "")
STALE = GOOD._replace(identity=SELF._replace(instance_id=OTHER_NODE), registration=VAULT._replace(written_at=NOW - 50))


@pytest.mark.parametrize(
    ("ssm", "words"),
    [
        (GOOD, None),
        (GOOD._replace(source=None, unit=Unit("amazon-ssm-agent.service")), "is not installed"),
        (GOOD._replace(registration=None), "is not registered"),
        (GOOD._replace(unit=STOPPED), "is not running (dead)"),
        (GOOD._replace(identity=None), "has not got credentials"),
        (GOOD._replace(identity=SELF._replace(expires_at=None)), "has not got credentials"),
        (GOOD._replace(identity=SELF._replace(instance_id=OTHER_NODE)), "has not got credentials"),
        (GOOD._replace(identity=SELF._replace(expires_at=NOW)), "expired at 2026-11-21T16:48:00Z and were not renewed"),
        (GOOD._replace(other_machine=True), "was made on another machine"),
        (GOOD._replace(findings=(GONE,)), f"{NODE} is lost: gone"),
        (STALE, f"must be restarted: it runs as {OTHER_NODE} still, and the registration is {NODE}"),
    ],
)
def test_not_working(ssm: Ssm, words: str | None) -> None:
    reason = not_working(ssm, NOW)
    assert (reason is None) if words is None else (reason is not None and words in reason)


@pytest.mark.parametrize(
    ("ssm", "expected"),
    [
        (GOOD, False),
        (GOOD._replace(registration=None), False),
        # Registered, then killed before the restart: the agent is older than the vault, and is another node.
        (STALE, True),
        (STALE._replace(identity=None), True),
        # It was just started, and has not said yet who it is.
        (STALE._replace(unit=UNIT._replace(started_at=NOW - 10)), False),
        # A key rotation: the vault is newer, for the same node.
        (GOOD._replace(registration=VAULT._replace(written_at=NOW - 1)), False),
        # The unregistered agent ended; systemd would wait 90 s.
        (GOOD._replace(unit=WAITING), True),
        (GOOD._replace(unit=STOPPED), False),
        # Somebody removed the credentials; the agent would write them half an hour later.
        (GOOD._replace(credentials_gone=True), True),
        (GOOD._replace(credentials_gone=True, unit=STOPPED), False),
        (STALE._replace(unit=UNIT._replace(started_at=None)), False),
    ],
)
def test_why_restart(ssm: Ssm, expected: bool) -> None:
    assert (why_restart(ssm) is not None) is expected


@pytest.mark.parametrize(
    ("ssm", "region", "words"),
    [
        (GOOD, "eu-west-1", None),
        (GOOD, None, None),
        (GOOD, "us-east-1", "it is registered in eu-west-1, not in us-east-1"),
        (GOOD._replace(registration=VAULT._replace(region="")), "us-east-1", "in an unknown Region"),
        (GOOD._replace(registration=None), "eu-west-1", "it is not registered"),
        # No proof is no reason: the agent may be stopped, or just starting.
        (GOOD._replace(unit=STOPPED), "eu-west-1", None),
        (STALE, "eu-west-1", None),
        (GOOD._replace(identity=None), "eu-west-1", None),
        # A cloned disk, also while the credentials of the original look valid.
        (GOOD._replace(other_machine=True, identity=None), "eu-west-1", "was made on another machine"),
        (GOOD._replace(other_machine=True), "eu-west-1", "was made on another machine"),
        # AWS's last word counts, also while the credentials are valid.
        (GOOD._replace(identity=None, findings=(GONE,)), "eu-west-1", f"{NODE} is lost: gone"),
        (GOOD._replace(findings=(GONE,)), "eu-west-1", f"{NODE} is lost: gone"),
        (GOOD._replace(identity=None, findings=(GONE._replace(code="no_route"), GONE)), "eu-west-1", None),
    ],
)
def test_why_register(ssm: Ssm, region: str | None, words: str | None) -> None:
    reason = why_register(ssm, region)
    assert (reason is None) if words is None else (reason is not None and words in reason)


def test_the_answer_holds_nothing_of_the_key(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.register()
    host.run_as()
    units = {name: Unit(name, loaded=name == UNIT.name, active=name == UNIT.name) for name in UNITS}
    ssm = read_ssm(host, units, {"amazon-ssm-agent": "3.3.1142.0-1"}, "deb")
    shown = show_ssm(ssm, "eu-west-1", NOW)
    assert shown["working"] and shown["version"] == "3.3.1142.0" and shown["source"] == "deb"
    assert shown["credentials_expire_at"] == "2026-11-21T17:40:00Z"
    assert PRIVATE_KEY not in repr(shown) + repr(ssm)


@pytest.mark.parametrize(("blank", "told"), [(True, NODE), (False, None)])
def test_what_it_was_before_a_registration_that_was_cut_off(tmp_path: Path, blank: bool, told: str | None) -> None:
    host = FakeHost(tmp_path)
    host.register()
    save(host)
    if blank:
        host.put(REGISTRATION_KEY, "")
    ssm = read_ssm(host, {name: Unit(name) for name in UNITS}, {}, None)
    shown = show_ssm(ssm, "eu-west-1", NOW)
    assert shown["set_aside"] == told and shown["registered"] is not blank
    assert PRIVATE_KEY not in repr(ssm)


def test_credentials_of_another_identity_are_not_shown_as_this_nodes(tmp_path: Path) -> None:
    assert show_ssm(STALE, None, NOW)["credentials_expire_at"] is None


def test_snap(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.put("/snap/amazon-ssm-agent/current/meta/snap.yaml", "name: amazon-ssm-agent\nversion: '3.3.40.0'\n")
    units = {name: Unit(name, loaded=name.startswith("snap."), active=True) for name in UNITS}
    ssm = read_ssm(host, units, {}, "deb")
    assert (ssm.source, ssm.version, ssm.unit.name) == (
        "snap",
        "3.3.40.0",
        "snap.amazon-ssm-agent.amazon-ssm-agent.service",
    )
    assert snap_version("version: 3.3.1") == "3.3.1" and snap_version(None) is None


UNITS_RUN = {
    name: Unit(name, loaded=name == UNIT.name, active=name == UNIT.name, started_at=NOW - 3000) for name in UNITS
}
ERRORS = "/var/log/amazon/ssm/errors.log"


def error(when: float, words: str) -> str:
    """A line as the agent writes it, in the host's time."""
    return time.strftime("%Y-%m-%d %H:%M:%S.1234", time.localtime(when)) + f" ERROR {words}\n"


DOUBT = "Cannot connect to AWS Systems Manager.  Machine configuration has changed more than the allowed threshold."
GONE_WORDS = f"Retrieve credentials produced aws error: InvalidInstanceId: Not existing InstanceId {NODE}"


@pytest.mark.parametrize(
    ("log", "lost"),
    [
        ("", False),
        # Credentials are valid for an hour; AWS refused to renew them.
        (error(NOW - 5, GONE_WORDS), True),
        (error(NOW - 5, "MachineFingerprintDoesNotMatch: no\n\tstatus code: 400"), True),
        (error(NOW - 5, "InvalidSignatureException: no"), True),
        # S3's, on what a command of somebody wanted to write there.
        (error(NOW - 5, "SignatureDoesNotMatch: no"), False),
        (error(NOW - 5, GONE_WORDS) + error(NOW - 2, "ThrottlingException: Rate exceeded"), True),
        # Before it last got credentials, on another node, of unknown time, or nothing final.
        (error(NOW - 100, GONE_WORDS), False),
        (error(NOW - 5, GONE_WORDS.replace(NODE, OTHER_NODE)), False),
        (GONE_WORDS + "\n", False),
        (error(NOW - 5, "dial tcp: i/o timeout"), False),
        # The agent's own doubt on the machine is not final; what AWS says to it is.
        (error(NOW - 20, DOUBT), False),
        (error(NOW - 20, DOUBT) + error(NOW - 5, "dial tcp: i/o timeout"), False),
        (error(NOW - 20, DOUBT) + error(NOW - 5, "MachineFingerprintDoesNotMatch: no"), True),
    ],
)
def test_awss_last_word_in_the_log(tmp_path: Path, log: str, lost: bool) -> None:
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 2000)
    host.run_as(written_at=NOW - 60)
    host.put(ERRORS, log)
    ssm = read_ssm(host, UNITS_RUN, {}, "deb")
    shown = show_ssm(ssm, "eu-west-1", NOW)
    assert shown["needs_registration"] is lost and shown["working"] is not lost
    assert host.commands == [], "the journal is read only where something is wrong"


@pytest.mark.parametrize(
    ("code", "clone"), [("node_deregistered", False), ("fingerprint_mismatch", True), ("signature_refused", True)]
)
def test_a_node_that_may_live_on_elsewhere_is_another_machines(code: str, clone: bool) -> None:
    """Also where both have the same machine-id: else the original would be drained, moved or taken out."""
    shown = show_ssm(GOOD._replace(findings=(Finding(code, "", "", ""),)), "eu-west-1", NOW)
    assert shown["needs_registration"] and shown["other_machine"] is clone


def test_the_agents_own_doubt_is_told_where_it_has_no_credentials(tmp_path: Path) -> None:
    """It has not been refused: the node is good still, when its machine is what it was, or AWS was not reached."""
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 4000)
    host.run_as(expires="2026-11-21T16:00:00Z", written_at=NOW - 3900)
    host.answers["journalctl"] = lambda _command: Result(0, "", "")
    host.put(ERRORS, error(NOW - 20, DOUBT) + error(NOW - 5, "dial tcp 10.0.0.1:443: i/o timeout"))
    ssm = read_ssm(host, UNITS_RUN, {}, "deb")
    assert [found.code for found in ssm.findings] == ["no_route", "machine_changed"]
    shown = show_ssm(ssm, "eu-west-1", NOW)
    assert not shown["working"] and not shown["needs_registration"] and not shown["other_machine"]


def test_what_an_agent_of_another_identity_is_told_does_not_count(tmp_path: Path) -> None:
    """A run was killed after it registered a node anew: the agent that runs is still the old, deregistered one."""
    host = FakeHost(tmp_path)
    host.run_as(OTHER_NODE, written_at=NOW - 60)
    host.register(written_at=NOW - 50)
    host.put(ERRORS, error(NOW - 5, "InvalidInstanceId: Not existing InstanceId"))
    shown = show_ssm(read_ssm(host, UNITS_RUN, {}, "deb"), "eu-west-1", NOW)
    assert shown["needs_restart"] and not shown["needs_registration"]


@pytest.mark.parametrize(
    ("words", "lost", "asleep"),
    [
        (GONE_WORDS.partition(": ")[2], True, False),
        (GONE_WORDS.partition(": ")[2].replace(NODE, OTHER_NODE), False, False),
        ("ThrottlingException: Rate exceeded", False, True),
        ("AccessDeniedException: not authorized to perform: ssm:UpdateInstanceInformation", False, True),
    ],
)
def test_an_agent_whose_first_call_was_refused(tmp_path: Path, words: str, lost: bool, asleep: bool) -> None:
    """Its credentials are valid still, so it asks for none: what it was told first is no error in its log."""
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 2000)
    host.run_as(written_at=NOW - 600)
    line = error(NOW - 5, f"[ssm-agent-worker] Entering SSM Agent hibernate - {words}").replace("ERROR", "INFO")
    log = line + "\tstatus code: 400, request id: 1\n"
    host.put("/var/log/amazon/ssm/amazon-ssm-agent.log", log)
    ssm = read_ssm(host, UNITS_RUN, {}, "deb")
    shown = show_ssm(ssm, "eu-west-1", NOW)
    assert shown["needs_registration"] is lost and shown["needs_restart"] is asleep and not shown["other_machine"]
    assert shown["working"] is (not lost and not asleep)
    if asleep:
        assert shown["reason"] == f"the SSM agent must be restarted: it hibernates ({words})"
        assert [found.code in ("access_denied", "throttled") for found in ssm.findings] == [True]
    # It is awake again, or another agent was started since.
    started = line.replace("Entering SSM Agent hibernate - " + words, "Starting Agent: amazon-ssm-agent - v3.3.1142.0")
    host.put("/var/log/amazon/ssm/amazon-ssm-agent.log", log + started)
    assert read_ssm(host, UNITS_RUN, {}, "deb").asleep is None
    host.put("/var/log/amazon/ssm/amazon-ssm-agent.log", log)
    later = {name: unit._replace(started_at=NOW - 1) for name, unit in UNITS_RUN.items()}
    assert read_ssm(host, later, {}, "deb").asleep is None


def test_what_an_agent_without_its_old_credentials_is_told_does_not_count(tmp_path: Path) -> None:
    """Killed between registration and restart, as above; the file of the old node's credentials is gone as well."""
    host = FakeHost(tmp_path)
    host.run_as(OTHER_NODE, written_at=NOW - 3000)
    host.register(written_at=NOW - 60)
    Path(host.path("/root/.aws/credentials")).unlink()
    host.put(ERRORS, error(NOW - 30, "MachineFingerprintDoesNotMatch: Fingerprint doesn't match"))
    shown = show_ssm(read_ssm(host, UNITS_RUN, {}, "deb"), "eu-west-1", NOW)
    assert shown["needs_restart"] and not shown["needs_registration"] and not shown["other_machine"]
    assert f"it runs as {OTHER_NODE} still" in shown["reason"]


def test_the_journal_is_read_where_the_registration_does_not_work(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 4000)
    host.run_as(written_at=NOW - 3900)
    host.clock = NOW + 7200
    host.answers["journalctl"] = lambda _command: Result(0, "dial tcp 10.0.0.1:443: i/o timeout\n", "")
    ssm = read_ssm(host, UNITS_RUN, {}, "deb")
    assert [found.code for found in ssm.findings] == ["no_route"] and why_register(ssm, "eu-west-1") is None
    host.answers["journalctl"] = lambda _command: Result(0, "InvalidInstanceId: Not existing InstanceId\n", "")
    ssm = read_ssm(host, UNITS_RUN, {}, "deb")
    assert "is lost" in (why_register(ssm, "eu-west-1") or "")


def test_credentials_that_were_removed(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 2000)
    host.run_as()
    Path(host.path("/root/.aws/credentials")).unlink()
    shown = show_ssm(read_ssm(host, UNITS_RUN, {}, "deb"), "eu-west-1", NOW)
    assert shown["needs_restart"] and not shown["working"] and not shown["needs_registration"]
    assert shown["reason"] == "the SSM agent must be restarted: the credentials in /root/.aws/credentials are gone"


@pytest.mark.parametrize("expires", ["0001-01-01T00:00:00Z", "2026-11-21T17:40:00Z"])
@pytest.mark.parametrize("words", [GONE_WORDS, "MachineFingerprintDoesNotMatch: no"])
def test_a_node_that_is_lost_and_has_no_credentials(tmp_path: Path, expires: str, words: str) -> None:
    """It never got any, since its role was wrong at first; or somebody removed them."""
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 2000)
    host.run_as(expires=expires)
    Path(host.path("/root/.aws/credentials")).unlink()
    host.put(ERRORS, error(NOW - 5, words))
    shown = show_ssm(read_ssm(host, UNITS_RUN, {}, "deb"), "eu-west-1", NOW)
    assert shown["needs_registration"] and not shown["working"]
    assert "is lost" in shown["reason"]


def test_a_node_that_was_never_given_credentials(tmp_path: Path) -> None:
    """The agent names the file at its start: nothing was removed, and a restart would not help."""
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 2000)
    host.run_as(expires="0001-01-01T00:00:00Z")
    Path(host.path("/root/.aws/credentials")).unlink()
    host.put(ERRORS, error(NOW - 5, "AccessDeniedException: not authorized to assume the role"))
    host.answers["journalctl"] = lambda _command: Result(0, "", "")
    ssm = read_ssm(host, UNITS_RUN, {}, "deb")
    shown = show_ssm(ssm, "eu-west-1", NOW)
    assert shown["reason"] == f"the SSM agent has not got credentials for {NODE} yet"
    assert not shown["needs_restart"] and [found.code for found in ssm.findings] == ["access_denied"]


@pytest.mark.parametrize(("installed_at", "expected"), [(NOW - 5000, False), (NOW - 20, True), (NOW + 20, False)])
@pytest.mark.parametrize("program", ["/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent/current"])
def test_another_version_was_installed(tmp_path: Path, program: str, installed_at: float, expected: bool) -> None:
    """A run was killed between the installation and the restart: the process is of the old version still."""
    host = FakeHost(tmp_path)
    host.register(written_at=NOW - 2000)
    host.run_as()
    host.install(program, installed_at)
    shown = show_ssm(read_ssm(host, UNITS_RUN, {}, "deb"), "eu-west-1", NOW)
    assert shown["needs_restart"] is expected and shown["working"]
