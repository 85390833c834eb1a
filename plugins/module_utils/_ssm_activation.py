# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. SSM hybrid activations: what is wanted, what to do, doing it."""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _ssm, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module

Result = t.Dict[str, t.Any]

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=30)

#: A stored activation whose end is nearer than this is not handed out any more: hosts need time to use it.
SPARE = timedelta(minutes=5)

#: AWS measures the 30 days with its own clock: an activation for the whole of it must not fail on ours being ahead.
CLOCK_MARGIN = timedelta(minutes=5)

#: SSM's words for a role that IAM has not told it about yet, or that is really not there; it has had two.
UNKNOWN_ROLE = re.compile("nonexistent role|not existing role", re.IGNORECASE)

#: What SSM answers about an activation, or a parameter, that is not there any more.
GONE = ("InvalidActivation", "InvalidActivationId", "ParameterNotFound")

#: Attempts at making an activation for a role that SSM does not know yet: about half a minute.
ROLE_ATTEMPTS = 10

#: A role as SSM calls it: its name, and before it the path as IAM has it, without the slash in front.
ROLE = re.compile(r"([\w+=,.@-]+/)*[\w+=,.@-]+\Z", re.ASCII)

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
ACTIVATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True)
class Wanted:
    """The options of a new activation, checked."""

    iam_role: str
    registration_limit: int
    life: timedelta
    default_instance_name: str | None = None
    description: str | None = None
    tags: t.Mapping[str, str] = field(default_factory=dict)

    def params(self, now: datetime) -> dict[str, t.Any]:
        """The parameters of CreateActivation."""
        params: dict[str, t.Any] = {
            "IamRole": self.iam_role,
            "RegistrationLimit": self.registration_limit,
            "ExpirationDate": now + min(self.life, LONGEST - CLOCK_MARGIN),
            "DefaultInstanceName": self.default_instance_name,
            "Description": self.description,
            "Tags": _tags.to_aws(self.tags),
        }
        return {name: value for name, value in params.items() if value}


def duration(text: str) -> timedelta:
    """The option ``expires_in``: a number and its unit, ``90m``, ``24h`` or ``30d``.

    :raises EcsError: when it is anything else, or outside of what AWS accepts
    """
    match = re.match(r"([0-9]{1,6})([mhd])\Z", text.strip())
    if not match:
        raise EcsError(f"expires_in: {text!r} is not a number with a unit (m, h or d), such as 90m, 24h or 30d")
    life = timedelta(**{UNITS[match.group(2)]: int(match.group(1))})
    if not SHORTEST <= life <= LONGEST:
        raise EcsError(f"expires_in: {text!r} is not between 5m and 30d, the longest that AWS accepts")
    return life


def role_name(text: str) -> str:
    """The option ``iam_role``, when it is a role as SSM calls it: ``NAME``, or ``path/NAME`` when it has a path.

    :raises EcsError: for an ARN, a slash in front, or what SSM does not accept
    """
    if text.startswith(("arn:", "/")):
        name = text.rpartition(":role/")[2].lstrip("/")
        raise EcsError(f"iam_role: {text!r} is an ARN or begins with a slash; SSM calls the role {name!r}")
    if not ROLE.match(text) or len(text) > _catalog.MAX_SSM_ROLE:
        raise EcsError(
            f"iam_role: {text!r} is not the name of a role, or its path and name such as factory/hosts: 1 to "
            f"{_catalog.MAX_SSM_ROLE} letters, digits and any of +=,.@-_ in all"
        )
    return text


def wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    """The options of ``state: present``.

    :raises EcsError: when AWS would refuse one
    """
    if not 1 <= params["registration_limit"] <= 1000:
        raise EcsError(f"registration_limit: {params['registration_limit']} is not between 1 and 1000")
    for option in ("default_instance_name", "description"):
        if len(params[option] or "") > 256:
            raise EcsError(f"{option}: more than 256 characters")
    _tags.check_signs("default_instance_name", params["default_instance_name"] or "")
    return Wanted(
        iam_role=role_name(params["iam_role"]),
        registration_limit=params["registration_limit"],
        life=duration(params["expires_in"]),
        default_instance_name=params["default_instance_name"],
        description=params["description"],
        tags=_tags.wanted(params["tags"]) or {},
    )


def expired(activation: t.Mapping[str, t.Any], now: datetime) -> bool:
    """True when no host can use the activation any more because of its age."""
    return bool(activation.get("Expired")) or activation["ExpirationDate"] <= now


def room(activation: t.Mapping[str, t.Any]) -> int:
    """How many more hosts can register with the activation."""
    return int(activation.get("RegistrationLimit", 1)) - int(activation.get("RegistrationsCount", 0))


