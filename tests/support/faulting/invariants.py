"""The invariants of a run, each a pure function of what topics and store hold at its end.

What was sampled throughout is judged in `history`; what other services made of it, in
`downstream`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faulting.facts import Document, document_id, holds, milliseconds
from faulting.readings import Book, Place, Reading, Term, origin_of, term_of
from faulting.reckoning import Reckoning
from faulting.verdict import Verdict, judged
from pravah_shared.events import Completed, Course, Enrolled, EventData, Progressed, Started


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be read from outside at one time. `committed` was read first of all."""

    book: Book
    committed: Mapping[Place, int]
    documents: Mapping[str, Document]
    courses: Mapping[str, Document]
    unpublished: int

    def holds(self, event: EventData) -> bool:
        """Whether the store has the effect of an event."""
        if isinstance(event, Course):
            return holds(self.courses.get(event.course_id), event)
        return holds(self.documents.get(document_id(event)), event)


def accepted_have_effects(accepted: Sequence[EventData], snapshot: Snapshot) -> Verdict:
    """Every 2xx has its effect: in Kafka and in the store."""
    in_kafka = {
        fact
        for reading in snapshot.book.all_inputs()
        if reading.event is not None
        for fact in facts_of(reading.event.data)
    }
    lost = [fact for one in accepted for fact in facts_of(one) if fact not in in_kafka]
    without = [one for one in accepted if not snapshot.holds(one)]
    problems = [f"answered 2xx, not in Kafka: {fact}" for fact in lost]
    problems += [f"answered 2xx, not in the store: {fact}" for o in without for fact in facts_of(o)]
    counts = {
        "answered 2xx": len(accepted),
        "in Kafka": len(accepted) - len(lost),
        "in the store": len(accepted) - len(without),
    }
    return judged("every 2xx has its effect", counts, problems, looked_at="answered 2xx")


def facts_of(event: EventData) -> list[tuple[Any, ...]]:
    """Return what an event says, comparable between what was sent and what was recorded."""
    match event:
        case Enrolled():
            return [("enrolled", event.learner_id, event.course_id, event.enrollment_id)]
        case Progressed():
            key = (event.learner_id, event.course_id)
            return [
                *(("done", *key, one.unit_id, milliseconds(one.at)) for one in event.updates),
                *(("handed in", *key, one.unit_id, milliseconds(one.at)) for one in event.attempts),
            ]
    return []


def effects_are_distinct(snapshot: Snapshot) -> Verdict:
    """Effects = distinct ids: each announcement that is due, once, in the same words."""
    reckoning = reckoned(snapshot.book.all_inputs())
    due = {Completed: reckoning.all_completed(), Started: reckoning.all_started()}
    ids, problems = _announced(snapshot.book.completed)
    for (kind, term), found in ids.items():
        if len(found) > 1:
            problems.append(f"{kind.__name__} {term}: {len(found)} ids")
    for kind, terms in due.items():
        told = {term for known, term in ids if known is kind}
        problems += [f"{kind.__name__} is due and missing: {term}" for term in terms - told]
        problems += [f"{kind.__name__} without cause: {term}" for term in told - terms]
    distinct = sum(map(len, ids.values()))
    counts = {
        "due": sum(map(len, due.values())),
        "distinct ids": distinct,
        "repeats of them": len(snapshot.book.completed) - distinct,
    }
    return judged("effects = distinct ids", counts, problems, looked_at="due")


def _announced(
    readings: Sequence[Reading],
) -> tuple[dict[tuple[type, Term], set[str]], list[str]]:
    """Return the ids of each announcement by kind and term, and what was told in two ways."""
    ids: dict[tuple[type, Term], set[str]] = {}
    words: dict[str, Any] = {}
    problems = []
    for reading in readings:
        if (event := reading.event) is None:
            problems.append(f"{reading.name} is no event")
            continue
        ids.setdefault((type(event.data), term_of(event.data)), set()).add(event.id)
        told = (event.data, event.time)
        if words.setdefault(event.id, told) != told:
            problems.append(f"{reading.name} tells {event.id} in other words")
    return ids, problems


def reckoned(readings: Any) -> Reckoning:
    """Return the reckoning of all these records."""
    reckoning = Reckoning()
    for reading in readings:
        if reading.event is not None:
            reckoning.take(reading.event)
    return reckoning


def consumed_adds_up(snapshot: Snapshot) -> Verdict:
    """Consumed = effects + suppressed duplicates + dead letters."""
    consumed = list(snapshot.book.below(snapshot.committed))
    buried = snapshot.book.buried()
    dead = [reading for reading in consumed if origin_of(reading) in buried]
    first: dict[str, Reading] = {}
    nothing, good = [], []
    for reading in consumed:
        if origin_of(reading) in buried:
            if reading.event is not None:
                good.append(f"a dead letter of {reading.name}, which is no poison")
        elif reading.event is None or not snapshot.holds(reading.event.data):
            nothing.append(f"{reading.name} was consumed and came to nothing")
        else:
            first.setdefault(reading.event.id, reading)
    elsewhere = buried.keys() - {origin_of(reading) for reading in dead}
    strange = [f"a dead letter of {origin}, which was not consumed" for origin in elsewhere]
    counts = {
        "consumed": len(consumed),
        "effects": len(first),
        "duplicates": len(consumed) - len(first) - len(dead) - len(nothing),
        "dead letters": len(dead),
    }
    name = "consumed = effects + suppressed duplicates + dead letters"
    return judged(name, counts, [*nothing, *good, *strange], looked_at="consumed")


def outbox_is_empty(snapshot: Snapshot) -> Verdict:
    """Nothing waits to be published."""
    waiting = snapshot.unpublished
    problems = [f"{waiting} documents hold announcements that wait for Kafka"] if waiting else []
    counts = {"documents": len(snapshot.documents), "waiting": waiting}
    return judged("outbox empty", counts, problems, looked_at="documents")


def passed_without_effect(
    readings: Sequence[Reading], snapshot: Snapshot, reckoning: Reckoning
) -> list[str]:
    """Name what the committed offsets have passed though it is not done.

    `readings` are records below them. Their announcements are looked for among those on the
    topic, which was read after the offsets, so nothing that is merely late is named.
    """
    buried = snapshot.book.buried()
    undone, touched = [], set()
    for reading in readings:
        if reading.event is None:
            if origin_of(reading) not in buried:
                undone.append(f"{reading.name} is passed, without effect or dead letter")
            continue
        if not snapshot.holds(reading.event.data):
            undone.append(f"{reading.name} is passed, its effect is not in the store")
        if (key := reckoning.take(reading.event)) is not None:
            touched.add(key)
    due = {term for key in touched for term in reckoning.completed(key)}
    untold = due - snapshot.book.told
    return undone + [f"{term} is passed, its completion was not announced" for term in untold]
