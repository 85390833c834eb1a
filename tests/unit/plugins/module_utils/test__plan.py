# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan: its order, its words, its diff, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan, apply


class Recorder:
    """Takes calls as AWS would, and fails at one of them."""

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at = fails_at
        self.calls: list[tuple[str, str, str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, resource: str, **params: Any) -> dict[str, Any]:
        """Write it down."""
        if operation == self.fails_at:
            raise RuntimeError(operation)
        self.calls.append((service, operation, resource, params))
        return {"Operation": operation}


def change(phase: Phase, number: int = 0) -> Change:
    """A change with a name of its own."""
    name = f"{phase.name}{number}"
    return Change(phase, "iam", name, f"role {number}", f"do {name}", {"Number": number})


@given(st.lists(st.sampled_from(list(Phase))))
def test_phases_come_in_order_and_within_them_what_was_planned_first(phases: list[Phase]) -> None:
    plan = Plan(tuple(change(phase, number) for number, phase in enumerate(phases)))
    ordered = plan.ordered()
    assert sorted(ordered, key=lambda one: one.params["Number"]) == list(plan.changes)
    keys = [(one.phase, one.params["Number"]) for one in ordered]
    assert keys == sorted(keys)
    assert plan.words() == [one.words for one in ordered]


def test_a_permission_is_given_before_another_is_taken() -> None:
    assert Phase.CREATE < Phase.GRANT < Phase.CONFIGURE < Phase.REVOKE < Phase.DELETE


def test_the_diff_shows_what_differs_only() -> None:
    plan = Plan((), {"same": 1, "other": 1, "gone": 1}, {"same": 1, "other": 2, "new": 2})
    assert plan.diff() == {"before": {"other": 1, "gone": 1}, "after": {"other": 2, "new": 2}}
    assert Plan((), {"same": 1}, {"same": 1}).diff() == {"before": {}, "after": {}}


def test_apply_makes_the_calls_in_order() -> None:
    recorder = Recorder()
    plan = Plan((change(Phase.DELETE), change(Phase.CREATE)))
    assert apply(plan, recorder) == [{"Operation": "CREATE0"}, {"Operation": "DELETE0"}]
    assert recorder.calls == [
        ("iam", "CREATE0", "role 0", {"Number": 0}),
        ("iam", "DELETE0", "role 0", {"Number": 0}),
    ]


def test_the_first_error_ends_it() -> None:
    recorder = Recorder(fails_at="GRANT0")
    plan = Plan((change(Phase.CREATE), change(Phase.GRANT), change(Phase.REVOKE)))
    with pytest.raises(RuntimeError):
        apply(plan, recorder)
    assert [operation for _service, operation, _resource, _params in recorder.calls] == ["CREATE0"]
