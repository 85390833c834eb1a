# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. External instances: look, wait, and do what the plans say."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _account, _ecs, _ssm
from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance_plan as plans
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import Instance, Lack, join, lacks
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance_run import Result, Run
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module

#: The pause between two looks grows by this factor up to this many seconds: 1,000 hosts are 40 calls a look.
GROWTH, LONGEST_PAUSE = 1.5, 30.0

TASKS_REMEDY = (
    "Tasks that belong to no service are not stopped by draining, and a service whose minimum healthy percent is 100 "
    "needs room elsewhere first: stop the tasks, or give them room, or use on_timeout=force (in the roles "
    "ecs_drain_on_timeout)"
)


def work(aws: Aws, module: Module) -> Result:
    """The module ``ecs_external_instance``."""
    want = plans.options(module.params)
    if not want.ids:
        return {"changed": False, "changes": [], "instances": [], "missing": []}
    _account.check(aws, want.account_id, want.arns)
    do = {"active": _up, "present": _up, "draining": _draining, "absent": _absent}[want.state]
    run = Run(aws, want, module.check_mode)
    try:
        return do(run)
    except EcsError as error:
        if "changed" in error.result:
            raise
        # AWS could not be asked any more: how the hosts are nobody knows, but what was done is known.
        raise EcsError(". ".join([*run.words(), str(error)]), **run.done()) from error


def look(aws: Aws, cluster: str, ids: t.Iterable[str], missing_cluster_ok: bool) -> list[Instance]:
    """The hosts as they are now, one :class:`Instance` for each id.

    :raises EcsError: when there is no such cluster, unless that is ok: then no host is in it
    """
    ids = list(ids)
    try:
        containers = _ecs.container_instances(aws, cluster, ids)
    except AwsError as error:
        if not _ecs.cluster_is_missing(error):
            raise
        if not missing_cluster_ok:
            raise EcsError(
                f"there is no cluster {cluster} in the Region {aws.region}: create it, or set cluster"
            ) from error
        containers = []
    strange = [one["containerInstanceArn"] for one in containers if not one["ec2InstanceId"].startswith("mi-")]
    if strange:
        raise EcsError(f"no external instances, but EC2's: {', '.join(strange)}")
    found = {one["containerInstanceArn"] for one in containers}
    nodes = {one for one in ids if not one.startswith("arn:")} | {one["ec2InstanceId"] for one in containers}
    unknown = [one for one in ids if one.startswith("arn:") and one not in found]
    return join(_ssm.managed_nodes(aws, nodes), containers, [*nodes, *unknown])


def poll(
    again: t.Callable[[], bool],
    timeout: float,
    pause: float,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
) -> bool:
    """Call ``again`` until it is true or ``timeout`` seconds have gone, pausing longer and longer; the last answer."""
    end = clock() + timeout
    while not again():
        left = end - clock()
        if left <= 0:
            return False
        sleep(min(pause, left))
        pause = min(pause * GROWTH, max(pause, LONGEST_PAUSE))
    return True


def _up(run: Run) -> Result:
    aws, want = run.aws, run.want
    seen: dict[str, Instance] = {}
    waiting = set(want.ids)

    def up() -> bool:
        found = look(aws, want.cluster, waiting, missing_cluster_ok=run.check_mode)
        seen.update({key: one for one in found for key in _keys(one, waiting)})
        ready = {key for one in found if not lacks(one, aws.region, want.cluster) for key in _keys(one, waiting)}
        waiting.difference_update(ready)
        return not waiting

    poll(up, 0 if run.check_mode else want.patience, want.poll_interval)
    instances = _unique(seen)
    plan = plans.plan_active(instances, want)
    run.carry_out(plan, instances)
    if plan.changes and not run.check_mode:
        instances = look(aws, want.cluster, want.ids, missing_cluster_ok=False)
    missing = [lack for one in instances for lack in lacks(one, aws.region, want.cluster)]
    too_late = [_not_up(missing, len(instances), want)] if missing and want.wait and not run.check_mode else []
    return _ended(run, [*too_late, *run.words()], instances, missing)


def _ended(run: Run, wrong: t.Sequence[str], instances: t.Iterable[Instance], missing: t.Iterable[Lack] = ()) -> Result:
    """The result; as an error when something was ``wrong``, in words."""
    result = run.result(instances, missing)
    if wrong:
        raise EcsError(". ".join(wrong), **result)
    return result


def _keys(instance: Instance, ids: t.Collection[str]) -> list[str]:
    """Which of ``ids`` mean this host: its own id, or the ARN of one of its container instances."""
    return [one for one in (instance.instance_id, *instance.arns) if one in ids]


def _unique(seen: t.Mapping[str, Instance]) -> list[Instance]:
    by_id = {one.instance_id: one for one in seen.values()}
    return [by_id[one] for one in sorted(by_id)]


