"""A run of the fault harness on real parts, and then each invariant broken in what it left.

The run is the short form of `make faults` (docs/faults.md): progress alone, the faults that take
seconds. What it leaves on topics and in the store holds; tampered with, the checker says what.
"""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faulting.load import Load, as_event
from faulting.noise import Noise
from faulting.plan import BRIEF, Plan
from faulting.readings import Reading
from faulting.report import show
from faulting.run import HEAD_POISON, Run, play
from faulting.sampling import sampling
from faulting.testbed import open_testbed
from faulting.verdict import Verdict

from pravah_cli.testing import eventually
from pravah_shared.codec import Encoded, encode
from pravah_shared.events import new_event
from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.mongo import Collection, Database, UpdateOne
from pravah_shared.processing.dead_letters import dead_letter

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.asyncio(loop_scope="module"),
]

SEED = 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    """Yield a run that has come to its end."""
    plan = Plan(SEED, whole=False, faults=BRIEF)
    chance = random.Random(SEED)
    async with open_testbed(tmp_path_factory.mktemp("faults"), whole=False, started=False) as bed:
        noise = Noise(bed.platform.settings, chance)
        await noise.poison(HEAD_POISON)
        await bed.start()
        async with sampling(bed) as sampler, bed.platform.client() as client:
            run = Run(bed, sampler, Load(client, chance), noise, plan, print)
            await run.load.begin()
            await play(run)
            yield run


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def verdicts(run: Run) -> list[Verdict]:
    """Return what the checker says of the run."""
    return await run.verdicts()


async def test_every_invariant_holds(run: Run, verdicts: list[Verdict]) -> None:
    """After a death at every step of the loop, poison, repeats, a full disk and a cut."""
    show(verdicts, f"seed {SEED}")
    assert not [problem for verdict in verdicts for problem in verdict.problems]
    assert [name for name, _ in run.sampler.history.recoveries] == list(run.plan.order())
    found = {verdict.invariant: verdict.counts for verdict in verdicts}[CONSUMED]
    assert found["dead letters"] == run.noise.poisoned > HEAD_POISON
    assert found["duplicates"] >= run.noise.repeated > 0


ACCEPTED = "every 2xx has its effect"
DISTINCT = "effects = distinct ids"
REGRESSED = "progress never regressed"
OUTBOX = "outbox empty"
CONSUMED = "consumed = effects + suppressed duplicates + dead letters"
PASSED = "committed offset <= lowest offset without effect"
LAG = "lag recovers"


class Spoilt:
    """What a run left, its streams stopped, so that nothing is mended while it is looked at."""

    def __init__(self, run: Run, documents: Collection, publisher: Publisher) -> None:
        self.run = run
        self.documents = documents
        self._publisher = publisher

    async def wrong(self) -> dict[str, int]:
        """Return how much is wrong by each invariant."""
        return {one.invariant: one.wrong for one in await self.run.verdicts()}

    async def broken_since(self, before: dict[str, int]) -> set[str]:
        """Return the invariants by which more is wrong now. Records cannot be taken back."""
        now = await self.wrong()
        return {invariant for invariant, wrong in now.items() if wrong > before[invariant]}

    async def finished(self) -> dict[str, Any]:
        """Return a document whose completion is announced."""
        (found,) = await self.documents.find(
            {"announced/_/1/completed": {"$exists": True}}, limit=1
        )
        return found

    async def change(self, update: dict[str, Any]) -> None:
        """Tamper with that document."""
        await self.documents.bulk([UpdateOne({"_id": (await self.finished())["_id"]}, update)])

    async def write(self, record: Encoded) -> None:
        """Write a record past the services."""
        await self._publisher.publish_records([record])

    async def report(self) -> Encoded:
        """Return a good report that no stream has seen."""
        update = {"unit_id": "text-1", "status": 2, "at": "2026-02-01T00:00:00Z"}
        item = {"learner_id": "late", "course_id": "orders-1", "updates": [update]}
        event = as_event(item)
        return encode(new_event(event, source="/pravah/progress", time=event.received_at))


@pytest_asyncio.fixture(loop_scope="module")
async def spoilt(run: Run, verdicts: list[Verdict]) -> AsyncIterator[Spoilt]:
    """Yield the run's remains."""
    await run.bed.stop(*run.bed.workers)
    settings = run.bed.platform.settings
    async with (
        Database.connect(settings.mongo_uri, f"{run.bed.platform.name}_progress") as database,
        Publisher(settings, client_id="tamper") as publisher,
    ):
        yield Spoilt(run, database.collection("progress"), publisher)


