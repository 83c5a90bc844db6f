"""Looking at a run while it goes on, from outside: the broker's offsets, topics, store, memory."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from faulting.facts import document_id
from faulting.history import History
from faulting.invariants import Snapshot, passed_without_effect
from faulting.readings import DEAD, INPUTS, OUTPUT, Book, Place, Reading
from faulting.reckoning import Reckoning
from faulting.testbed import Testbed
from pravah_progress.store.shape import as_rules_know_it
from pravah_shared.errors import Transient
from pravah_shared.events import Course
from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Collection, Database, Filter

TOPICS = (*INPUTS, OUTPUT, DEAD)
LOOK_SECONDS = 0.4
"""Pause between two looks."""
AGAIN = 60
"""Documents seen before that each look compares, beside those whose records came."""
AWAY = (KafkaError, Transient, TimeoutError, OSError)
"""What a look may fail with while a fault lasts: it proves nothing, and the next one catches up."""


class Sampler:
    """Looks until it is left. `history` is what it saw; `snapshot` one complete look."""

    def __init__(self, bed: Testbed, database: Database) -> None:
        self.history = History()
        self.book = Book()
        self._bed = bed
        self._documents: Collection = database.collection("progress")
        self._courses: Collection = database.collection("courses")
        self._checked: dict[Place, int] = {}
        self._reckoning = Reckoning()
        self._chance = random.Random(0)
        self._reader: TopicReader | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._looked = asyncio.Condition()
        self._began = self._ended = 0
        self._lag = 0

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            self._weigh()
            self._began += 1
            try:
                # No deadline: cut short, the reader could have taken records that we never saw.
                # The clients have their own.
                await self._look()
            except AWAY:
                self.history.looks_failed += 1
                await self._leave()
            else:
                async with self._looked:
                    self._ended = self._began
                    self._looked.notify_all()
            await asyncio.sleep(LOOK_SECONDS)

    async def lag(self) -> int:
        """Return how many input records are not committed, by a look that begins after this."""
        wanted = self._began + 1
        async with self._looked:
            await self._looked.wait_for(lambda: self._ended >= wanted)
            return self._lag

    async def _look(self) -> None:
        # In this order: a record that the group has passed must have its effect by now.
        committed = await self.committed()
        if self._reader is None:
            self._reader = await TopicReader(self._bed.platform.settings, TOPICS).__aenter__()
        await self.book.read_on(self._reader)
        fresh = list(self.book.between(self._checked, committed))
        self._lag = self.book.beyond(committed)
        snapshot = await self._snapshot_of(fresh, committed)
        history = self.history
        history.passed_undone += passed_without_effect(fresh, snapshot, self._reckoning)
        history.passed += len(fresh)
        history.compare(snapshot.documents)
        history.most_lag = max(history.most_lag, self._lag)
        history.looks += 1
        self._checked.update(committed)

    async def _snapshot_of(self, fresh: list[Reading], committed: Mapping[Place, int]) -> Snapshot:
        """Read the documents of these records, and some of earlier ones."""
        events = [reading.event.data for reading in fresh if reading.event is not None]
        ids = {document_id(event) for event in events if not isinstance(event, Course)}
        known = list(self.history.last_seen)
        ids |= set(self._chance.sample(known, min(AGAIN, len(known))))
        documents = await self._read({"_id": {"$in": sorted(ids)}})
        courses = await self._courses.find({})
        return Snapshot(self.book, committed, _by_id(documents), _by_id(courses), 0)

    async def snapshot(self) -> Snapshot:
        """Return everything as it is now, read anew from the first record on."""
        committed = await self.committed()
        book = Book()
        async with TopicReader(self._bed.platform.settings, TOPICS) as reader:
            await book.read_on(reader)
        documents = await self._read({})
        courses = await self._courses.find({})
        waiting = await self.waiting()
        return Snapshot(book, committed, _by_id(documents), _by_id(courses), waiting)

    async def _read(self, filter_: Filter) -> list[dict[str, Any]]:
        return [as_rules_know_it(stored) for stored in await self._documents.find(filter_)]

    async def waiting(self) -> int:
        """Count the documents that hold announcements Kafka may not have."""
        return await self._documents.count({"unpublished.0": {"$exists": True}})

    async def committed(self) -> dict[Place, int]:
        """Return the group's next offsets, as the broker has them."""
        settings = self._bed.platform.settings
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(**client_options(settings))
            await self._admin.start()
        found: Mapping[Any, Any] = await self._admin.list_consumer_group_offsets(self._bed.group)
        prefix = settings.topic_prefix
        return {
            (at.topic.removeprefix(prefix), at.partition): meta.offset
            for at, meta in found.items()
            if meta.offset >= 0
        }

    def _weigh(self) -> None:
        """Note how much memory each process of progress holds."""
        for name, pid in self._bed.pids().items():
            with suppress(OSError, IndexError, ValueError):
                status = Path(f"/proc/{pid}/status").read_text()
                kib = int(status.split("VmRSS:")[1].split()[0])
                self.history.resident[f"{name} ({pid})"].append((time.monotonic(), kib))

    async def _leave(self) -> None:
        """Leave the client that a fault may have spoilt; the next look makes another."""
        if self._admin is not None:
            await self._admin.close()
            self._admin = None

    async def close(self) -> None:
        """Leave the broker."""
        await self._leave()
        if self._reader is not None:
            await self._reader.__aexit__(None, None, None)


def _by_id(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {document["_id"]: document for document in documents}


@asynccontextmanager
async def sampling(bed: Testbed) -> AsyncIterator[Sampler]:
    """Yield a sampler that looks at the deployment for as long as this is entered."""
    settings = bed.platform.settings
    async with Database.connect(settings.mongo_uri, f"{bed.platform.name}_progress") as database:
        sampler = Sampler(bed, database)
        watching = asyncio.create_task(sampler.watch())
        try:
            yield sampler
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await sampler.close()
