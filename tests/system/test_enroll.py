# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an empty account and two bare hosts to two external instances, and no further; no secret is left anywhere."""

from __future__ import annotations

import json
import shlex
from secrets import token_hex

import pytest
from readme_blocks import commands, controller_actions

from system.conftest import Enrolled
from system.controller import CLUSTER, differences, instances_up
from system.searching import files_with, found_on, spellings

pytestmark = pytest.mark.lab
HOSTS = ("node1.example.com", "node2.example.com")
NAMES = ("node1", "node2")


def test_check_mode_on_an_empty_account_says_what_it_would_do(enrolled: Enrolled) -> None:
    run = enrolled.checked.run
    assert run.code == 0, run.text
    for host in HOSTS:
        assert run.recap[host]["changed"] > 0
        assert run.recap[host]["failed"] == run.recap[host]["unreachable"] == 0
    for words in (
        "install Docker of the distribution",
        "install the SSM agent (latest) after checking its signature",
        "register with Systems Manager in eu-west-1",
        "install the ECS agent (latest) after checking its signature",
        f"join cluster {CLUSTER} as an external instance",
    ):
        assert run.words.count(words) >= len(HOSTS), words
    # The account's part, as a difference.
    assert "ecsAnywhereRole" in run.words
    assert "ssm.amazonaws.com" in run.words
    assert CLUSTER in run.words


def test_check_mode_touches_nothing(enrolled: Enrolled) -> None:
    assert enrolled.checked.calls.writes == {}
    assert enrolled.checked.calls.reads > 0
    assert differences(enrolled.bare, enrolled.checked.footprint) == []


def test_both_hosts_come_up(enrolled: Enrolled) -> None:
    run = enrolled.first.run
    assert run.code == 0, run.text[-6000:]
    instances_up(enrolled.controller, *NAMES)


def test_the_account_is_written_to_once(enrolled: Enrolled) -> None:
    writes = enrolled.first.calls.writes
    assert writes["iam:CreateRole"] == writes["ecs:CreateCluster"] == 1
    assert writes["ssm:CreateActivation"] == writes["ssm:DeleteActivation"] == 1


def test_the_info_module_shows_them_as_aws_does(enrolled: Enrolled) -> None:
    answer = enrolled.controller.ask("onprem.ecs.ecs_external_instance_info", cluster=CLUSTER)
    shown = {one["computer_name"]: one for one in answer["instances"]}
    assert sorted(shown) == sorted(NAMES)
    for one in shown.values():
        assert one["ping_status"] == "Online"
        assert one["ecs_status"] == "ACTIVE"
        assert one["agent_connected"] is True
        assert one["cluster"] == CLUSTER
        assert one["iam_role"] == "ecsAnywhereRole"
        assert one["name"] == one["tags"]["Name"] == f"{one['computer_name']}.example.com", "as in the inventory"
    members = {
        one["ec2InstanceId"]: one["containerInstanceArn"] for one in enrolled.controller.state()["container_instances"]
    }
    assert {one["instance_id"]: one["container_instance_arn"] for one in shown.values()} == members


def test_the_hosts_offer_ecs_exec(enrolled: Enrolled) -> None:
    for one in enrolled.controller.state()["container_instances"]:
        assert "ecs.capability.execute-command" in {attribute["name"] for attribute in one["attributes"]}


@pytest.mark.parametrize("name", ["second", "checked_again"])
def test_a_run_with_nothing_to_do_does_nothing(enrolled: Enrolled, name: str) -> None:
    step = getattr(enrolled, name)
    assert step.run.code == 0, step.run.text
    assert step.run.changed() == dict.fromkeys(HOSTS, 0), step.run.text
    assert step.calls.writes == {}
    assert differences(enrolled.first.footprint, step.footprint) == []


def test_the_calls_of_a_run_with_nothing_to_do_do_not_grow_with_the_hosts(enrolled: Enrolled) -> None:
    assert enrolled.one_host.run.code == 0, enrolled.one_host.run.text
    assert enrolled.one_host.run.changed() == {HOSTS[0]: 0}
    assert enrolled.one_host.calls.by_name == enrolled.second.calls.by_name
    assert enrolled.one_host.calls.reads > 0


