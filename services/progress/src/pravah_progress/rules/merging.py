"""Fold a batch of facts into one change per document."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pravah_progress.model import (
    NO_DEVICE,
    NO_RUN,
    UNMARKED,
    Change,
    DocumentKey,
    Path,
    as_day,
    as_milliseconds,
)
from pravah_shared.events import (
    PASSED,
    Attempt,
    Enrolled,
    EventData,
    Progressed,
    UnitUpdate,
    Withdrawn,
)


@dataclass(slots=True)
class _Draft:
    """A change while a batch is folded into it."""

    maxima: dict[Path, Any] = field(default_factory=dict)
    minima: dict[Path, Any] = field(default_factory=dict)

    def up(self, path: Path, value: Any) -> None:
        """Raise `path` to at least `value`."""
        held = self.maxima.get(path)
        if held is None or held < value:
            self.maxima[path] = value

    def down(self, path: Path, value: Any) -> None:
        """Lower `path` to at most `value`."""
        held = self.minima.get(path)
        if held is None or held > value:
            self.minima[path] = value

    def span(self, path: Path, moment: datetime) -> None:
        """Widen the day of `moment` at `path` to hold it.

        A run's window may open or close within a day: its first and its last moment tell
        whether any lies inside, where the first alone would not.
        """
        day = (*path, as_day(moment))
        self.down((*day, "first"), moment)
        self.up((*day, "last"), moment)


def merge(batch: Iterable[EventData]) -> tuple[Change, ...]:
    """Fold a batch into one change per learner and course, in order of first mention.

    Order and duplicates cannot matter: facts are only ever raised, lowered or added. Other
    event types are passed over.
    """
    drafts: dict[DocumentKey, _Draft] = {}
    for fact in batch:
        if not isinstance(fact, (Progressed, Enrolled, Withdrawn)):
            continue
        draft = drafts.setdefault(DocumentKey(fact.learner_id, fact.course_id), _Draft())
        if isinstance(fact, Progressed):
            _progressed(draft, fact)
        elif isinstance(fact, Enrolled):
            _enrolled(draft, fact)
        else:
            draft.down((*_term(fact), "withdrawn_at"), fact.withdrawn_at)
    return tuple(Change(key, draft.maxima, draft.minima) for key, draft in drafts.items())


def _progressed(draft: _Draft, fact: Progressed) -> None:
    facts = ("facts", fact.run_id or NO_RUN)
    for update in fact.updates:
        draft.span((*facts, "active"), update.at)
        _updated(draft, (*facts, "content", update.unit_id), update, fact.device_id or NO_DEVICE)
    for attempt in fact.attempts:
        draft.span((*facts, "active"), attempt.at)
        _submitted(draft, (*facts, "submissions", attempt.unit_id), attempt)


def _updated(draft: _Draft, unit: Path, update: UnitUpdate, device: str) -> None:
    draft.up((*unit, "status"), update.status)
    draft.down((*unit, "first_at"), update.at)
    if update.spent_seconds:
        # Cumulative on its device: adding up reports would count a repeat twice.
        draft.up((*unit, "spent", device), update.spent_seconds)
    if update.language:
        draft.up((*unit, "languages", update.language, "status"), update.status)
    if update.status == PASSED:
        draft.span((*unit, "done"), update.at)
        if update.language:
            draft.down((*unit, "languages", update.language, "completed_at"), update.at)


def _submitted(draft: _Draft, unit: Path, attempt: Attempt) -> None:
    percent = attempt.percent
    draft.up(
        (*unit, attempt.attempt_id, as_milliseconds(attempt.at)),
        UNMARKED if percent is None else percent,
    )


def _enrolled(draft: _Draft, fact: Enrolled) -> None:
    term = _term(fact)
    draft.down((*term, "enrolled_at"), fact.enrolled_at)
    # One event per term, so these never differ; by maximum they agree even if they did.
    draft.up((*term, "enrollment_id"), fact.enrollment_id)
    draft.up((*term, "course_version"), fact.course_version)
    if fact.state_code:
        draft.up((*term, "state_code"), fact.state_code)
    if fact.mdo_id:
        draft.up((*term, "mdo_id"), fact.mdo_id)
        draft.up(("mdos", fact.mdo_id), 1)


def _term(fact: Enrolled | Withdrawn) -> Path:
    return ("enrollments", fact.run_id or NO_RUN, str(fact.term))