def reusable(activation: t.Mapping[str, t.Any], want: Wanted, now: datetime) -> bool:
    """True when a stored activation does all that a new one would: nothing of it can be changed afterwards."""
    tags = _tags.from_aws(activation.get("Tags"))
    return (
        not expired(activation, now + SPARE)
        and room(activation) >= want.registration_limit
        and activation.get("IamRole") == want.iam_role
        and all(tags.get(name) == value for name, value in want.tags.items())
        and want.default_instance_name in (None, activation.get("DefaultInstanceName"))
    )


def plan_create(want: Wanted, now: datetime) -> Plan:
    """One new activation."""
    hosts = "1 host" if want.registration_limit == 1 else f"{want.registration_limit} hosts"
    words = f"create an activation for {hosts} with the role {want.iam_role}"
    change = Change(Phase.CREATE, "ssm", "CreateActivation", f"role {want.iam_role}", words, want.params(now))
    after = {
        "iam_role": want.iam_role,
        "registration_limit": want.registration_limit,
        "life": str(want.life),
        "default_instance_name": want.default_instance_name,
        "description": want.description,
        "tags": dict(want.tags),
    }
    return Plan((change,), {}, {"activation": after})


def chosen(
    found: t.Iterable[t.Mapping[str, t.Any]], tags: t.Mapping[str, str] | None, only_expired: bool, now: datetime
) -> list[t.Mapping[str, t.Any]]:
    """The activations that carry all of ``tags`` and, if asked for, have expired."""
    wanted_tags = (tags or {}).items()
    return [
        one
        for one in found
        if wanted_tags <= _tags.from_aws(one.get("Tags")).items() and (expired(one, now) or not only_expired)
    ]


def plan_delete(found: t.Iterable[t.Mapping[str, t.Any]], store: str | None = None) -> Plan:
    """Delete these activations, and the parameter that holds the code of one."""
    changes = []
    before: dict[str, t.Any] = {}
    for one in found:
        name = one["ActivationId"]
        words = f"delete the activation {name} of the role {one.get('IamRole')}"
        changes.append(Change(Phase.DELETE, "ssm", "DeleteActivation", name, words, {"ActivationId": name}))
        before[f"activation {name}"] = shown(one)
    if store:
        words = f"delete the parameter {store}"
        changes.append(Change(Phase.DELETE, "ssm", "DeleteParameter", f"parameter {store}", words, {"Name": store}))
        before[f"parameter {store}"] = "(hidden)"
    return Plan(tuple(changes), before, {})


def shown(activation: t.Mapping[str, t.Any]) -> Result:
    """An activation in snake_case, its times in UTC; it has no code."""
    return {
        "activation_id": activation["ActivationId"],
        "iam_role": activation.get("IamRole"),
        "registration_limit": activation.get("RegistrationLimit"),
        "registrations_count": activation.get("RegistrationsCount", 0),
        "default_instance_name": activation.get("DefaultInstanceName"),
        "description": activation.get("Description"),
        "expiration_date": _ssm.utc(activation.get("ExpirationDate")),
        "expired": bool(activation.get("Expired")),
        "created_date": _ssm.utc(activation.get("CreatedDate")),
        "tags": _tags.from_aws(activation.get("Tags")),
    }


def work(aws: Aws, module: Module) -> Result:
    """The module ``ssm_activation``."""
    return present(aws, module) if module.params["state"] == "present" else absent(aws, module)


def present(aws: Aws, module: Module) -> Result:
    """A new activation, or the stored one while it can still be used."""
    want, store, now = wanted(module.params), module.params["store"], datetime.now(timezone.utc)
    kept = _ssm.stored_code(aws, store) if store else None
    old = _ssm.activations(aws, activation_id=kept.activation_id) if kept else []
    if kept and old and reusable(old[0], want, now):
        code = None if module.check_mode else kept.activation_code
        return {"changed": False, "changes": [], "activation_code": code, **_answer(old[0])}
    plan = plan_create(want, now)
    used_up = plan_delete(one for one in old if expired(one, now) or room(one) < 1)
    keeping = [f"keep its code in the parameter {store}"] if store else []
    made_words = [*plan.words(), *keeping]
    result: Result = {"changed": True, "changes": [*made_words, *used_up.words()], "diff": plan.diff()}
    params = plan.changes[0].params
    if module.check_mode:
        return {**result, "activation_code": None, **_answer({**params, "ActivationId": None})}
    made = create(aws, want.iam_role, params)
    if store:
        keep(aws, store, made, plan.words())
        remove(aws, used_up, made_words)
    return {
        **result,
        "activation_code": made.activation_code,
        **_answer({**params, "ActivationId": made.activation_id}),
    }


def _answer(activation: t.Mapping[str, t.Any]) -> Result:
    return {
        "activation_id": activation["ActivationId"],
        "expiration_date": _ssm.utc(activation["ExpirationDate"]),
        "registration_limit": activation["RegistrationLimit"],
    }


def role_is_unknown(error: AwsError) -> bool:
    """True when SSM does not know a role, as it does for a moment of one that is new."""
    return error.code == "ValidationException" and bool(UNKNOWN_ROLE.search(error.aws_message))


