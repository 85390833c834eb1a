# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Policy documents of IAM: read, build, compare, measure.

Pure: nothing here calls AWS. Two documents are the same when they mean the same; how IAM compares is written in
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html and reference_policies_grammar.html.
"""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from urllib.parse import unquote

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

Document = t.Dict[str, t.Any]

#: What IAM takes a document without ``Version`` for.
OLDEST_VERSION = "2008-10-17"
VERSION = "2012-10-17"

ROOT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root")

#: The keys that AWS documents against the confused deputy.
SOURCE_ACCOUNT, SOURCE_ARN = "aws:sourceaccount", "aws:sourcearn"
#: The operators that compare with an ARN in which ``*`` and ``?`` are wildcards. To StringEquals they are letters.
TAKES_WILDCARDS = re.compile(r"(ArnEquals|ArnLike|StringLike)(IfExists)?")
#: The operators that compare text. A key has one value here, for which those that are for several do the same.
COMPARES_TEXT = re.compile(
    r"(For(Any|All)Values?:)?String(?P<no>Not)?(?P<how>Equals|EqualsIgnoreCase|Like)(IfExists)?", re.IGNORECASE
)
#: What can stand in an ARN in place of the Region, the number of an account not.
LIKE_A_REGION = re.compile(r"(?=.*[a-z*?])[a-z0-9*?-]+")
#: The services always name a source, so this condition limits nothing.
IS_THERE = ("Null", SOURCE_ARN, ["false"])


def parse(source: t.Any, what: str) -> Document:
    """A document from a dictionary, from JSON text, or from IAM's URL-encoded JSON.

    :param what: names the document in the error
    :raises EcsError: when it is not JSON, not an object, or has no ``Statement``
    """
    if isinstance(source, str):
        text = unquote(source) if source.lstrip().startswith("%7B") else source
        try:
            source = json.loads(text, object_pairs_hook=_members)
        except ValueError as error:
            raise EcsError(f"{what} is not JSON: {error}") from error
    if not isinstance(source, dict):
        raise EcsError(f"{what} must be a JSON object with Version and Statement, not a {type(source).__name__}")
    if not isinstance(source.get("Statement"), (dict, list)) or not source["Statement"]:
        raise EcsError(f"{what} has no Statement; it needs one statement or a list of them")
    _check_statements(source, what)
    return source


def _members(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """An object of JSON. Of a name that stands there twice Python would drop the first, and with it permissions."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _unused in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return found


def _check_statements(document: Document, what: str) -> None:
    for number, statement in enumerate(as_list(document["Statement"]), 1):
        where = f"statement {number} of {what}"
        if not isinstance(statement, dict):
            raise EcsError(f"{where} must be a JSON object")
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise EcsError(f"{where}: Effect must be Allow or Deny, not {statement.get('Effect')!r}")
        if ("Action" in statement) == ("NotAction" in statement):
            raise EcsError(f"{where} needs one of Action and NotAction")
        block = statement.get("Condition") or {}
        if not isinstance(statement.get("Condition", {}), dict) or not all(isinstance(k, dict) for k in block.values()):
            raise EcsError(f"{where}: Condition must be a JSON object of operators, each an object of keys")


def permissions(source: t.Any, what: str) -> Document:
    """A permissions document that a user gives, with what IAM refuses in one told before the first call.

    :raises EcsError: as ``parse``, and for what only a trust document has or a statement lacks
    """
    found = parse(source, what)
    sids = [one["Sid"] for one in as_list(found["Statement"]) if one.get("Sid")]
    for number, one in enumerate(as_list(found["Statement"]), 1):
        where = f"statement {number} of {what}"
        if ("Resource" in one) == ("NotResource" in one):
            raise EcsError(f"{where} needs one of Resource and NotResource")
        if "Principal" in one or "NotPrincipal" in one:
            raise EcsError(f"{where} has a Principal, which only trust documents and policies of resources have")
        if sids.count(one.get("Sid")) > 1:
            raise EcsError(f"{where}: the Sid {one['Sid']!r} stands twice")
        for key in ("Action", "NotAction"):
            wrong = [str(action) for action in as_list(one.get(key)) if action != "*" and ":" not in str(action)]
            if wrong or one.get(key) == []:
                raise EcsError(f"{where}: {key} must name actions as SERVICE:ACTION, not {', '.join(wrong) or 'none'}")
    return found


