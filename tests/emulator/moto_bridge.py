# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto behind the emulator: the operations that the emulator does not answer itself."""

from __future__ import annotations

import importlib
import io
import os
from functools import cache
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.iam.models import SERVICE_NAME_CONVERSION, IAMBackend, ManagedPolicy
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from .calls import Request
from .errors import AwsError
from .roles import iam

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # without it none of AWS's policies is known

SERVICE_NAME_CONVERSION.update({"ecs": "ECS", "ecs-compute": "ECSCompute"})  # moto would write AWSServiceRoleForecs

_parse_policies = IAMBackend._init_aws_policies
_policies: dict[str, list[ManagedPolicy]] = {}


def _known_policies(backend: IAMBackend) -> list[ManagedPolicy]:
    """AWS's policies, parsed once for a partition: moto does it at every reset, and it takes half a second."""
    if backend.region_name not in _policies:
        _policies[backend.region_name] = _parse_policies(backend)
    for policy in _policies[backend.region_name]:
        policy.attachment_count = 0
    return list(_policies[backend.region_name])


setattr(IAMBackend, "_init_aws_policies", _known_policies)  # noqa: B010 - as assignment mypy forbids it

SERVICES = ("iam", "sts", "ssm", "ec2", "secretsmanager")
"""Services of which moto answers what the emulator does not. Of ECS it answers nothing: see docs/emulator.md."""


@cache
def _application() -> Any:
    return DomainDispatcherApplication(create_backend_app)


@cache
def _methods(service: str) -> frozenset[str]:
    """Names of the operations that moto has, in its spelling."""
    urls = importlib.import_module(f"moto.{service}.urls")
    handler = next(iter(urls.url_paths.values()))
    return frozenset(method_names_from_class(handler.__self__))


def implements(service: str, operation: str) -> bool:
    """True when moto can answer an operation."""
    return service in SERVICES and camelcase_to_underscores(operation) in _methods(service)


def forward(request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
    """Let moto answer: status, headers and body."""
    environ = dict(request.environ)
    environ["wsgi.input"] = io.BytesIO(request.body)
    environ["CONTENT_LENGTH"] = str(len(request.body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("wsgi.input_terminated", None)
    environ["HTTP_USER_AGENT"] = "emulator"  # moto would look for a region in it
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if exc_info:
            raise exc_info[1].with_traceback(exc_info[2])
        started[:] = [int(status[:3]), headers]

    answer = _application()(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    if started[0] >= 500:
        raise AwsError("EmulatorFailure", f"moto failed: {body[-500:].decode(errors='replace')}", 501)
    return started[0], started[1], body


def reset() -> None:
    """Empty moto's account."""
    BackendDict.reset()
    reset_model_data()


def warm_up() -> None:
    """Import what most runs need, before the first call has to wait for it."""
    iam("aws")
    for service in ("iam", "sts"):
        _methods(service)
    _application()
