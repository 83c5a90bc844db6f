"""`pravah feed oulad DIR`, exact while the progress stream is killed every few seconds.

The command and all services run as in `pravah up`; nothing is told to either. The stream is killed
in turn at a step that a failpoint names and from outside, and started again as soon as it is dead.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from standing_platform import Platform, standing

from faulting.parts import breakable_parts
from pravah_cli.local.process import Launch, PartError
from pravah_cli.testing import eventually
from pravah_shared.processing.failpoints import POINTS, Order

STREAM = "progress-stream"
FEW_SECONDS = (2.0, 6.0)
"""Between a start and the next death: long enough to work, far too short to finish."""
FEED_SECONDS = 4 * 3600

Tell = Callable[[str], None]


@dataclass(slots=True)
class Killer:
    """Kills the stream again and again. `deaths` counts by what it died of."""

    platform: Platform
    failpoints: Path
    chance: random.Random
    deaths: Counter[str] = field(default_factory=Counter)

    async def work(self, stop: asyncio.Event) -> None:
        """Wait, kill, start again, until asked to stop; the stream serves then."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.chance.uniform(*FEW_SECONDS))
                return
            await self._kill()
            await self._revive()

    async def _kill(self) -> None:
        point = self.chance.choice(POINTS)
        Order(point, "kill", self.chance.randint(1, 3)).lay(self.failpoints)

        async def dead() -> bool:
            return STREAM not in self.platform.running

        try:
            await eventually(dead, self.chance.uniform(*FEW_SECONDS), "death at a failpoint")
        except TimeoutError:  # nobody came by so often: it has little to do
            self.withdraw()
            with suppress(KeyError):  # it died of the order after all
                await asyncio.to_thread(self.platform.kill, STREAM)
            self.deaths["from outside"] += 1
        else:
            self.deaths[point.replace("_", " ")] += 1

    def withdraw(self) -> None:
        """Take back an order that nobody has obeyed."""
        self.failpoints.unlink(missing_ok=True)

    async def _revive(self) -> None:
        while STREAM not in self.platform.running:
            with suppress(PartError):  # the order was obeyed after all, while it started
                await asyncio.to_thread(self.platform.start, STREAM)


def failpoints_of(state: Path) -> Path:
    """Return where a platform with this state directory looks for orders."""
    return state / "failpoints"


def killable(failpoints: Path) -> Callable[[dict[str, Launch]], dict[str, Launch]]:
    """Arrange a platform whose progress stream obeys failpoints and keeps its place in the group.

    With a name of its own, as in a StatefulSet, it need not wait for its dead self's session.
    """
    own = {
        "PRAVAH_FAILPOINTS_FILE": str(failpoints),
        "PRAVAH_GROUP_INSTANCE_ID": STREAM,
    }

    def arrange(launches: dict[str, Launch]) -> dict[str, Launch]:
        stream = launches[STREAM]
        return {**launches, STREAM: replace(stream, environment={**stream.environment, **own})}

    return arrange


@asynccontextmanager
async def killing(killer: Killer) -> AsyncIterator[None]:
    """Have the stream killed for as long as this is entered; it runs afterwards."""
    stop = asyncio.Event()
    working = asyncio.create_task(killer.work(stop))
    try:
        yield
    finally:
        stop.set()
        await working  # a killer that failed proved nothing
        killer.withdraw()


async def pravah(platform: Platform, *arguments: str) -> tuple[int, Any]:
    """Run a command on the platform; return its exit code and what it printed as JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pravah_cli",
        *arguments,
        "--json",
        env=os.environ | dict(platform.config.environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), FEED_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not out:
        raise RuntimeError(f"pravah {' '.join(arguments)} said nothing: {errors.decode()}")
    return process.returncode or 0, json.loads(out)


async def feed(directory: Path, state: Path, seed: int, tell: Tell) -> bool:
    """Feed a data set to a platform of its own under kills; return whether all of it is exact."""
    failpoints = failpoints_of(state)
    async with breakable_parts(state / "parts", durable=False) as parts:
        with_kills = standing(
            parts.stack, state / "platform", started=False, arranged=killable(failpoints)
        )
        platform = await asyncio.to_thread(with_kills.__enter__)
        try:
            await asyncio.to_thread(platform.start)
            tell(f"feeding {directory}; {STREAM} is killed every few seconds")
            began = time.monotonic()
            killer = Killer(platform, failpoints, random.Random(seed))
            async with killing(killer):
                code, summary = await pravah(platform, "feed", "oulad", str(directory))
        finally:
            await asyncio.to_thread(with_kills.__exit__, None, None, None)
    deaths = ", ".join(f"{count} {what}" for what, count in killer.deaths.most_common())
    tell(f"{killer.deaths.total()} deaths in {time.monotonic() - began:.0f} s: {deaths}")
    for name, must in summary["expected"].items():
        if name in summary:
            mark = "ok" if summary[name] == must else "WRONG"
            tell(f"  {mark:<6} {name:<20} {summary[name]:>8,}  must be {must:,}")
    for problem in summary["problems"]:
        tell(f"  {problem}")
    return code == 0 and killer.deaths.total() > 0
