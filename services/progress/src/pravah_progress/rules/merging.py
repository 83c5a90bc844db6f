"""Fold a batch of facts into one change per document.

The hottest loop of the platform: once for every report of every learner. Paths are written out
as the store takes them, because to join keys costs more than everything else here.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pravah_progress.model import (
    DOT,
    NO_DEVICE,
    NO_RUN,
    STAGE_ENROLLED,
    UNMARKED,
    Bucket,
    Change,
    DocumentKey,
    Milliseconds,
    Path,
    as_milliseconds,
    day_of,
    term_name,
)
from pravah_progress.wire import Report, Submission
from pravah_shared.events import PASSED, Attempt, Enrolled, EventData, Progressed, Withdrawn


def merge(batch: Iterable[EventData | Report]) -> tuple[Change, ...]:
    """Fold a batch into one change per learner and course, in order of first mention.

    Order and duplicates cannot matter: facts are only ever raised, lowered or added. Other
    event types are passed over.
    """
    changes: dict[tuple[str, str], Change] = {}
    for fact in batch:
        # By type, not by class: the stream reads reports in a quicker shape than the contract's.
        if (fold := _FOLDS.get(fact.type)) is None:
            continue
        of_course: Any = fact
        key = (of_course.learner_id, of_course.course_id)
        if (change := changes.get(key)) is None:
            change = changes[key] = Change(DocumentKey(*key))
        fold(change, fact)
    return tuple(changes.values())


def _progressed(change: Change, fact: Report | Progressed) -> None:
    run = _key(fact.run_id) if fact.run_id else NO_RUN
    received = as_milliseconds(fact.received_at)
    if fact.updates:
        _updated(change, fact, f"facts/{run}/", received)
    for attempt in fact.attempts:
        _submitted(change, attempt, f"facts/{run}/", received)


def _updated(
    change: Change, fact: Report | Progressed, facts: Path, received: Milliseconds
) -> None:
    device = _key(fact.device_id) if fact.device_id else NO_DEVICE
    for update in fact.updates:
        at = as_milliseconds(update.at)
        day = day_of(at)
        unit = f"{facts}content/{_key(update.unit_id)}/"
        if update.status == PASSED:
            _span(change, f"{unit}done/{day}/", at, received)
            if update.unit_id not in change.done:
                change.done.append(update.unit_id)
        else:
            _span(change, f"{facts}active/{day}/", at, received)
            change.maxima[f"{unit}opened"] = 1
        if update.spent_seconds:
            # Cumulative on its device: adding up reports would count a repeat twice.
            _up(change.maxima, f"{unit}spent/{device}", update.spent_seconds)
        if update.language:
            language = f"{unit}languages/{update.language}/"
            if update.status == PASSED:
                _down(change.minima, f"{language}done_at", at)
            else:
                change.maxima[f"{language}opened"] = 1


def _submitted(
    change: Change, attempt: Submission | Attempt, facts: Path, received: Milliseconds
) -> None:
    change.content_only = False
    at = as_milliseconds(attempt.at)
    _span(change, f"{facts}active/{day_of(at)}/", at, received)
    if attempt.unit_id not in change.done:
        change.done.append(attempt.unit_id)
    unit, attempt_id = _key(attempt.unit_id), _key(attempt.attempt_id)
    percent = attempt.percent
    _up(
        change.maxima,
        f"{facts}submissions/{unit}/{attempt_id}/{at}_{received}",
        UNMARKED if percent is None else percent,
    )


def _enrolled(change: Change, fact: Enrolled) -> None:
    change.content_only = False
    term = _term(fact)
    _down(change.minima, f"{term}enrolled_at", as_milliseconds(fact.enrolled_at))
    # One event per term, so these never differ; by maximum they agree even if they did.
    _up(change.maxima, f"{term}enrollment_id", fact.enrollment_id)
    _up(change.maxima, f"{term}course_version", fact.course_version)
    if fact.state_code:
        _up(change.maxima, f"{term}state_code", fact.state_code)
    if fact.mdo_id:
        _up(change.maxima, f"{term}mdo_id", fact.mdo_id)
        change.maxima[f"mdos/{_key(fact.mdo_id)}"] = 1
    _up(change.maxima, "stage", STAGE_ENROLLED)
    change.maxima["bucket"] = Bucket.of(change.key).number
    if (name := term_name(fact.run_id, fact.term)) not in change.unstarted:
        change.unstarted.append(name)


def _withdrawn(change: Change, fact: Withdrawn) -> None:
    change.content_only = False
    path = f"{_term(fact)}withdrawn_at"
    _down(change.minima, path, as_milliseconds(fact.withdrawn_at))


def _term(fact: Enrolled | Withdrawn) -> Path:
    run = _key(fact.run_id) if fact.run_id else NO_RUN
    return f"enrollments/{run}/{fact.term}/"


def _key(id_: str) -> str:
    """Return an id as it stands in a path."""
    return id_.replace(".", DOT) if "." in id_ else id_


def _span(change: Change, day: Path, at: Milliseconds, received: Milliseconds) -> None:
    """Widen a day to hold a moment.

    A run's window may open or close within a day: its first and its last moment tell whether
    any lies inside, where the first alone would not.
    """
    minima, maxima = change.minima, change.maxima
    if minima.setdefault(first := day + "first", at) > at:
        minima[first] = at
    if maxima.setdefault(last := day + "last", at) < at:
        maxima[last] = at
    if minima.setdefault(came_in := day + "received", received) > received:
        minima[came_in] = received


def _up(maxima: dict[Path, Any], path: Path, value: Any) -> None:
    if maxima.setdefault(path, value) < value:
        maxima[path] = value


def _down(minima: dict[Path, Any], path: Path, value: Any) -> None:
    if minima.setdefault(path, value) > value:
        minima[path] = value


_FOLDS: Final[Mapping[str, Callable[[Change, Any], None]]] = {
    Progressed.type: _progressed,
    Enrolled.type: _enrolled,
    Withdrawn.type: _withdrawn,
}
