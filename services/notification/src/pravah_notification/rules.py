"""Pure decisions: which events become messages, when one may go out, what follows a try.

1. A ledger entry is named by (event, channel, recipient, generation) alone, so any order,
   repetition or split of the input makes the same entries.
2. A message waits until the person and the course it speaks of are here; both only ever
   arrive, so a decision to let it go is never wrong later.
3. Only an answer about the message itself can end it: no outage makes anything dead.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

from pravah_notification.model import (
    Channel,
    ChannelDown,
    Deferred,
    Delivered,
    Entry,
    Interrupted,
    Known,
    Missing,
    Occasion,
    Refused,
    Result,
    RetryPolicy,
    Suppressed,
    Unsent,
)
from pravah_shared.events import Certified, Enrolled, Event

CHANNELS: tuple[Channel, ...] = get_args(Channel)


def occasion_of(event: Event[Any]) -> Occasion | None:
    """Return what to tell the learner about `event`, or None when it is not told."""
    match event.data:
        case Enrolled() as enrolled:
            return Occasion(
                event_id=event.id,
                workflow="enrolled",
                learner_id=enrolled.learner_id,
                course_id=enrolled.course_id,
                run_id=enrolled.run_id,
                at=enrolled.enrolled_at,
                accepted_at=event.time,
                traceparent=event.traceparent,
            )
        case Certified() as certified:
            return Occasion(
                event_id=event.id,
                workflow="certified",
                learner_id=certified.learner_id,
                course_id=certified.course_id,
                run_id=certified.run_id,
                at=certified.issued_at,
                accepted_at=event.time,
                traceparent=event.traceparent,
                certificate_id=certified.certificate_id,
                verify_url=certified.verify_url,
            )
        case _:
            return None


def drafts(batch: Iterable[Event[Any]]) -> tuple[Entry, ...]:
    """Return the entries that a batch leads to, undecided. Repeated events add nothing."""
    occasions = {occasion.event_id: occasion for event in batch if (occasion := occasion_of(event))}
    return tuple(
        Entry(occasion, channel, recipient=occasion.learner_id, missing=("person", "course"))
        for occasion in occasions.values()
        for channel in CHANNELS
    )


def settle(entry: Entry, known: Known, now: datetime) -> Entry:
    """Decide a waiting entry on what is known now. What is decided already stays as it is."""
    if entry.state != "waiting":
        return entry
    if entry.occasion.learner_id in known.erased:
        return replace(entry, state="suppressed", missing=(), reason="erased")
    if missing := missing_for(entry.occasion, known):
        return replace(entry, missing=missing)
    if entry.channel == "inapp":
        return replace(entry, state="sent", missing=(), visible_at=now)
    return replace(entry, state="pending", missing=(), due_at=now)


def missing_for(occasion: Occasion, known: Known) -> tuple[Missing, ...]:
    """Return what has not arrived yet of what a message about `occasion` speaks of."""
    missing: list[Missing] = []
    if occasion.learner_id not in known.people:
        missing.append("person")
    if occasion.course_id not in known.courses:
        missing.append("course")
    return tuple(missing)


def after(entry: Entry, result: Result, now: datetime, jitter: float, policy: RetryPolicy) -> Entry:
    """Return a leased entry as it stands after a try. `jitter` is in [0, 1)."""
    if isinstance(result, Unsent | ChannelDown):  # nothing was tried
        return replace(entry, state="pending", due_at=now)
    if isinstance(result, Suppressed):
        return replace(entry, state="suppressed", reason=result.reason, due_at=None)
    tried = replace(entry, attempts=entry.attempts + 1, due_at=None, reason=None)
    again = now + timedelta(seconds=backoff_seconds(entry.attempts, jitter, policy))
    match result:
        case Delivered():
            then = replace(tried, state="sent")
        case Refused(reason):
            then = replace(tried, state="dead", reason=reason)
        case Interrupted(reason):
            then = replace(tried, state="retrying", reason=reason, due_at=again)
        case Deferred(reason):
            deferred = replace(tried, deferrals=entry.deferrals + 1)
            if deferred.deferrals < policy.most_deferrals:
                then = replace(deferred, state="retrying", reason=reason, due_at=again)
            else:
                said = f"deferred {deferred.deferrals} times, last {reason}"
                then = replace(deferred, state="dead", reason=said)
    return then


def backoff_seconds(attempts: int, jitter: float, policy: RetryPolicy) -> float:
    """Return how long to wait after the (attempts + 1)-th failure: doubling, half of it jitter.

    Without jitter everything that failed together comes back together, and fails again.
    """
    full = min(policy.most_seconds, policy.first_seconds * 2.0 ** min(attempts, 32))
    return full * (0.5 + jitter / 2)
