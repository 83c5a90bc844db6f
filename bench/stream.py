"""Stream: events per second of the progress stream beside a raw loop on the same store.

In each turn every learner's next report stands on the topic before the stream's process starts.
From its first applied batch to its last applied offset, time and the process's own CPU time are
taken, both from outside. Then the raw loop (bench.raw) writes and reads the same documents of a
copy, in batches of the same size. At the end both collections must hold what was sent.
"""

from collections.abc import Iterable

from bench import learning, raw
from bench.applied import applied, reach
from bench.contest.arena import CLOSING, Arena, opened
from bench.contest.contestants import OURS
from bench.effort import Effort
from bench.parts import Parts
from bench.results import Line, Pair, Rate, Result, Target
from bench.screen import Steps
from bench.verify import announcements_hold, documents_hold
from pravah_progress.store import Store
from pravah_shared.mongo import Database

OF_RAW = 0.9
PYTHON_RATE = 30_000.0
CHECKED_IN_COPY = 10
"""Every so manieth document of the raw loop's copy is compared with what was sent."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Line]:
    """Measure in turns.

    Raises:
        WrongOutput: a document or an announcement is not what was sent.
    """
    async with opened(parts, OURS, effort.learners) as arena:
        settings = arena.settings
        names = [f"{settings.mongo_database}_{name}" for name in ("rehearsal", "raw")]
        arena.own.databases.update(names)
        copies = raw.Copies(settings.mongo_uri, *names)
        async with Database.connect(settings.mongo_uri, settings.mongo_database) as database:
            pairs = await _turns(arena, database, copies, effort, steps)
            steps.tell("stream: comparing with what was sent")
            everyone = range(effort.learners)
            await documents_hold(Store.on(database), everyone, arena.turns)
        async with Database.connect(copies.uri, copies.loop) as copied:
            await documents_hold(Store.on(copied), everyone[::CHECKED_IN_COPY], arena.turns)
        await announcements_hold(settings, arena.expected(), effort.learners + CLOSING)
    reports = list(learning.turn(0, effort.learners))
    return _lines(pairs, learning.merge_ratio(reports, settings.batch_records))


async def _turns(
    arena: Arena, database: Database, copies: raw.Copies, effort: Effort, steps: Steps
) -> list[tuple[Rate, Rate]]:
    steps.tell("stream: enrolling learners (untimed)")
    await arena.enroll()
    await raw.copy(database, copies, effort.learners)
    found = []
    for number in range(effort.stream_turns):
        steps.tell(f"stream: turn {number + 1} of {effort.stream_turns}")
        ours = await turn(arena, Store.on(database))
        steps.tell(f"stream: turn {number + 1} of {effort.stream_turns}, the raw loop")
        batch = arena.settings.batch_records
        found.append((ours, await raw.run(copies, raw.Turn(number, effort.learners, batch))))
        steps.advance()
    return found


async def turn(arena: Arena, store: Store) -> Rate:
    """Publish a turn, then start the stream's process on it and watch it through."""
    await arena.next_turn()
    before = await applied(store)
    async with arena.running() as process:
        first = await reach(store, before + 1, process)
        last = await reach(store, before + arena.learners, process)
    return first.until(last)


def _lines(pairs: Iterable[tuple[Rate, Rate]], merge_ratio: float) -> list[Line]:
    walls, cpus = [], []
    for ours, baseline in pairs:
        walls.append(Pair(ours.per_second, baseline.per_second))
        cpus.append(Pair(ours.per_cpu_second, baseline.per_cpu_second))
    note = f"{merge_ratio:.2f} events per document in a batch"
    rate = Target(PYTHON_RATE, of="value")
    return [
        Result("stream_vs_raw_store", "events/s", tuple(walls), OF_RAW, note),
        Result("stream_python_rate", "events/CPU s", tuple(cpus), rate, "baseline: the raw loop"),
    ]
