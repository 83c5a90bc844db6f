"""The job of the peers, told by the same learning that the bench expects of them."""

import json
from random import Random

from bench import learning
from bench.peers import job
from hypothesis import given
from hypothesis import strategies as st

from pravah_shared.events import EventData

REQUIRED = [unit.unit_id for unit in learning.course().units]


def as_json(fact: EventData) -> job.Event:
    """Return a fact as a peer reads it."""
    event: job.Event = json.loads(fact.model_dump_json(exclude_none=True))
    return event


def completions(events: list[job.Event]) -> list[job.Completion]:
    """Do the job on one learner's events."""
    state: job.State = {}
    found = []
    for event in events:
        state = job.fold(state, event)
        if completion := job.completion(event, state, REQUIRED):
            found.append(completion)
            state["announced"] = True
    return found


@given(st.integers(0, 18), st.integers(0, 6), st.randoms())
def test_a_completion_is_announced_once_in_any_order(
    learner: int, turns: int, order: Random
) -> None:
    """As the bench expects, whatever came first and however often."""
    facts = [learning.enrolled(learner), learning.history(learner)]
    facts += [learning.report(learner, turn) for turn in range(turns)]
    events = [as_json(fact) for fact in facts] * 2
    order.shuffle(events)
    found = completions(events)
    assert len(found) == learning.completes(learner, turns)
    for completion in found:
        assert completion["enrollment_id"] == learning.enrollment_id(learner)
        assert completion["completed_at"] == "2024-10-20T09:00:00Z"


def test_events_of_one_learner_and_course_share_a_state() -> None:
    """And of no other."""
    assert job.key_of(as_json(learning.enrolled(1))) == job.key_of(as_json(learning.history(1)))
    assert job.key_of(as_json(learning.enrolled(1))) != job.key_of(as_json(learning.history(2)))
