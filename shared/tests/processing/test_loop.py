"""The loop's order of steps, and how each kind of error ends."""

from dataclasses import replace
from typing import Any

import pytest

from pravah_shared.errors import (
    BreakerOpen,
    BrokerUnavailable,
    ConfigurationError,
    Refused,
    StoreUnavailable,
)
from pravah_shared.processing.dead_letters import dead_letter
from pravah_shared.processing.retry import MOST_SECONDS
from pravah_shared.record import Record

Bench = Any
"""conftest.LoopBench."""


async def test_a_batch_is_handled_then_published_then_acknowledged(bench: Bench) -> None:
    """Acknowledging sees all events in Kafka."""
    await bench.loop.run_batch(bench.records("a", "b", "c"))

    assert bench.handler.diary == ["handle 3", "acknowledge after 3"]
    assert bench.answered() == ["a", "b", "c"]


async def test_an_empty_batch_is_nothing(bench: Bench) -> None:
    """The handler is not asked about nothing."""
    await bench.loop.run_batch([])
    assert bench.handler.diary == []


@pytest.mark.parametrize("place", range(7))
async def test_one_bug_is_found_and_the_rest_proceeds(bench: Bench, place: int) -> None:
    """Wherever the record stands that our rules fail on, it alone becomes a dead letter."""
    learners = [f"l{number}" for number in range(7)]
    bench.handler.bugs = frozenset({f"l{place}"})

    await bench.loop.run_batch(bench.records(*learners))

    good = [learner for learner in learners if learner != f"l{place}"]
    assert sorted(bench.handler.applied) == good
    assert bench.answered() == good
    assert [letter.key for letter in bench.dead()] == [f"l{place}".encode()]


async def test_bytes_that_are_no_event_become_a_dead_letter_before_the_rest(bench: Bench) -> None:
    """The handler never sees them, and the batch is not split for them."""
    garbage = Record("enrolled", 0, 9, b"k", b"\xff\x00", (("ce_type", b"\xfe"),))

    await bench.loop.run_batch([garbage, *bench.records("a", "b")])

    assert bench.handler.diary == ["handle 2", "acknowledge after 2"]
    (letter,) = bench.dead()
    assert (letter.key, letter.value, letter.headers[0]) == (
        b"k",
        b"\xff\x00",
        ("ce_type", b"\xfe"),
    )


async def test_what_kafka_refuses_blames_one_record(bench: Bench, monkeypatch: Any) -> None:
    """An answer too large to publish is that record's fault, not the batch's."""
    publish = bench.kafka.publish

    async def refuse_b(events: Any) -> Any:
        if any(event.subject == "b" for event in events):
            raise Refused("answer of b is too large")
        return await publish(events)

    monkeypatch.setattr(bench.kafka, "publish", refuse_b)
    await bench.loop.run_batch(bench.records("a", "b", "c"))

    assert bench.answered() == ["a", "c"]
    assert dict(bench.dead()[0].headers)["dead-reason"] == b"refused"


async def test_a_wrong_configuration_blames_no_record(bench: Bench) -> None:
    """An index of another shape ends the process; no learner's record is set aside for it."""
    bench.handler.faults = [ConfigurationError("drop index unreconciled")] * 10

    with pytest.raises(ConfigurationError):
        await bench.loop.run_batch(bench.records("a", "b"))

    assert bench.handler.diary == ["handle 2"]
    assert bench.dead() == []


async def test_an_outage_is_waited_out_unready_and_kills_nothing(bench: Bench) -> None:
    """However often the store fails, the batch is tried again as it is."""
    bench.health.joined = True
    bench.handler.faults = [StoreUnavailable("away")] * 50
    seen: list[bool] = []
    bench.during_wait += [lambda: seen.append(bench.health.ready)] * 50

    await bench.loop.run_batch(bench.records("a", "b"))

    assert bench.handler.diary == ["handle 2"] * 51 + ["acknowledge after 2"]
    assert seen == [False] * 50
    assert bench.health.ready
    assert bench.dead() == []


async def test_waits_grow_to_a_limit_and_differ(bench: Bench) -> None:
    """Workers that lost one store do not come back in step."""
    bench.handler.faults = [StoreUnavailable("away")] * 100
    await bench.loop.run_batch(bench.records("a"))

    assert all(0 < wait <= MOST_SECONDS for wait in bench.waits)
    assert max(bench.waits[:3]) < max(bench.waits)
    assert len({round(wait, 6) for wait in bench.waits[10:]}) > 50


async def test_a_lost_acknowledgement_repeats_the_publishing_alone(bench: Bench) -> None:
    """The handler is not asked again; readers see a repeat with the same id."""
    bench.kafka.loses_acks = True
    bench.during_wait.append(lambda: setattr(bench.kafka, "loses_acks", False))

    await bench.loop.run_batch(bench.records("a"))

    assert bench.handler.diary == ["handle 1", "acknowledge after 2"]
    ids = {dict(record.headers)["ce_id"] for record in bench.kafka.read("completed")}
    assert len(ids) == 1


