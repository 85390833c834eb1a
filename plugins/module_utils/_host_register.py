# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Register this host as a managed node, or take its registration away.

A plan is made from what is seen (`plan_present`, `plan_absent`), then its steps are done in order. A run that was
killed leaves a host from which the next run makes the same end.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _host_backup, _host_credentials, _host_ssm
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import TIMED_OUT, Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_refusal import refusal
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import read_units
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import (
    IDENTITY,
    REGISTRATION_FILE,
    Registration,
    read_registration,
)

REGISTER, CLEAR, RESTART, DROP_BACKUP, DROP_REMAINS = "register", "clear", "restart", "drop backup", "drop remains"
# Four tries with a failing server take 11 s, no network 10 s; a slow proxy may take longer.
REGISTER_TIMEOUT = 120.0
RESTART_TIMEOUT = 60.0
BINARIES = ("/usr/bin/amazon-ssm-agent", _host_ssm.SNAP + "/amazon-ssm-agent")


class NoAgent(EcsError):
    """The SSM agent's program is not there."""


class Activation(t.NamedTuple):
    """What AWS gave for registering. ``repr`` does not show the code."""

    id: str
    code: str

    def __repr__(self) -> str:
        return f"Activation({self.id!r})"


class Step(t.NamedTuple):
    """One change: what to do, in code and in words."""

    action: str
    words: str


class Seen(t.NamedTuple):
    """What decides on the plan."""

    ssm: _host_ssm.Ssm
    backup: bool
    remains: tuple[str, ...] = ()


class Wish(t.NamedTuple):
    """What the caller wants: a registration in ``region``, or none. ``activation`` may be None where none is needed."""

    region: str
    activation: Activation | None = None
    force: bool = False
    agent_binary: str | None = None


class Outcome(t.NamedTuple):
    """What was done, or would be."""

    instance_id: str | None
    previous_instance_id: str | None
    region: str | None
    restarted: bool
    changes: list[str]


def plan_present(seen: Seen, region: str, force: bool) -> list[Step]:
    """The steps to a registration in ``region``; none when it's there and the agent uses it."""
    ssm = seen.ssm
    steps = (
        [Step(DROP_BACKUP, "remove the copy of the old registration that an interrupted run left")]
        if seen.backup
        else []
    )
    reason = _host_ssm.why_register(ssm, region) or ("it was asked for by force" if force else None)
    if reason:
        steps.append(Step(REGISTER, f"register with AWS Systems Manager in {region}, as {reason}"))
        if ssm.unit.loaded:
            steps.append(Step(RESTART, f"restart {ssm.unit.name}, so that the agent takes its new identity"))
    else:
        stale = _host_ssm.why_restart(ssm)
        steps += [Step(RESTART, f"restart {ssm.unit.name}: {stale}")] if stale else []
    return steps


def plan_absent(seen: Seen) -> list[Step]:
    """The steps to no registration at all; the package stays."""
    ssm, steps = seen.ssm, []
    if seen.backup:
        steps.append(Step(DROP_BACKUP, "remove the copy of the old registration that an interrupted run left"))
    if ssm.registration:
        steps.append(Step(CLEAR, f"clear the registration of {ssm.registration.instance_id}"))
    if ssm.unit.active and (ssm.registration or ssm.identity):
        steps.append(Step(RESTART, f"restart {ssm.unit.name}, so that the agent gives up its identity"))
    if seen.remains:
        steps.append(Step(DROP_REMAINS, "remove what the registration left: {}".format(", ".join(seen.remains))))
    return steps


def see(host: Host, absent: bool = False) -> Seen:
    """Look at what decides."""
    units = read_units(host, _host_ssm.UNITS)
    ssm = _host_ssm.read_ssm(host, units, {}, None)
    remains = tuple(path for path in (REGISTRATION_FILE, IDENTITY) if host.exists(path)) if absent else ()
    if absent and (ssm.identity or ssm.registration) and _host_credentials.is_agents_own(host, ssm):
        # First: once the identity is gone nothing tells that they are the agent's.
        remains = (_host_credentials.SHARED, *remains)
    return Seen(ssm, _host_backup.is_kept(host), remains)


