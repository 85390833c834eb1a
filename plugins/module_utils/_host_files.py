# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What the module host_files does: compare, then write."""

from __future__ import annotations

import difflib
import hashlib
import io
import os
import re
import shutil
import stat
import tempfile
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_secrets import hide_passwords

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

FOLDER_MODE = 0o755
ROOT = 0
#: Bytes of the longest file whose lines are shown: others are programs.
LONGEST_SHOWN = 64 << 10


class File(t.NamedTuple):
    """A file: the SHA-256 of what is in it, None when it is not there."""

    digest: str | None
    mode: int = 0
    owner: tuple[int, int] = (ROOT, ROOT)


class Source(t.NamedTuple):
    """What shall be in a file: bytes, or those of another file."""

    content: bytes = b""
    path: str | None = None

    def open(self) -> t.BinaryIO:
        """To read it."""
        return io.BytesIO(self.content) if self.path is None else open(self.path, "rb")


class Step(t.NamedTuple):
    """A file that is not as it should be."""

    path: str
    found: File
    wanted: File

    @property
    def words(self) -> str:
        """What is to be done, for a person."""
        if self.wanted.digest is None:
            return f"remove {self.path}"
        if self.found.digest == self.wanted.digest:
            return f"set owner and mode of {self.path}"
        return f"write {self.path}"


def plan(found: t.Mapping[str, File], wanted: t.Mapping[str, File]) -> list[Step]:
    """The files that differ, in order. Pure."""
    return [
        Step(path, found[path], file)
        for path, file in wanted.items()
        if found[path] != file and (file.digest is not None or found[path].digest is not None)
    ]


def diff(step: Step, source: Source, secret: bool) -> dict[str, str]:
    """What Ansible shows of a step that is not done yet: the lines that differ, without passwords in addresses."""
    text = f"{step.words}\n"
    if not secret and step.found.digest != step.wanted.digest:
        files = [Source(path=step.path) if step.found.digest else Source(), source]
        texts = [_text(file) for file in files]
        if None not in texts:
            lines = [(one or "").splitlines() for one in texts]
            both = difflib.unified_diff(lines[0], lines[1], f"before: {step.path}", f"after: {step.path}", lineterm="")
            text = "".join(f"{line}\n" for line in both)
    return {"prepared": hide_passwords(text)}


def _text(source: Source) -> str | None:
    """The text of a file, None when it is none that a person reads."""
    with source.open() as file:
        data = file.read(LONGEST_SHOWN + 1)
    return None if len(data) > LONGEST_SHOWN or b"\0" in data else data.decode("utf-8", "replace")


def digest(file: t.BinaryIO) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    for part in iter(lambda: file.read(1 << 20), b""):
        found.update(part)
    return found.hexdigest()


def read(path: str) -> File:
    """What is at a path.

    Raises:
        EcsError: something else than a file, or it may not be read.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            return File(digest(file), stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid))
    except FileNotFoundError:
        return File(None)
    except OSError as error:
        raise EcsError(f"{path} cannot be read: {error.strerror}") from error


def wanted_file(options: t.Mapping[str, t.Any]) -> tuple[File, Source]:
    """One of the option ``files``.

    Raises:
        EcsError: a path that is not absolute, a mode that is none, neither or both of content and src, no such src
    """
    path, src, content = options["dest"], options["src"], options["content"]
    if not os.path.isabs(path):
        raise EcsError(f"files: dest must be an absolute path, and {path} is none")
    if not re.match(r"0?[0-7]{3}\Z", options["mode"]):
        raise EcsError(
            f'files: the mode of {path} must be three or four octal digits such as "0644": {options["mode"]}'
        )
    if options["state"] == "absent":
        return File(None), Source()
    if (content is None) == (src is None):
        raise EcsError(f"files: {path} needs one of content and src, or the state absent")
    source = Source(path=src) if content is None else Source(content.encode("utf-8"))
    found = read(src).digest if content is None else digest(io.BytesIO(source.content))
    if found is None:
        raise EcsError(f"files: {src}, the src of {path}, is not there")
    return File(found, int(options["mode"], 8)), source


def apply(module: AnsibleModule, step: Step, source: Source) -> None:
    """Do one step: a file is there as a whole or not at all.

    Raises:
        EcsError: it could not be done
    """
    try:
        if step.wanted.digest is None:
            os.unlink(step.path)
            return
        if step.found.digest is not None:
            give(step)
        if step.found.digest != step.wanted.digest:
            write(module, step.path, source)
            give(step)
    except OSError as error:
        raise EcsError(f"cannot {step.words}: {error.strerror}") from error


def give(step: Step) -> None:
    """Give a file its owner and mode."""
    os.chown(step.path, *step.wanted.owner)
    os.chmod(step.path, step.wanted.mode)


def write(module: AnsibleModule, path: str, source: Source) -> None:
    """Put a file in its place. A new one is root's alone, one that was there keeps its owner and mode.

    Raises:
        OSError: it could not be done
    """
    folder = os.path.dirname(path)
    make_folders(folder)
    handle, temporary = tempfile.mkstemp(prefix=".onprem-ecs-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file, source.open() as content:
            shutil.copyfileobj(content, file)
        # It keeps what SELinux wants of the place, and the owner and mode of the file that was there.
        module.atomic_move(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def make_folders(path: str) -> None:
    """Make a folder and those above it, whatever the umask."""
    if os.path.isdir(path):
        return
    make_folders(os.path.dirname(path))
    os.mkdir(path)
    os.chmod(path, FOLDER_MODE)


def host_files(module: AnsibleModule) -> dict[str, t.Any]:
    """What the module host_files does, from its options to its answer.

    Raises:
        EcsError: bad options, or what could not be done
    """
    # At no time can more people read a file than may in the end.
    os.umask(0o077)
    options = {one["dest"]: one for one in module.params["files"]}
    if len(options) < len(module.params["files"]):
        raise EcsError("files: the same dest stands there twice")
    wanted = {path: wanted_file(one) for path, one in options.items()}
    steps = plan({path: read(path) for path in wanted}, {path: file for path, (file, _source) in wanted.items()})
    shown = [diff(step, wanted[step.path][1], options[step.path]["secret"]) for step in steps]
    for step in [] if module.check_mode else steps:
        apply(module, step, wanted[step.path][1])
    return {"changed": bool(steps), "changes": [step.words for step in steps], "diff": shown}
