"""The bench of the contract suite: worker processes, their files, and Kafka's own account."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from pravah_cli.testing.deployment import Deployment
from pravah_cli.testing.waiting import eventually
from pravah_shared.events import Enrolled, Event, Position, new_event
from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.processing.failpoints import Order, Point
from pravah_shared.record import Record
from pravah_shared.settings import Settings

GroupOffsets = Callable[[Settings, str], Awaitable[dict[tuple[str, int], int]]]

WORKER = Path(__file__).with_name("worker.py")
AT = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS = 60.0
"""Deadline of everything awaited; a session that must run out takes ten of them."""


def enrolled(learner_id: str) -> Event[Enrolled]:
    """Return an enrollment of `learner_id`."""
    facts = Enrolled(
        enrollment_id=f"e-{learner_id}",
        learner_id=learner_id,
        course_id="c",
        term=1,
        course_version=1,
        enrolled_at=AT,
    )
    return new_event(facts, source="/pravah/test", time=AT)


class Bench:
    """One deployment with worker processes of one engine."""

    def __init__(
        self, engine: str, deployment: Deployment, directory: Path, group_offsets: GroupOffsets
    ) -> None:
        self.settings = deployment.settings(Settings)
        self.directory = directory
        self.publisher = Publisher(self.settings, client_id="bench")
        self._engine = engine
        self._group_offsets = group_offsets
        self._failpoints = directory / "failpoints"
        self._environment = deployment.environment(
            "shared", stop_grace_seconds=1, batch_records=10, failpoints_file=self._failpoints
        )
        self._workers: list[asyncio.subprocess.Process] = []

    async def enroll(self, learners: Sequence[str]) -> list[Position]:
        """Put enrollments on the topic; return where they stand."""
        return await self.publisher.publish([enrolled(learner) for learner in learners])

    async def start(self, name: str, *, static: bool = True) -> asyncio.subprocess.Process:
        """Start a worker. A static one, killed, is followed at once by one of the same name."""
        environment = os.environ | self._environment
        if static:
            environment["PRAVAH_GROUP_INSTANCE_ID"] = name
        self.status_file(name).unlink(missing_ok=True)
        with (self.directory / f"{name}.log").open("ab") as log:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, WORKER, self._engine, self.directory, name,
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        self._workers.append(worker)
        return worker

    def status_file(self, name: str) -> Path:
        """Where a worker says how it is."""
        return self.directory / f"{name}.status"

    async def says(self, name: str, *statuses: str) -> None:
        """Wait until a worker says one of `statuses`."""
        file = self.status_file(name)

        async def said() -> bool:
            return file.exists() and file.read_text() in statuses

        await eventually(said, SECONDS, f"{name} says {statuses}; see {self.directory}")

    def take_store_away(self) -> None:
        """Let every write fail as in an outage."""
        (self.directory / "store-away").touch()

    def bring_store_back(self) -> None:
        """End the outage."""
        (self.directory / "store-away").unlink()

    def order_death(self, point: Point) -> None:
        """Let the next worker that reaches `point` kill itself."""
        Order(point, "kill").lay(self._failpoints)

    def applied(self) -> Counter[Position]:
        """Return how often each record was applied, in this store that keeps repeats."""
        return self._written("applied")

    def acknowledged(self) -> Counter[Position]:
        """Return how often each record was marked as answered."""
        return self._written("acknowledged")

    def _written(self, what: str) -> Counter[Position]:
        file = self.directory / f"{what}.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return Counter(Position(*json.loads(line)[:3]) for line in lines)

    async def committed(self) -> dict[tuple[str, int], int]:
        """Return the group's next offsets as the broker has them, by topic and partition."""
        return await self._group_offsets(self.settings, f"{self.settings.group_prefix}certificate")

    async def members(self) -> int:
        """Return how many members the broker counts in the group."""
        admin = AIOKafkaAdminClient(**client_options(self.settings))
        await admin.start()
        try:
            group = f"{self.settings.group_prefix}certificate"
            (answer,) = await admin.describe_consumer_groups([group])
        finally:
            await admin.close()
        (found,) = answer.to_object()["groups"]
        return len(found["members"])

    async def passed_undone(
        self, records: Sequence[Position], *, dead: Sequence[Position] = ()
    ) -> list[Position]:
        """Return the records whose offset was passed though not all of it was done."""
        committed = await self.committed()
        # Afterwards: what workers finish in between is done, and was not passed by then.
        done = self.applied() & self.acknowledged()
        return [
            record
            for record in records
            if record.offset < committed.get((record.topic, record.partition), 0)
            and not done[record]
            and record not in dead
        ]

    async def all_committed(self, records: Sequence[Position]) -> None:
        """Wait until the group's offsets have passed all `records`."""

        async def passed() -> bool:
            committed = await self.committed()
            return all(
                committed.get((record.topic, record.partition), 0) > record.offset
                for record in records
            )

        await eventually(passed, SECONDS, f"all offsets committed; see {self.directory}")

    async def read(self, topic: str) -> list[Record]:
        """Return all records on a topic."""
        async with TopicReader(self.settings, [topic]) as reader:
            found: list[Record] = []
            while not await reader.at_end():
                found += await reader.read(wait_seconds=0.1)
            return found

    async def started(self) -> set[str]:
        """Return the learners whose answer was published, however often."""
        return {(record.key or b"").decode() for record in await self.read("completed")}

    async def close(self) -> None:
        """End what still runs."""
        for worker in self._workers:
            if worker.returncode is None:
                worker.send_signal(signal.SIGKILL)
                await worker.wait()
        await self.publisher.stop()


@pytest.fixture(params=["aiokafka", "faust"])
async def bench(
    request: pytest.FixtureRequest,
    deployment: Deployment,
    tmp_path: Path,
    group_offsets: GroupOffsets,
) -> AsyncIterator[Bench]:
    """Yield the bench, once for each engine."""
    bench = Bench(request.param, deployment, tmp_path, group_offsets)
    yield bench
    await bench.close()