def as_list(value: t.Any) -> list[t.Any]:
    """IAM writes a list of one as the one."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def compact(document: t.Mapping[str, t.Any]) -> str:
    """The document as it is sent to IAM: JSON without white space."""
    return json.dumps(document, separators=(",", ":"))


def size(document: t.Mapping[str, t.Any]) -> int:
    """The length in characters as IAM counts it: without white space."""
    return len(re.sub(r"\s", "", compact(document)))


def same(one: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any]) -> bool:
    """True when both documents mean the same. ``Id`` and ``Sid`` count: who changes them wants them changed."""
    return normal(one) == normal(other)


def normal(document: t.Mapping[str, t.Any]) -> t.Hashable:
    """A form that is equal for documents that differ only in spelling, and for these only."""
    statements = frozenset(_statement(statement) for statement in as_list(document.get("Statement")))
    return (document.get("Version") or OLDEST_VERSION, document.get("Id") or None, statements)


def _statement(statement: t.Mapping[str, t.Any]) -> t.Hashable:
    """Order, repetition and one-against-list mean nothing; actions and condition keys have no case."""
    parts: dict[str, t.Hashable] = {"Effect": statement.get("Effect"), "Sid": statement.get("Sid") or None}
    for key in ("Action", "NotAction"):
        if key in statement:
            parts[key] = frozenset(str(action).lower() for action in as_list(statement[key]))
    for key in ("Resource", "NotResource"):
        if key in statement:
            parts[key] = frozenset(str(resource) for resource in as_list(statement[key]))
    for key in ("Principal", "NotPrincipal"):
        if key in statement:
            parts[key] = _principal(statement[key])
    parts["Condition"] = _conditions(statement.get("Condition") or {})
    return frozenset(parts.items())


def _principal(principal: t.Any) -> t.Hashable:
    """``"*"`` is ``{"AWS": "*"}``; an account's number is the ARN of its root."""
    if not isinstance(principal, dict):
        principal = {"AWS": principal}
    pairs = set()
    for kind, values in principal.items():
        for value in as_list(values):
            root = ROOT.fullmatch(str(value)) if kind == "AWS" else None
            pairs.add((kind, root.group(1) if root else str(value)))
    return frozenset(pairs)


def _conditions(block: t.Mapping[str, t.Any]) -> t.Hashable:
    """AWS documents that ArnEquals and ArnLike behave the same, and that keys have no case."""
    found: set[tuple[str, str, frozenset[str]]] = set()
    for operator, keys in block.items():
        alike = operator.replace("ArnEquals", "ArnLike").replace("ArnNotEquals", "ArnNotLike")
        for key, values in keys.items():
            found.add((alike, key.lower(), frozenset(_value(operator, value) for value in as_list(values))))
    return frozenset(found)


def _value(operator: str, value: t.Any) -> str:
    """Values as their operator reads them: numbers and booleans may stand with or without quotation marks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    for kind, plain in PLAIN_VALUES.items():
        if re.search(rf"(^|:){kind}(IfExists)?$", operator):
            return plain(text)
    return text


def _number(text: str) -> str:
    return str(Decimal(text).normalize()) if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) else text


def _date(text: str) -> str:
    """Seconds since 1970, which may stand there as well; a date without its offset stays as it is."""
    if re.fullmatch(r"\d+", text, re.ASCII):
        return str(float(text))
    try:
        moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        return text
    return str(moment.timestamp()) if moment.tzinfo else text


def _address(text: str) -> str:
    """IAM takes an IPv4 address without a prefix for one with /32; of IPv6 the page does not say it."""
    if "/" not in text and ":" in text:
        return text
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError:
        return text


#: How the operators of a kind read a value, by the expression that their names match:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
PLAIN_VALUES: dict[str, t.Callable[[str], str]] = {
    "(Bool|Null)": str.lower,
    "String(Not)?EqualsIgnoreCase": str.lower,
    r"Numeric\w+?": _number,
    r"Date\w+?": _date,
    "(Not)?IpAddress": _address,
}


def statement(
    actions: t.Sequence[str],
    resources: t.Sequence[str],
    sid: str = "",
    conditions: t.Mapping[str, t.Any] | None = None,
) -> Document:
    """One Allow statement of a permissions document."""
    built: Document = {"Sid": sid} if sid else {}
    built.update(Effect="Allow", Action=one_or_list(actions), Resource=one_or_list(resources))
    if conditions:
        built["Condition"] = conditions
    return built


def document(statements: t.Sequence[Document]) -> Document:
    """A document of these statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def trust(services: t.Sequence[str], sid: str = "", conditions: t.Mapping[str, t.Any] | None = None) -> Document:
    """The document that lets services of AWS assume a role."""
    built: Document = {"Sid": sid} if sid else {}
    built.update(Effect="Allow", Principal={"Service": one_or_list(services)}, Action="sts:AssumeRole")
    if conditions:
        built["Condition"] = conditions
    return document([built])


