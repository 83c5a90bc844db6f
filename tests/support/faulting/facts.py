"""What of an event a document holds, and whether a document went back: read apart from the rules.

Of the document's shape (services/progress, model.py) it knows where facts stand, and nothing of
how they are merged or decided.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pravah_shared.events import Attempt, Course, Enrolled, EventData, Progressed, UnitUpdate

Document = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GROWS_DOWN = frozenset({"first", "received", "done_at", "first_at", "withdrawn_at"})
GROWS_UP = frozenset({"last", "percent", "decided_version"})
ATTEMPT_DEPTH = 4
"""Dots in `facts.<run>.submissions.<unit>.<attempt>`."""
KEPT = ("facts", "enrollments", "announced", "mdos", "done", "decided_version")
"""What of a document may only grow. The rest says what is still to do."""


def milliseconds(moment: Any) -> int:
    """Return a time, as a document may hold it, in milliseconds since 1970."""
    if isinstance(moment, datetime):
        return round((moment - EPOCH).total_seconds() * 1000)
    return int(moment)


def document_id(event: EventData) -> str:
    """Return the `_id` of the document that an event of a learner goes into."""
    return f"{getattr(event, 'learner_id', '')}|{getattr(event, 'course_id', '')}"


def holds(document: Document | None, event: EventData) -> bool:
    """Whether the document holds everything that the event says."""
    if document is None:
        return False
    match event:
        case Enrolled():
            terms = document.get("enrollments", {}).get(event.run_id or "_", {})
            return event.enrollment_id in {term.get("enrollment_id") for term in terms.values()}
        case Progressed():
            facts = document.get("facts", {}).get(event.run_id or "_", {})
            return all(_update(facts, update) for update in event.updates) and all(
                _attempt(facts, attempt) for attempt in event.attempts
            )
        case Course():
            return bool(document.get("version", 0) >= event.version)
    return False


def _update(facts: Document, update: UnitUpdate) -> bool:
    unit = facts.get("content", {}).get(update.unit_id)
    if unit is None:
        return False
    if update.spent_seconds > max([0, *unit.get("spent", {}).values()]):
        return False
    if update.status == 1:
        return True
    day = unit.get("done", {}).get(update.at.date().isoformat())
    at = milliseconds(update.at)
    return day is not None and milliseconds(day["first"]) <= at <= milliseconds(day["last"])


def _attempt(facts: Document, attempt: Attempt) -> bool:
    attempts = facts.get("submissions", {}).get(attempt.unit_id, {})
    found = _by_moment(attempts.get(attempt.attempt_id, {})).get(str(milliseconds(attempt.at)))
    return found is not None and (attempt.percent or 0) <= found + 1e-6


def _by_moment(submissions: Mapping[str, float]) -> dict[str, float]:
    """Return an attempt's highest percents by `at`.

    Their keys also tell when each was received, and of those that differ only in that the store
    need not keep more than one.
    """
    best: dict[str, float] = {}
    for key, percent in submissions.items():
        at = key.partition("_")[0]
        best[at] = max(percent, best.get(at, percent))
    return best


def regressions(before: Document, after: Document | None) -> list[str]:
    """Name what of a document is gone or went back between two readings."""
    name = before["_id"]
    if after is None:
        return [f"{name} is gone"]
    return [
        f"{name}: {said}"
        for field in KEPT
        if field in before
        for said in _regressed(field, before[field], after.get(field))
    ]


def _regressed(path: str, before: Any, after: Any) -> Iterator[str]:
    key = path.rpartition(".")[2]
    if after is None and before is not None:
        yield f"{path} is gone"
    elif isinstance(before, Mapping):
        if (
            path.startswith("facts")
            and path.count(".") == ATTEMPT_DEPTH
            and ".submissions." in path
        ):
            before, after = _by_moment(before), _by_moment(after)
        for inner in before:
            yield from _regressed(f"{path}.{inner}", before[inner], after.get(inner))
    elif isinstance(before, list):
        if lost := [one for one in before if one not in after]:
            yield f"{path} lost {lost[:3]}"
    elif not _may_follow(path, key, before, after):
        yield f"{path} went from {before} to {after}"


def _may_follow(path: str, key: str, before: Any, after: Any) -> bool:
    if path.startswith(("announced", "enrollments")) and key != "withdrawn_at":
        return bool(before == after)  # told once, in these words
    if key in GROWS_DOWN:
        return milliseconds(after) <= milliseconds(before)
    if key in GROWS_UP or ".spent." in path or ".submissions." in path:
        return bool(after >= before)
    return bool(after == before)
