# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. External instances: look, wait, and do what the plans say."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs, _ssm
from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance_plan as plans
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import Instance, Lack, join, lacks, shown
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan, apply

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module

Result = t.Dict[str, t.Any]

#: The pause between two looks grows by this factor up to this many seconds: 1,000 hosts are 40 calls a look.
GROWTH, LONGEST_PAUSE = 1.5, 30.0


def work(aws: Aws, module: Module) -> Result:
    """The module ``ecs_external_instance``."""
    want = plans.options(module.params)
    if not want.ids:
        return {"changed": False, "changes": [], "instances": [], "missing": []}
    do = {"active": _up, "present": _up, "draining": _draining, "absent": _absent}[want.state]
    return do(aws, want, module.check_mode)


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


def execute(aws: Aws, plan: Plan) -> None:
    """Execute a plan. ECS names what it could not do in the answer of a call that succeeds.

    :raises EcsError: with these names
    """
    for answer in apply(plan, aws):
        failures = [
            f"{one.get('arn')}: {one.get('reason')} {one.get('detail') or ''}" for one in answer.get("failures", [])
        ]
        if failures:
            raise EcsError(f"ECS could not do it for {'; '.join(failures)}")


def _result(plans_made: t.Iterable[Plan], instances: t.Iterable[Instance], missing: t.Iterable[Lack]) -> Result:
    made = list(plans_made)
    words = [sentence for plan in made for sentence in plan.words()]
    return {
        "changed": bool(words),
        "changes": words,
        "diff": [plan.diff() for plan in made if plan.changes] or {"before": {}, "after": {}},
        "instances": [shown(one) for one in instances],
        "missing": [one.shown() for one in missing],
    }


def _up(aws: Aws, want: plans.Options, check_mode: bool) -> Result:
    seen: dict[str, Instance] = {}
    waiting = set(want.ids)

    def up() -> bool:
        found = look(aws, want.cluster, waiting, missing_cluster_ok=check_mode)
        seen.update({key: one for one in found for key in _keys(one, waiting)})
        ready = {key for one in found if not lacks(one, aws.region, want.cluster) for key in _keys(one, waiting)}
        waiting.difference_update(ready)
        return not waiting

    poll(up, 0 if check_mode else want.patience, want.poll_interval)
    instances = _unique(seen)
    plan = plans.plan_active(instances, want)
    if plan.changes and not check_mode:
        execute(aws, plan)
        instances = look(aws, want.cluster, want.ids, missing_cluster_ok=False)
    missing = [lack for one in instances for lack in lacks(one, aws.region, want.cluster)]
    result = _result([plan], instances, missing)
    if missing and want.wait and not check_mode:
        raise EcsError(_not_up(missing, len(instances), want), **result)
    return result


def _keys(instance: Instance, ids: t.Collection[str]) -> list[str]:
    """Which of ``ids`` mean this host: its own id, or the ARN of one of its container instances."""
    arns = [one["containerInstanceArn"] for one in (instance.container, *instance.duplicates) if one]
    return [one for one in (instance.instance_id, *arns) if one in ids]


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


def _draining(aws: Aws, want: plans.Options, check_mode: bool) -> Result:
    instances = look(aws, want.cluster, want.ids, missing_cluster_ok=check_mode)
    missing = [lack for one in instances if not one.container for lack in lacks(one, aws.region, want.cluster)]
    if missing and not check_mode:
        names = ", ".join(sorted({one.instance_id for one in missing}))
        raise EcsError(
            f"cannot drain what is not in the cluster {want.cluster}: {names}", **_result([], instances, missing)
        )
    made = [plans.plan_draining(instances, want)]
    if not check_mode:
        execute(aws, made[0])
        instances, busy = _drained(aws, want, made[0], instances)
        if busy and want.wait and want.on_timeout != "force":
            made += _given_up(aws, want, made[0], busy)
            raise EcsError(_busy_words(want, busy), **_result(made, instances, missing))
    return _result(made, instances, missing)


def _absent(aws: Aws, want: plans.Options, check_mode: bool) -> Result:
    before = [one for one in look(aws, want.cluster, want.ids, missing_cluster_ok=True) if one.container]
    made = [] if want.force else [plans.plan_draining(before, want)]
    instances: list[Instance] = before
    busy: list[Instance] = []
    if made and not check_mode:
        execute(aws, made[0])
        instances, busy = _drained(aws, want, made[0], before)
    by_force = want.force or want.on_timeout == "force"
    stays = set() if by_force else {one.instance_id for one in busy}
    going = [one for one in instances if one.instance_id not in stays]
    forced = {one.instance_id for one in (instances if want.force else busy)}
    for force in (False, True):
        made.append(plans.plan_deregister([one for one in going if (one.instance_id in forced) == force], want, force))
        if not check_mode:
            execute(aws, made[-1])
    if stays:
        made += _given_up(aws, want, made[0], busy)
        raise EcsError(_busy_words(want, busy), **_result(made, instances, []))
    return _result(made, instances, [])


def _drained(
    aws: Aws, want: plans.Options, drain: Plan, instances: t.Sequence[Instance]
) -> tuple[list[Instance], list[Instance]]:
    """Wait until no task is left after ``drain``: all the hosts as they are then, and those with tasks."""
    seen = {one.instance_id: one for one in instances}
    busy = {one.instance_id for one in instances if one.tasks or drain.changes}

    def empty() -> bool:
        if busy:
            seen.update({one.instance_id: one for one in look(aws, want.cluster, busy, missing_cluster_ok=True)})
        busy.intersection_update({one.instance_id for one in seen.values() if one.tasks})
        return not busy

    poll(empty, want.patience, want.poll_interval)
    return list(seen.values()), [seen[one] for one in sorted(busy)]


def _given_up(aws: Aws, want: plans.Options, drain: Plan, busy: t.Iterable[Instance]) -> list[Plan]:
    """With ``on_timeout: reactivate`` those that this run has set to DRAINING become ACTIVE again."""
    ours = [one for one in busy if one.instance_id in drain.before]
    if want.on_timeout != "reactivate" or not ours:
        return []
    plan = plans.plan_reactivate(ours, want)
    execute(aws, plan)
    return [plan]


def _busy_words(want: plans.Options, busy: t.Iterable[Instance]) -> str:
    told = [
        f"{one.instance_id} has {one.tasks} tasks" + ("" if one.connected else " and its agent is not connected")
        for one in busy
    ]
    now = {"reactivate": "those drained by this run are ACTIVE again", "fail": "they stay DRAINING"}[want.on_timeout]
    return (
        f"not empty after {want.patience:g} s: {'; '.join(told)}; {now}. Tasks that belong to no service are not "
        "stopped by draining, and a service whose minimum healthy percent is 100 needs room elsewhere first: stop the "
        "tasks, or give them room, or use on_timeout=force"
    )
