"""What the job is: which facts to keep, and when an enrollment is complete. Pure.

Times come in whole seconds UTC (RFC 3339), so they compare as texts.
"""

from collections.abc import Collection
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]
"""Data of an `enrolled` or `progressed` event, as JSON."""
State: TypeAlias = dict[str, Any]
"""What is kept per learner and course: `done` {unit: earliest time}, `enrollment_id`, `enrolled_at`
and whether the completion is `announced`. JSON, as tables and state stores want it."""
Completion: TypeAlias = dict[str, str]
"""Data of a `completed` event."""

PASSED = 2


def key_of(event: Event) -> str:
    """Return which state an event belongs to."""
    return f"{event['learner_id']}|{event['course_id']}"


def done_in(event: Event) -> dict[str, str]:
    """Return the units that a report says are done, each with its time."""
    updates = event.get("updates", ())
    return {update["unit_id"]: update["at"] for update in updates if update["status"] == PASSED}


def enrollment_in(event: Event) -> dict[str, str]:
    """Return what an `enrolled` event adds to the state; nothing for other events."""
    if "enrolled_at" not in event:
        return {}
    return {name: event[name] for name in ("enrollment_id", "enrolled_at")}


def fold(state: State, event: Event) -> State:
    """Return the state with an event added. Order and repeats cannot matter."""
    done = dict(state.get("done", {}))
    for unit_id, at in done_in(event).items():
        done[unit_id] = min(at, done.get(unit_id, at))
    return {**state, "done": done, **enrollment_in(event)}


def completion(event: Event, state: State, required: Collection[str]) -> Completion | None:
    """Return what is to be announced, None if nothing is or it has been."""
    done = state.get("done", {})
    if "enrollment_id" not in state or state.get("announced") or not done.keys() >= set(required):
        return None
    return {
        "learner_id": event["learner_id"],
        "course_id": event["course_id"],
        "enrollment_id": state["enrollment_id"],
        "completed_at": max(state["enrolled_at"], *(done[unit_id] for unit_id in required)),
    }
