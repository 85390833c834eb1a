# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Calls to AWS: module, client, one call, its pages, its errors.

The only file that imports amazon.aws. Everything above it speaks in operation names of AWS
(``GetRole``) and gets answers as boto3 gives them, or an :class:`AwsError`.
"""

from __future__ import annotations

import re
import threading
import typing as t

try:
    import botocore.config
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says so, with the name of the missing library

from ansible_collections.amazon.aws.plugins.module_utils.cloud import BackoffIterator, CloudRetry
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

#: Codes that AWS uses for "you may not". The missing permission is then the operation itself.
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

#: What AWS answers to a key that it does not know; the second is STS's. In a Region that is not enabled they know none:
#: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
UNKNOWN_KEY = ("UnrecognizedClientException", "InvalidClientTokenId")

#: Attempts of one call on throttling and passing faults; botocore waits with jitter, at most 20 s in between.
MAX_ATTEMPTS = 8

#: Where IAM's action is not named after the service's endpoint.
ACTION_PREFIX = {"sts": "sts", "iam": "iam", "ssm": "ssm", "ecs": "ecs"}

#: Operations whose permission has another name than the operation.
OTHER_PERMISSION = {
    "ssm:CreateActivation": "ssm:CreateActivation and iam:PassRole",
    "ssm:UpdateManagedInstanceRole": "ssm:UpdateManagedInstanceRole and iam:PassRole",
}

#: How AWS names the permission that is missing, which need not be the operation's: CreateRole with tags needs TagRole.
NOT_AUTHORIZED = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")

#: Seconds until a connection is given up: botocore's own 60, eight times, would be eight minutes without a word.
CONNECT_TIMEOUT = 10

Params = t.Mapping[str, t.Any]
Result = t.Dict[str, t.Any]


class AwsError(EcsError):
    """AWS refused a call, or could not be reached.

    ``code`` is AWS's own (``NoSuchEntity``), or the class name of botocore's exception when no answer came.
    """

    def __init__(self, service: str, operation: str, resource: str, code: str, message: str) -> None:
        self.service = service
        self.operation = operation
        self.resource = resource
        self.code = code
        self.aws_message = message
        super().__init__(self._words())

    def with_remedy(self, remedy: str) -> AwsError:
        """The same error, with what can be done about it."""
        told = AwsError(self.service, self.operation, self.resource, self.code, self.aws_message)
        told.args = (f"{self}. {remedy}",)
        return told

    def _words(self) -> str:
        # Without its full stop, as more may follow.
        message = (self.aws_message or "(no message from AWS)").rstrip(".")
        text = f"{self.service}:{self.operation} failed for {self.resource}: {self.code}: {message}"
        if self.code in DENIED:
            action = f"{ACTION_PREFIX.get(self.service, self.service)}:{self.operation}"
            named = NOT_AUTHORIZED.search(message)
            if named and named.group(1) != action:
                return f"{text}. The caller lacks the permission {named.group(1)}"
            text += f". The caller lacks the permission {OTHER_PERMISSION.get(action, action)} on {self.resource}"
        if self.code in UNKNOWN_KEY:
            # IAM has no Regions.
            text += ". The key is wrong" + (
                "" if self.service == "iam" else ", or the account has not enabled the Region"
            )
        return text


class NoAnswer(AwsError):
    """AWS could not be reached, or there are no credentials. The next call would wait as long, and for nothing."""


class _Eventual(CloudRetry):  # type: ignore[misc]  # amazon.aws has no type information
    """amazon.aws's backoff, for answers that are right a moment later."""

    base_class = AwsError


def eventually(
    call: t.Callable[[], t.Any], not_yet: t.Callable[[AwsError], bool], retries: int = 8, delay: float = 1.0
) -> t.Any:
    """Make ``call`` until it does not raise an error for which ``not_yet`` holds; ``retries`` times at most."""
    decorate = _Eventual.base_decorator(
        retries=retries,
        found=lambda error, extra: not_yet(error),
        status_code_from_exception=lambda error: error,
        catch_extra_error_codes=None,
        sleep_time_generator=BackoffIterator(delay=delay, backoff=2, max_delay=8, jitter=True),
    )
    return decorate(call)()


class Caller(t.NamedTuple):
    """Who calls: from ``sts:GetCallerIdentity``."""

    account: str
    partition: str
    arn: str


