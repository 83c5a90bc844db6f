"""What waits in a document comes out as the event that was put in."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_shared.errors import Refused
from pravah_shared.events import Course, Event, PersonErased, new_event
from pravah_shared.outbox import entry, event_of, new_outbox
from pravah_shared.outbox.entries import SLOTS

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by contract
EVENTS = st.builds(
    lambda title, time, parent: Event("id", "/pravah/enrollment", time, title, parent),
    st.builds(
        Course,
        course_id=st.just("c-1"),
        version=st.integers(1, 10),
        title=st.dictionaries(
            st.sampled_from(["en", "hi", "ta-IN"]), st.just("नैतिकता"), min_size=1
        ),
        provider=st.just("Centre"),
    ),
    TIMES,
    st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
)


@given(EVENTS)
def test_an_event_returns_unchanged(event: Event[Course]) -> None:
    """With its id, time to the microsecond, and trace."""
    assert event_of(entry(event)) == event


def test_an_erasure_waits_like_any_event() -> None:
    """Its JSON holds the learner's opaque id and nothing else."""
    event = new_event(
        PersonErased(learner_id="l-1"), source="/pravah/enrollment", time=datetime.now(UTC)
    )
    assert json.loads(entry(event)["data"]) == {"learner_id": "l-1"}
    assert event_of(entry(event)) == event


def test_what_kafka_never_takes_is_refused_before_it_blocks_the_outbox() -> None:
    """An event above a record's size would stand at the head for ever."""
    units = [
        {"unit_id": f"u-{n}", "title": {"en": "x" * 500}, "kind": "content"} for n in range(2000)
    ]
    course = Course(course_id="c-1", version=1, title={"en": "x"}, provider="x", units=units)
    with pytest.raises(Refused, match="c-1"):
        entry(new_event(course, source="/pravah/enrollment", time=datetime.now(UTC)))


@given(st.text(min_size=1))
def test_a_documents_slot_never_changes(document_id: str) -> None:
    """Relays on different machines must agree on it."""
    slot = new_outbox(document_id)["slot"]
    assert slot == new_outbox(document_id)["slot"]
    assert 0 <= slot < SLOTS


def test_slots_are_the_same_in_every_version() -> None:
    """They are stored: another hash would strand what waits."""
    assert [new_outbox(f"learner-{n}")["slot"] for n in range(4)] == [58, 44, 22, 0]
