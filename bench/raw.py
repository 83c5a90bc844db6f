"""The stream's baseline: `python -m bench.raw`, the same writes and reads and nothing else.

No Kafka, no decoding, no merging, no decision: the writes are those that the service's own store
makes for these reports, noted beforehand (bench.rehearsal), announcements and offsets included.
After the writes of a batch every one of its documents is read back, in bulk. In the same driver
settings (majority, journal), on the same indexes, in batches of the same size.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import uvloop

from bench import learning
from bench.child import child
from bench.documents import batches, key_of
from bench.rehearsal import Write, rehearse
from bench.results import Rate, WrongOutput
from pravah_progress.store import Store
from pravah_shared.events import Progressed
from pravah_shared.mongo import Database

COLLECTIONS = ("progress", "courses")
"""What the copies need: documents, and the course that decides them."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Two copies of the stream's database: one to rehearse on, one for the loop."""

    uri: str
    rehearsal: str
    loop: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn to measure."""

    number: int
    learners: int
    batch: int


async def copy(original: Database, copies: Copies, learners: int) -> None:
    """Copy the documents of all learners and the course, indexes included."""
    for name in (copies.rehearsal, copies.loop):
        async with Database.connect(copies.uri, name) as copied:
            await Store.on(copied).prepare()
            target = copied.collection("progress")
            for step in batches([str(key_of(learner)) for learner in range(learners)]):
                found = await original.collection("progress").find({"_id": {"$in": step}})
                await target.insert_many_once(found)
            courses = await original.collection("courses").find({})
            await copied.collection("courses").insert_many_once(courses)


async def run(copies: Copies, turn: Turn) -> Rate:
    """Run the loop over a turn's reports in a process of its own."""
    return Rate(**await child("bench.raw", {"copies": asdict(copies), "turn": asdict(turn)}))


async def measured(copies: Copies, turn: Turn) -> Rate:
    """Rehearse the turn, then make its writes and reads."""
    reports = list(learning.turn(turn.number, turn.learners))
    async with Database.connect(copies.uri, copies.rehearsal) as database:
        writes = await rehearse(database, reports, turn.batch)
    ids = [_ids(batch) for batch in batches(reports, turn.batch)]
    gc.collect()
    gc.freeze()  # what was noted is not to be looked through while the clock runs
    async with Database.connect(copies.uri, copies.loop) as database:
        return await loop(database, list(zip(writes, ids, strict=True)))


async def loop(database: Database, work: Sequence[tuple[list[Write], list[str]]]) -> Rate:
    """Write and read back, batch by batch. As with the stream, the first one is a warm-up."""
    await _apply(database, *work[0])
    began, cpu_began = time.perf_counter(), time.process_time()
    for writes, ids in work[1:]:
        await _apply(database, writes, ids)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return Rate(sum(len(ids) for _, ids in work[1:]), seconds, cpu_seconds)


async def _apply(database: Database, writes: Sequence[Write], ids: list[str]) -> None:
    for write in writes:
        await write.make(database)
    found = await database.collection("progress").find({"_id": {"$in": ids}})
    if len(found) != len(ids):
        raise WrongOutput(f"of {len(ids)} documents written, {len(found)} were read back")


def _ids(batch: Sequence[Progressed]) -> list[str]:
    return [f"{report.learner_id}|{report.course_id}" for report in batch]


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rate = runner.run(measured(Copies(**asked["copies"]), Turn(**asked["turn"])))
    print(json.dumps(asdict(rate)))
