# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agents' roles make of the user's variables: AWS's addresses of packages, and the agents' configuration.

Ansible itself computes them, all in one play, from the roles' own files. Hosts of the other tests have a mirror.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any, NamedTuple

import pytest
from runner import Playbooks

#: Of a package: format and architecture, as the host tells them.
KINDS = tuple(product(("deb", "rpm"), ("amd64", "arm64")))
#: AWS's addresses of the newest agents, in the order of `KINDS`.
SSM_AGENT = {
    "eu-west-1": (
        "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_amd64/amazon-ssm-agent.deb",
        "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_arm64/amazon-ssm-agent.deb",
        "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/linux_amd64/amazon-ssm-agent.rpm",
        "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/linux_arm64/amazon-ssm-agent.rpm",
    ),
    "us-gov-west-1": (
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ssm-us-gov-west-1/latest/debian_amd64/amazon-ssm-agent.deb",
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ssm-us-gov-west-1/latest/debian_arm64/amazon-ssm-agent.deb",
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ssm-us-gov-west-1/latest/linux_amd64/amazon-ssm-agent.rpm",
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ssm-us-gov-west-1/latest/linux_arm64/amazon-ssm-agent.rpm",
    ),
    "cn-north-1": (
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/latest/debian_amd64/amazon-ssm-agent.deb",
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/latest/debian_arm64/amazon-ssm-agent.deb",
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/latest/linux_amd64/amazon-ssm-agent.rpm",
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/latest/linux_arm64/amazon-ssm-agent.rpm",
    ),
    "eusc-de-east-1": (
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ssm-eusc-de-east-1/latest/debian_amd64/amazon-ssm-agent.deb",
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ssm-eusc-de-east-1/latest/debian_arm64/amazon-ssm-agent.deb",
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ssm-eusc-de-east-1/latest/linux_amd64/amazon-ssm-agent.rpm",
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ssm-eusc-de-east-1/latest/linux_arm64/amazon-ssm-agent.rpm",
    ),
}
ECS_AGENT = {
    "eu-west-1": (
        "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-latest.amd64.deb",
        "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-latest.arm64.deb",
        "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-latest.x86_64.rpm",
        "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-latest.aarch64.rpm",
    ),
    "us-gov-west-1": (
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ecs-agent-us-gov-west-1/amazon-ecs-init-latest.amd64.deb",
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ecs-agent-us-gov-west-1/amazon-ecs-init-latest.arm64.deb",
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ecs-agent-us-gov-west-1/amazon-ecs-init-latest.x86_64.rpm",
        "https://s3.us-gov-west-1.amazonaws.com/amazon-ecs-agent-us-gov-west-1/amazon-ecs-init-latest.aarch64.rpm",
    ),
    "cn-north-1": (
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ecs-agent-cn-north-1/amazon-ecs-init-latest.amd64.deb",
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ecs-agent-cn-north-1/amazon-ecs-init-latest.arm64.deb",
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ecs-agent-cn-north-1/amazon-ecs-init-latest.x86_64.rpm",
        "https://s3.cn-north-1.amazonaws.com.cn/amazon-ecs-agent-cn-north-1/amazon-ecs-init-latest.aarch64.rpm",
    ),
    "eusc-de-east-1": (
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ecs-agent-eusc-de-east-1/amazon-ecs-init-latest.amd64.deb",
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ecs-agent-eusc-de-east-1/amazon-ecs-init-latest.arm64.deb",
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ecs-agent-eusc-de-east-1/amazon-ecs-init-latest.x86_64.rpm",
        "https://s3.eusc-de-east-1.amazonaws.eu/amazon-ecs-agent-eusc-de-east-1/amazon-ecs-init-latest.aarch64.rpm",
    ),
}
#: Those of exact versions; and those of the newest for a host with IPv6 only.
EXACT = {"ecs_ssm_agent_version": "3.3.1142.0", "ecs_agent_version": "1.105.1-1"}
SSM_AGENT_EXACT = (
    "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/3.3.1142.0/debian_amd64/amazon-ssm-agent.deb",
    "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/3.3.1142.0/debian_arm64/amazon-ssm-agent.deb",
    "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/3.3.1142.0/linux_amd64/amazon-ssm-agent.rpm",
    "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/3.3.1142.0/linux_arm64/amazon-ssm-agent.rpm",
)
ECS_AGENT_EXACT = (
    "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-1.105.1-1.amd64.deb",
    "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-1.105.1-1.arm64.deb",
    "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-1.105.1-1.x86_64.rpm",
    "https://s3.eu-west-1.amazonaws.com/amazon-ecs-agent-eu-west-1/amazon-ecs-init-1.105.1-1.aarch64.rpm",
)
IPV6 = (
    "https://s3.dualstack.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/latest/debian_arm64/amazon-ssm-agent.deb",
    "https://s3.dualstack.cn-north-1.amazonaws.com.cn/amazon-ecs-agent-cn-north-1/amazon-ecs-init-latest.arm64.deb",
)


