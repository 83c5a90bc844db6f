"""Documents and reports of many learners, copied as bytes from those of a few.

All ids are of one length, so a document's bytes stay valid BSON when a learner's id is replaced.
Ids that were derived from the learner's (of events and reports) stay those of the model: nothing
that is measured looks at them. The driver is used directly, in a thread: no service does this.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from bench import learning
from bench.documents import key_of
from pravah_shared.codec import Encoded, encode
from pravah_shared.events import new_event
from pravah_shared.kafka.producer import create
from pravah_shared.settings import Settings

if TYPE_CHECKING:
    from pymongo.collection import Collection

MODELS = learning.UNITS - 1
"""Learners 0 to 18 stand at 1 to 19 passed units; learner n stands where n % 19 does."""
INSERTED_TOGETHER = 1_000


async def populate(settings: Settings, learners: range) -> None:
    """Replace all documents by copies for `learners`. Cancelled, it leaves some of them."""
    stopping = Event()
    try:
        await asyncio.to_thread(_populate, settings, learners, stopping)
    finally:
        stopping.set()  # a thread cannot be cancelled, and Ctrl-C is not to wait for a million


def _populate(settings: Settings, learners: range, stopping: Event) -> None:
    client: MongoClient[dict[str, Any]]
    with MongoClient(settings.mongo_uri, w=1) as client:
        documents: Collection[dict[str, Any]] = client[settings.mongo_database]["progress"]
        ids = [str(key_of(learner)) for learner in range(MODELS)]
        models = {held["_id"]: held for held in documents.find({"_id": {"$in": ids}})}
        made = [bson.encode(models[id_]) for id_ in ids]
        documents.delete_many({"_id": {"$nin": ids}})
        copied = _copied(made, learners)
        while not stopping.is_set() and (step := list(islice(copied, INSERTED_TOGETHER))):
            documents.insert_many(step, ordered=False)


def _copied(models: Sequence[bytes], learners: Iterable[int]) -> Iterator[Any]:
    for learner in learners:
        model = learner % MODELS
        yield RawBSONDocument(as_of(models[model], model, learner))


def as_of(text: bytes, model: int, learner: int) -> bytes:
    """Return the bytes with one learner's ids in place of another's."""
    for named in (learning.learner_id, learning.enrollment_id):
        text = text.replace(named(model).encode(), named(learner).encode())
    return text


async def publish_turn(settings: Settings, order: Sequence[int]) -> None:
    """Publish the first turn's report of each learner, in this order.

    A learner's partition is the number's remainder: the same for all reports published here.
    """
    models = [_encoded(model) for model in range(MODELS)]
    topic = f"{settings.topic_prefix}{models[0].topic}"
    producer = create(settings, "bench", None)
    await producer.start()
    try:
        batches = {number: producer.create_batch() for number in range(settings.partitions)}
        for learner in order:
            at, model = learner % settings.partitions, learner % MODELS
            while batches[at].append(**_record(models[model], model, learner)) is None:
                await producer.send_batch(batches[at], topic, partition=at)
                batches[at] = producer.create_batch()
        for at, rest in batches.items():
            await producer.send_batch(rest, topic, partition=at)
        await producer.flush()
    finally:
        await producer.stop()


def _encoded(model: int) -> Encoded:
    report = learning.report(model, turn=0)
    return encode(new_event(report, source="/pravah/bench", time=datetime.now(UTC)))


def _record(encoded: Encoded, model: int, learner: int) -> dict[str, object]:
    headers = [(name, as_of(text, model, learner)) for name, text in encoded.headers]
    return {
        "timestamp": None,
        "key": as_of(encoded.key or b"", model, learner),
        "value": as_of(encoded.value or b"", model, learner),
        "headers": headers,
    }
