# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The same for many things at a time."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import NoAnswer

Item = t.TypeVar("Item")
Found = t.TypeVar("Found")

#: Calls in flight. More would meet IAM's throttling, and botocore keeps ten connections.
AT_ONCE = 8


def each(work: t.Callable[[Item], Found], items: t.Sequence[Item]) -> list[Found]:
    """``work`` for every item, several at a time; the results in the items' order.

    Every item is worked on to its end, whatever becomes of the others; then the first error is raised. Only when AWS
    cannot be reached no more are begun: each would wait as long, and for nothing. The client that ``work`` calls AWS
    with must be there before: what cannot be made in a thread would end the module once for each.
    """
    unreached: list[NoAnswer] = []

    def one(item: Item) -> Found:
        if unreached:
            raise unreached[0]
        try:
            return work(item)
        except NoAnswer as error:
            unreached.append(error)
            raise

    if len(items) < 2:
        return [work(item) for item in items]
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(AT_ONCE, len(items))) as pool:
        started = [pool.submit(one, item) for item in items]
    return [done.result() for done in started]