def _not_up(missing: t.Sequence[Lack], count: int, want: plans.Options) -> str:
    """Each host with all that it lacks, then once for each kind of lack where to look."""
    by_host: dict[str, list[str]] = {}
    for lack in missing:
        by_host.setdefault(lack.host, []).append(lack.what)
    hosts = "; ".join(f"{one} {' and '.join(told)}" for one, told in by_host.items())
    remedies = "; ".join(f"{code}: {remedy}" for code, remedy in {one.code: one.remedy for one in missing}.items())
    return (
        f"{len(by_host)} of {count} external instances are not ready after {want.wait_timeout:g} s: {hosts}. "
        f"Where to look: {remedies}"
    )


def _draining(run: Run) -> Result:
    aws, want = run.aws, run.want
    instances = look(aws, want.cluster, want.ids, missing_cluster_ok=False)
    missing = [lack for one in instances if not one.container for lack in lacks(one, aws.region, want.cluster)]
    wrong = []
    if missing:
        names = ", ".join(sorted({one.instance_id for one in missing}))
        wrong.append(f"cannot drain what is not in the cluster {want.cluster}: {names}")
    instances, busy, drain = _drained(run, instances)
    if busy and want.wait and want.on_timeout != "force":
        _give_up(run, drain, busy)
        wrong.append(_busy_words(want, busy))
        missing += _busy_lacks(run, busy)
    return _ended(run, [*wrong, *run.words()], instances, missing)


def _absent(run: Run) -> Result:
    want = run.want
    instances = [one for one in look(run.aws, want.cluster, want.ids, missing_cluster_ok=True) if one.container]
    busy: list[Instance] = []
    drain = Plan()
    if not want.force:
        instances, busy, drain = _drained(run, instances)
    stays = [] if want.on_timeout == "force" else [one.instance_id for one in busy]
    forced = {one.instance_id for one in (instances if want.force else busy)}
    going = [one for one in instances if one.instance_id not in {*stays, *run.failed}]
    for force in (False, True):
        some = [one for one in going if (one.instance_id in forced) == force]
        run.carry_out(plans.plan_deregister(some, want, force), some)
    if stays:
        _give_up(run, drain, busy)
    wrong, missing = ([_busy_words(want, busy)], _busy_lacks(run, busy)) if stays else ([], [])
    return _ended(run, [*wrong, *run.words()], instances, missing)


def _drained(run: Run, instances: t.Sequence[Instance]) -> tuple[list[Instance], list[Instance], Plan]:
    """Drain, and wait until no task is left: all the hosts as they are then, those with tasks, and what was planned.

    Who is not in the cluster, or was refused, is not waited for.
    """
    want = run.want
    drain = plans.plan_draining(instances, want)
    run.carry_out(drain, instances)
    seen = {one.instance_id: one for one in instances}
    there = [one for one in instances if one.container and one.instance_id not in run.failed]
    busy = {one.instance_id for one in there if not run.check_mode and (one.tasks or drain.changes)}

    def empty() -> bool:
        if busy:
            seen.update({one.instance_id: one for one in look(run.aws, want.cluster, busy, missing_cluster_ok=True)})
        busy.intersection_update({one.instance_id for one in seen.values() if one.tasks})
        return not busy

    poll(empty, want.patience, want.poll_interval)
    return list(seen.values()), [seen[one] for one in sorted(busy)], drain


def _give_up(run: Run, drain: Plan, busy: t.Iterable[Instance]) -> None:
    """With ``on_timeout: reactivate`` those that this run has set to DRAINING become ACTIVE again."""
    ours = [one for one in busy if one.instance_id in drain.before]
    if run.want.on_timeout == "reactivate" and ours:
        run.carry_out(plans.plan_reactivate(ours, run.want), ours)


def _busy_lacks(run: Run, busy: t.Iterable[Instance]) -> list[Lack]:
    now = {"reactivate": "; it is ACTIVE again if this run has drained it", "fail": "; it stays DRAINING"}
    return [
        Lack(
            one.instance_id,
            (one.node or {}).get("ComputerName"),
            "has_tasks",
            # Where it could not be given back, that is told as well.
            f"{_tasks_words(one)} after {run.want.patience:g} s"
            + ("" if one.instance_id in run.failed else now[run.want.on_timeout]),
            TASKS_REMEDY,
        )
        for one in busy
    ]


def _busy_words(want: plans.Options, busy: t.Iterable[Instance]) -> str:
    told = [f"{one.instance_id} {_tasks_words(one)}" for one in busy]
    now = {"reactivate": "those drained by this run are ACTIVE again", "fail": "they stay DRAINING"}[want.on_timeout]
    return f"not empty after {want.patience:g} s: {'; '.join(told)}; {now}. {TASKS_REMEDY}"


def _tasks_words(one: Instance) -> str:
    return f"has {one.tasks} tasks" + ("" if one.connected else " and its agent is not connected")
