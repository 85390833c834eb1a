# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. External instances: plans carried out, and what came of them."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs, _ssm
from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance_plan as plans
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, NoAnswer, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import Instance, Lack, shown
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Plan

Result = t.Dict[str, t.Any]

REMEDY = "put right what AWS names, and run this again: it does what is left"

#: What AWS, or botocore before it, refuses a call for several hosts with when it may be about one of them. A missing
#: permission, throttling, or a fault of AWS's own would only be met again by each.
ABOUT_ONE = (
    "AttributeLimitExceededException",
    "ClientException",
    "InvalidParameterException",
    "ParamValidationError",
    "TargetNotFoundException",
)


class Run:
    """One run of the module: what it has done until now, and the hosts that AWS refused something for."""

    def __init__(self, aws: Aws, want: plans.Options, check_mode: bool) -> None:
        self.aws, self.want, self.check_mode = aws, want, check_mode
        self.changes: list[str] = []
        self.failed: dict[str, str] = {}
        """Why, by the id of the managed node."""
        self._diffs: list[Result] = []

    def carry_out(self, plan: Plan, instances: t.Iterable[Instance]) -> None:
        """Make the changes of a plan for these hosts; in check mode only note them.

        What AWS refuses for one host ends that host's changes, as a later one may count on an earlier one. Those of
        the others are made.
        """
        undone: set[str] = set()
        if self.check_mode:
            self.changes += plan.words()
        else:
            undone = self._execute(plan, instances)
        if plan.changes:
            gone = {*undone, *self.failed}
            before, after = ({k: v for k, v in some.items() if k not in gone} for some in (plan.before, plan.after))
            self._diffs.append(Plan(plan.changes, before, after).diff())

    def _execute(self, plan: Plan, instances: t.Iterable[Instance]) -> set[str]:
        """Make the changes; whom what was planned was not done for, as the changes name them."""
        undone: set[str] = set()
        nodes = {one: host.instance_id for host in instances for one in (host.instance_id, *host.arns)}
        left = plan.ordered()
        while left:
            nodes = {one: node for one, node in nodes.items() if node not in self.failed}
            planned = left.pop(0)
            change = plans.part(planned, nodes)
            done = self._make(change, left, nodes) if change else None
            undone.update({*plans.subjects(planned)}.difference(plans.subjects(done) if done else ()))
        return undone

    def _make(self, change: Change, later: list[Change], nodes: plans.Nodes) -> Change | None:
        """One call; what of the change needs no more care: it was done, or was put before ``later`` host by host."""
        try:
            call = functools.partial(self.aws.call, change.service, change.operation, change.resource, **change.params)
            answer = eventually(call, _ssm.is_busy)
            refused = _refusals(change, answer)
        except AwsError as error:
            if self._is_gone(change, error):
                self.changes.append(change.words)
                return change
            alone = plans.alone(change, nodes) if error.code in ABOUT_ONE else []
            if len(alone) > 1:  # AWS does not say which of them it is about
                later[:0] = alone
                return change
            struck = [change, *later] if isinstance(error, NoAnswer) else [change]
            refused = {one: str(error) for some in struck for one in plans.subjects(some)}
        self.failed.update({nodes[one]: why for one, why in refused.items() if one in nodes})
        done = plans.part(change, {one: node for one, node in nodes.items() if one not in refused})
        self.changes += [done.words] if done else []
        return done

    def _is_gone(self, change: Change, error: AwsError) -> bool:
        """Whether somebody else deregistered it, or this call did and its answer was lost: ECS refuses it then."""
        if change.operation != "DeregisterContainerInstance" or error.code not in ABOUT_ONE:
            return False
        try:
            return not _ecs.container_instances(self.aws, self.want.cluster, [change.resource])
        except AwsError:
            return False

    def done(self) -> Result:
        """What an error tells that ends the run anywhere."""
        return {"changed": bool(self.changes), "changes": self.changes}

    def result(self, instances: t.Iterable[Instance], missing: t.Iterable[Lack] = ()) -> Result:
        """What the module returns, with the hosts as they are now and what they lack."""
        hosts = list(instances)
        return {
            **self.done(),
            "diff": self._diffs or {"before": {}, "after": {}},
            "instances": [shown(one) for one in hosts],
            "missing": [one.shown() for one in [*missing, *self._lacks(hosts)]],
        }

    def _lacks(self, hosts: t.Iterable[Instance]) -> t.Iterator[Lack]:
        for one in hosts:
            if one.instance_id in self.failed:
                name = (one.node or {}).get("ComputerName")
                what = f"was not changed as wanted: {self.failed[one.instance_id]}"
                yield Lack(one.instance_id, name, "not_changed", what, REMEDY)

    def words(self) -> list[str]:
        """Which hosts AWS refused something for, and why; empty when there are none."""
        if not self.failed:
            return []
        nodes: dict[str, list[str]] = {}
        for node, why in sorted(self.failed.items()):
            nodes.setdefault(why, []).append(node)
        told = [why if all(one in why for one in some) else f"{', '.join(some)}: {why}" for why, some in nodes.items()]
        count = f"{len(self.failed)} of {len(self.want.ids)} external instances were not changed as wanted"
        return [f"{count}: {'; '.join(told)}"]


def _refusals(change: Change, answer: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Subject → why. ECS names what it could not do in the answer of a call that succeeds."""
    # The ARN may come in the short form, without the cluster.
    asked = {one.rpartition("/")[2]: one for one in plans.subjects(change)}
    refused: dict[str, str] = {}
    for one in answer.get("failures", []):
        arn = str(one.get("arn"))
        why = f"{change.service}:{change.operation} failed for {arn}: {one.get('reason')} {one.get('detail') or ''}"
        named = asked.get(arn.rpartition("/")[2])
        refused.update(dict.fromkeys([named] if named else asked.values(), why.strip()))
    return refused