def find_agent(host: Host, given: str | None) -> str:
    """The agent's program.

    Raises:
        NoAgent: there is none.
    """
    if given:
        if host.executable(given):
            return given
        raise NoAgent(f"agent_binary: {given} is not a program. Leave agent_binary out to find it by itself.")
    found = host.which("amazon-ssm-agent") or next((path for path in BINARIES if host.executable(path)), None)
    if found is None:
        raise NoAgent(
            "The program amazon-ssm-agent is neither in PATH nor at {}. Install the SSM agent first "
            "(the role onprem.ecs.ssm_agent does), or give agent_binary.".format(" or ".join(BINARIES))
        )
    return found


def register(host: Host, agent: str, activation: Activation, region: str, old: Registration | None) -> Registration:
    """Register, and put the old registration back when that fails.

    Whether it worked is seen in the vault, not in the exit status.

    Raises:
        EcsError: AWS or the agent refused; the words say why and what helps, and never show the code.
    """
    if old:
        _host_backup.save(host)
    command = [agent, "-register", "-code", activation.code, "-id", activation.id, "-region", region]
    # Without -y the agent refuses to overwrite: so a registration that came in between survives.
    done = host.run(*command, *(["-y"] if old else []), timeout=REGISTER_TIMEOUT)
    new = read_registration(host)
    if new is not None and new.region == region and (old is None or new.instance_id != old.instance_id):
        return new
    output = (done.err + "\n" + done.out).replace(activation.code, "***")
    code, cause, remedy, evidence = refusal(output)
    if done.rc == TIMED_OUT:
        cause = f"the agent did not end within {REGISTER_TIMEOUT:g} s"
        remedy = "check that the host reaches the SSM endpoint, and run again"
    kept = ""
    if old:
        _host_backup.restore(host)
        kept = f" The registration of {old.instance_id} was put back."
    named = f"{code}: " if code else ""
    raise EcsError(
        f"Registering in {region} with activation {activation.id} failed: {named}{cause}. Remedy: {remedy}. "
        f"Seen: {evidence} (exit status {done.rc}).{kept}"
    )


def clear(host: Host, agent_binary: str | None) -> None:
    """Take the registration away. Where the agent was removed and its vault was left, the vault is removed.

    Raises:
        EcsError: the agent refused, or it is still there.
    """
    try:
        agent = find_agent(host, agent_binary)
    except NoAgent:
        _host_backup.remove_vault(host)
        return
    done = host.run(agent, "-register", "-clear", timeout=REGISTER_TIMEOUT)
    left = read_registration(host)
    if done.rc != 0 or left is not None:
        _code, cause, remedy, evidence = refusal(done.err + "\n" + done.out)
        raise EcsError(
            f"The registration cannot be cleared by `{agent} -register -clear`: {cause}. Remedy: {remedy}. "
            f"Seen: {evidence} (exit status {done.rc})."
        )


def restart(host: Host, unit: str) -> None:
    """Restart the agent.

    Raises:
        EcsError: systemd refused; the registration stands, and the next run tries again.
    """
    done = host.run("systemctl", "restart", unit, timeout=RESTART_TIMEOUT)
    if done.rc != 0:
        words = " ".join((done.err or done.out).split()) or f"exit status {done.rc}"
        raise EcsError(
            f"{unit} cannot be restarted ({words}), so the agent does not use its new registration. "
            f"Read `journalctl -u {unit}`, correct it and run again: the registration is kept."
        )


