"""Records that are no events of ours, at the head of every topic: put aside, nobody stops."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from cohort import Cohort, course_body, fresh, learner_body
from standing_platform import Platform, standing
from watching import READERS, Watch

from pravah_cli.testing import Stack
from pravah_shared.codec import Encoded
from pravah_shared.events import EVENT_TYPES
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.record import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

HEADERS = {
    "ce_specversion": b"1.0",
    "ce_source": b"/pravah/somebody-else",
    "ce_time": b"2026-01-05T09:00:00Z",
    "content-type": b"application/json",
}


@dataclass(frozen=True, slots=True)
class Poison:
    """A way to be no event: what is put on a topic, and what its dead letter must say."""

    name: str
    value: bytes | None
    says: str
    headers: bool = True
    type: str | None = None


KINDS = (
    Poison("undecodable bytes", b"\x00\x01\x93 not JSON", "breaks its schema"),
    Poison("invalid UTF-8", b'{"learner_id": "\xff\xfe"}', "breaks its schema"),
    Poison("a shape of another contract", b'{"user": 7}', "breaks its schema"),
    Poison("no headers", b"{}", "missing CloudEvents headers", headers=False),
    Poison("no value", None, "", headers=False),
    Poison("an unknown type", b"{}", "unknown event type", type="org.elsewhere.happened.v9"),
)


def poison(topic: str, kind: Poison, key: str) -> Encoded:
    """Return the poison as it goes onto a topic."""
    (known, *_) = (each.type for each in EVENT_TYPES.values() if each.topic == topic)
    own = {
        "ce_id": fresh("poison").encode(),
        "ce_type": (kind.type or known).encode(),
        "ce_subject": key.encode(),
    }
    headers = list({**HEADERS, **own}.items()) if kind.headers else []
    return Encoded(topic, key.encode(), kind.value, headers)


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A platform of which every topic begins with poison, in the partition of `learner_id`."""

    platform: Platform
    learner_id: str
    course_id: str
    sent: list[tuple[Poison, Encoded]]


@pytest.fixture(scope="module")
def poisoned(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Poisoned]:
    """Yield a platform whose services have met only poison when they came up."""
    with standing(stack, tmp_path_factory.mktemp("poisoned"), started=False) as platform:
        learner_id, course_id = fresh("learner"), fresh("course")
        sent = [
            (kind, poison(topic, kind, course_id if topic == "courses" else learner_id))
            for topic in READERS
            for kind in KINDS
        ]
        asyncio.run(publish(platform, [record for _, record in sent]))
        platform.start()
        yield Poisoned(platform, learner_id, course_id, sent)


async def publish(platform: Platform, records: list[Encoded]) -> None:
    """Put records onto their topics."""
    async with Publisher(platform.settings, client_id="test-poison") as publisher:
        await publisher.publish_records(records)


@pytest.fixture
async def seen(poisoned: Poisoned) -> AsyncIterator[Watch]:
    """Yield everything on the topics, from their heads on."""
    async with Watch(poisoned.platform, from_start=True) as watch:
        yield watch


async def test_each_poison_is_a_dead_letter_of_each_reader(poisoned: Poisoned, seen: Watch) -> None:
    """With its bytes, its origin and a reason that names what is wrong with it."""
    due = {
        (reader, record.topic, kind.name)
        for kind, record in poisoned.sent
        for reader in READERS[record.topic]
    }
    await seen.until(lambda: len(seen.dead_letters) >= len(due), f"{len(due)} dead letters")
    await seen.quiet()
    found = [(letter, origin(poisoned, letter)) for letter in seen.dead_letters]
    named = {
        (letter.topic.removesuffix(".dead"), record.topic, kind.name)
        for letter, (kind, record) in found
    }
    assert named == due
    for letter, (kind, record) in found:
        notes = dict(letter.headers)
        assert notes["dead-reason"] == b"undecodable"
        assert kind.says in notes["dead-message"].decode()
        assert (letter.key, letter.value) == (record.key, record.value)
        assert notes["dead-topic"].decode() == record.topic
        assert notes["dead-partition"].isdigit()
        assert notes["dead-offset"].isdigit()


def origin(poisoned: Poisoned, letter: Record) -> tuple[Poison, Encoded]:
    """Return the poison that a dead letter holds, by its topic and its bytes."""
    notes = dict(letter.headers)
    return next(
        (kind, record)
        for kind, record in poisoned.sent
        if record.topic == notes["dead-topic"].decode()
        and record.value == letter.value
        and kind.headers == ("ce_type" in notes)
        and (not kind.headers or dict(record.headers)["ce_type"] == notes["ce_type"])
    )


async def test_what_stands_behind_the_poison_is_handled(poisoned: Poisoned, seen: Watch) -> None:
    """A learner whose every partition begins with poison goes the whole way."""
    async with poisoned.platform.client() as client:
        cohort = Cohort(poisoned.platform, client, seen)
        cohort.learners, cohort.course_id = [poisoned.learner_id], poisoned.course_id
        await cohort.appear()
        await cohort.enroll()
        await cohort.finish()
        await cohort.all_came_once()


async def test_poison_between_good_records_delays_nobody(poisoned: Poisoned, seen: Watch) -> None:
    """Poison in the middle of a cohort: all go on, and no good record is put aside with it."""
    async with poisoned.platform.client() as client:
        cohort = Cohort(poisoned.platform, client, seen, size=5)
        await cohort.appear()
        await cohort.enroll()
        await cohort.read()
        await seen.quiet()
        before = len(seen.dead_letters)
        (unknown,) = (kind for kind in KINDS if kind.type)
        keys = dict.fromkeys(READERS, cohort.learners[0]) | {"courses": cohort.course_id}
        bad = [poison(topic, unknown, keys[topic]) for topic in READERS]
        await asyncio.gather(publish(poisoned.platform, bad), cohort.pass_quiz())
        await cohort.all_came_once()
        assert len(seen.dead_letters) - before == sum(map(len, READERS.values()))


async def test_every_process_is_still_ready(poisoned: Poisoned) -> None:
    """Poison opens no breaker: it is far below the share that would."""
    await asyncio.to_thread(poisoned.platform.start)  # returns at once when all are ready
    launches = poisoned.platform.launches()
    ready = await asyncio.gather(*(asyncio.to_thread(each.ready) for each in launches.values()))
    assert dict(zip(launches, ready, strict=True)) == dict.fromkeys(launches, True)
    assert set(poisoned.platform.running) == set(launches)


async def test_bodies_of_requests_never_become_dead_letters(
    poisoned: Poisoned, seen: Watch
) -> None:
    """What an API takes, every reader can read: odd, but allowed, texts go through."""
    await seen.quiet()
    before = len(seen.dead_letters)
    async with poisoned.platform.client() as client:
        cohort = Cohort(poisoned.platform, client, seen)
        odd = {**learner_body(cohort.learners[0]), "name": "  ലക്ഷ്മി\u200d \u200c नायर "}
        title = {"en": "<b>& {{ title }} %s \\n", "hi": "क्\u200dषत्रिय"}
        await client.put_course(cohort.course_id, {**course_body(), "title": title})
        await client.put_learner(cohort.learners[0], odd)
        await cohort.enroll()
        await cohort.finish()
        await cohort.all_came_once()
    assert len(seen.dead_letters) == before
