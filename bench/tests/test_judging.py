"""What counts as lost, doubled, wrong and repeated."""

from datetime import UTC, datetime, timedelta

import pytest
from bench.contest.judging import Completion, Verdict, completion_in, judge

from pravah_shared.codec import encode
from pravah_shared.events import Completed, Event, Started, new_event
from pravah_shared.record import Record

AT = datetime(2024, 10, 20, 9, tzinfo=UTC)
LATER = AT + timedelta(days=1)
DUE = {"a": AT, "b": AT}


def said(enrollment_id: str, at: datetime = AT, words: str = "once") -> Completion:
    """Return a completion as found on the topic."""
    return Completion(enrollment_id, at, words.encode())


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([said("a"), said("b")], Verdict(2)),
        ([said("a")], Verdict(2, lost=1)),
        ([said("a"), said("b"), said("b")], Verdict(2, repeated=1)),
        ([said("a"), said("b"), said("b", words="again")], Verdict(2, doubled=1)),
        ([said("a"), said("b", LATER)], Verdict(2, wrong=1)),
        ([said("a"), said("b"), said("c")], Verdict(2, wrong=1)),
    ],
)
def test_each_fault_is_told_apart(found: list[Completion], verdict: Verdict) -> None:
    """One of each kind is counted once, as that kind."""
    assert judge(DUE, found) == verdict


def test_a_repeat_in_the_same_words_is_no_fault() -> None:
    """Its reader can tell that it is the same one; of two that differ it cannot."""
    assert Verdict(2, repeated=5).faults == 0
    assert Verdict(2, lost=1, doubled=2, wrong=3).faults == 6


def test_a_completion_of_ours_is_read_and_a_start_is_not() -> None:
    """Both stand on one topic."""
    term = {"enrollment_id": "a", "learner_id": "l", "course_id": "c", "term": 1}
    completed = Completed(**term, completed_at=AT, course_version=1)
    found = completion_in(_record(new_event(completed, source="/s", time=AT)))
    assert found is not None
    assert (found.enrollment_id, found.completed_at) == ("a", AT)
    started = Started(**term, started_at=AT)
    assert completion_in(_record(new_event(started, source="/s", time=AT))) is None


def _record(event: Event[Completed] | Event[Started]) -> Record:
    made = encode(event)
    return Record(made.topic, 0, 0, made.key, made.value, tuple(made.headers))
