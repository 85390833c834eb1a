# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the modules' documentation run as they are, and what comes back is what RETURN says.

The modules for hosts change the host they run on: their examples are run on the test hosts, and only their syntax is
looked at here.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest
from module_docs import aws_modules, broken_promises, modules, section
from runner import REGION, Playbooks

NODES = ["mi-0123456789abcdef0", "mi-0123456789abcdef1"]


@dataclass
class Prepared:
    """What an example takes for granted."""

    seed: dict[str, Any] = field(default_factory=dict)
    """The account, as the emulator's control API takes it."""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    """Tasks before."""
    variables: dict[str, Any] = field(default_factory=dict)


def _instances(cluster: str) -> dict[str, Any]:
    """The two nodes that the examples name, online and connected in a cluster."""
    online = {"Region": REGION, "IamRole": "ecsAnywhereRole", "PingStatus": "Online"}
    connected = {"Region": REGION, "cluster": cluster, "agentConnected": True}
    return {
        "nodes": [{"InstanceId": node, **online} for node in NODES],
        "container_instances": [{"InstanceId": node, **connected} for node in NODES],
    }


ROLE = {"name": "The role that nodes get", "onprem.ecs.ecs_iam_role": {"kind": "anywhere"}}
PREPARATIONS = {
    "ecs_external_instance": Prepared(seed=_instances("edge")),
    "ecs_external_instance_info": Prepared(seed=_instances("edge")),
    "ssm_activation": Prepared(tasks=[ROLE]),
    "ssm_activation_info": Prepared(tasks=[ROLE, {"onprem.ecs.ssm_activation": {"iam_role": "ecsAnywhereRole"}}]),
    "ssm_managed_node": Prepared(seed=_instances("edge"), tasks=[ROLE]),
    "ssm_managed_node_info": Prepared(seed=_instances("edge")),
}


def _examples(module: str) -> list[dict[str, Any]]:
    """The tasks of a module's examples, without what hides a result."""
    tasks: list[dict[str, Any]] = copy.deepcopy(section(module, "EXAMPLES"))
    for task in tasks:
        task.pop("no_log", None)
    return tasks


@pytest.mark.parametrize("module", aws_modules())
def test_aws_examples(module: str, playbooks: Playbooks) -> None:
    prepared = PREPARATIONS.get(module, Prepared())
    playbooks.emulator("POST", "seed", prepared.seed)
    done = playbooks.run([playbooks.local([*prepared.tasks, *_examples(module)], vars=prepared.variables)])
    assert done.code == 0, done.explain()
    ran = [result for result in done.results if result["action"] == f"onprem.ecs.{module}"]
    shown = [task for task in _examples(module) if f"onprem.ecs.{module}" in task]
    assert len(ran) >= len(shown) > 0
    assert [words for result in ran for words in broken_promises(module, result)] == []


def test_what_the_look_at_a_host_returns(playbooks: Playbooks) -> None:
    """It changes nothing, so any machine will do."""
    options = {"region": REGION, "files": ["/etc/os-release", "/no/such/file"]}
    done = playbooks.run([playbooks.local([{"name": "Look", "onprem.ecs.ecs_host_info": options}])])
    assert done.code == 0, done.explain()
    assert broken_promises("ecs_host_info", done.named("Look")) == []


def test_host_examples_have_the_right_syntax(playbooks: Playbooks) -> None:
    plays = [playbooks.local(section(module, "EXAMPLES")) for module in modules() if module not in aws_modules()]
    assert plays
    done = playbooks.run(plays, "--syntax-check")
    assert done.code == 0, done.text
