# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The work of the modules that keep roles: one role, or many at once.

For each role: look, plan, check that the plan can be carried out. Only when that went well for all of them is the first
call made that changes something.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _iam_apply,
    _iam_guard,
    _iam_pass_role,
    _iam_plan,
    _iam_read,
    _iam_wanted,
    _policy,
)
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, Module
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Options
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._parallel import each
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan

Result = t.Dict[str, t.Any]


@dataclass
class Job:
    """One role in a run: what was asked for, how it was at first, and what has been done."""

    options: Options
    first: dict[str, t.Any] | None = None
    """The sections of the role when it was first looked at."""
    done: list[str] = field(default_factory=list)
    """The words of each change that was made."""


@dataclass
class Look:
    """A role as one round has found it, and what is to be done."""

    job: Job
    wanted: Wanted
    found: Found | None
    role: Plan
    passing: Plan

    @property
    def plan(self) -> Plan:
        """All of it."""
        return self.role + self.passing


def manage_role(aws: Aws, module: Module) -> Result:
    """The work of the module ``ecs_iam_role``."""
    _iam_wanted.check(module.params, aws.region_or_none or "")
    return _manage(aws, module, [Job(module.params)])[0]


def manage_baseline(aws: Aws, module: Module) -> Result:
    """The work of the module ``ecs_iam_baseline``.

    :raises EcsError: an entry is wrong, or two are about the same role
    """
    roles = module.params["roles"]
    _iam_wanted.check_all(roles, aws.region_or_none or "")
    results = _manage(aws, module, [Job(options) for options in roles])
    diffs = {
        _iam_wanted.role_name(options): result["diff"]
        for options, result in zip(roles, results)
        if any(result["diff"].values())
    }
    return {
        "changed": any(result["changed"] for result in results),
        "changes": [words for result in results for words in result["changes"]],
        "diff": {side: {name: diff[side] for name, diff in diffs.items()} for side in ("before", "after")},
        "iam_roles": [result["iam_role"] for result in results],
    }


def _manage(aws: Aws, module: Module, jobs: t.Sequence[Job]) -> list[Result]:
    """Make the roles what is wanted; the result of each.

    :raises EcsError: an option is wrong, a change is refused, or AWS refuses a call
    """
    # Made here: what is wrong with the profile or the keys ends the module, and in threads would do so several times.
    aws.client("iam")
    try:
        return _iam_apply.replanned(lambda: _round(aws, module, jobs))
    except EcsError as error:
        # A refusal may come in a later round as well, when something was done before.
        done = [words for job in jobs for words in job.done]
        error.result.update(changed=bool(done), changes=done)
        raise


def _round(aws: Aws, module: Module, jobs: t.Sequence[Job]) -> list[Result]:
    """Look, plan and do it, once."""
    looks = each(lambda job: _look(aws, module, job), jobs)
    _check_principals(aws, module, looks)
    for look in looks:
        if look.job.first is None:
            look.job.first = dict(look.plan.before)
    if not module.check_mode:
        each(lambda look: _apply(aws, look), looks)
        # A role that passes another one may have been made just now.
        each(lambda look: _iam_apply.execute(aws, look.passing, look.job.done, fresh=True), looks)
    return [_result(look, _passed_to(look, looks), module.check_mode) for look in looks]


def _look(aws: Aws, module: Module, job: Job) -> Look:
    options = job.options
    profiles = options["state"] == "absent" or bool(_iam_wanted.profile_name(options))
    found = _iam_read.read(aws, _iam_wanted.role_name(options), profiles)
    where = _iam_read.where(aws, options, found)
    wanted = _iam_wanted.wanted(options, where)
    plan = _plan(aws, module, options, wanted, found)
    if plan.changes and found is not None:
        _protect(aws, module, options, wanted, found, plan=plan)
    shall = _iam_wanted.pass_role(options, found.role["Arn"] if found else wanted.arn, where)
    held = _iam_read.documents_of_principals(aws, shall, _iam_pass_role.policy_name(wanted.name))
    return Look(job, wanted, found, plan, _iam_pass_role.plan(wanted.name, shall, held))


def _plan(aws: Aws, module: Module, options: Options, wanted: Wanted, found: Found | None) -> Plan:
    if options["state"] == "absent":
        return _iam_plan.absent(wanted, found, _iam_read.empty_profiles(aws, wanted, found))
    plan = _iam_plan.present(wanted, found, _iam_read.existing_profiles(aws, wanted, found))
    for arn in _iam_read.missing_policies(aws, plan):
        words = f"the managed policy {arn} does not exist"
        if ":iam::aws:" not in arn and module.check_mode:
            module.warn(f"{words}; role {wanted.name} cannot have it unless a task before makes it")
            continue
        raise EcsError(
            f"{words}. A policy of AWS that is not in the catalogue is named by its ARN "
            "(arn:aws:iam::aws:policy/...), an own one with a path by path/name"
        )
    return plan


