"""Stream: events per second of the progress stream beside a raw loop on the same store.

In each turn every learner's next report stands on the topic before the stream's process starts.
From its first applied batch to its last applied offset, time and the process's own CPU time are
taken, both from outside. Then the raw loop (bench.raw) writes and reads the same documents of a
copy, in batches of the same size. At the end both collections must hold what was sent.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from bench import learning, raw
from bench.effort import Effort
from bench.machine import cpu_seconds
from bench.parts import Parts, deployment, served
from bench.results import Pair, Rate, Result
from bench.screen import Steps
from bench.verify import announcements_hold, documents_hold
from pravah_cli.local.process import PartError, tail
from pravah_cli.local.running import Running
from pravah_cli.testing import Deployment, eventually
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_shared.events import EventData, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.mongo import Collection, Database

CHUNK = 5_000
"""Events published by one call."""
DEADLINE_SECONDS = 300.0
POLL_SECONDS = 0.02
"""An error of one in a hundred on the shortest turn."""
SETTLED = {
    "announced._.1.started": {"$exists": True},
    "unpublished.since": {"$exists": False},
}
"""A document whose enrollment and history have met, and Kafka has the announcement."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Result]:
    """Measure in turns.

    Raises:
        WrongOutput: a document or an announcement is not what was sent.
    """
    async with deployment(parts, "stream") as own:
        settings = own.settings(ProgressSettings)
        database = Database.connect(settings.mongo_uri, settings.mongo_database)
        own.databases.add(copy := f"{settings.mongo_database}_raw")
        try:
            async with Publisher(settings, client_id="bench") as publisher:
                subject = _Subject(parts, own, publisher, database, effort.learners)
                pairs = await _turns(subject, raw.Target(settings.mongo_uri, copy), effort, steps)
            steps.tell("stream: comparing with what was sent")
            await documents_hold(subject.documents, effort.learners, effort.stream_turns)
            await announcements_hold(settings, effort.learners, effort.stream_turns)
        finally:
            await database.close()
    return _results(pairs)


async def _turns(
    subject: "_Subject", target: raw.Target, effort: Effort, steps: Steps
) -> list[tuple[Rate, Rate]]:
    steps.tell("stream: enrolling learners (untimed)")
    await subject.enroll()
    await raw.copy(subject.documents, target, effort.learners)
    found = []
    for turn in range(effort.stream_turns):
        steps.tell(f"stream: turn {turn + 1} of {effort.stream_turns}")
        ours = await subject.turn(turn)
        found.append((ours, await raw.run(target, turn, effort.learners)))
        steps.advance()
    async with raw.opened(target) as copied:
        await documents_hold(copied, effort.learners, effort.stream_turns)
    return found


def _results(pairs: Iterable[tuple[Rate, Rate]]) -> list[Result]:
    walls, cpus = [], []
    for ours, baseline in pairs:
        walls.append(Pair(ours.per_second, baseline.per_second))
        cpus.append(Pair(ours.per_cpu_second, baseline.per_cpu_second))
    return [
        Result("stream_vs_raw_store", "events/s", tuple(walls)),
        Result("stream_python_rate", "events/CPU s", tuple(cpus)),
    ]


class _Subject:
    """The progress stream, its topics and its store."""

    def __init__(
        self, parts: Parts, own: Deployment, publisher: Publisher, database: Database, learners: int
    ) -> None:
        self.documents: Collection = database.collection("progress")
        self._parts = parts
        self._launch = parts.launch("progress-stream", own)
        self._publisher = publisher
        self._store = Store.on(database)
        self._learners = learners

    async def enroll(self) -> None:
        """Let every learner be enrolled and have a history, and the stream be done with it."""
        await self._publish([learning.course()])
        with served(self._launch, self._parts.state):
            await eventually(self._knows_course, DEADLINE_SECONDS, "the course is stored")
            await self._publish(map(learning.enrolled, range(self._learners)))
            await self._publish(map(learning.history, range(self._learners)))
            await eventually(self._settled, DEADLINE_SECONDS, "every learner has started")

    async def turn(self, number: int) -> Rate:
        """Publish a turn, then start the stream's process on it and watch it through."""
        await self._publish(learning.turn(number, self._learners))
        before = await self._applied()
        with served(self._launch, self._parts.state, wait=False) as process:
            first, began, cpu_began = await self._reach(before + 1, process)
            last, ended, cpu_ended = await self._reach(before + self._learners, process)
        return Rate(last - first, ended - began, cpu_ended - cpu_began)

    async def _reach(self, offset: int, process: Running) -> tuple[int, float, float]:
        """Wait until so many are applied; return how many are, the time and the CPU time."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (applied := await self._applied()) < offset:
            if not process.alive or time.monotonic() > deadline:
                said = tail(process.log)
                raise PartError(f"the stream ended or stands at {applied} of {offset}:\n{said}")
            await asyncio.sleep(POLL_SECONDS)
        return applied, time.perf_counter(), cpu_seconds(process.pid)

    async def _applied(self) -> int:
        return sum((await self._store.applied.next_offsets()).values())

    async def _knows_course(self) -> bool:
        return bool(await self._store.courses.get([learning.COURSE_ID]))

    async def _settled(self) -> bool:
        return await self.documents.count(SETTLED) == self._learners

    async def _publish(self, facts: Iterable[EventData]) -> None:
        now = datetime.now(UTC)
        events = [new_event(fact, source="/pravah/bench", time=now) for fact in facts]
        for start in range(0, len(events), CHUNK):
            await self._publisher.publish(events[start : start + CHUNK])
