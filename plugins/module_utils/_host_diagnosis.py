# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Known failures of the agents: how they show in the logs, why, and what helps.

Sources: the agents' own messages, their exit codes, and AWS's troubleshooting pages. One row a failure; no code knows
of a row.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_secrets import hide_passwords

SSM, ECS, ENGINE = "ssm", "ecs", "engine"
BOTH = (SSM, ECS)


class Failure(t.NamedTuple):
    """A known failure. ``follows``: it's often only the consequence of another, so it counts when nothing else was
    found.
    """

    code: str
    pattern: str
    cause: str
    remedy: str
    services: tuple[str, ...] = BOTH
    follows: bool = False


class Finding(t.NamedTuple):
    """A failure that was found, and the line that shows it."""

    code: str
    cause: str
    remedy: str
    evidence: str


TERMINAL_CAUSE = (
    "the ECS agent ended for good (exit status 5): ECS refused its registration, or the configured cluster is not "
    "that of "
    "its state"
)
TERMINAL_REMEDY = (
    "after a change of cluster or machine enrol the host again, which moves it; else check ecs_attributes and ecs_tags"
)

FAILURES: tuple[Failure, ...] = (
    Failure(
        "node_deregistered",
        r"InvalidInstanceId|Not existing InstanceId",
        "AWS does not know this managed node any more: it was deregistered in the account",
        "register the host anew (enrol it again): the old node cannot come back",
        (SSM,),
    ),
    Failure(
        "fingerprint_mismatch",
        r"MachineFingerprintDoesNotMatch|[Ff]ingerprint does ?n[o']t match",
        "AWS sees another machine than the one that registered: the disk was cloned, or /etc/machine-id or the "
        "hardware changed",
        "register the host anew (enrol it again), so that it becomes a node of its own; a clone needs its own "
        "/etc/machine-id",
        (SSM,),
    ),
    Failure(
        # The agent's own doubt, before AWS has said anything: it looks again for 15 seconds, and may find that all is
        # well (at boot, say), or not reach AWS.
        "machine_changed",
        r"Cannot connect to AWS Systems Manager\.\s+(?:The hardware ID|(?:The saved m|M)achine configuration)"
        r"|Calculated hardware difference, regenerating fingerprint",
        "the SSM agent takes this machine for another one than the one that registered, by its /etc/machine-id or its "
        "hardware; AWS has not decided on it yet",
        "restart the agent once /etc/machine-id and the hardware are as they were; if the machine stays changed, AWS "
        "refuses it next, and it must be registered anew (enrol it again)",
        (SSM,),
    ),
    Failure(
        "engine_not_running",
        r"Cannot connect to the Docker daemon|docker\.sock.*(?:refused|no such file|denied|cannot)"
        r"|[Cc]ould not (?:connect to|reach) [Dd]ocker|Docker (?:daemon )?is not running"
        r"|(?:creating|could not create) [Dd]ocker client",
        "Docker does not run, and the ECS agent needs it",
        "start docker.service, and look in its journal if it doesn't stay up",
        (ECS,),
    ),
    Failure(
        "engine_storage",
        r"error initializing graphdriver|failed to start daemon|no space left on device",
        "Docker cannot start, or the disk is full",
        "read `journalctl -u docker`; free space below /var/lib/docker, or correct /etc/docker/daemon.json",
        (ENGINE, ECS, SSM),
    ),
    Failure(
        # After Docker's rows, and before those of AWS and of the network: the rest of the line may match any, and shows
        # as evidence.
        "image_missing",
        r"could not (?:down)?load Amazon (?:Elastic|EC2) Container Ser\w+ Agent",
        "the ECS agent's image could not be downloaded (external hosts download it from us-east-1 only), or not be "
        "loaded into Docker",
        "install the package amazon-ecs-init again: it carries the image in /var/cache/ecs",
        (ECS,),
    ),
    Failure(
        "credentials_route",
        r"could not create route to the credentials proxy|could not enable loopback routing"
        r"|Error searching 'iptables' executable",
        "ecs-init could not lead 169.254.170.2, where tasks get their credentials, to the ECS agent",
        "install iptables; see that the kernel has its table nat, and that /proc/sys/net can be written, which it "
        "cannot in most containers",
        (ECS,),
    ),
    Failure(
        "clock_skew",
        r"Signature not yet current|Signature expired|RequestExpired|RequestTimeTooSkewed"
        r"|certificate has expired or is not yet valid",
        "the host's clock differs from AWS's by more than five minutes, or a certificate is out of date",
        "set the clock and keep it in step (chrony or systemd-timesyncd), then restart the agent",
    ),
    Failure(
        "signature_refused",
        # Not SignatureDoesNotMatch, which is S3's: where Run Command sends its output it says nothing of the node. The
        # SSM agent may tell AWS's words without the code; S3 has "Check your key and signing method".
        r"InvalidSignatureException"
        r"|(?<!SignatureDoesNotMatch: )The request signature we calculated does not match the signature you provided\. "
        r"Check your AWS Secret Access Key and signing method",
        "AWS refuses the node's signature: the key on this host is not the one that AWS has for the node (an old copy "
        "of "
        "the disk was restored, or two hosts share one registration)",
        "register the host anew (enrol it again)",
    ),
    Failure(
        "expired_token",
        r"ExpiredToken(?:Exception)?\b|security token included in the request is expired",
        "the node's temporary credentials expired: the SSM agent did not renew them",
        "look why the SSM agent does not work (clock, network, deregistered node); the ECS agent goes on by itself "
        "afterwards",
        (ECS,),
    ),
    Failure(
        "unrecognized_client",
        r"UnrecognizedClient(?:Exception)?|InvalidClientTokenId|security token included in the request is invalid",
        "AWS does not know the credentials: they are of another origin, another partition, or of a deregistered node",
        "remove other credentials from /root/.aws and from /etc/ecs/ecs.config, and check the Region",
        (ECS,),
    ),
    Failure(
        "access_denied",
        r"AccessDenied(?:Exception)?|is not authorized to perform",
        "the node's IAM role does not allow what the agent needs",
        "check the role of the activation: trust ssm.amazonaws.com (with conditions that match this account), "
        "permissions for the "
        "SSM core and for ECS external instances",
    ),
    Failure(
        "cluster_not_found",
        r"ClusterNotFound(?:Exception)?|Cluster not found",
        "the cluster does not exist in this Region and account, or is INACTIVE",
        "make the cluster, or correct the name (ecs_cluster) or the Region, and enrol the host again",
        (ECS,),
    ),
    Failure(
        "cluster_changed",
        r"[Dd]ata mismatch; saved cluster|saved cluster .* does not match|Setting cluster by (?:API|data) .*mismatch"
        r"|ClusterMismatch",
        "the agent's kept state belongs to another cluster than the one that is configured",
        "enrol the host again, which moves it; or put the old cluster name back",
        (ECS,),
    ),
    Failure(
        "state_refused",
        r"[Cc]ontainer instance (?:\S+ )?(?:is inactive|is deregistered|was not found|belongs to another)"
        r"|Referenced container instance \S+ not registered|InactiveInstanceException",
        "the agent's kept state is of a container instance that was deregistered, or of another managed node",
        "enrol the host again: the state is removed, and the agent registers anew",
        (ECS,),
    ),
    Failure(
        "invalid_parameter",
        r"InvalidParameterException|ClientException|[Cc]ontainer instance type change"
        r"|Attribute validation failed|registration attempt with (?:an )?invalid (?:attribute|parameter)",
        "ECS refused the registration as it is (attributes, tags, resources, or a state of another instance)",
        "check ecs_attributes, ecs_tags and the reserved resources in the agent's configuration; after a change of "
        "machine or cluster remove /var/lib/ecs/data",
        (ECS,),
    ),
    Failure(
        "tls_trust",
        r"x509: (?:certificate signed by unknown authority|certificate is not trusted)"
        r"|unable to get local issuer certificate"
        r"|x509: certificate (?:is valid for|is not valid for any names|relies on legacy Common Name)"
        r"|x509: cannot validate certificate for",
        "the agent does not trust the certificate of the endpoint (a private endpoint, or a proxy that reads TLS)",
        "give the authority's certificate to the agents (ecs_ca_bundle), or correct the endpoint's name",
    ),
    Failure(
        "proxy",
        r"proxyconnect tcp|Proxy Authentication Required|407 Proxy",
        "the proxy cannot be reached or refuses",
        "correct the proxy's address and user (ecs_proxy), and its allow list: the endpoints of ssm, ssmmessages, "
        "ec2messages, ecs, "
        "ecs-a-* and ecs-t-*",
    ),
    Failure(
        "name_resolution",
        r"no such host|server misbehaving|Temporary failure in name resolution"
        r"|lookup \S+(?: on \S+)?: (?:i/o timeout|.*refused)",
        "the endpoint's name cannot be resolved on this host",
        "check the Region's spelling and the host's DNS (/etc/resolv.conf), or the private endpoint's name "
        "(ecs_endpoints)",
    ),
    Failure(
        "connection_refused",
        r"connect(?:ex)?: connection refused|ECONNREFUSED",
        "the endpoint or the proxy refuses connections",
        "check the endpoint's address and port (ecs_endpoints), the proxy (ecs_proxy) and the firewall",
    ),
    Failure(
        "no_route",
        r"i/o timeout|network is unreachable|no route to host|context deadline exceeded|Client\.Timeout exceeded",
        "the endpoint cannot be reached from this host",
        "allow outgoing TCP 443 to the endpoints of ssm, ssmmessages, ec2messages, ecs, ecs-a-* and ecs-t-*, or set a "
        "proxy (ecs_proxy)",
    ),
    Failure(
        "throttled",
        r"ThrottlingException|Rate exceeded|TooManyRequests",
        "AWS throttles the calls of this account: many hosts at once",
        "nothing needs to be changed, the agent tries again; enrol fewer hosts at a time (serial)",
    ),
    Failure(
        "not_registered",
        r"agent is not registered|instance is not registered|Failed to fetch instance ID|unable to determine .*identity"
        r"|[Ff]ailed to (?:find|get|assume) (?:any |agent )?identity",
        "the SSM agent has no registration",
        "register the host (the module ssm_registration)",
        (SSM,),
        follows=True,
    ),
    Failure(
        "terminal_exit",
        r"[Aa]gent exited with (?:terminal )?(?:exit )?(?:code|status):? 5\b",
        TERMINAL_CAUSE,
        TERMINAL_REMEDY,
        (ECS,),
        follows=True,
    ),
    Failure(
        "no_credentials",
        r"NoCredentialProviders|no valid providers in chain|failed to refresh cached credentials"
        r"|no EC2 IMDS role found",
        "the ECS agent finds no credentials: the SSM agent has not written /root/.aws/credentials",
        "look at the SSM agent first: registered, running, Online; then the ECS agent goes on by itself",
        (ECS,),
        follows=True,
    ),
    Failure(
        "no_region",
        r"MissingRegion|[Cc]ould not find [Rr]egion|[Uu]nable to (?:find|determine) (?:the )?[Rr]egion"
        r"|AWS_DEFAULT_REGION.*(?:not set|missing|must)|[Nn]o [Rr]egion",
        "the ECS agent knows no Region",
        "set AWS_DEFAULT_REGION in /var/lib/ecs/ecs.config (the role ecs_agent does)",
        (ECS,),
        follows=True,
    ),
    Failure(
        # After the row of the Region, of which the agent says the same.
        "config_invalid",
        r"Error loading config|Invalid format for ECS_(?:INSTANCE_ATTRIBUTES|CONTAINER_INSTANCE_TAGS)"
        r"|failed to get shared config profile|reserved memory is higher than available memory",
        "the ECS agent cannot work with its configuration",
        "correct ecs_agent_config, ecs_attributes or ecs_tags; attributes and tags are JSON objects of strings in "
        "/etc/ecs/ecs.config, and ECS_RESERVED_MEMORY is less than the host has",
        (ECS,),
    ),
)

