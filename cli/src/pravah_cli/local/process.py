"""Background processes that outlive the command which started them.

A process is remembered as `<state>/processes/<name>.json`: its pid and the moment it was born.
Both together are its identity. A pid alone may by now belong to a stranger, and what we did not
start we never signal.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pravah_cli.local.ports import answers, holder
from pravah_shared.errors import PravahError

POLL_SECONDS = 0.05
LOG_TAIL_LINES = 15
PROC = Path("/proc")
"""Linux lists processes here; elsewhere `ps` is asked."""


class PartError(PravahError):
    """A process did not start, or did not become ready. The message ends with its last log."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a process and how to know that it serves.

    `ready` is asked until it answers true. `grace_seconds` is what SIGTERM is given before KILL.
    `ports` are what it listens on, by the setting that moves each.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    ready_seconds: float = 60
    grace_seconds: float = 20


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
        return None if fields[0] == "Z" else fields[19]
    argv = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    line = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return None if not line or line.startswith("Z") else line.partition(" ")[2].strip()


def spawn(launch: Launch, state: Path) -> Running:
    """Start the process detached, output to `<state>/logs/<name>.log`. Does not wait for it."""
    for folder in ("logs", "processes"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    log = state / "logs" / f"{launch.name}.log"
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # Not subprocess.Popen: it holds that a child must not outlive its parent.
    pid = os.posix_spawnp(
        launch.argv[0],
        list(launch.argv),
        {**os.environ, **launch.environment},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), write, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # Ctrl-C in the terminal is for the command, not for what it started
    )
    running = Running(launch.name, pid, birth(pid) or "", launch.ports, launch.grace_seconds, log)
    remember(running, state)
    return running


def start(launch: Launch, state: Path) -> Running:
    """Start the process and wait until it serves.

    Raises:
        PartError: a port is taken (names by whom), it died, or it is not ready in time; it is
            stopped again and forgotten.
    """
    for setting, port in launch.ports.items():
        if answers(port):
            raise PartError(
                f"{launch.name} needs port {port}, which {holder(port)} holds; "
                f"stop that, or choose another port with {setting}"
            )
    try:
        running = spawn(launch, state)
    except FileNotFoundError as error:
        raise PartError(f"{launch.name}: {launch.argv[0]} is not installed") from error
    deadline = time.monotonic() + launch.ready_seconds
    while not launch.ready():
        if not running.alive or time.monotonic() > deadline:
            why = "is not ready" if running.alive else "ended"
            stop(running, state)
            raise PartError(
                f"{launch.name} {why} within {launch.ready_seconds:.0f} s; "
                f"its log {running.log} ends with\n{tail(running.log)}"
            )
        time.sleep(POLL_SECONDS)
    return running


def stop(running: Running, state: Path) -> bool:
    """Stop the process: SIGTERM, its grace, then KILL. Returns whether it left by itself."""
    running.signal(signal.SIGTERM)
    gently = gone(running, running.grace_seconds)
    if not gently:
        running.signal(signal.SIGKILL)
        gone(running, 5)
    (state / "processes" / f"{running.name}.json").unlink(missing_ok=True)
    return gently


def gone(running: Running, seconds: float) -> bool:
    """Wait up to `seconds` until the process has ended; say whether it has."""
    deadline = time.monotonic() + seconds
    while running.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


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


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """Return the last lines of a log, indented."""
    try:
        text = log.read_text(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text) or "  (empty)"
