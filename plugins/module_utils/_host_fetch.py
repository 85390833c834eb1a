# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Get what an address holds into a file, with words for what fails."""

from __future__ import annotations

import errno
import shutil
import typing as t

from ansible.module_utils.urls import fetch_url

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


#: The disk that is written to is full: no fault of what is read, so whoever chose the path tells of it.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def _copy(stream: t.BinaryIO, path: str, limit: int, url: str) -> int:
    """Write the stream to the path; how many bytes it had. ``limit`` 0 means none."""
    with open(path, "wb") as file:
        if not limit:
            shutil.copyfileobj(stream, file, 1 << 20)
        else:
            data = stream.read(limit + 1)
            if len(data) > limit:
                raise EcsError(f"{url} is larger than {limit} bytes, so it is no signature. Check the address.")
            file.write(data)
        return file.tell()


def _fetch_local(url: str, path: str, limit: int) -> None:
    local = url[len("file://") :] if url.startswith("file://") else url
    try:
        with open(local, "rb") as stream:
            _copy(stream, path, limit, url)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise EcsError(f"{url} cannot be read on the host: {error.strerror}.") from error


def _remedy(status: int, words: str) -> str:
    if status in (403, 404):
        return "Check the address: the mirror, the Region, the version and the architecture in it"
    if "certificate" in words.lower():
        return "Let the host trust the server's authority (its own trust store, or ca_path)"
    return "Check the address, the host's name resolution, and its proxy (http_proxy, https_proxy, no_proxy)"


def fetch_with(module: AnsibleModule) -> t.Callable[[str, str, int], None]:
    """A function that fetches as the module's options say; the proxy comes from the environment."""

    def fetch(url: str, path: str, limit: int) -> None:
        """Get the address into the path, at most ``limit`` bytes (0: all).

        Raises:
            EcsError: it cannot be had, or not whole.
        """
        if not url.startswith(("http://", "https://")):
            _fetch_local(url, path, limit)
            return
        options = module.params
        response, info = fetch_url(
            module, url, timeout=options["timeout"], ca_path=options["ca_path"], decompress=False
        )
        status = int(info.get("status", -1))
        if status != 200 or response is None:
            words = str(info.get("msg", "")).strip().rstrip(".")
            raise EcsError(f"{url} cannot be downloaded: {words}. {_remedy(status, words)}.")
        try:
            size = _copy(response, path, limit, url)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise
            raise EcsError(f"{url} was cut short: {error}. Run again.") from error
        expected = info.get("content-length")
        if expected and str(expected).isdigit() and int(expected) != size:
            raise EcsError(f"{url} was cut short: {size} of {expected} bytes came. Run again.")

    return fetch
