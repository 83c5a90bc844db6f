"""The stream's baseline: `python -m bench.raw`, the same bulk writes and reads and nothing else.

No Kafka, no decoding, no merging, no decision, no announcement: the writes are made beforehand,
the documents that are read back are dropped. In the same driver settings (majority, journal) and
on the same indexes. It leaves out what the stream writes for completions, one event in nineteen.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import uvloop

from bench import learning
from bench.documents import batches, steps
from bench.results import Rate, WrongOutput
from pravah_progress.model import Change
from pravah_progress.rules import merge
from pravah_progress.store.documents import MongoDocuments
from pravah_progress.store.shape import upsert
from pravah_shared.mongo import Collection, Database, UpdateOne

VERSION = 1  # of the course


@dataclass(frozen=True, slots=True)
class Target:
    """The copy that the raw loop works on."""

    uri: str
    database: str


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Collection]:
    """Yield the copy's collection."""
    database = Database.connect(target.uri, target.database)
    try:
        yield database.collection("progress")
    finally:
        await database.close()


async def copy(documents: Collection, target: Target, learners: int) -> None:
    """Copy the documents of all learners, indexes included."""
    async with opened(target) as copied:
        await MongoDocuments(copied).prepare()
        async for found in steps(documents, learners):
            await copied.insert_many_once(found)


async def run(target: Target, turn: int, learners: int) -> Rate:
    """Run the loop over a turn's reports in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.raw",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    wanted = {"target": asdict(target), "turn": turn, "learners": learners}
    said, _ = await process.communicate(json.dumps(wanted).encode())
    if process.returncode:
        raise WrongOutput(f"the raw loop failed with code {process.returncode}")
    return Rate(**json.loads(said))


async def loop(target: Target, changes: Sequence[Change]) -> Rate:
    """Write and read back, batch by batch. As with the stream, the first one is a warm-up."""
    work = [
        ([upsert(change, VERSION) for change in batch], [str(change.key) for change in batch])
        for batch in batches(changes)
    ]
    async with opened(target) as copied:
        await _apply(copied, *work[0])
        began, cpu_began = time.perf_counter(), time.process_time()
        for writes, ids in work[1:]:
            await _apply(copied, writes, ids)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return Rate(len(changes) - len(work[0][1]), seconds, cpu_seconds)


async def _apply(copied: Collection, writes: Sequence[UpdateOne], ids: Sequence[str]) -> None:
    await copied.bulk(writes)
    found = await copied.find({"_id": {"$in": list(ids)}})
    if len(found) != len(ids):
        raise WrongOutput(f"of {len(ids)} documents written, {len(found)} were read back")


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    reports = learning.turn(asked["turn"], asked["learners"])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        measured = runner.run(loop(Target(**asked["target"]), merge(reports)))
    print(json.dumps(asdict(measured)))
