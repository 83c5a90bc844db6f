"""Background processes that outlive the command which started them: who they are.

A process is remembered as `<state>/processes/<name>.json`: its pid and the moment it was born.
Both together are its identity. A pid alone may by now belong to a stranger, and what we did not
start we never signal.
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
"""Linux lists processes here; elsewhere `ps` is asked."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started: its identity, and what it was started with."""

    name: str
    pid: int
    born: str
    ports: Mapping[str, int]
    grace_seconds: float
    log: Path

    @property
    def alive(self) -> bool:
        """Whether this very process, not a later one with its pid, still runs."""
        return birth(self.pid) == self.born

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, to this very process only."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def birth(pid: int) -> str | None:
    """Return when process `pid` was born, in the system's own words; None if it does not run."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # our own dead child would look alive until it is buried
    if (PROC / "self").exists():
        try:
            stat = (PROC / str(pid) / "stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        state, threads, born = fields[0], int(fields[17]), fields[19]  # proc(5): 3, 20 and 22
        # While a killed process's last threads leave, they still hold its ports and files.
        return None if state == "Z" and threads <= 1 else born
    argv = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    line = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return None if not line or line.startswith("Z") else line.partition(" ")[2].strip()


def remember(running: Running, state: Path) -> None:
    """Write the process file, whole or not at all."""
    known = {
        "pid": running.pid,
        "born": running.born,
        "ports": dict(running.ports),
        "grace_seconds": running.grace_seconds,
        "log": str(running.log),
    }
    file = state / "processes" / f"{running.name}.json"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(known))
    fresh.replace(file)


def recall(state: Path) -> dict[str, Running]:
    """Return what was started under `state` and not stopped, alive or not, oldest first."""
    files = sorted((state / "processes").glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    found = {}
    for file in files:
        known = json.loads(file.read_text())
        found[file.stem] = Running(
            file.stem,
            known["pid"],
            known["born"],
            known["ports"],
            known["grace_seconds"],
            Path(known["log"]),
        )
    return found


def forget(running: Running, state: Path) -> None:
    """Remove the process file of a process that has ended."""
    (state / "processes" / f"{running.name}.json").unlink(missing_ok=True)
