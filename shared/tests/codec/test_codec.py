"""The codec against the `cloudevents` SDK, generated events, and poison."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from cloudevents.kafka import KafkaMessage, from_binary, to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from pravah_shared.codec import Encoded, decode, encode
from pravah_shared.errors import Undecodable
from pravah_shared.events import (
    EVENT_TYPES,
    Attempt,
    Certified,
    Completed,
    Course,
    Enrolled,
    Event,
    Person,
    PersonErased,
    Position,
    Progressed,
    Run,
    ScoreImproved,
    Started,
    Unit,
    UnitUpdate,
    Withdrawn,
    new_event,
)
from pravah_shared.record import Record

NOW = datetime(2025, 6, 1, 9, 30, 0, 123000, tzinfo=UTC)

ids = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:\-]{0,20}\Z")
times = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis wants it naive and adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
titles = st.fixed_dictionaries({"en": st.just("Ethics"), "hi": st.just("नैतिकता")})
terms = {
    "enrollment_id": ids,
    "learner_id": ids,
    "course_id": ids,
    "run_id": st.none() | ids,
    "term": st.integers(1, 9),
}
units = st.builds(
    Unit,
    unit_id=ids,
    title=titles,
    kind=st.sampled_from(["content", "assessment"]),
    pass_percent=st.none() | st.floats(0, 100),
)
runs = st.builds(Run, run_id=ids, starts_at=st.just(NOW), ends_at=times.filter(lambda at: at > NOW))
facts = {
    Enrolled: st.builds(Enrolled, **terms, course_version=st.integers(1, 9), enrolled_at=times),
    Withdrawn: st.builds(Withdrawn, **terms, withdrawn_at=times),
    Started: st.builds(Started, **terms, started_at=times),
    ScoreImproved: st.builds(ScoreImproved, **terms, score_percent=st.floats(0, 100), at=times),
    Completed: st.builds(
        Completed,
        **terms,
        completed_at=times,
        course_version=st.integers(1, 9),
        score_percent=st.none() | st.floats(0, 100),
    ),
    Progressed: st.builds(
        Progressed,
        report_id=ids,
        learner_id=ids,
        course_id=ids,
        updates=st.lists(
            st.builds(UnitUpdate, unit_id=ids, status=st.sampled_from([1, 2]), at=times),
            max_size=3,
        ).map(tuple),
        attempts=st.lists(
            st.builds(
                Attempt,
                unit_id=ids,
                attempt_id=ids,
                score=st.none() | st.floats(0, 100),
                max_score=st.just(100.0),
                at=times,
            ),
            max_size=3,
        ).map(tuple),
        received_at=times,
    ),
    Course: st.builds(
        Course,
        course_id=ids,
        version=st.integers(1, 9),
        title=titles,
        provider=st.just("LBSNAA"),
        units=st.lists(units, max_size=3, unique_by=lambda unit: unit.unit_id).map(tuple),
        runs=st.lists(runs, max_size=2, unique_by=lambda run: run.run_id).map(tuple),
    ),
    Person: st.builds(
        Person, learner_id=ids, version=st.integers(1), ciphertext=st.text(), key_id=ids
    ),
    PersonErased: st.builds(PersonErased, learner_id=ids),
    Certified: st.builds(
        Certified,
        certificate_id=ids,
        certificate_name=ids,
        learner_id=ids,
        course_id=ids,
        issued_at=times,
        verify_url=st.just("https://example.org/verify/1"),
    ),
}
traceparents = st.none() | st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
events = st.builds(
    lambda fact, time, trace: new_event(
        fact, source="/pravah/test", time=time.astimezone(UTC), traceparent=trace
    ),
    st.one_of(*facts.values()),
    times,
    traceparents,
)


def as_record(encoded: Encoded) -> Record:
    """Read back what was written, as record 7 of partition 2."""
    return Record(encoded.topic, 2, 7, encoded.key, encoded.value, tuple(encoded.headers))


def enrolled() -> Event[Enrolled]:
    """Give a plain event to spoil."""
    fact = Enrolled(
        enrollment_id="e-1",
        learner_id="learner-1",
        course_id="course-1",
        term=1,
        course_version=1,
        enrolled_at=NOW,
    )
    return new_event(fact, source="/pravah/enrollment", time=NOW)


def with_header(record: Record, name: str, text: bytes | None) -> Record:
    """Replace one header, or leave it out."""
    kept = tuple(header for header in record.headers if header[0] != name)
    return record._replace(headers=kept if text is None else (*kept, (name, text)))


def with_field(record: Record, name: str, found: Any) -> Record:
    """Replace one field of the data."""
    assert record.value is not None
    fields = json.loads(record.value)
    return record._replace(value=json.dumps(fields | {name: found}).encode())


@given(events)
@settings(max_examples=300)
def test_an_event_survives_the_wire_unchanged(event: Event[Any]) -> None:
    """What is written is read back, every field, with the place it was found at."""
    encoded = encode(event)

    assert decode(as_record(encoded)) == event._replace(position=Position(encoded.topic, 2, 7))


@given(events)
@settings(max_examples=300)
def test_the_sdk_reads_what_we_write(event: Event[Any]) -> None:
    """The SDK finds the same attributes and the same data."""
    encoded = encode(event)
    message = KafkaMessage(dict(encoded.headers), encoded.key, encoded.value)  # type: ignore[arg-type]  # the SDK's type forgets tombstones
    read = from_binary(message, data_unmarshaller=lambda raw: raw and json.loads(raw))

    assert read["specversion"] == "1.0"
    assert (read["id"], read["source"], read["type"]) == (event.id, event.source, event.type)
    assert read["subject"] == event.subject
    assert datetime.fromisoformat(read["time"]) == event.time
    if not isinstance(event.data, PersonErased):
        assert read["datacontenttype"] == "application/json"
        assert type(event.data).model_validate(read.get_data()) == event.data


@given(events.filter(lambda event: not isinstance(event.data, PersonErased)))
@settings(max_examples=300)
def test_we_read_what_the_sdk_writes(event: Event[Any]) -> None:
    """A record made by the SDK decodes to the same event."""
    attributes = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
    }
    written = to_binary(
        CloudEvent(attributes, event.data.model_dump(mode="json")),
        key_mapper=lambda cloud: cloud["subject"].encode(),
    )
    record = Record(
        event.data.topic,
        2,
        7,
        written.key,  # type: ignore[arg-type]  # bytes: our key mapper made them
        written.value,  # type: ignore[arg-type]
        tuple(written.headers.items()),
    )

    assert decode(record) == event._replace(
        traceparent=None, position=Position(event.data.topic, 2, 7)
    )


def test_every_event_type_is_generated_here() -> None:
    """A new event type does not pass these tests by not being in them."""
    assert set(facts) == set(EVENT_TYPES.values())


def test_an_erasure_is_a_tombstone() -> None:
    """Kafka forgets the key only when the record has no value."""
    encoded = encode(new_event(PersonErased(learner_id="l"), source="/pravah/e", time=NOW))

    assert encoded.value is None
    assert encoded.key == b"l"
    assert decode(as_record(encoded)).data == PersonErased(learner_id="l")


def test_unknown_fields_are_ignored() -> None:
    """A reader outlives a writer that knows more."""
    event = enrolled()

    assert decode(with_field(as_record(encode(event)), "new", 1)).data == event.data


def test_times_are_written_in_utc() -> None:
    """An offset of the writer's zone is not carried to every reader."""
    india = timezone(timedelta(hours=5, minutes=30))
    encoded = encode(enrolled()._replace(time=datetime(2025, 1, 1, 5, 30, tzinfo=india)))

    assert ("ce_time", b"2025-01-01T00:00:00Z") in encoded.headers


