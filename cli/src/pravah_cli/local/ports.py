"""TCP ports of this machine: which are free, which are taken and by whom."""

import fcntl
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO

from pravah_shared.errors import ConfigurationError

SERVED = range(10_000, 32_768)
"""Where free ports are taken from: below what Linux gives to outgoing connections (32768-60999).

One of those may sit on a port while its server is being restarted, and the server could not listen.
"""
TRIES = 1_000


def free_port() -> int:
    """Return a port that nothing listens on; see `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return that many different ports that nothing listens on.

    Nobody is given one of them again while this process lives: what listens on it may be stopped
    for a while, and must find it free when it comes back.

    Raises:
        ConfigurationError: there are not that many.
    """
    with ExitStack() as held:  # together, so that none comes twice
        return [_hold_one(held) for _ in range(count)]


def _hold_one(held: ExitStack) -> int:
    for port in random.sample(SERVED, min(TRIES, len(SERVED))):
        if not _claim(port):
            continue
        probe = held.enter_context(socket.socket())
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise ConfigurationError(f"no free port was found in {TRIES} tries; free some, or set them")


def _claim(port: int) -> bool:
    """Note that a port is this process's; False: it is, or another's, already.

    A byte of one file is locked for each (fcntl(2)): the locks end with the process.
    """
    file, ours = _claims()
    if port in ours:
        return False
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    ours.add(port)
    return True


@cache
def _claims() -> tuple[IO[bytes], set[int]]:
    """Return the file of all claims, never to be closed before the end, and this process's."""
    name = Path(tempfile.gettempdir()) / f"pravah-ports-{os.getuid()}"
    return name.open("ab"), set()


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections on `port`."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def holder(port: int) -> str:
    """Name who listens on `port`, for example `java (pid 4711)`; `another process` if unknown."""
    if shutil.which("ss"):
        argv = ["ss", "-Hltnp", f"sport = :{port}"]
        listing = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=5)
        if found := re.search(r'\(\("([^"]+)",pid=(\d+)', listing.stdout):
            return f"{found[1]} (pid {found[2]})"
    if shutil.which("lsof"):
        argv = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
        listing = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=5)
        if found := re.search(r"p(\d+)\nc(.+)", listing.stdout):
            return f"{found[2]} (pid {found[1]})"
    return "another process"
