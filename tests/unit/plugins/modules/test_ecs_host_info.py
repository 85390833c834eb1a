# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ecs_host_info as Ansible runs it, on a host made of files, a unit's states, and an agent that answers."""

from __future__ import annotations

import json
import time
from typing import Any

from unit.plugins.modules._sandbox import Sandbox, sandbox

__all__ = ["sandbox"]

NODE = "mi-0123456789abcdef0"
ARN = "arn:aws:ecs:eu-west-1:123456789012:container-instance/default/0123456789abcdef0123456789abcdef"
DPKG = """#!/bin/sh
printf '%s\\t%s\\tii \\n' amazon-ssm-agent 3.3.1142.0-1 amazon-ecs-init 1.105.1-1 docker.io 20.10.24+dfsg1-1
exit 1
"""
JOURNALCTL = """#!/bin/sh
echo "Failed to connect to Systems Manager: InvalidInstanceId: Not existing InstanceId"
"""
# It answers one question after the other, as the ECS agent does, for as long as the module may take.
INTROSPECTION = f"""#!/bin/sh
python3 - <<'END' &
import http.server, json, signal
signal.alarm(60)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({{"Cluster": "default", "ContainerInstanceArn": "{ARN}",
                                      "Version": "Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"}}).encode())
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", 51678), Handler).serve_forever()
END
"""


def task(**options: Any) -> dict[str, Any]:
    return {"onprem.ecs.ecs_host_info": {"region": "eu-west-1", "cluster": "default", **options}}


def external_instance(sandbox: Sandbox) -> None:
    """All that a host holds when it is one."""
    sandbox.program("dpkg-query", DPKG)
    sandbox.program("journalctl", JOURNALCTL)
    for name in ("amazon-ssm-agent.service", "docker.service", "ecs.service", "chrony.service"):
        started = int((time.monotonic() - 100) * 1e6)
        sandbox.unit(
            name,
            f"Id={name}\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"
            f"ExecMainStartTimestampMonotonic={started}\n",
        )
    vault = "/var/lib/amazon/ssm/"
    key = {"instanceID": NODE, "region": "eu-west-1", "privateKey": "PRIVATEprivatePRIVATE"}
    sandbox.put(vault + "Vault/Store/RegistrationKey", json.dumps(key), age=1000.0)
    identity = {
        "InstanceId": NODE,
        "ShareFile": "/root/.aws/credentials",
        "CredentialsExpiresAt": "2099-01-01T00:00:00Z",
    }
    sandbox.put(vault + "runtimeconfig/identity_config.json", json.dumps(identity))
    sandbox.put("/root/.aws/credentials", "[default]\naws_access_key_id=A\naws_session_token=SESSIONsession\n")
    sandbox.put("/etc/ecs/ecs.config", "ECS_CLUSTER=default\n")
    sandbox.put("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    sandbox.put("/run/systemd/system/x", "")
    # The clock and iptables are this machine's, which may have none.
    sandbox.put("/run/systemd/container", "podman")
    sandbox.program("iptables", "#!/bin/sh\n")


def test_an_external_instance(sandbox: Sandbox) -> None:
    external_instance(sandbox)
    sandbox.program("start-agent", INTROSPECTION)
    start = {"ansible.builtin.command": "start-agent", "check_mode": False}
    wait = {"ansible.builtin.wait_for": {"host": "127.0.0.1", "port": 51678, "timeout": 20}}
    looked = task(until="ecs", files=["/etc/ecs/ecs.config", "/etc/none"])
    results, printed = sandbox.run(start, wait, looked, task(until="ssm"), check=True)
    for result in results[2:]:
        assert not result.get("failed"), result
        assert result["changed"] is False and result["ecs_host"]["problems"] == []
    host = results[2]["ecs_host"]
    assert host["ssm"]["working"] and host["agent"]["working"] and host["engine"]["active"]
    assert host["agent"]["container_instance_arn"] == ARN
    assert [host[part]["version"] for part in ("ssm", "engine", "agent")] == ["3.3.1142.0", "20.10.24", "1.105.1"]
    assert host["files"]["/etc/none"] is None and host["files"]["/etc/ecs/ecs.config"]
    assert "PRIVATEprivate" not in printed and "SESSIONsession" not in printed
    assert sandbox.commands() == []


def test_what_is_not_reached_fails_with_cause_remedy_and_the_last_look(sandbox: Sandbox) -> None:
    external_instance(sandbox)
    sandbox.put("/var/lib/amazon/ssm/runtimeconfig/identity_config.json", "{}")
    sandbox.put("/root/.aws/credentials", "[default]\naws_access_key_id=AKIAX\naws_secret_access_key=SECRETsecret\n")
    late, absent, unknown = sandbox.run(
        task(until="ssm", wait_timeout=1), task(until="ssm", region="us-east-1"), task(until="soon")
    )[0]
    assert late["failed"] and "AWS does not know this managed node any more" in late["msg"]
    assert late["causes"][0]["code"] == "node_deregistered" and late["ecs_host"]["ssm"]["needs_registration"]
    assert late["ecs_host"]["problems"][0]["code"] == "credentials_conflict"
    assert "is registered in eu-west-1, not in us-east-1. Remedy: register the host" in absent["msg"]
    assert "value of until must be one of: none, ssm, ecs" in unknown["msg"]
    assert "SECRETsecret" not in json.dumps([late, absent])