def drop_remains(host: Host, paths: t.Sequence[str]) -> None:
    """Remove files that the registration left.

    Raises:
        EcsError: one cannot be removed.
    """
    for path in paths:
        try:
            os.unlink(host.path(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise EcsError(f"{path}, left by the registration, cannot be removed: {error}.") from error


def settle(host: Host, seen: Seen, check: bool) -> tuple[Seen, list[str]]:
    """Put back what an interrupted run had set aside; what is seen then, and what was done in words."""
    if not seen.backup or seen.ssm.registration is not None:
        return seen, []
    words = ["restore the registration that an interrupted run had set aside"]
    if check:
        return seen, words
    _host_backup.restore(host)
    return see(host), words


def present(host: Host, wish: Wish, check: bool) -> Outcome:
    """Reach a registration.

    Raises:
        EcsError: see `register`, `restart` and `find_agent`; or an activation is needed and none was given.
    """
    seen, changes = settle(host, see(host), check)
    old = new = seen.ssm.registration
    steps, restarted = plan_present(seen, wish.region, wish.force), False
    for step in steps:
        changes.append(step.words)
        if step.action == REGISTER and wish.activation is None:
            raise EcsError(
                f"This host must {step.words}: give activation_id and activation_code of a valid activation "
                "(the module onprem.ecs.ssm_activation makes one)."
            )
        if check:
            continue
        if step.action == DROP_BACKUP:
            _host_backup.drop(host)
        elif step.action == REGISTER and wish.activation is not None:
            new = register(host, find_agent(host, wish.agent_binary), wish.activation, wish.region, old)
        elif step.action == RESTART:
            restart(host, seen.ssm.unit.name)
            restarted = True
    if not check:
        _host_backup.drop(host)
    return Outcome(new.instance_id if new else None, old.instance_id if old else None, wish.region, restarted, changes)


def absent(host: Host, agent_binary: str | None, check: bool) -> Outcome:
    """Reach no registration.

    Raises:
        EcsError: see `clear`, `restart` and `find_agent`.
    """
    seen = see(host, absent=True)
    old, restarted, changes = seen.ssm.registration, False, []
    for step in plan_absent(seen):
        changes.append(step.words)
        if check:
            continue
        if step.action == DROP_BACKUP:
            _host_backup.drop(host)
        elif step.action == CLEAR:
            clear(host, agent_binary)
        elif step.action == RESTART:
            restart(host, seen.ssm.unit.name)
            restarted = True
        elif step.action == DROP_REMAINS:
            drop_remains(host, seen.remains)
    return Outcome(None, old.instance_id if old else None, old.region if old else None, restarted, changes)


def check_options(options: t.Mapping[str, t.Any]) -> None:
    """Refuse what the agent or AWS would refuse later, when the old registration is gone already.

    Raises:
        EcsError: what is wrong and what is allowed.
    """
    region, activation_id, code = options["region"], options["activation_id"], options["activation_code"]
    if region is not None and not re.match(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}\Z", region):
        raise EcsError(f"region: {region!r} is no AWS Region. A Region is written as eu-west-1 or us-gov-west-1.")
    if activation_id is not None and not re.match(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", activation_id):
        raise EcsError(f"activation_id: {activation_id!r} is no activation's id, which is a UUID of 36 characters.")
    if code is not None and not re.match(r"[\x21-\x7e]{20,250}\Z", code):
        raise EcsError("activation_code: this is no activation's code, which has 20 to 250 characters and no spaces.")


def registration(host: Host, options: t.Mapping[str, t.Any], check: bool) -> dict[str, t.Any]:
    """What the module ssm_registration does, from its options to its answer.

    Raises:
        EcsError: it cannot be reached; what is wrong, and what helps.
    """
    check_options(options)
    if not host.is_root():
        raise EcsError("The SSM agent's files belong to root: run with become: true.")
    if options["state"] == "absent":
        outcome = absent(host, options["agent_binary"], check)
    else:
        code = options["activation_code"]
        activation = Activation(options["activation_id"], code) if code else None
        outcome = present(host, Wish(options["region"], activation, options["force"], options["agent_binary"]), check)
    before, after = outcome.previous_instance_id, outcome.instance_id
    return {
        "changed": bool(outcome.changes),
        "instance_id": after,
        "previous_instance_id": before,
        "region": outcome.region,
        "restarted": outcome.restarted,
        "changes": outcome.changes,
        "diff": {
            "before": f"instance_id: {before}\n",
            "after": "".join(f"{words}\n" for words in outcome.changes) if check else f"instance_id: {after}\n",
        },
    }
