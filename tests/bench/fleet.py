# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``onprem.ecs.enroll`` on systemd hosts: the first time beside the commands that AWS's pages want, by hand and as
plain tasks, and with nothing to do beside ``ansible -m ping``.

Everything is on this machine: hosts, mirror and emulator. Both sides of a comparison run in the same lab, one after the
other. ``BENCH_HOSTS`` says how many hosts (2,10,30). The folder of the AWS command line is in ``AWS_BIN``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hosts.lab import Lab

COUNTS = [int(count) for count in os.environ.get("BENCH_HOSTS", "2,10,30").split(",")]
#: Rounds, and runs of what changes nothing; the median is shown.
RUNS = 3
CLUSTER = "bench"
HERE = Path(__file__).parent
#: What enrolling writes on a host: the bare commands get the same.
FILES = "etc/amazon/ssm etc/ecs var/lib/ecs/ecs.config etc/systemd/system/amazon-ssm-agent.service.d"
SHELL = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -y -q docker.io gpg curl >/dev/null
cd "$(mktemp -d)"
fetch() {  # URL SIGNATURE KEY
  curl -fsS -o package.deb "$1"; curl -fsS -o package.sig "$2"; curl -fsS -o key.asc "$3"
  gpg --batch --quiet --homedir . --import key.asc 2>/dev/null
  gpg --batch --quiet --homedir . --verify package.sig package.deb 2>/dev/null
}
tar -x -C / -f /tmp/bench.tar
fetch "$SSM" "$SSM.sig" "$KEYS/ssm.asc"
dpkg -i package.deb >/dev/null
export SSL_CERT_FILE=/etc/amazon/ssm/ca-bundle.pem
amazon-ssm-agent -register -code "$CODE" -id "$ID" -region "$REGION" -y >/dev/null
systemctl daemon-reload
systemctl enable -q amazon-ssm-agent
systemctl restart amazon-ssm-agent
fetch "$ECS" "$ECS.asc" "$KEYS/ecs.asc"
dpkg -i package.deb >/dev/null
systemctl enable -q ecs
systemctl start --no-block ecs
until curl -fs http://localhost:51678/v1/metadata 2>/dev/null | grep -q '"ContainerInstanceArn": *"arn'; do
  sleep 0.5
done
"""

#: What AWS's pages do in the account before a host can register, by the AWS command line.
ACCOUNT = r"""
set -eu
trust='{"Version": "2012-10-17", "Statement":
  {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}}'
aws iam create-role --role-name "$ROLE" --assume-role-policy-document "$trust" >/dev/null
for policy in AmazonSSMManagedInstanceCore service-role/AmazonEC2ContainerServiceforEC2Role; do
  aws iam attach-role-policy --role-name "$ROLE" --policy-arn "arn:aws:iam::aws:policy/$policy"
done
aws ecs create-cluster --cluster-name "$CLUSTER" >/dev/null
aws ssm create-activation --iam-role "$ROLE" --query '[ActivationId, ActivationCode]' --output text
"""
#: The emulator loads a service with its first call, which must not count for whoever comes first.
WARM_UP = "for call in 'iam list-roles' 'ecs list-clusters' 'ssm describe-activations'; do aws $call >/dev/null; done"
#: And after it: until the host is online, active and connected; then its activation is of no more use.
PROOF = r"""
set -eu
node() { aws ssm describe-instance-information --filters "Key=ActivationIds,Values=$ID" --output text --query "$1"; }
until [ "$(node 'InstanceInformationList[0].PingStatus')" = Online ]; do sleep 1; done
id=$(node 'InstanceInformationList[0].InstanceId')
members() { aws ecs list-container-instances --cluster "$CLUSTER" --query containerInstanceArns --output text; }
until aws ecs describe-container-instances --cluster "$CLUSTER" --container-instances $(members) --output text \
  --query "containerInstances[?ec2InstanceId=='$id' && status=='ACTIVE'].agentConnected" | grep -q True; do
  sleep 1
done
aws ssm delete-activation --activation-id "$ID"
"""


@dataclass
class Figures:
    """One run: seconds on the clock, calls of AWS, and what was executed on each host."""

    wall: float
    calls: int = 0
    executions: float = 0.0
    text: str = ""


class Bench:
    """Runs things in a lab."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab = lab
        self.home = home
        (home / "ansible.cfg").touch()

    def run(self, command: list[str]) -> Figures:
        """Run a command in the lab and measure it.

        :raises RuntimeError: it failed
        """
        environment = {
            "HOME": str(self.home),
            "ANSIBLE_CONFIG": str(self.home / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
        }
        self.lab.emulator("DELETE", "calls")
        start = time.monotonic()
        done = self.lab.run(command, env=environment, cwd=self.home, timeout=3600)
        wall = time.monotonic() - start
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}: {done.stdout[-6000:]}{done.stderr[-2000:]}")
        calls = self.lab.emulator("GET", "calls")
        return Figures(wall, calls["reads"] + calls["writes"], text=done.stdout)

    def enroll(self, *options: str) -> Figures:
        """The playbook."""
        given = ["-e", f"@{self.lab.run_dir / 'vars.yml'}", "-e", f"ecs_cluster={CLUSTER}"]
        return self.run(["ansible-playbook", "onprem.ecs.enroll", *given, *options])

    def executions(self) -> float:
        """What a run with nothing to do executes on a host, on the average."""
        text = self.enroll("-vvvv").text
        addresses = [host.address for host in self.lab.hosts()]
        return sum(text.count(f"<{address}> SSH: EXEC") for address in addresses) / len(addresses)

    def median(self, work: Any) -> Figures:
        """The median of several runs."""
        runs = [work() for _run in range(RUNS)]
        return Figures(statistics.median(run.wall for run in runs), runs[-1].calls)


