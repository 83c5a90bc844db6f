"""Starting background processes, waiting until they serve, stopping them."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pravah_cli.local.ports import answers, holder
from pravah_cli.local.running import Running, birth, forget, remember
from pravah_shared.errors import PravahError

POLL_SECONDS = 0.05
KILL_SECONDS = 5
LOG_TAIL_LINES = 15


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


def _spawn(launch: Launch, state: Path) -> Running:
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
    return Running(launch.name, pid, birth(pid) or "", launch.ports, launch.grace_seconds, log)


def start(launch: Launch, state: Path) -> Running:
    """Start the process and wait until it serves.

    Raises:
        PartError: as `spawn` and `await_ready`.
    """
    running = spawn(launch, state)
    await_ready(running, launch, state)
    return running


def spawn(launch: Launch, state: Path) -> Running:
    """Start the process detached and do not wait for it. Output: `<state>/logs/<name>.log`.

    Raises:
        PartError: a port is taken (names by whom), or the program is not installed.
    """
    for setting, port in launch.ports.items():
        if answers(port):
            raise PartError(
                f"{launch.name} needs port {port}, which {holder(port)} holds; "
                f"stop that, or choose another port with {setting}"
            )
    try:
        running = _spawn(launch, state)
    except FileNotFoundError as error:
        raise PartError(f"{launch.name}: {launch.argv[0]} is not installed") from error
    remember(running, state)
    return running


def await_ready(running: Running, launch: Launch, state: Path) -> None:
    """Wait until the process serves.

    Raises:
        PartError: it died or is not ready in time; it is stopped and forgotten.
    """
    deadline = time.monotonic() + launch.ready_seconds
    while not launch.ready():
        if not running.alive or time.monotonic() > deadline:
            late = f"is not ready within {launch.ready_seconds:.0f} s"
            why = late if running.alive else "ended before it was ready"
            stop(running, state)
            raise PartError(
                f"{launch.name} {why}; its log {running.log} ends with\n{tail(running.log)}"
            )
        time.sleep(POLL_SECONDS)


def stop(running: Running, state: Path) -> bool:
    """Stop the process: SIGTERM, its grace, then KILL. Returns whether it left by itself."""
    running.signal(signal.SIGTERM)
    gently = gone(running, running.grace_seconds)
    if not gently:
        running.signal(signal.SIGKILL)
        gone(running, KILL_SECONDS)
    forget(running, state)
    return gently


def gone(running: Running, seconds: float) -> bool:
    """Wait up to `seconds` until the process has ended; say whether it has."""
    deadline = time.monotonic() + seconds
    while running.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """Return the last lines of a log, indented."""
    try:
        text = log.read_text(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text) or "  (empty)"
