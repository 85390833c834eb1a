# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The activation code, and the controller's own key, are nowhere but where they must be."""

from __future__ import annotations

import json
from secrets import token_hex

import pytest

from system.conftest import Enrolled
from system.searching import files_with, found_on, spellings

pytestmark = pytest.mark.lab


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
