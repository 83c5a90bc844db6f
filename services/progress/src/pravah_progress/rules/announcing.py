"""What a term announces of what it is due: each once, and never what is too late for it."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pravah_progress.model import (
    COMPLETED,
    IMPROVED,
    NO_RUN,
    STARTED,
    Announcement,
    Document,
    Milliseconds,
    from_milliseconds,
    score_key,
)
from pravah_shared.events import Completed, ScoreImproved, Started

NEVER_SCORED = -1
"""Below every `score_key`: a completion without a score is improved by any."""


class Score(NamedTuple):
    """A score in percent, and when the last of what makes it up was first reached."""

    percent: float
    at: Milliseconds


class Due(NamedTuple):
    """What a learner has come to in a course or programme, whoever is enrolled since when.

    Times are None where it has not come to that.
    """

    kind: Literal["course", "programme"]
    course_version: int
    started_at: Milliseconds | None
    completed_at: Milliseconds | None
    score: Score | None = None
    learning_seconds: int = 0
    languages: tuple[str, ...] = ()


def announcements(document: Document, key: tuple[str, str], due: Due) -> Iterator[Announcement]:
    """Yield what a term, by its run and number, has not announced yet of what is due.

    What was announced stands, whatever is learnt later; after a completion only a better score
    is news.
    """
    run, number = key
    term, said = document["enrollments"][run][number], announced_of(document, run, number)
    identity = _identity(document, run, number)
    if STARTED not in said and (at := within_term(due.started_at, term)) is not None:
        yield Started(started_at=from_milliseconds(at), **identity)
    if COMPLETED in said:
        yield from _improvement(due, term, said, identity)
    elif (at := within_term(due.completed_at, term)) is not None:
        yield Completed(
            kind=due.kind,
            completed_at=from_milliseconds(at),
            course_version=due.course_version,
            score_percent=None if due.score is None else due.score.percent,
            learning_seconds=due.learning_seconds,
            languages=due.languages,
            **identity,
        )


def announced_of(document: Document, run: str, number: str) -> Mapping[str, Any]:
    """Return what a term has announced, by kind."""
    said: Mapping[str, Any] = document.get("announced", {}).get(run, {}).get(number, {})
    return said


def within_term(moment: Milliseconds | None, term: Mapping[str, Any]) -> Milliseconds | None:
    """Return the business time of what happened at `moment` in an enrollment; None: too late.

    Never before the enrollment: earlier progress counts from then. Not after a withdrawal
    known now.
    """
    if moment is None:
        return None
    at: Milliseconds = max(moment, term["enrolled_at"])
    withdrawn_at = term.get("withdrawn_at")
    return None if withdrawn_at is not None and at > withdrawn_at else at


def _improvement(
    due: Due, term: Mapping[str, Any], said: Mapping[str, Any], identity: Mapping[str, Any]
) -> Iterator[ScoreImproved]:
    if due.score is None or score_key(due.score.percent) <= _highest(said):
        return
    if (at := within_term(due.score.at, term)) is not None:
        better = due.score.percent
        yield ScoreImproved(score_percent=better, at=from_milliseconds(at), **identity)


def _highest(said: Mapping[str, Any]) -> int:
    """Return the highest score that a completed term has announced, as a key."""
    first = said[COMPLETED]["data"]["score_percent"]
    keys = [NEVER_SCORED if first is None else score_key(first)]
    return max(*keys, *map(int, said.get(IMPROVED, ())), NEVER_SCORED)


def _identity(document: Document, run: str, number: str) -> dict[str, Any]:
    """Return what every announcement of a term says of it."""
    term = document["enrollments"][run][number]
    return {
        "enrollment_id": term["enrollment_id"],
        "learner_id": document["learner_id"],
        "course_id": document["course_id"],
        "run_id": None if run == NO_RUN else run,
        "term": int(number),
        "mdo_id": term.get("mdo_id"),
        "state_code": term.get("state_code"),
    }
