# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IAM baseline of an account: this collection against the same made with amazon.aws, whole runs of a playbook.

Both run on one emulator, which starts as its own process and answers at once, or 100 ms late. The figures are printed
and judged by who reads them: nothing fails here because a machine is slow.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import emulator

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
DELAYS = (0, 100)
#: How often each is run, in turn, so that a machine that is slower for a while is so for all; medians are shown.
ROUNDS = 3
FLOOR = "one aws_caller_info"
OURS = "ecs_iam_baseline"
#: AWS's page makes the policy for logs a managed policy of the account's own; inside of the role it costs less.
PEERS = ("amazon.aws, own policy managed", "amazon.aws, own policy inline")
CONTESTANTS = (
    (PEERS[0], "amazon_aws", "-e", "managed=true"),
    (PEERS[1], "amazon_aws"),
    (OURS, "onprem_ecs"),
)


@dataclass
class Figures:
    """One run of a playbook: seconds on the clock, seconds of CPU, and calls that the emulator counted."""

    wall: float
    cpu: float
    calls: int
    writes: int


class Bench:
    """Runs playbooks against an emulator."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.home = home

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The emulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def account(self, delay: int) -> None:
        """An account with nothing in it but the operator's role."""
        self.control("POST", "reset")
        self.play("operator")
        self.control("POST", "settings", {"delay_ms": delay})

    def play(self, name: str, *options: str) -> Figures:
        """Run a playbook and measure it.

        :raises RuntimeError: it failed
        """
        self.control("DELETE", "calls")
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        program = str(Path(sys.executable).parent / "ansible-playbook")
        done = subprocess.run(
            [program, "-i", "localhost,", str(PLAYBOOKS / f"{name}.yml"), *options],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stdout}{done.stderr}")
        counted = self.control("GET", "calls")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Figures(wall, cpu, sum(counted["calls"].values()), counted["writes"])

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "AWS_ACCESS_KEY_ID": emulator.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": emulator.SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "BENCH_URL": self.url,
        }


def measure(bench: Bench, delay: int) -> dict[str, list[Figures]]:
    """All rows of the table for one delay, a figure for each round."""
    rows: dict[str, list[Figures]] = {}
    for _round in range(ROUNDS):
        bench.account(delay)
        rows.setdefault("an empty playbook", []).append(bench.play("empty"))
        rows.setdefault(FLOOR, []).append(bench.play("one_task"))
        for title, *command in CONTESTANTS:
            bench.account(delay)
            rows.setdefault(f"{title}: first run", []).append(bench.play(*command))
            rows.setdefault(f"{title}: no change", []).append(bench.play(*command))
    return rows


def ratio(these: list[Figures], those: list[Figures]) -> float:
    """How many times as long these take, round by round; the median."""
    return statistics.median(one.wall / other.wall for one, other in zip(these, those))


def show(delay: int, rows: dict[str, list[Figures]]) -> None:
    """The table, and how the run that changes nothing stands to the peer and to the floor."""
    print(f"\n{delay} ms a call\n{'':42}{'wall s':>8}{'CPU s':>8}{'calls':>7}{'writes':>8}")
    for title, runs in rows.items():
        wall, cpu = (statistics.median(figures) for figures in ([r.wall for r in runs], [r.cpu for r in runs]))
        print(f"{title:42}{wall:8.2f}{cpu:8.2f}{runs[0].calls:7}{runs[0].writes:8}")
    ours, floor = rows[f"{OURS}: no change"], rows[FLOOR]
    for peer in PEERS:
        theirs = rows[f"{peer}: no change"]
        least = f"{FLOOR}: {ratio(floor, theirs):.2f}"
        print(f"no change: {ratio(ours, theirs):.2f} of the wall time of {peer} (aim 0.20; {least})")
    print(f"no change: {ratio(ours, floor):.2f} times {FLOOR} (aim 1.3), {ours[0].calls} calls (aim 18)")


def main() -> None:
    """Start the emulator, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready"
        command = [sys.executable, "-m", "emulator", "--port", "0", "--ready-file", str(ready)]
        server = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(HERE.parent)}, stdout=subprocess.DEVNULL
        )
        try:
            while not ready.exists() or not ready.read_text(encoding="utf-8").strip():
                if server.poll() is not None:
                    raise SystemExit("the emulator ended")
                time.sleep(0.1)
            bench = Bench(json.loads(ready.read_text(encoding="utf-8"))["url"], Path(folder))
            bench.play("one_task")  # so that nobody pays for the first import
            for delay in DELAYS:
                show(delay, measure(bench, delay))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
