"""Background processes: who they are, that they serve, that they end."""

import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pravah_cli.local.ports import answers, free_port, free_ports
from pravah_cli.local.process import Launch, PartError, gone, start, stop
from pravah_cli.local.running import recall, remember
from pravah_cli.testing import wait_until

SERVES = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True: server.accept()[0].close()
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
while True: signal.pause()
"""


def serving(name: str = "web", port: int | None = None) -> Launch:
    """Return a process that listens."""
    chosen = port or free_port()
    return Launch(
        name=name,
        argv=[sys.executable, "-c", SERVES, str(chosen)],
        ready=lambda: answers(chosen),
        ports={"PRAVAH_WEB_PORT": chosen},
        ready_seconds=20,
    )


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Yield a state directory; nothing started on it outlives the test."""
    yield tmp_path
    for running in recall(tmp_path).values():
        running.signal(signal.SIGKILL)
        gone(running, 5)


def test_a_started_process_is_found_by_the_next_command(state: Path) -> None:
    """What one command starts, another one can see and stop."""
    started = start(serving(), state)
    found = recall(state)["web"]
    assert (found.pid, found.alive) == (started.pid, True)
    assert stop(found, state)
    assert not started.alive
    assert recall(state) == {}


def test_a_pid_that_now_belongs_to_a_stranger_is_never_signalled(state: Path) -> None:
    """A stale file with the pid of another process: it is dead to us."""
    started = start(serving(), state)
    stale = replace(started, born="long ago")
    remember(stale, state)
    assert not recall(state)["web"].alive
    stop(recall(state)["web"], state)
    assert started.alive
    remember(started, state)


def test_a_killed_process_is_dead_at_once(state: Path) -> None:
    """Our own child is buried, not seen as living for ever."""
    started = start(serving(), state)
    os.kill(started.pid, signal.SIGKILL)
    assert gone(started, 5)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names a system call by its number")
def test_a_process_whose_last_threads_still_leave_is_not_dead(state: Path) -> None:
    """Its main thread has ended, another one still holds what the process had open."""
    leaving = (
        "import ctypes, threading, time;"
        "threading.Thread(target=time.sleep, args=(60,)).start();"
        "ctypes.CDLL(None).syscall(60, 0)"
    )
    launch = Launch("leaving", [sys.executable, "-c", leaving], ready=lambda: True)
    process = start(launch, state)
    stat = Path(f"/proc/{process.pid}/stat")
    wait_until(lambda: ") Z " in stat.read_text(), 10, "the main thread's end")
    assert process.alive
    process.signal(signal.SIGKILL)
    assert gone(process, 10)


def test_a_process_that_ends_early_shows_its_last_words(state: Path) -> None:
    """The message holds the log, so that nobody has to look for it."""
    argv = [sys.executable, "-c", "raise SystemExit('no such key')"]
    launch = Launch("broken", argv, ready=lambda: False)
    with pytest.raises(PartError, match=r"(?s)broken ended before it was ready.*no such key"):
        start(launch, state)
    assert recall(state) == {}


def test_a_process_that_never_serves_is_stopped(state: Path) -> None:
    """The wait has an end, and leaves nothing running."""
    launch = replace(serving(), ready=lambda: False, ready_seconds=0)
    with pytest.raises(PartError, match="is not ready within 0 s"):
        start(launch, state)
    assert recall(state) == {}


def test_a_taken_port_is_named_with_its_holder(state: Path) -> None:
    """The message says who holds it and which setting moves us."""
    first = serving("first")
    holder = start(first, state)
    [port] = first.ports.values()
    with pytest.raises(PartError, match=rf"port {port}, .*{holder.pid}.*PRAVAH_WEB_PORT"):
        start(serving("second", port), state)


def test_a_missing_program_is_named(state: Path) -> None:
    """Not a traceback: the name of what is not installed."""
    with pytest.raises(PartError, match="no-such-program is not installed"):
        start(Launch("x", ["no-such-program"], ready=lambda: True), state)


def test_who_ignores_the_request_is_killed(state: Path) -> None:
    """After its grace a process that will not leave is removed."""
    mark = state / "mark"
    launch = Launch(
        "stubborn",
        [sys.executable, "-c", STUBBORN, str(mark)],
        ready=mark.exists,
        grace_seconds=0.1,
        ready_seconds=20,
    )
    started = start(launch, state)
    assert not stop(started, state)
    wait_until(lambda: not started.alive, 5, "the end of it")


def test_the_log_is_its_owners_alone(state: Path) -> None:
    """Logs name learners by id and processes by address: not for other users."""
    started = start(serving(), state)
    assert started.log.stat().st_mode & 0o077 == 0


def test_free_ports_are_different() -> None:
    """Ten parts that choose at once do not meet on one port."""
    assert len(set(free_ports(20))) == 20


def test_free_ports_are_none_that_an_outgoing_connection_may_take() -> None:
    """A server is started again on its port: nobody may have connected out from it meanwhile."""
    assert max(free_ports(50)) < 32768


def test_a_process_file_is_plain_json(state: Path) -> None:
    """Whoever debugs at night can read it."""
    started = start(serving(), state)
    known = json.loads((state / "processes" / "web.json").read_text())
    assert known["pid"] == started.pid
