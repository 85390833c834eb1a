# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages for users show is so. On real hosts the playbook of README is run by the system tests."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from ansible.module_utils.basic import missing_required_lib
from readme_blocks import KINDS, blocks, commands, controller_actions, every_block, pages, policy, write_files
from runner import COLLECTION, REGION, Playbooks, environment, program

from emulator.policies import Question, decide

#: Actions that are no operation of AWS's interface.
PERMISSIONS_ALONE = {"iam:PassRole"}
#: They fetch from the network.
NOT_RUN = ("ansible-galaxy collection install onprem.ecs", "python3 -m pip install ansible boto3")

PAGES = [str(page.relative_to(COLLECTION)) for page in pages()]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_a_kind(page: str) -> None:
    assert [block for block in every_block(COLLECTION / page) if block.kind not in KINDS] == []


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (COLLECTION / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {target for line in commands("make", page) for target in line.split()[1:]}
    text = (COLLECTION / page).read_text(encoding="utf-8")
    shown |= set(re.findall(r"`make ([a-z-]+)`", text))
    assert shown <= targets
    assert all(line.startswith("make ") for line in commands("make", page))


def test_commands_and_files(playbooks: Playbooks) -> None:
    """The collection is installed as README says; then the commands of all pages are right for the files shown."""
    folder = playbooks.folder
    build = [program("ansible-galaxy"), "collection", "build", "--output-path", str(folder / ".build"), str(COLLECTION)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    written = [path for page in PAGES for path in write_files(folder, page)]
    playbook_files = [path.name for path in written if isinstance(yaml.safe_load(path.read_text()), list)]
    shown = [line for page in PAGES for line in commands(page=page) if line not in NOT_RUN]
    for line in dict.fromkeys([*shown, f"ansible-playbook -i inventory.yml {' '.join(playbook_files)}"]):
        _run(line.replace(" --check --diff", ""), folder, playbooks.url)


def _run(line: str, folder: Path, aws: str) -> None:
    """Run a command of a user. Of a playbook only the syntax is checked, with the installed collection and no other."""
    name, *arguments = shlex.split(line)
    environ = {**environment(folder), "AWS_ENDPOINT_URL": aws, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    del environ["ANSIBLE_COLLECTIONS_PATH"]
    done = subprocess.run(
        [program(name), *arguments, *(["--syntax-check"] if name == "ansible-playbook" else [])],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"$ {line}\n{done.stdout}"


def test_files_of_all_pages_have_their_own_names() -> None:
    names = [block.name for page in PAGES for block in blocks("file", page)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", PAGES)
def test_variables_exist(page: str) -> None:
    """Each variable that a page names is one of a role or of a playbook."""
    known = {path.stem for path in [*COLLECTION.glob("plugins/modules/*.py"), *COLLECTION.glob("roles/*")]}
    for path in COLLECTION.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            known |= set(entry["options"])
    for path in COLLECTION.glob("playbooks/*.yml"):
        known |= set(re.findall(r"\becs_\w+", path.read_text(encoding="utf-8")))
    known |= {"ecs_active", "ecs_draining", "ecs_cluster_edge"}  # groups of the inventory
    for path in COLLECTION.glob("roles/*/tasks/*.yml"):
        known |= set(re.findall(r"register: (ecs_\w+)", path.read_text(encoding="utf-8")))
    text = (COLLECTION / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w./])ecs_[a-z0-9_]+", text))
    assert named <= known


class TestPermissions:
    """README's policy for whoever runs the playbook."""

    def test_actions_exist(self) -> None:
        session = botocore.session.get_session()
        known = {
            f"{service}:{operation}"
            for service in ("ecs", "iam", "ssm")
            for operation in session.get_service_model(service).operation_names
        }
        assert controller_actions() - PERMISSIONS_ALONE <= known

    def test_it_allows_what_is_done_for_the_account(self, playbooks: Playbooks) -> None:
        """The tasks of the role that call AWS, on an empty account, for a host that comes up meanwhile."""
        up = {"nodes": [NODE], "container_instances": [INSTANCE]}
        seed = {"url": f"{playbooks.url}/_emulator/seed", "method": "POST", "body_format": "json", "body": up}
        tasks = [
            {"ansible.builtin.set_fact": FACTS},
            _part("account.yml"),
            {"ansible.builtin.uri": seed},
            _part("clean.yml"),
            _part("prove.yml"),
        ]
        done = playbooks.run([playbooks.local(tasks, vars=VARIABLES)])
        assert done.code == 0, done.explain()
        calls = [entry for entry in playbooks.emulator("GET", "log") if entry["service"] != "sts"]
        made = {f"{entry['service']}:{entry['operation']}" for entry in calls}
        assert made >= {"iam:CreateRole", "ssm:CreateActivation", "ecs:CreateCluster", "ecs:PutAttributes"}
        assert "ssm:AddTagsToResource" in made
        questions = [question for entry in calls for question in _questions(entry)]
        assert [question for question in questions if decide([DOCUMENT], question) != "allow"] == []
        found = playbooks.emulator("GET", "state")["container_instances"]
        tags = {tag["key"]: tag["value"] for one in found for tag in one["tags"]}
        assert tags == {**FOREIGN_TAGS, "owner": "platform", "Name": "node1.example.com"}, "tags of others stay"

    def test_it_allows_a_move(self, playbooks: Playbooks) -> None:
        """A host is drained and deregistered in the cluster where it is."""
        up = {"nodes": [NODE], "container_instances": [INSTANCE]}
        playbooks.emulator("POST", "seed", up)
        leave = {"arn": NODE["InstanceId"], "place": {"region": REGION, "cluster": "shop"}}
        facts = {**FACTS, "__external_instance_want": {**FACTS["__external_instance_want"], "leave": leave}}
        tasks = [{"ansible.builtin.set_fact": facts}, _part("leave.yml")]
        done = playbooks.run([playbooks.local(tasks, vars=VARIABLES)])
        assert done.code == 0, done.explain()
        calls = [entry for entry in playbooks.emulator("GET", "log") if entry["service"] != "sts"]
        made = {f"{entry['service']}:{entry['operation']}" for entry in calls}
        assert made >= {"ecs:UpdateContainerInstancesState", "ecs:DeregisterContainerInstance"}
        questions = [question for entry in calls for question in _questions(entry)]
        assert [question for question in questions if decide([DOCUMENT], question) != "allow"] == []

    def test_a_role_with_a_path(self, playbooks: Playbooks) -> None:
        """It is made with the options of its entry, called with its path, and passed as the page says."""
        declared = {"kind": "anywhere", "name": "hosts", "path": "/factory/", "description": "Presses"}
        account = {**FACTS["__external_instance_want"]["account"], "iam_role": "factory/hosts"}
        want = {**FACTS["__external_instance_want"], "account": account}
        variables = {**VARIABLES, "ecs_iam_role": "factory/hosts"}
        for roles in ([declared], [{"kind": "anywhere"}]):  # the second time it is there, and in no entry
            tasks = [{"ansible.builtin.set_fact": {**FACTS, "__external_instance_want": want}}, _part("account.yml")]
            done = playbooks.run([playbooks.local(tasks, vars={**variables, "ecs_iam_roles": roles})])
            assert done.code == 0, done.explain()
        calls = playbooks.emulator("GET", "log")
        (role,) = [entry["params"] for entry in calls if entry["operation"] == "CreateRole"]
        assert (role["RoleName"], role["Path"], role["Description"]) == ("hosts", "/factory/", "Presses")
        made = [entry for entry in calls if entry["operation"] == "CreateActivation"]
        assert [entry["params"]["IamRole"] for entry in made] == ["factory/hosts"] * 2
        document = DOCUMENT.replace("role/ecsAnywhereRole", "role/factory/hosts")
        assert {decide([document], question) for question in _questions(made[0])} == {"allow"}

    def test_it_allows_nothing_that_only_looks_alike(self) -> None:
        other = "arn:aws:iam::123456789012:role/Administrator"
        for question in (
            Question("iam:PassRole", other, {"iam:PassedToService": "ssm.amazonaws.com"}),
            Question("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
            Question("iam:AttachRolePolicy", ROLE, {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            Question("iam:UpdateAssumeRolePolicy", other),
            Question("ecs:DeleteCluster", "*"),
        ):
            assert decide([DOCUMENT], question) == "none", question


ROLE = "arn:aws:iam::123456789012:role/ecsAnywhereRole"
ROLE_OPTIONS: dict[str, Any] = yaml.safe_load(
    (COLLECTION / "roles/external_instance/defaults/main.yml").read_text(encoding="utf-8")
)
VARIABLES = {**ROLE_OPTIONS, "ecs_region": REGION, "ecs_cluster": "shop"}
DOCUMENT = json.dumps(policy("controller"))
NODE = {"InstanceId": "mi-0123456789abcdef0", "Region": REGION, "IamRole": "ecsAnywhereRole", "PingStatus": "Online"}
FOREIGN_TAGS = {"cost-centre": "4711"}
INSTANCE = {
    "InstanceId": NODE["InstanceId"],
    "Region": REGION,
    "cluster": "shop",
    "agentConnected": True,
    "tags": FOREIGN_TAGS,
}
FACTS: dict[str, Any] = {
    "__external_instance_call": "now",
    "__external_instance_want": {
        "call": "now",
        "host": "node1.example.com",
        "account": {"region": REGION, "iam_role": "ecsAnywhereRole", "tags": {"owner": "platform"}},
        "place": {"region": REGION, "cluster": "shop", "attributes": {"site": "berlin"}, "tags": {"owner": "platform"}},
        "name": "node1.example.com",
        "register": True,
        "leave": {},
        "stale": {},
        "machine": None,
        "joins": True,
        "trouble": "",
    },
    "__ecs_look": {"ecs_host": {"ssm": {"instance_id": NODE["InstanceId"]}}},
}


def _part(tasks_from: str) -> dict[str, Any]:
    role = {"name": "onprem.ecs.external_instance", "tasks_from": tasks_from, "rolespec_validate": False}
    return {"ansible.builtin.include_role": role}


def _questions(entry: dict[str, Any]) -> Iterator[Question]:
    """What IAM asks itself for one call: resource types as in AWS's service authorization reference."""
    operation, params = entry["operation"], entry["params"]
    action = f"{entry['service']}:{operation}"
    if operation == "AddTagsToResource":
        assert params["ResourceType"] == "ManagedInstance"
        yield Question(action, f"arn:aws:ssm:{REGION}:123456789012:managed-instance/{params['ResourceId']}")
    elif entry["service"] == "ssm":
        yield Question(action, "*")
        if operation == "CreateActivation":
            role = f"arn:aws:iam::123456789012:role/{params['IamRole']}"
            yield Question("iam:PassRole", role, {"iam:PassedToService": "ssm.amazonaws.com"})
    elif operation == "GetPolicy":
        yield Question(action, params["PolicyArn"])
    elif entry["service"] == "iam":
        role = f"arn:aws:iam::123456789012:role/{params['RoleName']}"
        yield Question(action, role, {"iam:PolicyARN": params["PolicyArn"]} if "PolicyArn" in params else {})
    else:
        yield from (Question(action, resource) for resource in _ecs_resources(params))


def _ecs_resources(params: dict[str, Any]) -> list[str]:
    """The ARNs that a call to ECS is about: container instances where it names them, or else the cluster."""
    named = [*params.get("containerInstances", []), *(one["targetId"] for one in params.get("attributes", []))]
    named += [params["resourceArn"]] if "resourceArn" in params else []
    clusters = params.get("clusters") or [params.get("cluster") or params.get("clusterName")]
    return named or [f"arn:aws:ecs:{REGION}:123456789012:cluster/{cluster}" for cluster in clusters]


def _words_of_plugins() -> str:
    """Every text in the plugins and roles, a part of a text that is put together by itself."""
    found = []
    for path in sorted(COLLECTION.glob("plugins/**/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        found += [text for text in texts if isinstance(text, str)]
    for path in [*COLLECTION.glob("roles/*/tasks/*.yml"), *COLLECTION.glob("roles/*/vars/*.yml")]:
        found.append(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8"))).replace('\\"', '"'))
    return "\n".join(found)


ERROR_ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def test_errors_on_the_page_are_those_of_the_code() -> None:
    """The first column of the tables of errors is a part of what is printed, word by word."""
    text = (COLLECTION / "docs/enroll.md").read_text(encoding="utf-8").partition("\n## Errors\n")[2]
    errors = ERROR_ROW.findall(text)
    assert len(errors) > 20
    # Of those that are not ours, one is on the page.
    words = _words_of_plugins() + missing_required_lib("boto3")
    assert [error for error in errors if error not in words] == []


def test_the_tarball_has_the_version_of_the_collection() -> None:
    version = yaml.safe_load((COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    for page in pages():
        assert set(re.findall(r"onprem-ecs-([\d.]+)\.tar", page.read_text(encoding="utf-8"))) <= {version}


def test_pinned_keys_are_those_of_the_roles() -> None:
    pinned = {*ROLE_OPTIONS["ecs_ssm_agent_key_fingerprints"], *ROLE_OPTIONS["ecs_agent_key_fingerprints"]}
    assert set(re.findall(r"`([0-9A-F]{40})`", (COLLECTION / "README.md").read_text(encoding="utf-8"))) == pinned
