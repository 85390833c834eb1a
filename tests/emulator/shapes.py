# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters held against AWS's own service model, which botocore carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

from .errors import AwsError

QUERY_SERVICES = ("iam", "sts", "ec2")
MODELLED = ("iam", "sts", "ssm", "ecs", "secretsmanager")
REFUSALS = {"iam": "ValidationError", "sts": "ValidationError", "ecs": "InvalidParameterException"}
#: Values that AWS takes and documents, and that its own model leaves out, by the name of the shape.
#: dualStackIPv6: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutAccountSetting.html
NOT_MODELLED = {"SettingName": ("dualStackIPv6",)}
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def operation_model(service: str, operation: str) -> OperationModel | None:
    """What botocore knows of an operation, or None: the agents' own calls are in no public model."""
    if service not in MODELLED or operation not in _model(service).operation_names:
        return None
    return _model(service).operation_model(operation)


def parse_query(shape: Shape, flat: dict[str, str], prefix: str = "") -> Any:
    """Parameters of the Query protocol (``Tags.member.1.Key``) as a structure; None for what is not there."""
    if isinstance(shape, StructureShape):
        dot = f"{prefix}." if prefix else ""
        members = {name: parse_query(member, flat, f"{dot}{name}") for name, member in shape.members.items()}
        found = {name: value for name, value in members.items() if value is not None}
        return found if found or not prefix else None
    if isinstance(shape, ListShape):
        items: list[Any] = []
        while (item := parse_query(shape.member, flat, f"{prefix}.member.{len(items) + 1}")) is not None:
            items.append(item)
        return items if items or flat.get(prefix) == "" else None
    if isinstance(shape, MapShape):
        return None  # no operation that is used here has one
    return _scalar(shape, flat.get(prefix))


def _scalar(shape: Shape, text: str | None) -> Any:
    if text is None:
        return None
    if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if shape.type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """A pattern of the model; None for those of Java that Python cannot read."""
    translated = text.replace(r"\p{L}\p{Z}\p{N}", r"\w\s").replace(r"\p{Alnum}", "a-zA-Z0-9")
    translated = translated.replace(r"\p{Graph}", r"\x21-\x7e").replace(r"\p{M}", "")
    translated = re.sub(r"\\u(?![0-9A-Fa-f]{4})", "u", translated)
    try:
        return re.compile(translated)
    except re.error:
        return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _amount(shape: Shape, value: Any) -> Iterator[str]:
    """Violations of the least and the most."""
    if shape.type_name in ("string", "list", "map", "blob"):
        size, words = len(value), "length"
    elif shape.type_name in ("integer", "long", "float", "double"):
        size, words = value, "value"
    else:
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < float(least):
        yield f"Member must have {words} greater than or equal to {least}"
    if most is not None and size > float(most):
        yield f"Member must have {words} less than or equal to {most}"


def _text(shape: StringShape, value: str) -> Iterator[str]:
    """Violations of a list of values and of a pattern."""
    if shape.enum and value not in (*shape.enum, *NOT_MODELLED.get(shape.name, ())):
        yield f"Member must satisfy enum value set: [{', '.join(sorted(shape.enum))}]"
    pattern = _pattern(shape.metadata["pattern"]) if shape.metadata.get("pattern") else None
    if pattern and not pattern.fullmatch(value) and not (shape.metadata["pattern"][0] == "^" and pattern.search(value)):
        yield f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"


def _has_type(shape: Shape, value: Any) -> bool:
    return isinstance(value, bool) == (shape.type_name == "boolean") and isinstance(value, JSON_TYPES[shape.type_name])


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Everything that AWS's model does not allow in a value, in AWS's words."""
    if not _has_type(shape, value):
        raise AwsError("SerializationException", f"{path or 'the body'} must be of type {shape.type_name}")
    found = list(_amount(shape, value))
    if isinstance(shape, StringShape):
        found += _text(shape, value)
    for constraint in found:
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
    if isinstance(shape, StructureShape):
        yield from _members(shape, value, path)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from violations(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from violations(shape.key, key, f"{path}.key")
            yield from violations(shape.value, item, f"{path}.{key}.member")


def _members(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    dot = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{dot}{_camel(name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if item is not None and name in shape.members:  # AWS passes over members that it does not know
            yield from violations(shape.members[name], item, f"{dot}{_camel(name)}")


def validate(service: str, operation: str, params: dict[str, Any]) -> None:
    """Refuse what AWS's model does not allow.

    :raises AwsError: with every violation named, as AWS words it
    """
    model = operation_model(service, operation)
    if model is None or model.input_shape is None:
        return
    found = list(violations(model.input_shape, params))
    if found:
        code = REFUSALS.get(service, "ValidationException")
        plural = "error" if len(found) == 1 else "errors"
        raise AwsError(code, f"{len(found)} validation {plural} detected: {'; '.join(found)}")


def check_answer(service: str, operation: str, answer: dict[str, Any]) -> None:
    """Hold an answer of the emulator's own against AWS's model.

    :raises ValueError: for a member that AWS's answer does not have
    :raises AwsError: for a wrong type
    """
    model = operation_model(service, operation)
    if model is not None and model.output_shape is not None:
        _check_output(model.output_shape, answer, operation)


def _check_output(shape: Shape, value: Any, path: str) -> None:
    if not _has_type(shape, value):
        raise ValueError(f"{path}: {value!r} is not of type {shape.type_name}")
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            if name not in shape.members:
                raise ValueError(f"{path}: AWS has no member {name}")
            _check_output(shape.members[name], item, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            _check_output(shape.member, item, f"{path}[]")


def require_text(params: dict[str, Any], *names: str) -> None:
    """Of the agents' calls, which are in no model: members that are text where they are there.

    :raises AwsError: SerializationException
    """
    for name in names:
        if not isinstance(params.get(name, ""), (str, type(None))):
            raise AwsError("SerializationException", f"{_camel(name)} must be of type string")


def require(params: dict[str, Any], *names: str) -> None:
    """Members that must be there, as text.

    :raises AwsError: ValidationException, and SerializationException for what is no text
    """
    require_text(params, *names)
    for name in names:
        if not params.get(name):
            constraint = f"Value null at '{_camel(name)}' failed to satisfy constraint: Member must not be null"
            raise AwsError("ValidationException", f"1 validation error detected: {constraint}")