def values_of(lab: Lab, role: str) -> dict[str, str]:
    """What the commands are given: where the packages are, and the names."""
    variables: dict[str, Any] = yaml.safe_load((lab.run_dir / "vars.yml").read_text(encoding="utf-8"))
    mirror, region = variables["ecs_mirror"], variables["ecs_region"]
    return {
        "SSM": f"{mirror}/amazon-ssm-{region}/latest/debian_amd64/amazon-ssm-agent.deb",
        "ECS": f"{mirror}/amazon-ecs-agent-{region}/amazon-ecs-init-latest.amd64.deb",
        "KEYS": f"{mirror}/keys",
        "REGION": region,
        "ROLE": role,
        "CLUSTER": CLUSTER,
    }


def give_files(lab: Lab, pattern: str, hosts: Sequence[str]) -> None:
    """Hosts get the files that enrolling has written on another, packed."""
    lab.host(pattern).run(f"tar -c -C / -f /tmp/bench.tar {FILES}", check=True)
    packed = lab.host(pattern).run("base64 -w0 /tmp/bench.tar", check=True).stdout
    for host in hosts:
        lab.host(host).run("base64 -d >/tmp/bench.tar", stdin=packed, check=True)


def by_hand(bench: Bench, host: str) -> tuple[float, float]:
    """Seconds that AWS's commands take in the account, and the bare commands on a host."""
    lab, values = bench.lab, values_of(bench.lab, "benchByHand")
    account = bench.run(aws(ACCOUNT, values))
    values["ID"], values["CODE"] = account.text.split()
    start = time.monotonic()
    lab.host(host).run("cat >/tmp/bench.sh; bash /tmp/bench.sh", stdin=script(SHELL, values), check=True)
    on_host = time.monotonic() - start
    return account.wall + bench.run(aws(PROOF, values)).wall, on_host


def by_plain_tasks(bench: Bench, host: str) -> float:
    """Seconds that a playbook takes whose tasks are the same commands."""
    values = values_of(bench.lab, "benchPlain")
    given = {name.lower(): value for name, value in values.items()}
    given["proof"] = script(PROOF, values)
    command = ["ansible-playbook", str(HERE / "playbooks" / "enroll.yml"), "--limit", host, "-e", json.dumps(given)]
    return bench.run(aws(f"exec {shlex.join(command)}", {"AWS_DEFAULT_REGION": values["REGION"]})).wall


def script(commands: str, values: dict[str, str]) -> str:
    """The commands with their variables before them."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()) + commands


def aws(commands: str, values: dict[str, str]) -> list[str]:
    """The command that runs commands of the AWS command line."""
    return ["sh", "-c", f"PATH={shlex.quote(os.environ['AWS_BIN'])}:$PATH\n{script(commands, values)}"]


def first_time() -> tuple[float, float, float, float]:
    """Seconds of the first enrolment of a host, of plain tasks, and by hand: in the account and on the host."""
    with laboratory(hosts=3) as bench:
        bench.run(aws(WARM_UP, {}))
        enrolled = bench.enroll("--limit", "node2").wall
        give_files(bench.lab, "node2", ["node1", "node3"])
        return enrolled, by_plain_tasks(bench, "node3"), *by_hand(bench, "node1")


def show_first_times() -> None:
    """First enrolments, each in a new account.

    The speed of a machine drifts: only what ran in one round is compared.
    """
    rounds = [first_time() for _round in range(RUNS)]
    enrolled, plain, account, host = (statistics.median(column) for column in zip(*rounds, strict=True))
    for words, seconds in (
        ("first enrolment of one host", enrolled),
        ("the same commands as a playbook of plain tasks", plain),
        ("by hand: AWS's commands in the account", account),
        ("by hand: the bare shell commands on the host", host),
    ):
        print(f"{words:48}{seconds:8.1f} s")
    ratios = [(mine / tasks, mine / (calls + bare), mine / bare) for mine, tasks, calls, bare in rounds]
    to_plain, to_hand, to_host = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"{to_plain:.2f} times the plain tasks, {to_hand:.2f} times by hand,")
    print(f"{to_host:.2f} times the host's commands alone; aim: 1.2 times, downloads (here local) aside")


def show_no_change() -> None:
    """Runs with nothing to do, on more and more hosts."""
    print(f"\n{'hosts':>6}{'ping s':>10}{'enroll s':>10}{'times':>8}{'AWS calls':>11}{'executions a host':>20}")
    with laboratory(hosts=COUNTS[0]) as bench:
        for count in COUNTS:
            for number in range(len(bench.lab.hosts()) + 1, count + 1):
                bench.lab.add_host(f"node{number}")
            bench.enroll()
            ping = bench.median(lambda: bench.run(["ansible", "ecs", "-m", "ping"]))
            nothing = bench.median(bench.enroll)
            row = f"{count:6}{ping.wall:10.1f}{nothing.wall:10.1f}{nothing.wall / ping.wall:8.2f}{nothing.calls:11}"
            print(f"{row}{bench.executions():20.1f}", flush=True)
    print("aim: 3 times ansible -m ping over 30 hosts; the calls do not grow below one page of hosts")


@contextlib.contextmanager
def laboratory(hosts: int) -> Iterator[Bench]:
    """A lab of so many hosts with a new account; it is stopped in the end."""
    Lab("bench").stop()
    lab = Lab.start("bench", hosts=hosts)
    try:
        with tempfile.TemporaryDirectory() as home:
            yield Bench(lab, Path(home))
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{error}\n{error.stdout}\n{error.stderr}") from error
    finally:
        lab.stop()


if __name__ == "__main__":
    show_first_times()
    show_no_change()
