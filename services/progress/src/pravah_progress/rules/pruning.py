"""Find what can decide nothing any more, so that documents and reads stay small."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from pravah_progress.model import (
    COMPLETED,
    STARTED,
    Document,
    Milliseconds,
    Path,
    Pruning,
    day_of,
    key_of,
    path_of,
)
from pravah_progress.rules.windows import moments_of


class _Submission(NamedTuple):
    at: Milliseconds
    received: Milliseconds
    percent: float
    name: str


def prune(document: Document) -> Pruning | None:
    """Return what a document need not hold any more, or None.

    A submission is dominated when the same attempt holds, on the same UTC day, one of no later
    and one of no earlier time, both of at least its percent and received no later. What stays
    holds the latest submission of each attempt and the earliest of each higher percent, also
    within the window of any run of a day or more, whenever that closes.

    Domination is transitive and a dominator is never dominated by what it dominates: facts that
    come later never bring a pruned submission back into force, so the pruned document is again
    the same for any order of arrival.

    A term in `unstarted` has nothing to start once its start is published, nor one in
    `incomplete` to complete; a redelivered enrollment puts it there again.
    """
    dominated: dict[Path, float] = {
        path_of(("facts", run, "submissions", unit, attempt, name)): percent
        for run, facts in document.get("facts", {}).items()
        for unit, attempts in facts.get("submissions", {}).items()
        for attempt, submissions in attempts.items()
        for name, percent in _dominated(submissions)
    }
    started = _published(document, "unstarted", STARTED)
    completed = _published(document, "incomplete", COMPLETED)
    if not dominated and not started and not completed:
        return None
    return Pruning(key_of(document), dominated, started, completed)


def _published(document: Document, waiting: str, kind: str) -> tuple[str, ...]:
    """Return the terms in a list whose announcement of that kind Kafka has."""
    return tuple(
        name
        for name in document.get(waiting, ())
        for run, _, term in (name.partition("|"),)
        if kind in document.get("announced", {}).get(run, {}).get(term, {})
        and ["announced", run, term, kind] not in _unpublished(document)
    )


def _unpublished(document: Document) -> list[Sequence[str]]:
    return [note["path"] for note in document.get("unpublished", ())]


def _dominated(submissions: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    if len(submissions) == 1:
        return
    all_ = sorted(
        _Submission(*moments_of(name), percent, name) for name, percent in submissions.items()
    )
    for _, day in groupby(all_, key=lambda one: day_of(one.at)):
        onward = list(day)
        backward = sorted(onward, key=lambda one: (-one.at, one.received))
        kept = _leading(onward) | _leading(backward)
        yield from ((one.name, one.percent) for one in onward if one.name not in kept)


def _leading(submissions: Sequence[_Submission]) -> set[str]:
    """Return the names of those that no one before them matches in percent and receipt."""
    leading: set[str] = set()
    best: list[_Submission] = []
    for one in submissions:
        if not any(it.percent >= one.percent and it.received <= one.received for it in best):
            leading.add(one.name)
            best.append(one)
    return leading
