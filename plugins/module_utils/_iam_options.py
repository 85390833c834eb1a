# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The options of a role, for all modules that take them.

They are documented in plugins/doc_fragments/iam_role.py.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS, ROLE_SCOPES
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import LONGEST


def role_options() -> dict[str, t.Any]:
    """The options of one role, as an argument spec."""
    texts = {"type": "list", "elements": "str"}
    return {
        "kind": {"required": True, "choices": sorted(KINDS)},
        "name": {"aliases": ["role_name"]},
        "state": {"choices": ["present", "absent"], "default": "present"},
        "features": {**texts, "default": []},
        "permissions": {"choices": ["managed", "least_privilege"], "default": "managed"},
        "regions": dict(texts),
        **{option: {**texts, "default": [], "no_log": False} for option in ROLE_SCOPES},
        "vpc": {},
        "vpc_endpoint": {},
        "trust_conditions": {"type": "raw", "default": "documented"},
        "managed_policies": {**texts, "default": []},
        "inline_policies": {"type": "dict", "default": {}},
        "purge_policies": {"type": "bool", "default": False},
        "instance_profile": {},
        # Not a password, whatever its name may look like.
        "pass_role_to": {
            "no_log": False,
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "type": {"required": True, "choices": list(LONGEST)},
                "name": {"required": True},
                "state": {"choices": ["present", "absent"], "default": "present"},
            },
        },
        "path": {},
        "description": {},
        "permissions_boundary": {"aliases": ["boundary"]},
        "max_session_duration": {"type": "int"},
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": True},
        "protect": {"type": "bool", "default": True},
    }


def roles_option(**more: t.Any) -> dict[str, t.Any]:
    """The option ``roles``: a list of what ``ecs_iam_role`` takes."""
    return {"roles": {"type": "list", "elements": "dict", "options": role_options(), **more}}