async def test_a_2xx_without_effect_is_found(spoilt: Spoilt) -> None:
    """The client was answered; nothing of it is anywhere."""
    before = await spoilt.wrong()
    item = {"learner_id": "nobody", "course_id": "orders-1", "updates": []}
    update = {"unit_id": "text-1", "status": 2, "at": "2026-02-01T00:00:00Z"}
    spoilt.run.load.accepted.append(as_event({**item, "updates": [update]}))
    assert await spoilt.broken_since(before) == {ACCEPTED}
    spoilt.run.load.accepted.pop()


async def test_a_lost_update_is_found(spoilt: Spoilt) -> None:
    """A fact that was written is gone: by every count that includes it."""
    before, document = await spoilt.wrong(), await spoilt.finished()
    done = {k: v for k, v in document.items() if k.startswith("facts/_/content/text-1/done/")}
    await spoilt.change({"$unset": done})
    assert await spoilt.broken_since(before) == {ACCEPTED, REGRESSED, CONSUMED, PASSED}
    await spoilt.change({"$set": done})
    assert await spoilt.wrong() == before


async def test_a_tampered_document_is_found(spoilt: Spoilt) -> None:
    """What was announced stands in other words than it was seen in."""
    before, document = await spoilt.wrong(), await spoilt.finished()
    path = "announced/_/1/completed"
    await spoilt.change({"$set": {path: document[path].replace('"id"', '"other"')}})
    assert await spoilt.broken_since(before) == {REGRESSED}
    await spoilt.change({"$set": {path: document[path]}})


async def test_an_announcement_that_waits_is_found(spoilt: Spoilt) -> None:
    """An outbox that is not empty at the end."""
    before = await spoilt.wrong()
    await spoilt.change({"$push": {"unpublished": {"_id": "x"}}})
    assert await spoilt.broken_since(before) == {OUTBOX}
    await spoilt.change({"$pull": {"unpublished": {"_id": "x"}}})


async def test_a_second_completion_is_found(spoilt: Spoilt) -> None:
    """The same term, under another id."""
    before = await spoilt.wrong()
    told = _first(spoilt.run.sampler.book.completed, "completed.v1")
    headers = {**dict(told.record.headers), "ce_id": b"another"}
    await spoilt.write(Encoded("completed", told.record.key, told.record.value, [*headers.items()]))
    assert await spoilt.broken_since(before) == {DISTINCT}


async def test_a_good_record_set_aside_is_found(spoilt: Spoilt) -> None:
    """A dead letter of a record that is no poison."""
    before = await spoilt.wrong()
    good = _first(spoilt.run.sampler.book.inputs["progressed", 0], "progressed.v1")
    await spoilt.write(dead_letter(good.record, ValueError(), service="progress"))
    assert await spoilt.broken_since(before) == {CONSUMED}


async def test_a_backlog_and_a_committed_offset_ahead_are_found(
    spoilt: Spoilt,
) -> None:
    """A record that nobody has handled; then the group's offset is moved past it."""
    before = await spoilt.wrong()
    await spoilt.write(await spoilt.report())
    assert await spoilt.broken_since(before) == {LAG}
    await move_group(spoilt.run)
    assert await spoilt.broken_since(before) == {PASSED, CONSUMED}


async def move_group(run: Run) -> None:
    """Commit the end of every partition of `progressed` for the group of progress."""
    settings = run.bed.platform.settings
    consumer = AIOKafkaConsumer(
        **client_options(settings), group_id=run.bed.group, enable_auto_commit=False
    )
    topic = f"{settings.topic_prefix}progressed"
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]

    async def committed() -> bool:
        try:
            await consumer.commit(dict(ends))
        except KafkaError:  # the stopped workers are static members until their session ends
            return False
        return True

    try:
        await consumer.start()
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await eventually(committed, 30, "the group's offsets to be moved")
    finally:
        await consumer.stop()


def _first(readings: list[Reading], type_ends_with: str) -> Reading:
    """Return the first event of a type."""
    return next(
        one for one in readings if one.event is not None and one.event.type.endswith(type_ends_with)
    )