def pass_role(role_arns: t.Sequence[str], services: t.Sequence[str]) -> Document:
    """The document that lets its holder pass exactly these roles to exactly these services."""
    operator = "StringLike" if any("*" in service for service in services) else "StringEquals"
    condition = {operator: {"iam:PassedToService": one_or_list(services)}}
    return document([statement(["iam:PassRole"], role_arns, conditions=condition)])


def one_or_list(values: t.Sequence[str]) -> t.Any:
    """The single value, or all as a list: as IAM and AWS's pages write it."""
    return values[0] if len(values) == 1 else list(values)


def conditions(one: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str, list[str]]]:
    """Operator, key in small letters, and values of each condition of a statement."""
    for operator, keys in (one.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key.lower(), [str(value) for value in as_list(values)]


def source_regions(trust_document: t.Mapping[str, t.Any], service: str) -> tuple[str, ...]:
    """The Regions that a trust document names in ``aws:SourceArn``, of whatever the service has there, sorted.

    They may have wildcards. Empty when there is no such condition, so when calls from every Region are trusted.
    """
    found: set[str] = set()
    for one in as_list(trust_document.get("Statement")):
        for operator, key, values in conditions(one):
            if key == SOURCE_ARN and TAKES_WILDCARDS.fullmatch(operator):
                found |= _regions_with_some(values, service)
    return tuple(sorted(found))


def _regions_with_some(arns: t.Iterable[str], service: str, role: str = "") -> frozenset[str]:
    """The Regions of those ARNs that stand for anything of the service; ``*`` where that cannot be read.

    :param role: one with the number of another account than this one's does not count
    """
    found = set()
    for arn in arns:
        parts = arn.split(":", 5)
        if len(parts) < 6:
            found.add("*")
        elif fnmatchcase(service, parts[2]) and not (role and parts[4].isdecimal() and parts[4] != _account_of(role)):
            found.add(parts[3] if LIKE_A_REGION.fullmatch(parts[3]) else "*")
    return frozenset(found)


def _regions_in(arns: t.Iterable[str], service: str, role: str) -> frozenset[str]:
    """The Regions of those ARNs that stand for everything of the service in the role's account."""
    partition, account = role.split(":")[1], _account_of(role)
    found = set()
    for arn in arns:
        parts = ["*"] * 6 if arn == "*" else arn.split(":", 5)
        if len(parts) < 6 or not parts[3] or parts[5] != "*":
            continue
        if all(fnmatchcase(*pair) for pair in ((partition, parts[1]), (service, parts[2]), (account, parts[4]))):
            found.add(parts[3])
    return frozenset(found)


def _account_of(role: str) -> str:
    """The number in the ARN of a role."""
    return role.split(":")[4]


def _from_account(operator: str, values: t.Iterable[str], role: str) -> bool | None:
    """Whether calls from the role's account meet a condition on ``aws:SourceAccount``; None: that is not known."""
    if operator == "Null":
        # The services always name the account.
        return [value.lower() for value in values] == ["false"]
    compares = COMPARES_TEXT.fullmatch(operator)
    # A value with a variable of IAM is not known here.
    if not compares or any("${" in value for value in values):
        return None
    like, account = compares["how"].lower() == "like", _account_of(role)
    named = any(fnmatchcase(account, value) if like else account == value for value in values)
    return named != bool(compares["no"])


def reach(trust_document: t.Mapping[str, t.Any], principal: str, source: str, role: str) -> frozenset[str] | None:
    """The Regions from which a service can surely assume the role, also with wildcards; None: all.

    A condition that is not one of those that AWS documents is taken to let nobody in: right for what shall be.

    :param principal: of the service, e.g. ``ssm.amazonaws.com``
    :param source: the service in ``aws:SourceArn``, e.g. ``ssm``
    :param role: its ARN. Who uses it is in the same account, since it cannot be passed to a service in another
    """
    return _union(_let_in(one, source, role) for one in _trusting(trust_document, principal))


def may_reach(
    trust_document: t.Mapping[str, t.Any], principal: str, source: str, role: str = ""
) -> frozenset[str] | None:
    """The Regions from which a service can perhaps assume the role, also with wildcards; None: all.

    A condition that is not one of those that AWS documents is taken to let everybody in: right for what is there.

    :param role: its ARN, when those in another account do not count
    """
    return _union(_may_let_in(one, source, role) for one in _trusting(trust_document, principal))


def _trusting(trust_document: t.Mapping[str, t.Any], principal: str) -> list[Document]:
    """The statements that trust a service."""
    statements = as_list(trust_document.get("Statement"))
    return [one for one in statements if principal in trusted_services({"Statement": one})]


def _union(parts: t.Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: set[str] = set()
    for regions in parts:
        if regions is None:
            return None
        found |= regions
    return frozenset(found)


def _let_in(one: t.Mapping[str, t.Any], source: str, role: str) -> frozenset[str] | None:
    """The Regions that the conditions of a statement leave; None: all."""
    left: frozenset[str] | None = None
    for operator, key, values in conditions(one):
        if key == SOURCE_ACCOUNT and _from_account(operator, values, role):
            continue
        if (operator, key, [value.lower() for value in values]) == IS_THERE:
            continue
        if key != SOURCE_ARN or not TAKES_WILDCARDS.fullmatch(operator):
            return frozenset()
        regions = _regions_in(values, source, role)
        if "*" not in regions:
            left = regions if left is None else left & regions
    return left


def _may_let_in(one: t.Mapping[str, t.Any], source: str, role: str) -> frozenset[str] | None:
    """The Regions of which the conditions of a statement leave at most something; None: all."""
    left: frozenset[str] | None = None
    for operator, key, values in conditions(one):
        if role and key == SOURCE_ACCOUNT and _from_account(operator, values, role) is False:
            return frozenset()
        if key == SOURCE_ARN and TAKES_WILDCARDS.fullmatch(operator):
            regions = _regions_with_some(values, source, role)
            if "*" not in regions:
                # Of two conditions both hold. What wildcards have in common is not looked for: all of both is enough.
                left = regions if left is None else left | regions
    return left


def has_wildcard(name: str) -> bool:
    """True when it stands for more than itself."""
    return "*" in name or "?" in name


def widest(names: t.Iterable[str]) -> tuple[str, ...]:
    """The names, sorted, without those that another one of them stands for. Of two that are alike the shorter stays."""
    kept: list[str] = []
    for name in sorted(set(names), key=lambda one: (len(one), one)):
        if not in_regions(name, kept):
            kept = [*(one for one in kept if not in_regions(one, [name])), name]
    return tuple(sorted(kept))


def in_regions(region: str, names: t.Iterable[str]) -> bool:
    """True when the Region, or each that a name with wildcards stands for, is one of those named, wildcards allowed."""
    # A ? is one letter: it does not stand for a *, which can be many.
    return any(fnmatchcase(region, name.replace("?", "[!*]")) for name in names)


def trusted_services(trust_document: t.Mapping[str, t.Any]) -> frozenset[str]:
    """The services that an Allow statement of a trust document names, whatever its conditions."""
    found: set[str] = set()
    for one in as_list(trust_document.get("Statement")):
        principal = one.get("Principal")
        if one.get("Effect") == "Allow" and isinstance(principal, dict):
            found.update(str(service) for service in as_list(principal.get("Service")))
    return frozenset(found)


def allows(documents: t.Iterable[t.Mapping[str, t.Any]], wanted: t.Iterable[str]) -> bool:
    """True when the documents allow every one of the actions on something. A Deny is not looked at."""
    statements = [one for document in documents for one in allowing(document)]
    return all(any(permits(one, action.lower()) for one in statements) for action in wanted)


def allowing(document: t.Mapping[str, t.Any]) -> list[Document]:
    """The Allow statements."""
    return [one for one in as_list(document.get("Statement")) if one.get("Effect") == "Allow"]


def actions(one: t.Mapping[str, t.Any], key: str = "Action") -> list[str]:
    """A statement's actions in small letters, since they have no case."""
    return [str(action).lower() for action in as_list(one.get(key))]


def resources(document: t.Mapping[str, t.Any]) -> set[str]:
    """What the statements of a permissions document are about."""
    return {str(arn) for one in as_list(document.get("Statement")) for arn in as_list(one.get("Resource"))}


def permits(one: t.Mapping[str, t.Any], action: str) -> bool:
    """True when an Allow statement is about the action."""
    if "NotAction" in one:
        return not any(fnmatchcase(action, pattern) for pattern in actions(one, "NotAction"))
    return any(fnmatchcase(action, pattern) for pattern in actions(one))
