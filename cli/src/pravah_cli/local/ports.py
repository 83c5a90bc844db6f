"""TCP ports of this machine: which are free, which are taken and by whom."""

import re
import shutil
import socket
import subprocess


def free_port() -> int:
    """Return a port that nothing listens on now. Another process may take it before you do."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return that many different free ports."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))  # held together, so that none comes twice
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


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
