"""Checks of the machine, its tools, its ports and the configuration."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pravah_cli.local.kafka import VERSION
from pravah_cli.local.ports import answers, holder
from pravah_cli.local.process import PartError
from pravah_cli.local.running import recall
from pravah_cli.local.store import find
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import choose_ports, remembered
from pravah_shared.errors import ConfigurationError
from pravah_shared.settings import Settings, load

Verdict = Literal["ok", "note", "wrong"]
GIB = 1024**3
LEAST_MEMORY_GIB = 3
"""Kafka 0.5, the store 0.6, ten processes of about 0.1 each, and room to work."""
LEAST_DISK_GIB = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `remedy` says what to do about it."""

    name: str
    verdict: Verdict
    said: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Run every check. Changes nothing."""
    local = LocalSettings()
    return [
        *machine(local.state_dir),
        *tools(local),
        *configuration(),
        *ports(local),
    ]


def machine(state_dir: Path) -> Iterator[Finding]:
    """Check cores, memory and disk."""
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.prefix}")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    size = f"{os.cpu_count()} cores, {memory:.0f} GiB memory"
    if memory < LEAST_MEMORY_GIB:
        yield Finding("machine", "note", size, f"{LEAST_MEMORY_GIB} GiB let all parts run at once")
    else:
        yield Finding("machine", "ok", size)
    existing = next(folder for folder in (state_dir, *state_dir.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / GIB
    if not os.access(existing, os.W_OK):
        yield Finding("state directory", "wrong", f"{state_dir} is not writable", "--state-dir DIR")
    elif free < LEAST_DISK_GIB:
        yield Finding("state directory", "wrong", f"{free:.1f} GiB free", "free some disk space")
    else:
        yield Finding("state directory", "ok", f"{state_dir}, {free:.0f} GiB free")


def tools(local: LocalSettings) -> Iterator[Finding]:
    """Check what the local parts are made of."""
    jars = local.cache / f"kafka-{VERSION}" / "libs"
    java = spoken("java", "-version")
    remedy = "apt-get install default-jre-headless maven, or make setup"
    yield Finding("java", "ok" if java else "wrong", java or "not found", "" if java else remedy)
    if jars.is_dir():
        yield Finding("kafka", "ok", f"Apache Kafka {VERSION} in {jars.parent}")
    else:
        yield Finding("kafka", "note", "not fetched yet", "make setup (needs Maven, 54 MB)")
    try:
        store = find(local.cache)
    except PartError as error:
        yield Finding("store", "wrong", "no MongoDB server", str(error))
    else:
        slow = "make store-rs builds a ten times faster one" if store.kind[-2:] == "py" else ""
        yield Finding("store", "note" if slow else "ok", f"{store.kind} {store.program}", slow)
    docker = spoken("docker", "version", "--format", "Docker {{.Server.Version}}")
    yield Finding("containers", "ok", docker or "no engine; tests use the local parts")


def spoken(*argv: str) -> str:
    """Return the first line a tool says of itself, or nothing when it cannot run."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout or done.stderr).splitlines()[0]


def configuration() -> Iterator[Finding]:
    """Check that the shared settings are valid, and show which are set."""
    try:
        settings = load(Settings)
    except ConfigurationError as error:
        yield Finding("settings", "wrong", str(error), "docs/operate.md lists every setting")
        return
    chosen = sorted(name for name in os.environ if name.startswith("PRAVAH_"))
    yield Finding("settings", "ok", f"{settings.environment}; {len(chosen)} set in the environment")


def ports(local: LocalSettings) -> Iterator[Finding]:
    """Check that every port is free or ours."""
    ours = {
        port: process.name
        for process in recall(local.state_dir).values()
        if process.alive
        for port in process.ports.values()
    }
    known = remembered(local)
    environment = known.environment if known else os.environ
    for setting, port in choose_ports(environment, elsewhere=False).items():
        if port in ours:
            yield Finding(f"port {port}", "ok", f"ours: {ours[port]}")
        elif answers(port):
            remedy = f"stop it, or set {setting}"
            yield Finding(f"port {port}", "wrong", f"held by {holder(port)}", remedy)
        else:
            yield Finding(f"port {port}", "ok", "free")
