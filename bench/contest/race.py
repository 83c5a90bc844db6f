"""How fast each contestant is, in turns, and what each announced; then the same under kills.

A turn: every learner's next report stands on the topic before the process starts. Time and CPU
time are taken from the first completion that appears to the last. Completions are spread evenly
over the reports, so the share of them in between is the share of reports.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from bench.contest.arena import Arena, opened
from bench.contest.contestants import OURS, PEERS
from bench.contest.judging import Verdict, judge
from bench.contest.table import Score, lines
from bench.contest.watching import Seen, Watch
from bench.effort import Effort
from bench.parts import Parts
from bench.results import Line, Rate, WrongOutput
from bench.screen import Steps
from bench.verify import completions

LEAST_SEEN = 0.9
"""Of a turn's completions: with fewer there is no rate to speak of."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Line]:
    """Measure all contestants.

    Raises:
        WrongOutput: ours announced something wrong, or one did not get through a turn.
    """
    async with _arenas(parts, effort) as arenas:
        steps.tell("peers: enrolling learners (untimed)")
        await asyncio.gather(*(arena.enroll() for arena in arenas))
        rates: list[list[Rate]] = [[] for _ in arenas]
        for number in range(effort.race_turns):
            for arena, own in zip(arenas, rates, strict=True):
                steps.tell(f"peers: turn {number + 1}, {arena.contestant.what}")
                own.append(await turn(arena))
            steps.advance()
        calm = [await verdict(arena) for arena in arenas]
        steps.tell(f"peers: {effort.kills} kills of each")
        killed = await asyncio.gather(*(endure(arena, effort.kills) for arena in arenas))
        steps.advance()
    scores = [
        Score(arena.contestant, tuple(own), before, after)
        for arena, own, before, after in zip(arenas, rates, calm, killed, strict=True)
    ]
    return lines(scores[0], scores[1:], effort.kills)


@asynccontextmanager
async def _arenas(parts: Parts, effort: Effort) -> AsyncIterator[list[Arena]]:
    """Yield an arena for each contestant, ours first."""
    async with AsyncExitStack() as stack:
        arenas = [opened(parts, one, int(one.share * effort.learners)) for one in (OURS, *PEERS)]
        yield await asyncio.gather(*map(stack.enter_async_context, arenas))


async def turn(arena: Arena) -> Rate:
    """Let a contestant work off a turn; return how long it took.

    Raises:
        WrongOutput: it did not get through.
    """
    wanted = await arena.next_turn()
    async with arena.running() as process:
        first = await arena.watch.reach(wanted, 1, process)
        last = await arena.watch.reach(wanted, len(wanted), process)
    if last.count < LEAST_SEEN * len(wanted) or last.at <= first.at:
        raise WrongOutput(
            f"{arena.contestant.name} announced {last.count} of {len(wanted)} completions of a turn"
        )
    return _rate(arena.learners, len(wanted), first, last)


def _rate(events: int, completing: int, first: Seen, last: Seen) -> Rate:
    between = events * (last.count - first.count) / completing
    return Rate(between, last.at - first.at, last.cpu_seconds - first.cpu_seconds)


async def endure(arena: Arena, kills: int) -> Verdict:
    """Let a contestant work off a turn while it is killed (SIGKILL) again and again.

    Each kill follows right on a completion that appears: what was just announced is the least
    likely to be noted as such. In the end it is left to finish.
    """
    wanted = await arena.next_turn()
    for at in thresholds(len(wanted), kills):
        async with arena.running_until_killed() as process:
            await arena.watch.reach(wanted, at, process)
    # What stands in transactions that a kill cut off is not there for readers: watched anew.
    async with arena.running() as process, Watch(arena.settings, committed=True) as watch:
        await watch.reach(wanted, len(wanted), process)
    return await verdict(arena)


def thresholds(completing: int, kills: int) -> Sequence[int]:
    """Return after how many completions to kill: evenly, with work left after the last."""
    return [max(1, completing * (kill + 1) // (kills + 2)) for kill in range(kills)]


async def verdict(arena: Arena) -> Verdict:
    """Judge all that a contestant has announced so far."""
    return judge(arena.expected(), await completions(arena.settings))
