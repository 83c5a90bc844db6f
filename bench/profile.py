"""`--profile`: flame graphs of the stream and of the API under load, into docs/.

py-spy looks into the processes from outside, two hundred times a second, at what holds the GIL:
where their own CPU time goes, waiting left out.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

from bench.applied import applied, reach
from bench.child import child
from bench.contest.arena import Arena, opened
from bench.contest.contestants import OURS, PYTHON
from bench.effort import CONNECTIONS, MOST_REQUESTS, Effort
from bench.load import Plan
from bench.parts import Parts, served
from bench.results import WrongOutput
from bench.screen import Steps
from bench.tokens import system_token
from pravah_progress.store import Store
from pravah_shared.mongo import Database

PY_SPY = PYTHON.with_name("py-spy")
DOCS = Path("docs")
RATE = 200
"""Looks a second."""
SECONDS = 20.0
"""Of load on the API; the stream is looked at for as long as its reports last."""
WARM_UP_SECONDS = 2.0
"""The first requests fetch the issuer's keys and read the course."""
STEPS = 2
END_SECONDS = 60.0


async def record(parts: Parts, effort: Effort, steps: Steps) -> None:
    """Write docs/profile-stream.svg and docs/profile-ingest.svg."""
    async with opened(parts, OURS, effort.learners) as arena:
        steps.tell("profile: enrolling learners")
        await arena.enroll()
        steps.tell("profile: the stream")
        await _stream(arena, effort.stream_turns)
        steps.advance()
        steps.tell("profile: the API")
        await _ingest(arena, effort)
        steps.advance()


async def _stream(arena: Arena, turns: int) -> None:
    """Look at the stream while it works off several turns, from the first applied batch on."""
    for _ in range(turns):
        await arena.next_turn()
    settings = arena.settings
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        arena.running() as process,
    ):
        store = Store.on(database)
        before = await applied(store)
        await reach(store, before + 1, process)
        async with _looking(process.pid, DOCS / "profile-stream.svg"):
            await reach(store, before + turns * arena.learners, process)


async def _ingest(arena: Arena, effort: Effort) -> None:
    """Look at the API while it is loaded as fast as it answers."""
    api = arena.parts.launch("progress-api", arena.own)
    with served(api, arena.parts.state) as process:
        (port,) = api.ports.values()
        tokens = [system_token(arena)] * effort.learners
        warm_up = Plan(port, tokens, CONNECTIONS, WARM_UP_SECONDS, MOST_REQUESTS)
        plan = replace(warm_up, seconds=SECONDS)
        await child("bench.load", asdict(warm_up))
        async with _looking(process.pid, DOCS / "profile-ingest.svg"):
            await child("bench.load", asdict(plan))


@asynccontextmanager
async def _looking(pid: int, file: Path) -> AsyncIterator[None]:
    """Record a process for the length of the block.

    Raises:
        WrongOutput: py-spy failed; it needs the right to trace the process.
    """
    options = ["--gil", "--rate", str(RATE), "--output", str(file), "--pid", str(pid)]
    spy = await asyncio.create_subprocess_exec(
        str(PY_SPY),
        "record",
        *options,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    yield
    if spy.returncode is None:
        spy.send_signal(2)  # SIGINT: write what was seen
    async with asyncio.timeout(END_SECONDS):
        _, said = await spy.communicate()
    if spy.returncode:
        raise WrongOutput(f"py-spy wrote nothing: {said.decode()[-500:]}")