class Case(NamedTuple):
    """Variables of a user, for a host with packages of this kind; and what is to become of them, by `VALUES`."""

    variables: dict[str, Any]
    expected: dict[str, Any]
    kind: tuple[str, str] = KINDS[0]


def config(*lines: str) -> list[str]:
    """The lines of ``/etc/ecs/ecs.config``."""
    return sorted(["ECS_CLUSTER=shop", *lines])


#: How a value is got: a file's content in a list, so that no version of Ansible reads it again as data.
FILE = "{{{{ __{}_agent_files | selectattr('dest', 'equalto', '{}') | map(attribute='content') | list }}}}"
VALUES = {
    "ssm_agent": "{{ __ssm_agent_url }}",
    "ecs_agent": "{{ __ecs_agent_url }}",
    "ssm_json": FILE.format("ssm", "/etc/amazon/ssm/amazon-ssm-agent.json"),
    "instance": FILE.format("ecs", "/var/lib/ecs/ecs.config"),
    "config": FILE.format("ecs", "/etc/ecs/ecs.config"),
    "ssm_unit": "{{ [__ssm_agent_drop_in] }}",
    "engine_unit": "{{ [__container_engine_proxy_content] }}",
    "downloads": (
        "{{ [__ssm_agent_download_environment, __ecs_agent_download_environment,"
        " __container_engine_download_environment] | unique }}"
    ),
    "ssm_refused": "{{ __ssm_agent_endpoint_faults | unique }}",
    "ecs_refused": "{{ __ecs_agent_line_faults | map('split') | map('first') }}",
    "label_refused": "{{ __ecs_agent_label_faults | map('split') | map('first') }}",
    "work": "{{ [__ssm_agent_needs_work] }}",
    "engine_refused": "{{ [__container_engine_proxy_faults | length > 0] }}",
}
AS_IT_IS = {*VALUES} - {"ssm_json", "instance", "config", "ssm_unit", "engine_unit"}
#: Values that would make other lines of a file than they say; systemd ignores a line with the first two.
BREAKING = {
    "a quotation mark": 'http://user:a"b@proxy:1',
    "a backslash": "http://AD\\user@proxy:1",
    "a line break": "http://proxy:1\n",
}
#: Never by a proxy, for the ECS agent.
NEVER = "169.254.169.254,169.254.170.2,/var/run/docker.sock"
CASES = {
    **{
        f"addresses of {' '.join(kind)} in {region}": Case(
            {"ecs_region": region},
            {"ssm_agent": SSM_AGENT[region][place], "ecs_agent": ECS_AGENT[region][place]},
            kind,
        )
        for region in SSM_AGENT
        for place, kind in enumerate(KINDS)
    },
    **{
        f"addresses of {' '.join(kind)} in an exact version": Case(
            EXACT, {"ssm_agent": SSM_AGENT_EXACT[place], "ecs_agent": ECS_AGENT_EXACT[place]}, kind
        )
        for place, kind in enumerate(KINDS)
    },
    "addresses over IPv6": Case(
        {"ecs_region": "cn-north-1", "ecs_ip_compatibility": "ipv6"},
        {"ssm_agent": IPV6[0], "ecs_agent": IPV6[1]},
        ("deb", "arm64"),
    ),
    "nothing but defaults": Case(
        {},
        {
            "ssm_json": None,
            "config": config(),
            "instance": ["AWS_DEFAULT_REGION=eu-west-1", "ECS_EXTERNAL=true"],
        },
    ),
    "IPv6 only": Case(
        {"ecs_ip_compatibility": "ipv6"},
        {
            "ssm_json": {"Agent": {"UseDualStackEndpoint": True}, "WrittenBy": "onprem.ecs.ssm_agent"},
            "config": config("ECS_INSTANCE_IP_COMPATIBILITY=ipv6"),
        },
    ),
    "IPv4 only": Case(
        {"ecs_ip_compatibility": "ipv4"}, {"ssm_json": None, "config": config("ECS_INSTANCE_IP_COMPATIBILITY=ipv4")}
    ),
    **{
        f"GPUs as {value!r}": Case(
            {"ecs_gpu": value},
            {"instance": ["AWS_DEFAULT_REGION=eu-west-1", "ECS_ENABLE_GPU_SUPPORT=true", "ECS_EXTERNAL=true"]},
        )
        for value in (True, "true")
    },
    "no GPUs as text": Case({"ecs_gpu": "false"}, {"instance": ["AWS_DEFAULT_REGION=eu-west-1", "ECS_EXTERNAL=true"]}),
    "each form of a value": Case(
        {
            "ecs_agent_config": {
                "ECS_AVAILABLE_LOGGING_DRIVERS": ["json-file", "awslogs"],
                "ECS_ENGINE_AUTH_DATA": {"registry.example": {"username": "shop"}},
                "ECS_DISABLE_METRICS": True,
                "ECS_ENABLE_TASK_IAM_ROLE": False,
                "ECS_RESERVED_MEMORY": 256,
                "ECS_LOGLEVEL": "warn",
                "ECS_RESERVED_PORTS": "[22, 2375]",
                "ECS_IMAGE_CLEANUP_INTERVAL": "{{ 2 * 15 }}m",
                "ECS_SELINUX_CAPABLE": "True",
            }
        },
        {
            "config": config(
                'ECS_AVAILABLE_LOGGING_DRIVERS=["json-file", "awslogs"]',
                'ECS_ENGINE_AUTH_DATA={"registry.example": {"username": "shop"}}',
                "ECS_DISABLE_METRICS=true",
                "ECS_ENABLE_TASK_IAM_ROLE=false",
                "ECS_RESERVED_MEMORY=256",
                "ECS_LOGLEVEL=warn",
                "ECS_RESERVED_PORTS=[22, 2375]",
                "ECS_IMAGE_CLEANUP_INTERVAL=30m",
                "ECS_SELINUX_CAPABLE=True",
            )
        },
    ),
    "what the user says counts more": Case(
        {"ecs_ip_compatibility": "ipv6", "ecs_agent_config": {"ECS_INSTANCE_IP_COMPATIBILITY": "ipv4"}},
        {"config": config("ECS_INSTANCE_IP_COMPATIBILITY=ipv4")},
    ),
    "a proxy for HTTP alone, with null for the rest": Case(
        {"ecs_proxy": {"http": "http://user:p%40$w#@proxy:1", "https": None, "no_proxy": None}},
        {
            "ssm_unit": [
                'Environment="http_proxy=http://user:p%%40$w#@proxy:1"',
                'Environment="no_proxy=169.254.169.254"',
                "[Service]",
            ],
            "engine_unit": [
                'Environment="HTTP_PROXY=http://user:p%%40$w#@proxy:1"',
                f'Environment="NO_PROXY=localhost,127.0.0.1,{NEVER}"',
                "[Service]",
            ],
            "config": config("HTTP_PROXY=http://user:p%40$w#@proxy:1", f"NO_PROXY={NEVER}"),
            "downloads": [{"http_proxy": "http://user:p%40$w#@proxy:1", "no_proxy": "localhost,127.0.0.1"}],
            "ssm_refused": [],
            "ecs_refused": [],
            "engine_refused": [False],
        },
    ),
    **{
        f"{name} in the proxy": Case(
            {"ecs_proxy": {"https": value}},
            {"ssm_refused": ["ecs_proxy"], "ecs_refused": ["ecs_proxy"], "engine_refused": [True]},
        )
        for name, value in BREAKING.items()
    },
    **{
        f"{value!r} as an endpoint": Case(
            {"ecs_endpoints": {"ecs": value}}, {"ssm_refused": [value], "ecs_refused": ["ecs_endpoints.ecs"]}
        )
        for value in (None, "", "ecs.example", "https://ecs.example\n", "https://ecs.example\nECS_LOGLEVEL=debug")
    },
    **{
        f"{value!r} as the cluster": Case({"ecs_cluster": value}, {"label_refused": ["ecs_cluster"]})
        for value in (None, "", "shop\n", "my shop")
    },
    **{
        f"{value!r} as the cluster, which is one": Case({"ecs_cluster": value}, {"label_refused": []})
        for value in ("shop", 2024)
    },
    "null for what may be empty": Case(
        {"ecs_activation_id": None, "ecs_ssm_agent_key": None, "ecs_agent_key": None}, {"work": [True]}
    ),
    "no_proxy of the agent as a list": Case(
        {"ecs_agent_config": {"NO_PROXY": ["a", "b"]}}, {"config": config(f"NO_PROXY={NEVER},a,b")}
    ),
    "no_proxy of the agent as text": Case(
        {"ecs_agent_config": {"NO_PROXY": "a,b"}}, {"config": config(f"NO_PROXY={NEVER},a,b")}
    ),
}


