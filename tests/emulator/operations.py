# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports every module that registers operations or rules; the only list of them."""

from __future__ import annotations

from . import (
    account_settings,
    activations,
    attributes,
    capacity_providers,
    clusters,
    container_instances,
    gateways,
    iam_policy_rules,
    iam_rules,
    identity_calls,
    messages,
    nodes,
    services,
    ssm_tags,
    task_definitions,
    tasks,
)

__all__ = [
    "account_settings",
    "activations",
    "attributes",
    "capacity_providers",
    "clusters",
    "container_instances",
    "gateways",
    "iam_policy_rules",
    "iam_rules",
    "identity_calls",
    "messages",
    "nodes",
    "services",
    "ssm_tags",
    "task_definitions",
    "tasks",
]
