# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. SSM hybrid activations, only looked at."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.onprem.ecs.plugins.module_utils import _ssm, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._ssm_activation import (
    ACTIVATION_ID,
    chosen,
    expired,
    role_name,
    room,
    shown,
)

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module


def activation_ids(ids: t.Iterable[str], option: str = "activation_ids") -> list[str]:
    """The option, each id once.

    :raises EcsError: for what is no UUID
    """
    for one in ids:
        if not ACTIVATION_ID.match(one):
            raise EcsError(f"{option}: {one!r} is not the id of an activation, which is a UUID")
    return list(dict.fromkeys(ids))


def work(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The module ``ssm_activation_info``."""
    params, now = module.params, datetime.now(timezone.utc)
    ids = activation_ids(params["activation_ids"] or [])
    role = role_name(params["iam_role"]) if params["iam_role"] is not None else None
    tags = _tags.wanted(params["tags"])
    if params["activation_ids"] == []:
        return {"changed": False, "activations": []}
    found = _ssm.activations(aws, iam_role=role, ids=ids, default_instance_name=params["default_instance_name"])
    fitting = chosen(found, tags, False, now)
    if params["valid"]:
        fitting = [one for one in fitting if not expired(one, now) and room(one) > 0]
    newest_first = sorted(fitting, key=lambda one: (one["CreatedDate"], one["ActivationId"]), reverse=True)
    return {"changed": False, "activations": [shown(one) for one in newest_first]}
