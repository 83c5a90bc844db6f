"""What the harness breaks: real processes of the services on parts of their own.

Progress reaches broker and store through the proxies, and its streams obey failpoints; everything
else, and whoever checks, reaches them directly.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from standing_platform import Platform, standing

from faulting.parts import BreakableParts, breakable_parts
from pravah_cli.local.ports import free_ports
from pravah_cli.local.process import Launch
from pravah_cli.stack.processes import ServiceProcess
from pravah_cli.testing import eventually
from pravah_shared.processing.failpoints import Order, taken_from

ALONE = ("issuer", "enrollment-api", "enrollment-relay", "progress-api", "progress-stream")
"""What progress needs to be asked and told anything."""
SECOND = "progress-stream-2"
GUEST = "progress-stream-3"
"""A worker that comes and goes: unlike the others no static member of the group."""
WORKERS = ("progress-stream", SECOND, GUEST)
CLOCK = Path(__file__).with_name("clock.py")
JUMPY = ("progress-api", SECOND)
"""Processes whose clock may jump."""
SETTINGS = {
    "PRAVAH_BATCH_RECORDS": "20",
    "PRAVAH_DISPATCH_BATCH": "20",
    "PRAVAH_SMTP_TIMEOUT_SECONDS": "2",
    "PRAVAH_DISPATCH_LEASE_SECONDS": "9",
}
"""Batches so small that a process dies between two of them."""
FIRED_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Testbed:
    """The deployment and its handles."""

    __test__ = False  # not a test, whatever pytest reads in the name

    platform: Platform
    parts: BreakableParts
    state: Path
    whole: bool

    @property
    def group(self) -> str:
        """The consumer group of progress."""
        return f"{self.platform.settings.group_prefix}progress"

    @property
    def workers(self) -> list[str]:
        """The names of the streams of progress that run."""
        return [name for name in WORKERS if name in self.platform.running]

    def pids(self) -> Mapping[str, int]:
        """Return the processes of progress that run, by name."""
        return {
            name: process.pid
            for name, process in self.platform.running.items()
            if name.startswith("progress-")
        }

    async def start(self, *names: str) -> None:
        """Start processes that do not run; all but the guest, if none is named."""
        wanted = names or tuple(name for name in self.platform.launches() if name != GUEST)
        await asyncio.to_thread(self.platform.start, *wanted)

    async def stop(self, *names: str) -> None:
        """Stop processes as an operator does."""
        await asyncio.to_thread(self.platform.stop, *names)

    async def kill(self, name: str) -> None:
        """Kill a process from outside, wherever it is."""
        await asyncio.to_thread(self.platform.kill, name)

    async def obeyed(self, order: Order) -> tuple[str, int]:
        """Lay an order to the streams; return the name and the pid of the one that took it.

        Raises:
            TimeoutError: none came by the point so often.
        """
        running = {pid: name for name, pid in self.pids().items()}
        taken = taken_from(failpoints_in(self.state))
        order.lay(failpoints_in(self.state))

        async def is_taken() -> bool:
            return taken.exists()

        await eventually(is_taken, FIRED_SECONDS, f"{order} to be obeyed")
        pid = int(taken.read_text())
        return running[pid], pid

    def proceed(self, name: str) -> None:
        """Let a frozen process go on."""
        self.platform.running[name].signal(signal.SIGCONT)

    def set_clock(self, name: str, wrong_by_seconds: float) -> None:
        """Make a process's wall clock wrong; 0 puts it right."""
        clock_in(self.state, name).write_text(str(wrong_by_seconds))


def failpoints_in(state: Path) -> Path:
    """Where the streams look for orders."""
    return state / "failpoints"


def clock_in(state: Path, name: str) -> Path:
    """Where a process looks by how much its clock is wrong."""
    return state / f"{name}.clock"


@asynccontextmanager
async def open_testbed(
    state: Path, *, whole: bool, started: bool = True, durable: bool = False
) -> AsyncIterator[Testbed]:
    """Yield a deployment; `whole`: with certificate and notification. Takes all of it away.

    `durable`: for faults that kill the store.
    """
    async with breakable_parts(state / "parts", durable=durable) as parts:
        arrange = Arrangement(state, parts.proxied, whole=whole, ports=free_ports(2))
        standing_there = standing(
            parts.stack, state / "platform", settings=SETTINGS, started=False, arranged=arrange
        )
        platform = await asyncio.to_thread(standing_there.__enter__)
        bed = Testbed(platform, parts, state, whole)
        try:
            if started:
                await bed.start()
            yield bed
        finally:
            await parts.to_kafka.restore()
            await parts.to_store.restore()
            for process in platform.running.values():
                process.signal(signal.SIGCONT)
            await asyncio.to_thread(standing_there.__exit__, None, None, None)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Says how each process starts: progress behind the proxies, in three workers."""

    state: Path
    proxied: Mapping[str, str]
    whole: bool
    ports: Sequence[int]

    def __call__(self, launches: dict[str, Launch]) -> dict[str, Launch]:
        """Return what runs, by name."""
        names = tuple(launches) if self.whole else ALONE
        found = {name: launches[name] for name in names}
        for name, port in zip((SECOND, GUEST), self.ports, strict=True):
            found[name] = self._worker(launches["progress-stream"].environment, name, port)
        return {
            name: self._breakable(launch) if name.startswith("progress-") else launch
            for name, launch in found.items()
        }

    def _worker(self, environment: Mapping[str, str], name: str, port: int) -> Launch:
        process = ServiceProcess("progress", "stream", port)
        # The launch makes the database's name from that of the deployment, so it is left to it.
        database = environment["PRAVAH_MONGO_DATABASE"].removesuffix("_progress")
        own = {process.port_setting: str(port), "PRAVAH_MONGO_DATABASE": database}
        launch = process.launch({**environment, **own})
        return replace(launch, name=name, ready_seconds=120)

    def _breakable(self, launch: Launch) -> Launch:
        own = {**self.proxied}
        if launch.name in WORKERS:
            own["PRAVAH_FAILPOINTS_FILE"] = str(failpoints_in(self.state))
        if launch.name in WORKERS and launch.name != GUEST:
            # As in a StatefulSet: who comes back under its name need not wait for its session.
            own["PRAVAH_GROUP_INSTANCE_ID"] = launch.name
        argv = list(launch.argv)
        if launch.name in JUMPY:
            module = argv[argv.index("-m") + 1 :]
            argv = [sys.executable, str(CLOCK), str(clock_in(self.state, launch.name)), *module]
        return replace(launch, argv=argv, environment={**launch.environment, **own})