def host(kind: tuple[str, str]) -> dict[str, Any]:
    """What the look at a bare host says, as far as these values take it."""
    package_format, architecture = kind
    return {
        "system": {"package_format": package_format, "architecture": architecture},
        "ssm": {"unit": "amazon-ssm-agent.service", "own_config": False, "source": None, "installed": False},
    }


def read(key: str, told: Any) -> Any:
    """What a value says: the lines of a file but the comment, the data of one in JSON; an address as it is."""
    if key in AS_IT_IS:
        return told
    (content,) = told
    if key == "ssm_json":
        return json.loads(content) if content else None
    return sorted(line for line in content.splitlines() if not line.startswith("#"))


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of the variables of each case."""
    playbooks = Playbooks("", tmp_path_factory.mktemp("values"))
    # Without a task in it: now the play has the role's variables and defaults.
    roles = [
        {
            "name": f"The variables of {role}",
            "ansible.builtin.import_role": {"name": f"onprem.ecs.{role}", "tasks_from": "variables"},
        }
        for role in ("ssm_agent", "ecs_agent", "container_engine")
    ]
    tasks = [
        {
            "name": name,
            "ansible.builtin.debug": {"msg": {key: VALUES[key] for key in case.expected}},
            "vars": {
                "ecs_region": "eu-west-1",
                "ecs_cluster": "shop",
                "__ecs_look": {"ecs_host": host(case.kind)},
                **case.variables,
            },
        }
        for name, case in CASES.items()
    ]
    done = playbooks.run([playbooks.local([*roles, *tasks])])
    assert done.code == 0, done.explain()
    return {name: {key: read(key, told) for key, told in done.named(name)["msg"].items()} for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_it_is_as_expected(values: dict[str, dict[str, Any]], name: str) -> None:
    assert values[name] == CASES[name].expected
