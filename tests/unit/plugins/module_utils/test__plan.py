# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan: its order, its words and its diff."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan


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