def test_a_time_without_zone_is_not_written() -> None:
    """Guessing a zone would move the fact."""
    with pytest.raises(ValueError, match="UTC"):
        encode(enrolled()._replace(time=datetime(2025, 1, 1)))  # noqa: DTZ001 - the case


GOOD = as_record(encode(enrolled()))
ERASED = as_record(encode(new_event(PersonErased(learner_id="l"), source="/pravah/e", time=NOW)))
POISON = {
    "no headers": (GOOD._replace(headers=()), "ce_specversion, ce_id, ce_source, ce_type"),
    "no ce_id": (with_header(GOOD, "ce_id", None), "ce_id"),
    "empty ce_source": (with_header(GOOD, "ce_source", b""), "ce_source"),
    "no ce_subject": (with_header(GOOD, "ce_subject", None), "ce_subject"),
    "no ce_time": (with_header(GOOD, "ce_time", None), "ce_time"),
    "null header": (
        GOOD._replace(headers=(("ce_id", None), *GOOD.headers[2:])),  # type: ignore[arg-type]  # Kafka allows it
        "ce_specversion, ce_id",
    ),
    "specversion 0.3": (with_header(GOOD, "ce_specversion", b"0.3"), "ce_specversion"),
    "header not UTF-8": (with_header(GOOD, "ce_source", b"\xff\xfe"), "header is not UTF-8"),
    "attribute twice": (
        GOOD._replace(headers=(*GOOD.headers, ("ce_id", b"other"))),
        "ce_id is given more than once",
    ),
    "structured mode": (
        with_header(GOOD, "content-type", b"application/cloudevents+json"),
        "content-type",
    ),
    "unknown type": (with_header(GOOD, "ce_type", b"org.example.x.v1"), "org.example.x.v1"),
    "wrong topic": (GOOD._replace(topic="completed"), "belongs on topic enrolled"),
    "no key": (GOOD._replace(key=None), "record key"),
    "other key": (GOOD._replace(key=b"learner-2"), "record key"),
    "subject not in data": (with_field(GOOD, "learner_id", "learner-2"), "ce_subject"),
    "time not a time": (with_header(GOOD, "ce_time", b"yesterday"), "ce_time"),
    "time without zone": (with_header(GOOD, "ce_time", b"2025-01-01T00:00:00"), "ce_time"),
    "no value": (GOOD._replace(value=None), "no value"),
    "empty value": (GOOD._replace(value=b""), "value"),
    "invalid UTF-8": (GOOD._replace(value=b'{"learner_id": "\xff"}'), "Invalid JSON"),
    "malformed JSON": (GOOD._replace(value=b'{"learner_id":'), "Invalid JSON"),
    "bottomless JSON": (GOOD._replace(value=b"[" * 100_000), "recursion"),
    "not an object": (GOOD._replace(value=b"[]"), "object"),
    "number as text": (with_field(GOOD, "term", "1"), "term"),
    "null identity": (with_field(GOOD, "course_id", None), "course_id"),
    "below range": (with_field(GOOD, "term", 0), "term"),
    "field time without zone": (with_field(GOOD, "enrolled_at", "2025-01-01T00:00"), "enrolled_at"),
    "tombstone with value": (ERASED._replace(value=b"{}"), "tombstone"),
}


@pytest.mark.parametrize("case", POISON)
def test_poison_is_named(case: str) -> None:
    """Each way to break the contract is refused, and the message says which it was."""
    record, said = POISON[case]

    with pytest.raises(Undecodable, match=said):
        decode(record)


def test_the_message_does_not_repeat_the_value() -> None:
    """What a stranger wrote may be personal, and messages go to logs."""
    with pytest.raises(Undecodable) as caught:
        decode(with_field(GOOD, "origin", "Asha Rao, 98100 00000"))

    assert "Asha" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary(max_size=200), st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9))))
@settings(max_examples=300)
def test_noise_is_undecodable_and_nothing_else(
    value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    """Whatever stands in the log, the loop gets an event or `Undecodable`, never a crash."""
    for kept in ((), GOOD.headers):
        record = GOOD._replace(value=value, headers=(*kept, *headers))
        with pytest.raises(Undecodable):
            decode(record)
