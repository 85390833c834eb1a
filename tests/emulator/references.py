# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, ids and ARNs by which a call means something of ECS, and what ECS says to those of elsewhere."""

from __future__ import annotations

import re

from .calls import Call
from .constants import ACCOUNT
from .errors import AwsError

ARN = re.compile(r"arn:(?P<partition>[^:]*):ecs:(?P<region>[^:]*):(?P<account>[^:]*):(?P<kind>[^/]+)/(?P<path>.+)")
NAME = re.compile(r"[a-zA-Z0-9\-_]{1,255}")


def short_id(call: Call, reference: str, kind: str, cluster: str = "") -> str:
    """The name or id in a reference; an ARN must be one of this kind, Region, account and cluster.

    :param cluster: the name of the cluster that the call is about; ARNs of the old form name none
    :raises AwsError: InvalidParameterException, in words of AWS's that were seen
    """
    if reference.startswith("arn:"):
        match = ARN.fullmatch(reference)
        path = match["path"].split("/") if match else []
        if match is None or match["kind"] != kind:
            raise AwsError("InvalidParameterException", f"Unsupported resource type: {match['kind'] if match else ''}")
        if (match["partition"], match["region"]) != (call.partition, call.region):
            raise AwsError("InvalidParameterException", "Invalid Region in ARN")
        if match["account"] != ACCOUNT:
            message = f"Identifier is for {match['account']}. Your accountId is {ACCOUNT}"
            raise AwsError("InvalidParameterException", message)
        if cluster and len(path) > 1 and path[0] != cluster:
            message = f"Invalid identifier: Identifier is for cluster {path[0]}. Your cluster is {cluster}"
            raise AwsError("InvalidParameterException", message)
    return reference.rpartition("/")[2]


def check_name(what: str, name: str) -> str:
    """A name of up to 255 letters, digits, hyphens and underscores.

    :raises AwsError: InvalidParameterException
    """
    if not NAME.fullmatch(name):
        message = f"{what} must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {name}"
        raise AwsError("InvalidParameterException", message)
    return name