def test_the_permissions_in_readme_are_enough(enrolled: Enrolled) -> None:
    used = {name for step in enrolled.every_step for name in step.calls.by_name}
    # Whoever has a key may ask whose it is: AWS wants no permission for that.
    assert used - {"sts:GetCallerIdentity"} <= controller_actions()
    assert {"ssm:CreateActivation", "ecs:CreateCluster"} <= used


@pytest.mark.parametrize("name", ["checked", "second"])
def test_ansible_warns_of_nothing(enrolled: Enrolled, name: str) -> None:
    text = getattr(enrolled, name).run.text
    assert [line for line in text.splitlines() if line.startswith(("[WARNING]", "[DEPRECATION"))] == []


# A playbook of the user's own -------------------------------------------------------------------------------------


def test_a_playbook_of_ones_own(enrolled: Enrolled) -> None:
    user = enrolled.controller
    (command,) = (shlex.split(line) for line in commands() if line.endswith(" enroll.yml"))
    run = user.run([*command, *enrolled.connect])
    assert run.code == 0, run.text
    instances_up(user, "node1", "node2")
    for one in user.state()["container_instances"]:
        attributes = {attribute["name"]: attribute.get("value") for attribute in one["attributes"]}
        assert attributes["site"] == "berlin"
        assert {"key": "owner", "value": "platform"} in one["tags"]

    user.forget_calls()
    run = user.run([*command, *enrolled.connect])
    assert run.code == 0, run.text
    assert set(run.changed().values()) == {0}, run.text
    assert user.calls().writes == {}


# The activation code, and the controller's own key, are nowhere but where they must be ------------------------------


@pytest.fixture(scope="module")
def codes(enrolled: Enrolled) -> list[str]:
    """The codes of all activations that there ever were; there is no test without one."""
    codes = enrolled.controller.codes()
    assert len(codes) == 1
    assert all(len(code) >= 20 for code in codes)
    return codes


def test_the_code_is_in_no_output(enrolled: Enrolled, codes: list[str]) -> None:
    """Not even with -vvvv and --diff."""
    text = enrolled.first.run.text
    assert "ESTABLISH SSH CONNECTION" in text, "this was not run with -vvvv"
    for spelling in spellings(codes[0]):
        assert spelling not in text


def test_the_code_is_in_no_file_of_the_controller(enrolled: Enrolled, codes: list[str]) -> None:
    """Not in the log, the facts that Ansible keeps, its temporary files or any other file of the user."""
    user = enrolled.controller
    assert (user.home / "ansible.log").stat().st_size > 10_000
    assert files_with(codes, user.files()) == []


def test_the_code_is_nowhere_on_the_hosts(enrolled: Enrolled, codes: list[str]) -> None:
    for host in enrolled.controller.lab.hosts():
        assert found_on(host, codes) == [], host.name


def test_the_key_of_the_controller_is_nowhere_on_the_hosts(enrolled: Enrolled) -> None:
    env = enrolled.controller.lab.env()
    for host in enrolled.controller.lab.hosts():
        assert found_on(host, [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]]) == [], host.name


def test_the_searches_find_what_is_there(enrolled: Enrolled) -> None:
    """The last one, as it puts into the files, the processes and the journal of a host what must not be there."""
    user = enrolled.controller
    host = user.lab.host("node1")
    secret = f"not/a+code-{token_hex(8)}"
    host.run("cat > /var/lib/planted", stdin=json.dumps({"code": secret}), check=True)
    host.run("base64 -w0 > /home/ansible/planted", stdin=f"x{secret}y", check=True)
    host.run("systemd-cat --identifier=planted; journalctl --sync", stdin=secret, check=True)
    start = "secret=$(cat); setsid sh -c 'sleep 60; :' \"$secret\" >/dev/null 2>&1 & echo $!"
    process = host.run(start, stdin=secret, check=True).stdout.strip()
    found = found_on(host, [secret])
    host.run(f"kill {process}; rm /var/lib/planted /home/ansible/planted")
    assert {"/var/lib/planted", "/home/ansible/planted", "journal", f"/proc/{process}/cmdline"} <= set(found)
    (user.home / "planted").write_text(f"code: {secret}")
    assert files_with([secret], user.files()) == [str(user.home / "planted")]