def _protect(aws: Aws, module: Module, options: Options, wanted: Wanted, found: Found, *, plan: Plan) -> None:
    """Refuse what would break running work, or warn of it when the user wants it all the same.

    In check mode a task before may be going to make a policy: a warning then, when all depends on what it allows.

    :raises EcsError: names who uses the role and the way out
    """
    try:
        use = _iam_guard.find_use(aws, options, wanted, found)
        missing = _iam_read.missing_policies(aws, plan) if use and module.check_mode else []
        sure = _iam_guard.find_use(aws, options, _iam_guard.at_best(wanted, missing), found) if missing else use
    except EcsError as error:
        if options["protect"]:
            raise
        # Who said that use does not matter needs no permission, and no Region, to look for it.
        module.warn(f"role {wanted.name}: whether it is in use could not be found out, and protect is false: {error}")
        return
    if sure and options["protect"]:
        raise EcsError(sure.refusal(wanted.name))
    if sure:
        module.warn(sure.warning(wanted.name))
    elif use:
        module.warn(f"role {wanted.name}: {use.users}, unless {' and '.join(missing)} allows it once it is there")


def _check_principals(aws: Aws, module: Module, looks: t.Sequence[Look]) -> None:
    """Who gets a policy is there, or is made in the same run: asked before the first write.

    In check mode a task before may be going to make it: a warning then.

    :raises EcsError: names who is not
    """
    made = {Principal("role", look.wanted.name) for look in looks if look.job.options["state"] == "present"}
    asked = {
        Principal(kind, name)
        for look in looks
        for change in look.passing.changes
        if change.operation.startswith("Put")
        for kind, name in [change.resource.split(" ", 1)]
    }
    for principal in sorted(asked - made, key=str):
        if _iam_read.is_there(aws, principal):
            continue
        words = f"pass_role_to: there is no {principal}"
        if not module.check_mode:
            raise EcsError(f"{words}; create it first, or leave it out")
        module.warn(f"{words}; the task fails unless a task before makes it")


def _apply(aws: Aws, look: Look) -> None:
    """Carry out what concerns the role itself."""
    untouched = not look.job.done
    answers = _iam_apply.execute(aws, look.role, look.job.done)
    if "CreateRole" in answers:
        look.found = Found({**answers["CreateRole"]["Role"], "AssumeRolePolicyDocument": look.wanted.trust})
    elif untouched and _made_meanwhile(look):
        look.job.done.insert(0, f"create role {look.wanted.name}: another controller did, while this task ran")


def _made_meanwhile(look: Look) -> bool:
    """True when the role that is wanted is there now, and was not at first."""
    return look.found is not None and "role" not in (look.job.first or {}) and look.job.options["state"] == "present"


def _passed_to(look: Look, looks: t.Sequence[Look]) -> dict[str, t.Any]:
    """The inline policies that a role holds in the end: its own, and what other roles of the list give it."""
    inline = dict(_iam_plan.becomes(look.wanted, look.found).inline)
    for change in (change for other in looks for change in other.passing.changes):
        if change.resource == f"role {look.wanted.name}" and "PolicyDocument" in change.params:
            inline[change.params["PolicyName"]] = _policy.parse(change.params["PolicyDocument"], change.words)
        elif change.resource == f"role {look.wanted.name}":
            inline.pop(change.params["PolicyName"], None)
    return inline


def _result(look: Look, inline: t.Mapping[str, t.Any], check_mode: bool) -> Result:
    """The role as it is after the plan, done or not."""
    words = look.role.words() + look.passing.words() if check_mode else look.job.done
    diff = Plan(look.plan.changes, look.job.first or {}, look.plan.after).diff()
    if not words and any(diff.values()):
        verb = "delete" if "role" in diff["before"] and "role" not in diff["after"] else "change"
        words = [f"{verb} role {look.wanted.name}: {_iam_apply.MEANWHILE}"]
    present = look.job.options["state"] == "present"
    role = _iam_read.shown(replace(_iam_plan.becomes(look.wanted, look.found), inline=inline)) if present else {}
    return {"changed": bool(words), "changes": list(words), "diff": diff, "iam_role": role}