class Aws:
    """The connection of one module run: clients are made when first used, and once. Threads can share it."""

    def __init__(self, module: t.Any) -> None:
        self._module = module
        self._clients: dict[tuple[str, str], t.Any] = {}
        self._caller: Caller | None = None
        self._region: str | None = None
        self._making = threading.RLock()

    @property
    def region(self) -> str:
        """The Region of the connection options; an error when there is none."""
        region = self.region_or_none
        if not region:
            raise EcsError("no Region: set the option region, the variable AWS_REGION or a Region in the profile")
        return region

    @property
    def region_or_none(self) -> str | None:
        """The Region of the connection options, for services that can do without."""
        if self._region is None:
            # Once: where it stands in a profile, amazon.aws makes a new session of boto3 each time it is asked.
            self._region = str(self._module.region or "")
        return self._region or None

    def client(self, service: str, in_region: str | None = None) -> t.Any:
        """The boto3 client of a service, in the Region of the connection unless another is named."""
        key = (service, in_region or "")
        with self._making:
            if key not in self._clients:
                config = botocore.config.Config(
                    retries={"mode": "standard", "max_attempts": MAX_ATTEMPTS}, connect_timeout=CONNECT_TIMEOUT
                )
                elsewhere = {"region": in_region} if in_region else {}
                self._clients[key] = self._module.client(service, config=config, **elsewhere)
            return self._clients[key]

    def knows(self, service: str, operation: str, in_region: str | None = None) -> bool:
        """True when botocore is new enough to have the operation."""
        return hasattr(self.client(service, in_region), snake(operation))

    def call(
        self, service: str, operation: str, resource: str, in_region: str | None = None, **params: t.Any
    ) -> Result:
        """One call. ``operation`` as AWS names it; ``resource`` is for the words of an error."""
        method = getattr(self.client(service, in_region), snake(operation))
        with _translated(service, operation, _in(resource, in_region)):
            answer: Result = method(**params)
        answer.pop("ResponseMetadata", None)
        return answer

    def pages(
        self,
        service: str,
        operation: str,
        key: str,
        resource: str,
        in_region: str | None = None,
        **params: t.Any,
    ) -> t.Iterator[t.Any]:
        """The items under ``key`` of all pages, one after the other; a page is fetched when it is needed."""
        paginator = self.client(service, in_region).get_paginator(snake(operation))
        with _translated(service, operation, _in(resource, in_region)):
            for page in paginator.paginate(**params):
                yield from page.get(key, [])

    def caller(self) -> Caller:
        """Account, partition and ARN of the caller; one call a run."""
        with self._making:
            if self._caller is None:
                found = self.call("sts", "GetCallerIdentity", "the caller")
                self._caller = Caller(found["Account"], found["Arn"].split(":")[1], found["Arn"])
            return self._caller


def _in(resource: str, region: str | None) -> str:
    """A resource for the words of an error, with the Region that the caller has named."""
    return f"{resource} in {region}" if region else resource


class _translated:
    """Turns botocore's exceptions into an :class:`AwsError`."""

    def __init__(self, service: str, operation: str, resource: str) -> None:
        self._where = (service, operation, resource)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: t.Any, error: BaseException | None, trace: t.Any) -> None:
        if isinstance(error, botocore.exceptions.ClientError):
            told = error.response.get("Error", {})
            raise AwsError(*self._where, told.get("Code", "Unknown"), told.get("Message", "")) from error
        if isinstance(error, botocore.exceptions.BotoCoreError):
            # The others, as of a parameter that botocore itself refuses, are about this call alone.
            told_as = NoAnswer if isinstance(error, _unanswered()) else AwsError
            raise told_as(*self._where, type(error).__name__, str(error)) from error


def _unanswered() -> tuple[type[Exception], ...]:
    """botocore's errors of the connection, of time, and of credentials."""
    of = botocore.exceptions
    connection = (of.HTTPClientError, of.ConnectionError)
    credentials = (of.NoCredentialsError, of.PartialCredentialsError, of.CredentialRetrievalError)
    return (*connection, *credentials, of.MetadataRetrievalError, of.TokenRetrievalError, of.SSOError)


def snake(operation: str) -> str:
    """boto3's method of an operation: ``GetRole`` is ``get_role``, as botocore's own xform_name has it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower()


class Module(t.Protocol):
    """What is used of AnsibleAWSModule, which carries no types of its own."""

    params: dict[str, t.Any]
    check_mode: bool

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        """End with a result."""

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        """End with an error."""

    def warn(self, warning: str) -> None:
        """Say something that the user should know."""


def run(spec: Params, work: t.Callable[[Aws, t.Any], Result], **constraints: t.Any) -> t.NoReturn:
    """The ``main`` of every AWS module: arguments in, ``work``, and exit with its result or its words.

    ``constraints`` are AnsibleModule's: ``required_if``, ``mutually_exclusive`` and so on. Check mode and diff are
    always supported: ``work`` looks at ``module.check_mode``.
    """
    module: Module = AnsibleAWSModule(argument_spec=dict(spec), supports_check_mode=True, **constraints)
    try:
        result = work(Aws(module), module)
    except EcsError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)