async def test_a_dead_letter_is_waited_for_too(bench: Bench) -> None:
    """With Kafka away the batch does not end: its offset would pass with nothing to show."""
    bench.handler.bugs = frozenset({"a"})
    bench.kafka.away = True
    bench.during_wait += [lambda: None] * 3 + [lambda: setattr(bench.kafka, "away", False)]

    await bench.loop.run_batch(bench.records("a"))

    assert len(bench.waits) == 4
    assert len(bench.dead()) == 1


async def test_a_flood_of_dead_letters_opens_the_breaker(bench: Bench) -> None:
    """The limit is not taken for one more bad record, and not one letter more leaves."""
    learners = [f"l{number}" for number in range(30)]
    bench.handler.bugs = frozenset(learners)

    with pytest.raises(BreakerOpen, match="dlq list"):
        await bench.loop.run_batch(bench.records(*learners))

    assert len(bench.dead()) == 10  # the tenth part of the bench's window of 100
    with pytest.raises(BreakerOpen):
        await bench.loop.run_batch(bench.records("l0"))
    assert len(bench.dead()) == 10


async def test_few_dead_letters_among_many_records_open_nothing(bench: Bench) -> None:
    """Honest poison stays below the share for ever."""
    bench.handler.bugs = frozenset({"bad"})
    for _ in range(40):
        await bench.loop.run_batch(bench.records("bad", *(f"l{n}" for n in range(12))))
    assert len(bench.dead()) == 40


async def test_a_sweep_publishes_then_acknowledges_and_says_whether_there_is_more(
    bench: Bench,
) -> None:
    """A sweep's outcome is treated as a batch's."""
    bench.handler.sweeps = [replace(await bench.handler.handle([]), more=True)]
    assert await bench.loop.run_sweep()
    assert not await bench.loop.run_sweep()


async def test_a_transient_publish_error_never_splits(bench: Bench) -> None:
    """Kafka away while publishing is an outage, not a fault of the batch."""
    bench.kafka.away = True
    bench.during_wait.append(lambda: setattr(bench.kafka, "away", False))
    await bench.loop.run_batch(bench.records("a", "b", "c", "d"))
    assert bench.handler.diary == ["handle 4", "acknowledge after 4"]


def test_a_dead_letter_says_where_it_stood_and_why_it_died() -> None:
    """All of the record is kept, and what an operator asks first stands in headers."""
    record = Record("enrolled", 3, 41, b"k", b"v", (("ce_id", b"1"),))
    letter = dead_letter(record, BrokerUnavailable("no"), service="progress")

    assert (letter.topic, letter.key, letter.value) == ("progress.dead", b"k", b"v")
    assert dict(letter.headers) == {
        "ce_id": b"1",
        "dead-topic": b"enrolled",
        "dead-partition": b"3",
        "dead-offset": b"41",
        "dead-reason": b"error",
        "dead-error": b"BrokerUnavailable",
        "dead-place": b"",
        "dead-message": b"no",
        "dead-attempt": b"1",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"1", b"2"), (b"41", b"42"), (b"x", b"1"), (b"9" * 5000, b"1"), (b"", b"1")],
)
def test_a_record_that_dies_again_counts_its_attempts(before: bytes, after: bytes) -> None:
    """The last death's notes replace the earlier ones; a made-up count is not believed."""
    record = Record(
        "enrolled", 0, 0, None, b"v", (("dead-attempt", before), ("dead-error", b"Old"))
    )
    letter = dead_letter(record, Refused("m " * 4500), service="progress")

    names = [name for name, _ in letter.headers]
    assert len(names) == len(set(names))
    assert dict(letter.headers)["dead-attempt"] == after
    assert len(dict(letter.headers)["dead-message"]) == 1000


def test_a_dead_letter_quotes_no_librarys_text() -> None:
    """It is kept for a month, and may quote a name that the handler decrypted."""
    record = Record("enrolled", 0, 0, None, b"v", ())
    try:
        int("Asha Kumari")
    except ValueError as error:
        notes = dict(dead_letter(record, error, service="certificate").headers)
    assert notes["dead-error"] == b"ValueError"
    assert b"test_loop.py:" in notes["dead-place"]
    assert not any(b"Asha" in note for note in notes.values())


def test_a_dead_letter_quotes_no_document_that_the_store_refused() -> None:
    """Its answer stands within our own message."""
    record = Record("enrolled", 0, 0, None, b"v", ())
    error = Refused("bulk: {'writeErrors': [{'op': {'name': 'Asha'}}]}")
    message = dict(dead_letter(record, error, service="certificate").headers)["dead-message"]
    assert message.startswith(b"bulk")
    assert b"Asha" not in message
