"""What the quick reader takes, the contract takes, and to the same effect."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from pravah_progress import wire
from pravah_progress.rules import merge
from pravah_progress.stream import ProgressHandler
from pravah_shared.codec import decode, encode
from pravah_shared.events import Attempt, Progressed, UnitUpdate, new_event
from pravah_shared.record import Record

from .memory import memory_store

NOW = datetime(2025, 6, 1, 12, 0, 0, 123000, tzinfo=UTC)
PLAIN = {
    "report_id": "r-1",
    "learner_id": "l-1",
    "course_id": "c-1",
    "run_id": "run.1",
    "device_id": "d-1",
    "updates": [
        {
            "unit_id": "u-1",
            "status": 2,
            "spent_seconds": 60,
            "language": "hi-IN",
            "at": "2025-06-01T12:00:00.123Z",
        }
    ],
    "attempts": [
        {
            "unit_id": "q-1",
            "attempt_id": "1",
            "score": 7,
            "max_score": 9,
            "at": "2025-06-01T12:00:00Z",
        }
    ],
    "received_at": "2025-06-01T12:00:01Z",
}

texts = st.sampled_from(
    ["u-1", "", "a.b", "-a", "a|b", "$a", "a\n", "हिन्दी", "en", "EN", "hi-IN", "hi-"]
    + ["x" * length for length in (64, 65)]
)
times = st.sampled_from(
    [
        "2025-06-01T12:00:00Z",
        "2025-06-01T12:00:00.123Z",
        "2025-06-01T12:00:00.123456Z",
        "2025-06-01T17:30:00+05:30",
        "2025-06-01T12:00:00",
        "2025-06-01T12:00Z",
        "2025-06-01 12:00:00Z",
        "2025-06-01t12:00:00z",
        "2025-02-30T12:00:00Z",
        "2025-06-01T24:00:00Z",
        "2025-06-01T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "2025-06-01",
        1748779200,
    ]
)
numbers = st.one_of(
    st.integers(-1, 3),
    st.floats(-1, 101),
    st.sampled_from([0.0, 2.0, 1e308, 316_224_000, 316_224_001, True, "2", 2**63, -0.0]),
)
anything = st.one_of(texts, times, numbers, st.none(), st.lists(st.none(), max_size=1))
updates = st.fixed_dictionaries(
    {"unit_id": texts | anything, "status": numbers | anything, "at": times | anything},
    optional={"spent_seconds": numbers | anything, "language": texts | anything, "more": anything},
)
attempts = st.fixed_dictionaries(
    {"unit_id": texts | anything, "attempt_id": texts | anything, "at": times | anything},
    optional={"score": numbers | anything, "max_score": numbers | anything},
)
reports = st.fixed_dictionaries(
    {"report_id": texts, "learner_id": texts, "course_id": texts, "received_at": times},
    optional={
        "run_id": texts | anything,
        "device_id": texts | anything,
        "updates": st.lists(updates, max_size=2) | anything,
        "attempts": st.lists(attempts, max_size=2) | anything,
    },
)


def by_contract(value: bytes) -> Progressed | None:
    """Return what the contract makes of a value."""
    try:
        return Progressed.model_validate_json(value, strict=True)
    except ValidationError:
        return None


def assert_agrees(value: bytes) -> bool:
    """See that a value read quickly is the contract's; tell whether it was."""
    quick = wire.read(value)
    if quick is None:
        return False
    slow = by_contract(value)
    assert slow is not None, f"only the quick reader takes {value!r}"
    for name in ("report_id", "learner_id", "course_id", "run_id", "device_id", "received_at"):
        assert getattr(quick, name) == getattr(slow, name), name
    assert quick.subject == slow.subject
    for ours, theirs in zip(quick.updates, slow.updates, strict=True):
        for name in UnitUpdate.model_fields:
            assert getattr(ours, name) == getattr(theirs, name), name
    for attempt, contract in zip(quick.attempts, slow.attempts, strict=True):
        for name in (*Attempt.model_fields, "percent"):
            assert getattr(attempt, name) == getattr(contract, name), name
    assert merge([quick]) == merge([slow])
    return True


@given(reports)
@example(PLAIN)
def test_what_is_read_quickly_is_what_the_contract_reads(report: dict[str, Any]) -> None:
    """Whatever stands in the fields, in whatever type."""
    assert_agrees(json.dumps(report).encode())


@given(st.binary(max_size=40), st.integers(0, 400))
def test_damaged_bytes_are_the_contracts(noise: bytes, at: int) -> None:
    """Nothing that is no valid JSON in UTF-8 is taken."""
    value = json.dumps({**PLAIN, "more": "é"}, ensure_ascii=False).encode()
    assert_agrees(value[:at] + noise + value[at + len(noise) :])


def test_what_ingest_writes_is_read_quickly() -> None:
    """Else the quick reader would be there in vain."""
    fact = Progressed.model_validate(PLAIN)
    written = fact.__pydantic_serializer__.to_json(fact, exclude_none=True)
    assert assert_agrees(written)
    assert assert_agrees(json.dumps(PLAIN).encode())


@pytest.mark.parametrize("field", [name for name in PLAIN if name.endswith("_id")])
def test_an_id_that_would_change_a_path_is_never_taken(field: str) -> None:
    """Ids become paths in the store."""
    for text in ("$where", "a|b", "", "a\n", " a"):
        assert wire.read(json.dumps({**PLAIN, field: text}).encode()) is None


def test_ids_known_to_be_valid_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can make up ids: they must not fill the memory."""
    monkeypatch.setattr(wire, "MOST_KNOWN", 10)
    for number in range(100):
        assert wire.read(json.dumps({**PLAIN, "device_id": f"made-up-{number}"}).encode())
    assert len(wire._ids) <= 10


async def test_the_stream_tells_how_far_it_came_in_what_it_read_quickly() -> None:
    """A client that waits for its own report waits for this."""
    store = memory_store()
    made = encode(new_event(Progressed.model_validate(PLAIN), source="/t", time=NOW))
    record = Record(made.topic, 2, 41, made.key, made.value, tuple(made.headers))
    event = decode(record, wire.READERS)
    assert isinstance(event.data, wire.Report)
    outcome = await ProgressHandler(store).handle([event])
    await outcome.acknowledge()
    assert await store.applied.next_offsets() == {2: 42}
