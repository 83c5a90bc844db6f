"""Roll the completions of a programme's courses up to its own.

A programme is decided by what its courses announced to the same learner, in any of their runs and
terms: a completion is final, so the programme's is, too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from pravah_progress.model import (
    COMPLETED,
    IMPROVED,
    STARTED,
    Announcement,
    Document,
    Milliseconds,
    as_milliseconds,
)
from pravah_progress.rules.announcing import Due, Score, announcements
from pravah_shared.events import Course
from pravah_shared.events.types import MAX_SECONDS

Held: TypeAlias = Mapping[str, Document]
"""A learner's documents of a programme's courses, by course."""


class Standing(NamedTuple):
    """How a learner stands in one course of a programme, by its announcements.

    The completion is the earliest, the score the best. `completed_at` None: not completed.
    """

    course_id: str
    optional: bool
    started_at: Milliseconds | None
    completed_at: Milliseconds | None
    score: Score | None
    learning_seconds: int
    languages: Sequence[str]


def is_programme(course: Course | None) -> bool:
    """Tell whether completions of courses decide, and not units."""
    return course is not None and course.kind == "programme"


def decide_programme(document: Document, programme: Course, held: Held) -> tuple[Announcement, ...]:
    """Return what a programme's document and its courses' justify and was not announced yet.

    Complete when every mandatory course is, at the time of the last one. A programme without a
    mandatory course never completes by itself.
    """
    terms = document.get("enrollments", {})
    if not terms:
        return ()
    due = _due(programme, standings(programme, held))
    return tuple(
        announcement
        for run, by_number in terms.items()
        for number, term in by_number.items()
        if "enrolled_at" in term
        for announcement in announcements(document, (run, number), due)
    )


def standings(programme: Course, held: Held) -> tuple[Standing, ...]:
    """Return how a learner stands in each course of a programme, in the programme's order."""
    return tuple(
        _standing(course.course_id, held.get(course.course_id, {}), optional=course.optional)
        for course in programme.courses
    )


def _standing(course_id: str, document: Document, *, optional: bool) -> Standing:
    said = [
        of_term for terms in document.get("announced", {}).values() for of_term in terms.values()
    ]
    completions = [of_term[COMPLETED]["data"] for of_term in said if COMPLETED in of_term]
    first = min(completions, key=lambda one: _moment(one["completed_at"]), default=None)
    starts = [_moment(one[STARTED]["data"]["started_at"]) for one in said if STARTED in one]
    return Standing(
        course_id=course_id,
        optional=optional,
        started_at=min(starts, default=None),
        completed_at=None if first is None else _moment(first["completed_at"]),
        score=_best(said),
        learning_seconds=0 if first is None else first["learning_seconds"],
        languages=() if first is None else first.get("languages", ()),
    )


def _best(said: Sequence[Mapping[str, Any]]) -> Score | None:
    scores = [
        Score(one["score_percent"], _moment(one["completed_at"]))
        for of_term in said
        if COMPLETED in of_term
        for one in (of_term[COMPLETED]["data"],)
        if one["score_percent"] is not None
    ]
    scores += [
        Score(one["data"]["score_percent"], _moment(one["data"]["at"]))
        for of_term in said
        for one in of_term.get(IMPROVED, {}).values()
    ]
    return max(scores, key=lambda score: (score.percent, -score.at), default=None)


def _due(programme: Course, courses: Sequence[Standing]) -> Due:
    mandatory = [course for course in courses if not course.optional]
    starts = [course.started_at for course in courses if course.started_at is not None]
    completions = [course.completed_at for course in mandatory if course.completed_at is not None]
    complete = bool(mandatory) and len(completions) == len(mandatory)
    languages = [set(course.languages) for course in mandatory]
    return Due(
        kind="programme",
        course_version=programme.version,
        started_at=min(starts, default=None),
        completed_at=max(completions) if complete else None,
        score=_mean([course.score for course in mandatory if course.score is not None]),
        learning_seconds=min(sum(course.learning_seconds for course in mandatory), MAX_SECONDS),
        languages=tuple(sorted(set.intersection(*languages))) if languages else (),
    )


def _mean(scores: Sequence[Score]) -> Score | None:
    if not scores:
        return None
    mean = sum(score.percent for score in scores) / len(scores)
    return Score(min(100.0, round(mean, 6)), max(score.at for score in scores))


def _moment(text: str) -> Milliseconds:
    return as_milliseconds(datetime.fromisoformat(text))
