"""Bringing a stack up and down: idempotent, in stages, touching only what it started."""

import fcntl
import http.client
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.local.http import get
from pravah_cli.local.process import Launch, await_ready, spawn, stop
from pravah_cli.local.running import Running, forget, recall
from pravah_cli.stack.config import StackConfig
from pravah_cli.stack.stages import Stage
from pravah_shared.errors import ConfigurationError

LAST_TO_STOP = ("operators", "issuer", "mail", "mongo", "kafka")
"""The services leave while broker and store still stand: they commit what they have in hand."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person waiting would like to know. `seconds` since the stage began."""

    name: str
    what: str
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class State:
    """One process as it is now. `detail` is what it says of its readiness."""

    name: str
    pid: int
    port: int | None
    alive: bool
    ready: bool
    detail: str
    log: Path


Tell = Callable[[Notice], None]


def bring_up(config: StackConfig, stages: Sequence[Stage], tell: Tell) -> None:
    """Start what does not run, wait until all of it serves. Safe to repeat.

    Raises:
        PartError: a process could not start; what else was started goes on running.
    """
    with locked(config.state_dir):
        config.save()
        running = living(config.state_dir)
        for stage in stages:
            began = time.monotonic()
            tell(Notice(stage.title, "starting"))
            launched = [
                (launch, running.get(launch.name) or spawn(launch, config.state_dir))
                for launch in stage.launches
            ]
            for launch, process in launched:
                await_ready(process, launch, config.state_dir)
                tell(Notice(launch.name, "ready", time.monotonic() - began))
            stage.then()


def bring_down(state_dir: Path, tell: Tell) -> list[str]:
    """Stop every process that was started on `state_dir`; return their names. Safe to repeat.

    Those that stop together get their signal together: the slowest one decides how long it takes.
    """
    with locked(state_dir):
        running = living(state_dir)
        first = [process for name, process in running.items() if name not in LAST_TO_STOP]
        last = [[running[name]] for name in LAST_TO_STOP if name in running]
        for group in (first, *last):
            for process in group:
                process.signal(signal.SIGTERM)
            for process in group:
                began = time.monotonic()
                gently = stop(process, state_dir)
                what = "stopped" if gently else "killed: it did not leave in time"
                tell(Notice(process.name, what, time.monotonic() - began))
    return list(running)


def states(state_dir: Path) -> list[State]:
    """Return each process that was started and not stopped, dead ones included."""
    return [state_of(process) for process in recall(state_dir).values()]


def state_of(process: Running) -> State:
    """Ask a process how it is. Parts that do not speak HTTP are ready when they are alive."""
    port = next(iter(process.ports.values()), None)
    alive = process.alive
    if not alive:
        said, ready = f"see {process.log}", False
    elif process.name in ("kafka", "mongo", "mail"):
        said, ready = "", True
    else:
        said, ready = readiness(port or 0)
    return State(process.name, process.pid, port, alive, ready, said, process.log)


def readiness(port: int) -> tuple[str, bool]:
    """Ask /readyz, or /healthz where there is none; return what it said and whether it is ready."""
    answer = get(port, "/readyz")
    if answer.status == http.client.NOT_FOUND:
        answer = get(port, "/healthz")
    ready = answer.status == http.client.OK
    facts = [str(answer.body.get("runner") or "")]
    if missing := answer.body.get("missing"):
        facts.append(f"misses {', '.join(missing)}")
    elif not ready:
        facts.append(f"answers {answer.status}" if answer.status else "does not answer")
    return "; ".join(fact for fact in facts if fact), ready


def living(state_dir: Path) -> dict[str, Running]:
    """Return the processes that run, oldest first; forget those that ended without us."""
    known = recall(state_dir)
    for process in known.values():
        if not process.alive:
            forget(process, state_dir)
    return {name: process for name, process in known.items() if process.alive}


def restart(launch: Launch, state_dir: Path) -> Running:
    """Start one process again, after a test killed it, and wait until it serves."""
    living(state_dir)
    process = spawn(launch, state_dir)
    await_ready(process, launch, state_dir)
    return process


@contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Keep two commands from starting or stopping the same stack at once.

    Raises:
        ConfigurationError: another one is at it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"another pravah command is starting or stopping the stack in {state_dir}; "
                "wait for it, or use another --state-dir"
            ) from error
        yield
