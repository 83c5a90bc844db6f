"""TCP ports of this machine: which are free, which are taken and by whom."""

import random
import re
import shutil
import socket
import subprocess
from contextlib import ExitStack

from pravah_shared.errors import ConfigurationError

SERVED = range(10_000, 32_768)
"""Where free ports are taken from: below what Linux gives to outgoing connections (32768-60999).

One of those may sit on a port while its server is being restarted, and the server could not listen.
"""
TRIES = 1_000


def free_port() -> int:
    """Return a port that nothing listens on now. Another process may take it before you do."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return that many different free ports.

    Raises:
        ConfigurationError: there are not that many.
    """
    with ExitStack() as held:  # together, so that none comes twice
        return [_hold_one(held) for _ in range(count)]


def _hold_one(held: ExitStack) -> int:
    for port in random.sample(SERVED, TRIES):
        probe = held.enter_context(socket.socket())
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise ConfigurationError(f"no free port was found in {TRIES} tries; free some, or set them")


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
