"""A contestant in a deployment of its own, with learners who are about to complete."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bench import learning
from bench.contest.contestants import OURS, Contestant
from bench.contest.watching import Watch
from bench.parts import PARTITIONS, Parts, deployment
from bench.results import WrongOutput
from pravah_cli.local.process import Launch, gone, spawn, stop
from pravah_cli.local.running import Running
from pravah_cli.testing import Deployment, eventually
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_shared.events import EventData, new_event
from pravah_shared.kafka.cleanup import delete_topics
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.mongo import Database
from pravah_shared.settings import Settings

CHUNK = 5_000
"""Events published by one call."""
CLOSING = 40
"""Learners who pass everything in the last reports: seen complete, all before them was handled.
So many that every partition has some."""
DEADLINE_SECONDS = 60.0
ENROLL_SECONDS = 300.0
"""All contestants enroll at once, untimed, on the same store."""


@dataclass(slots=True)
class Arena:
    """What a contestant works on. `turns`: how many have been published."""

    contestant: Contestant
    learners: int
    own: Deployment
    launch: Launch
    parts: Parts
    settings: ProgressSettings
    publisher: Publisher
    watch: Watch
    turns: int = 0

    @property
    def everyone(self) -> range:
        """All learners, the closing ones last."""
        return range(self.learners + CLOSING)

    async def publish(self, facts: Iterable[EventData]) -> None:
        """Put facts onto their topics."""
        now = datetime.now(UTC)
        events = [new_event(fact, source="/pravah/bench", time=now) for fact in facts]
        for start in range(0, len(events), CHUNK):
            await self.publisher.publish(events[start : start + CHUNK])

    async def enroll(self) -> None:
        """Let every learner be enrolled and have a history, and the contestant be done with it.

        Raises:
            WrongOutput: it does not get through.
        """
        await self.publish([learning.course()])
        async with self.running() as process:
            if self.contestant is OURS:
                await self._knows_course()
            closing = range(self.learners, self.learners + CLOSING)
            await self.publish(map(learning.enrolled, self.everyone))
            await self.publish(map(learning.history, range(self.learners)))
            await self.publish(map(learning.whole, closing))
            wanted = [learning.enrollment_id(learner) for learner in closing]
            seen = await self.watch.reach(wanted, CLOSING, process, ENROLL_SECONDS)
        if seen.count < CLOSING:
            raise WrongOutput(f"{self.contestant.name} did not get through the enrollments")

    async def next_turn(self) -> list[str]:
        """Publish a turn; return the enrollments that it completes."""
        number, self.turns = self.turns, self.turns + 1
        await self.publish(learning.turn(number, self.learners))
        return [
            learning.enrollment_id(learner)
            for learner in learning.completing(number, self.learners)
        ]

    def expected(self) -> dict[str, datetime]:
        """Return by enrollment when those completed who are through by now."""
        through = [
            learner
            for learner in self.everyone
            if learner >= self.learners or learning.completes(learner, self.turns)
        ]
        return {learning.enrollment_id(learner): learning.completed_at() for learner in through}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """Run the contestant for the length of the block, ended as one asks it to."""
        process = spawn(self.launch, self.parts.state)
        try:
            yield process
        finally:
            await asyncio.to_thread(stop, process, self.parts.state)

    @asynccontextmanager
    async def running_until_killed(self) -> AsyncIterator[Running]:
        """Run the contestant for the length of the block, then end it without a warning."""
        process = spawn(self.launch, self.parts.state)
        try:
            yield process
            process.signal(signal.SIGKILL)
            await asyncio.to_thread(gone, process, DEADLINE_SECONDS)
        finally:
            await asyncio.to_thread(stop, process, self.parts.state)

    async def _knows_course(self) -> None:
        async with Database.connect(
            self.settings.mongo_uri, self.settings.mongo_database
        ) as database:
            store = Store.on(database)

            async def known() -> bool:
                return bool(await store.courses.get([learning.COURSE_ID]))

            await eventually(known, DEADLINE_SECONDS, "the course is stored")


@asynccontextmanager
async def opened(
    parts: Parts, contestant: Contestant, learners: int, partitions: int = PARTITIONS
) -> AsyncIterator[Arena]:
    """Yield a contestant's arena; everything of it is removed afterwards."""
    async with AsyncExitStack() as opened:
        own = await opened.enter_async_context(deployment(parts, contestant.name, partitions))
        opened.push_async_callback(_forget_changelogs, own)
        settings = own.settings(ProgressSettings, partitions=partitions)
        publisher = await opened.enter_async_context(Publisher(settings, client_id="bench"))
        watch = await opened.enter_async_context(Watch(settings))
        launch = contestant.launch(parts, own)
        yield Arena(contestant, learners, own, launch, parts, settings, publisher, watch)


async def _forget_changelogs(own: Deployment) -> None:
    """Delete the topics that a library made for itself under names of its own."""
    await delete_topics(own.settings(Settings, topic_prefix=f"changelog__{own.name}"))