def create(aws: Aws, iam_role: str, params: t.Mapping[str, t.Any]) -> _ssm.StoredCode:
    """CreateActivation, again for a while when SSM does not know the role yet.

    :raises EcsError: with what to do when SSM does not come to know it
    """

    try:
        made = eventually(
            lambda: aws.call("ssm", "CreateActivation", f"role {iam_role}", **params),
            role_is_unknown,
            retries=ROLE_ATTEMPTS,
        )
    except AwsError as error:
        if not role_is_unknown(error):
            raise
        raise EcsError(
            f"{error}. The role {iam_role} is not in this account, or its trust policy does not let ssm.amazonaws.com "
            f"assume it in the Region {aws.region}: onprem.ecs.ecs_iam_role with kind=anywhere makes it so. A role "
            f"with a path is called path/NAME. Tried {ROLE_ATTEMPTS} times, since a new role takes a moment to be "
            "known everywhere"
        ) from error
    return _ssm.StoredCode(made["ActivationId"], made["ActivationCode"])


def keep(aws: Aws, store: str, code: _ssm.StoredCode, made: t.Sequence[str]) -> None:
    """Put the code into the parameter. If that fails the activation is taken back: nobody would ever find it again.

    :param made: the activation, in words
    """
    params: dict[str, t.Any] = {
        "Name": store,
        "Type": "SecureString",
        "Value": _ssm.store_value(code),
        "Overwrite": True,
        "Description": "SSM hybrid activation, kept by onprem.ecs.ssm_activation",
    }
    try:
        eventually(lambda: aws.call("ssm", "PutParameter", f"parameter {store}", **params), _ssm.is_busy)
    except AwsError as error:
        left = _take_back(aws, code.activation_id)
        if not left:
            raise
        raise EcsError(
            f"{error}. The activation {code.activation_id} was made, and could not be taken back: {left}. Delete "
            "it, or let it expire",
            changed=True,
            changes=list(made),
        ) from error


def _take_back(aws: Aws, activation_id: str) -> AwsError | None:
    """Delete an activation; why it is still there."""
    delete = functools.partial(aws.call, "ssm", "DeleteActivation", activation_id, ActivationId=activation_id)
    try:
        eventually(delete, _ssm.is_busy)
    except AwsError as error:
        return None if error.code in GONE else error
    return None


def absent(aws: Aws, module: Module) -> Result:
    """Delete the activations that the options choose, and the parameter of ``store``."""
    params, now = module.params, datetime.now(timezone.utc)
    activation_id, iam_role, store = params["activation_id"], params["iam_role"], params["store"]
    if activation_id and not ACTIVATION_ID.match(activation_id):
        raise EcsError(f"activation_id: {activation_id!r} is not the id of an activation, which is a UUID")
    tags = _tags.wanted(params["tags"])
    if not (activation_id or tags or store or params["expired"]):
        # An empty dictionary of tags would choose every activation of the account.
        raise EcsError("state=absent needs one of activation_id, tags (not empty), store or expired=true")
    kept = _ssm.stored_code(aws, store) if store else None
    if store and not kept and not (activation_id or tags or params["expired"]):
        return {"changed": False, "changes": [], "activations": []}
    if kept and activation_id and activation_id != kept.activation_id:
        raise EcsError(
            f"activation_id: {activation_id} is not the activation that the parameter {store} keeps, which is "
            f"{kept.activation_id}. Give activation_id or store"
        )
    role = role_name(iam_role) if iam_role else None
    # The one of the parameter is looked up by its id alone, to tell one of another role from one that has gone.
    found = _ssm.activations(aws, kept.activation_id) if kept else _ssm.activations(aws, activation_id, role)
    going = [one for one in chosen(found, tags, params["expired"], now) if role in (None, one.get("IamRole"))]
    # The parameter goes with its activation, and when its activation has gone already.
    staying = {one["ActivationId"] for one in found} - {one["ActivationId"] for one in going}
    plan = plan_delete(going, store if kept and kept.activation_id not in staying else None)
    if not module.check_mode:
        remove(aws, plan)
    gone = [before for name, before in plan.before.items() if name.startswith("activation ")]
    return {"changed": bool(plan.changes), "changes": plan.words(), "diff": plan.diff(), "activations": gone}


def remove(aws: Aws, plan: Plan, before: t.Sequence[str] = ()) -> None:
    """Execute deletions; what somebody else deleted in between is gone as well.

    :param before: what the task has done until then, in words
    :raises AwsError: it carries what was done
    """
    done = [*before]
    for change in plan.ordered():
        try:
            call = functools.partial(aws.call, change.service, change.operation, change.resource, **change.params)
            eventually(call, _ssm.is_busy)
        except AwsError as error:
            if error.code not in GONE:
                error.result.update(changed=bool(done), changes=done)
                raise
        done.append(change.words)