# AWS's last word on a registration: no waiting and no restart helps, only a new registration.
LOST = ("node_deregistered", "fingerprint_mismatch", "signature_refused")

# What the ECS unit's exit status says when the logs say nothing. It's that of `start`: systemd keeps a failed
# `pre-start` apart.
TERMINAL_STATUS = 5

# What must not be passed on with the evidence: access keys, values that are named as secrets, session tokens.
SECRETS = (
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), r"\1***"),
    (
        re.compile(
            r"(?i)((?:secret|token|password|private_?key|activation-?code|-code)\w*[\"']?\s*[=:]?\s*[\"']?)"
            r"[\w+/=-]{16,}"
        ),
        r"\1***",
    ),
    (re.compile(r"(?<![\w/.:-])[A-Za-z0-9+/=]{80,}"), "***"),
)


def evidence_line(line: str) -> str:
    """The line as it may be shown: without secrets, at most 300 characters."""
    shown = hide_passwords(" ".join(line.split()))
    for pattern, mask in SECRETS:
        shown = pattern.sub(mask, shown)
    return shown if len(shown) <= 300 else shown[:297] + "..."


def diagnose(lines: t.Sequence[str], service: str, exit_status: int = 0) -> list[Finding]:
    """The known failures in a service's lines (oldest first), the most recent first; no consequence beside a cause."""
    latest: dict[str, tuple[int, Failure]] = {}
    rows = [(failure, re.compile(failure.pattern)) for failure in FAILURES if service in failure.services]
    for number, line in enumerate(lines):
        for failure, pattern in rows:
            if pattern.search(line):
                latest[failure.code] = (number, failure)
                break
    causes = [found for found in latest.values() if not found[1].follows]
    ordered = sorted(causes or latest.values(), key=lambda found: found[0], reverse=True)
    findings = [Finding(row.code, row.cause, row.remedy, evidence_line(lines[number])) for number, row in ordered]
    if not findings and service == ECS and exit_status == TERMINAL_STATUS:
        findings = [Finding("terminal_exit", TERMINAL_CAUSE, TERMINAL_REMEDY, f"exit status {exit_status}")]
    return findings
