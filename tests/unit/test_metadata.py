# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said in several files of the collection is the same in each."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from module_docs import COLLECTION, aws_modules, modules, section

SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later"
#: Where a file would only work on the machine, or in the network, where it was written.
OF_ONE_MACHINE = re.compile(r"/wor[k]/|/root/\.pyenv|\bpypi\.|python[h]osted\.|\bdeb\.debian\.|archive\.ubuntu\.")


def files(pattern: str) -> list[Path]:
    """The collection's own files: those that git would track, and not what tools leave beside them."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=COLLECTION, check=True, capture_output=True, text=True)
    found = [COLLECTION / name for name in listing.stdout.split("\0") if name]
    return [path for path in sorted(found) if path.is_file() and path.match(pattern)]


def load(name: str) -> Any:
    """A YAML file."""
    return yaml.safe_load((COLLECTION / name).read_text(encoding="utf-8"))


def test_action_group_is_the_modules_that_call_aws() -> None:
    fragments = {name: section(name, "DOCUMENTATION").get("extends_documentation_fragment", []) for name in modules()}
    assert aws_modules() == [name for name, used in fragments.items() if "amazon.aws.common.modules" in used]


def test_what_the_roles_call_of_others_is_in_the_playbooks_action_group() -> None:
    called = re.compile(r"^ *(?:- )?((?:amazon|community)\.aws\.\w+):", re.MULTILINE)
    found = {name for path in files("roles/*/tasks/*.yml") for name in called.findall(path.read_text(encoding="utf-8"))}
    groups = load("meta/runtime.yml")["action_groups"]
    assert found == {name for name in groups["roles"] if "." in name}
    assert "onprem.ecs.roles" in groups["aws"][0]["metadata"]["extend_group"]


def test_every_python_file_has_the_licence() -> None:
    bare = [path for path in files("*.py") if SPDX not in path.read_text(encoding="utf-8").splitlines()[:4]]
    assert bare == []


def test_nothing_belongs_to_one_machine() -> None:
    found = []
    for path in files("*"):
        for match in OF_ONE_MACHINE.finditer(path.read_bytes().decode("utf-8", "replace")):
            found.append(f"{path.relative_to(COLLECTION)}: {match[0]}")
    assert found == []


def test_one_oldest_ansible() -> None:
    oldest = re.fullmatch(r">=(2\.\d+)\.\d+", load("meta/runtime.yml")["requires_ansible"])
    assert oldest
    for path in files("roles/*/meta/main.yml"):
        assert load(str(path))["galaxy_info"]["min_ansible_version"] == oldest[1], path
    assert f"ansible-core>={oldest[1]}," in (COLLECTION / "requirements/oldest.in").read_text(encoding="utf-8")
    assert f"ansible-core {oldest[1]}" in (COLLECTION / "README.md").read_text(encoding="utf-8")


def test_one_oldest_boto3() -> None:
    lines = (COLLECTION / "meta/ee-requirements.txt").read_text(encoding="utf-8").split()
    wanted = dict(line.split(">=") for line in lines)
    readme = (COLLECTION / "README.md").read_text(encoding="utf-8")
    assert all(f"{name} {version.rpartition('.')[0]}" in readme for name, version in wanted.items())


@pytest.mark.parametrize("collection", load("galaxy.yml")["dependencies"])
def test_every_dependency_is_used(collection: str) -> None:
    used = [path for path in files("*.*") if path.relative_to(COLLECTION).parts[0] in ("plugins", "roles")]
    texts = [path.read_text(encoding="utf-8") for path in used]
    assert any(f"{collection}." in text for text in texts)


def test_the_readme_lists_what_there_is() -> None:
    readme = (COLLECTION / "README.md").read_text(encoding="utf-8")
    roles = [path.name for path in (COLLECTION / "roles").iterdir()]
    playbooks = [path.stem for path in (COLLECTION / "playbooks").glob("*.yml")]
    others = [path.stem for kind in ("filter", "inventory") for path in (COLLECTION / "plugins" / kind).glob("*.py")]
    every = [*modules(), *others, *roles, *playbooks]
    assert [name for name in every if not re.search(rf"`(?:onprem\.ecs\.)?{name}`", readme)] == []


def anchors(page: Path) -> set[str]:
    """The names of a page's headings in links, as GitHub and Galaxy make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    for page in files("*.md"):
        for path, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
            target = page.parent / path if path else page
            assert target.exists(), f"{page.relative_to(COLLECTION)}: {path}"
            assert not anchor or anchor in anchors(target), f"{page.relative_to(COLLECTION)}: {path}#{anchor}"


def test_the_folder_of_a_clone_may_have_a_space_in_its_name() -> None:
    makefile = (COLLECTION / "Makefile").read_text(encoding="utf-8")
    recipes = [line for line in makefile.splitlines() if line.startswith("\t")]
    bare = re.compile(r"(?<!\")\$\((?:CURDIR|BIN|OLDEST|BENCH)\)")
    assert [line for line in recipes if bare.search(line)] == []
