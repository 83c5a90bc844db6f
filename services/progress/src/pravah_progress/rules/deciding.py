"""Decide what to announce, by business time, from facts and the course's present version."""

from collections.abc import Sequence

from pravah_progress.model import COMPLETED, STARTED, Announcement, Document
from pravah_progress.rules.announcing import Due, announced_of, announcements
from pravah_progress.rules.requirements import (
    completed_languages,
    is_scored,
    last_passed_at,
    score_of,
)
from pravah_progress.rules.scope import scope_of
from pravah_shared.events import Course


def decide(document: Document, course: Course | None) -> tuple[Announcement, ...]:
    """Return what the document justifies and has not announced yet.

    A course not known yet decides nothing: its documents are asked again when it arrives.
    A programme's completion follows from its courses (`decide_programme`), not from units.
    """
    if course is None or course.kind == "programme":
        return ()
    scored = is_scored(course)
    return tuple(
        announcement
        for run in document.get("enrollments", {})
        if (open_ := _open(document, run, scored=scored))
        for due in (_due(document, course, run, open_),)
        for number in open_
        for announcement in announcements(document, (run, number), due)
    )


def _open(document: Document, run: str, *, scored: bool) -> list[str]:
    """Return the terms of a run that may still have something to announce.

    One without an enrollment has nothing: only its withdrawal has arrived so far.
    """
    return [
        number
        for number, term in document["enrollments"][run].items()
        if "enrolled_at" in term
        for said in (announced_of(document, run, number),)
        if scored or STARTED not in said or COMPLETED not in said
    ]


def _due(document: Document, course: Course, run: str, open_: Sequence[str]) -> Due:
    scope = scope_of(document, course, run)
    completed_at = last_passed_at(scope, course)
    said = [announced_of(document, run, number) for number in open_]
    # Asked for only while it is not announced: it looks through all units.
    started_at = None if all(STARTED in one for one in said) else scope.first_at()
    due = Due("course", course.version, started_at, completed_at, score_of(scope, course))
    if completed_at is None or all(COMPLETED in one for one in said):
        return due
    return due._replace(
        learning_seconds=scope.seconds(course), languages=completed_languages(scope, course)
    )
