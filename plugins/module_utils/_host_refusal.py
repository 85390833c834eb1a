# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Why a registration was refused, and what helps."""

from __future__ import annotations

import re

from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import SSM, diagnose, evidence_line

# The errors of RegisterManagedInstance, as the agent shows them: "... with AWS SSM. CODE: MESSAGE". AWS's message is
# often empty.
REFUSALS = {
    "InvalidActivation": (
        "AWS does not know this activation with this code in this Region: wrong id or code, another Region or "
        "account, or deleted",
        "make a new activation in the Region of the host, and give its id and code together",
    ),
    "ActivationExpired": (
        "the activation has expired",
        "make a new activation (the longest life is 30 days)",
    ),
    "RegistrationLimitExceeded": (
        "the activation is used up: as many hosts as its registration limit allows have registered with it",
        "make a new activation with room for the hosts that are left (registration_limit, 1 to 1000)",
    ),
    "InstanceAlreadyRegistered": (
        "AWS has a node with this machine's fingerprint already",
        "deregister the old managed node in the account, then register again",
    ),
    "InvalidPublicKey": (
        "AWS refuses the key that the agent made",
        "upgrade the SSM agent, then register again",
    ),
    "TooManyUpdates": (
        "AWS is throttling: too many registrations at once",
        "register again after a minute, and fewer hosts at a time (serial)",
    ),
    "InternalServerError": (
        "AWS failed; the agent tried four times",
        "register again after a minute",
    ),
    "ThrottlingException": (
        "AWS is throttling: too many calls of this account",
        "register again after a minute, and fewer hosts at a time (serial)",
    ),
    "AccessDeniedException": (
        "AWS does not allow this registration (a policy of the organisation, or of the private endpoint)",
        "check the policies of the endpoint and of the organisation for ssm:RegisterManagedInstance",
    ),
}

LOCAL = (
    (
        r"Registration failed due to EOF|already registered",
        "the host was registered by somebody else in the same moment",
        "run again; the registration that is there now is kept",
    ),
    (
        r"[Mm]ust run as (?:administrator|root)|permission denied",
        "the SSM agent may not write its files",
        "run as root (become: true)",
    ),
    (
        r"invalid (?:activation )?code|code .*(?:length|too short)|invalid id|flag provided but not defined"
        r"|InvalidParameter: \d+ validation error",
        "the SSM agent does not take the activation as it was given",
        "give the activation's id (a UUID) and its code (20 characters or more) as they were returned",
    ),
)


def error_code(output: str) -> str | None:
    """AWS's error code in what the agent wrote; None when it shows none."""
    match = re.search(r"with AWS SSM\.\s+([A-Z][A-Za-z]+):", output)
    if match:
        return match.group(1)
    return next((code for code in REFUSALS if code in output), None)


def refusal(output: str) -> tuple[str | None, str, str, str]:
    """AWS's code if any, the cause, the remedy, and the line that shows it, of what a failed registration wrote."""
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"(?i)error|fail|denied|refused|invalid|[Rr]egistering", line)]
    evidence = evidence_line((telling or lines or ["the agent wrote nothing"])[-1])
    code = error_code(output)
    if code in REFUSALS and code is not None:
        return (code, *REFUSALS[code], evidence)
    for pattern, cause, remedy in LOCAL:
        if re.search(pattern, output):
            return (code, cause, remedy, evidence)
    found = diagnose(lines, SSM)
    if found:
        return (code, found[0].cause, found[0].remedy, found[0].evidence)
    return (code, "AWS or the agent refused it", "read /var/log/amazon/ssm/errors.log on the host", evidence)
