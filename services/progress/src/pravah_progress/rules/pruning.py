"""Find submissions that can decide nothing any more, so that an attempt's history stays small."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from pravah_progress.model import Document, DocumentKey, Path, Pruning, as_day, from_milliseconds

NEVER_DOMINATED = 2
"""Submissions of an attempt that are always kept: the first and the last of a day."""


def prune(document: Document) -> Pruning | None:
    """Return the document's dominated submissions, or None when there are none.

    A submission is dominated when the same attempt holds, on the same UTC day, an earlier and
    a later one of at least its percent. What stays holds the latest submission of each attempt
    and the earliest of each higher percent, also within the window of any run of a day or more.

    Domination is transitive and a dominator is never dominated by what it dominates: facts that
    come later never bring a pruned submission back into force, so the pruned document is again
    the same for any order of arrival.
    """
    dominated: dict[Path, float] = {
        ("facts", run, "submissions", unit, attempt, at): percent
        for run, facts in document.get("facts", {}).items()
        for unit, attempts in facts.get("submissions", {}).items()
        for attempt, submissions in attempts.items()
        for at, percent in _dominated(submissions)
    }
    if not dominated:
        return None
    return Pruning(DocumentKey(document["learner_id"], document["course_id"]), dominated)


def _dominated(submissions: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    if len(submissions) <= NEVER_DOMINATED:
        return
    in_order = sorted(submissions.items(), key=lambda item: int(item[0]))
    for _, day in groupby(in_order, key=lambda item: as_day(from_milliseconds(item[0]))):
        of_day = list(day)
        kept = _records(of_day) | _records(reversed(of_day))
        yield from (item for item in of_day if item[0] not in kept)


def _records(submissions: Iterable[tuple[str, float]]) -> set[str]:
    """Return the keys of those that are higher than all before them."""
    records: set[str] = set()
    highest = float("-inf")
    for at, percent in submissions:
        if percent > highest:
            highest = percent
            records.add(at)
    return records
