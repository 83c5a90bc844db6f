"""Copies of learners, and what the long run says."""

from datetime import UTC, datetime

import bson
import pytest
from bench import learning
from bench.effort import FULL
from bench.results import Rate
from bench.volume.copies import MODELS, as_of
from bench.volume.growth import lines
from bench.volume.run import Ran

from pravah_shared.codec import decode, encode
from pravah_shared.events import new_event
from pravah_shared.record import Record


def ran(microseconds: float, enrollments: int = FULL.many_enrollments, end_mb: float = 100) -> Ran:
    """Return a run of a thousand events."""
    return Ran(enrollments, 1_000, Rate(1_000, 1, microseconds / 1e3), 100, end_mb, end_mb, None)


def test_a_copied_document_is_the_other_learners_and_valid() -> None:
    """Its lengths were written for ids of this length."""
    held = {"_id": "learner-000007|bench-course", "of": {"enrollment_id": "enrollment-000007"}}
    copied = bson.decode(as_of(bson.encode(held), 7, 123_456))
    assert copied == {
        "_id": "learner-123456|bench-course",
        "of": {"enrollment_id": "enrollment-123456"},
    }


@pytest.mark.parametrize("learner", [19, 999_999])
def test_a_copied_report_is_what_the_learner_would_have_reported(learner: int) -> None:
    """Their model stands where they stand."""
    at = datetime(2025, 1, 1, tzinfo=UTC)
    made = encode(new_event(learning.report(learner % MODELS, 0), source="/s", time=at))
    key, value = (as_of(text or b"", learner % MODELS, learner) for text in (made.key, made.value))
    headers = [(name, as_of(text, learner % MODELS, learner)) for name, text in made.headers]
    event = decode(Record(made.topic, 0, 0, key, value, tuple(headers)))
    told = learning.report(learner, 0)
    assert (event.data.learner_id, event.data.updates) == (told.learner_id, told.updates)


def test_the_cost_may_grow_by_fifteen_in_a_hundred() -> None:
    """The median of the few is what it is held against."""
    few = [ran(10), ran(20), ran(12)]
    many = {cost: [ran(1), ran(cost), ran(99)] for cost in (13.7, 13.9)}
    held = {cost: lines(few, runs, ran(1))[0].holds for cost, runs in many.items()}
    assert held == {13.7: True, 13.9: False}


@pytest.mark.parametrize(
    ("end_mb", "held"), [(104, [True, True]), (249, [True, False]), (251, [False, False])]
)
def test_memory_has_a_bound_and_must_be_flat(end_mb: float, held: list[bool]) -> None:
    """Either alone would let a leak through."""
    assert [line.holds for line in lines([ran(1)], [ran(1)], ran(1, end_mb=end_mb))[1:]] == held


def test_a_quick_look_claims_nothing_of_a_million() -> None:
    """It has a tenth of them."""
    assert {line.holds for line in lines([ran(1)], [ran(1)], ran(1, 100_000))} == {None}
