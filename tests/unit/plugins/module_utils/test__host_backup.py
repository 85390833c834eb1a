# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy of the registration."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from unit.plugins.module_utils._host_double import NODE, NOW, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils import _host_backup
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_backup import BACKUP, drop, is_kept, restore, save
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import REGISTRATION_KEY, read_registration


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    made = FakeHost(tmp_path)
    made.register(written_at=NOW - 77)
    Path(made.path("/var/lib/amazon/ssm/Vault")).chmod(0o700)
    Path(made.path(REGISTRATION_KEY)).chmod(0o600)
    return made


def test_round_trip_keeps_modes_and_times(host: FakeHost) -> None:
    save(host)
    assert is_kept(host) and Path(host.path(BACKUP)).stat().st_mode & 0o777 == 0o700
    assert Path(host.path(BACKUP), "Vault/Store/RegistrationKey").stat().st_mode & 0o777 == 0o600
    host.put(REGISTRATION_KEY, "")
    host.put("/var/lib/amazon/ssm/registration", "{}")
    restore(host)
    assert read_registration(host) == (NODE, "eu-west-1", NOW - 77)
    assert (
        host.read("/var/lib/amazon/ssm/registration")
        == '{"ManagedInstanceID": "mi-0123456789abcdef0", "Region": "eu-west-1"}'
    )
    assert not is_kept(host)


def test_an_unfinished_copy_is_no_copy(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed while it copies leaves nothing that would be restored."""

    def stop(_source: str, _target: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_host_backup, "_copy", stop)
    with pytest.raises(KeyboardInterrupt):
        save(host)
    assert not is_kept(host)
    monkeypatch.undo()
    save(host)
    drop(host)
    assert sorted(path.name for path in Path(host.path("/var/lib/amazon/ssm")).iterdir()) == ["Vault", "registration"]


def test_nothing_is_changed_where_no_copy_can_be_made(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    with pytest.raises(EcsError, match="nothing was changed"):
        save(host)


def test_a_restored_file_that_was_not_there_goes(host: FakeHost) -> None:
    Path(host.path("/var/lib/amazon/ssm/registration")).unlink()
    save(host)
    host.put("/var/lib/amazon/ssm/registration", "{}")
    restore(host)
    assert not host.exists("/var/lib/amazon/ssm/registration")


def test_a_restore_that_is_cut_off_leaves_no_half_vault(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run sees that the copy is still needed: the vault is blank until all of it is there."""
    save(host)
    host.put(REGISTRATION_KEY, "")

    def stop(_source: str, target: str, **_options: bool) -> None:
        Path(target, "Store").mkdir(parents=True)
        Path(target, "Store", "RegistrationKey").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", stop)
    with pytest.raises(KeyboardInterrupt):
        restore(host)
    assert host.read(REGISTRATION_KEY) == ""
    assert is_kept(host)
    drop(host)
    assert not Path(host.path("/var/lib/amazon/ssm/Vault.new")).exists(), "it holds a node's key"


def test_a_restore_that_was_cut_off_is_done_again(host: FakeHost) -> None:
    save(host)
    host.put(REGISTRATION_KEY, "")
    host.put("/var/lib/amazon/ssm/Vault.new/Store/RegistrationKey", "half")
    restore(host)
    assert read_registration(host) == (NODE, "eu-west-1", NOW - 77)
    assert not Path(host.path("/var/lib/amazon/ssm/Vault.new")).exists()
