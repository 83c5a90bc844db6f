"""Evidence of a run that went well, made up: tests of the checker spoil it."""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from faulting.downstream import CHANNELS, Downstream
from faulting.history import History
from faulting.invariants import (
    Snapshot,
    accepted_have_effects,
    consumed_adds_up,
    effects_are_distinct,
    outbox_is_empty,
    passed_without_effect,
)
from faulting.load import as_event
from faulting.readings import Book
from faulting.reckoning import Reckoning
from faulting.verdict import Verdict
from pravah_cli.local.mail.box import Mail
from pravah_shared.codec import encode
from pravah_shared.events import Completed, Course, Enrolled, EventData, Started, new_event
from pravah_shared.processing.dead_letters import dead_letter
from pravah_shared.record import Record

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
LEARNERS = ("asha", "ravi")
DAY = {"first": 1767603600000, "last": 1767603600000, "received": 1767603600000}


def course() -> Course:
    """Return a course of one text."""
    return Course.model_validate(
        {
            "course_id": "c",
            "version": 1,
            "title": {"en": "C"},
            "provider": "P",
            "languages": ["en"],
            "units": [{"unit_id": "text", "title": {"en": "T"}, "kind": "content"}],
        }
    )


def enrolled(learner_id: str) -> Enrolled:
    """Return an enrollment."""
    return Enrolled(
        enrollment_id=f"e-{learner_id}",
        learner_id=learner_id,
        course_id="c",
        term=1,
        course_version=1,
        enrolled_at=AT,
    )


def read(learner_id: str) -> Any:
    """Return the report of one who read the text."""
    update = {"unit_id": "text", "status": 2, "spent_seconds": 60, "at": AT.isoformat()}
    item = {"learner_id": learner_id, "course_id": "c", "device_id": "phone", "updates": [update]}
    return as_event(item).model_copy(update={"report_id": f"report-{learner_id}"})


def announced(learner_id: str) -> list[EventData]:
    """Return what follows."""
    term = {"enrollment_id": f"e-{learner_id}", "learner_id": learner_id, "course_id": "c"}
    return [
        Started(**term, term=1, started_at=AT),
        Completed(**term, term=1, completed_at=AT, course_version=1),
    ]


def record(data: EventData, offset: int, *, id_: str | None = None) -> Record:
    """Return the record of an event, under another id if one is named."""
    found = encode(new_event(data, source="/pravah/test", time=AT))
    headers = {**dict(found.headers), **({} if id_ is None else {"ce_id": id_.encode()})}
    return Record(found.topic, 0, offset, found.key, found.value, (*headers.items(),), offset)


def document(learner_id: str) -> dict[str, Any]:
    """Return the document of one who completed."""
    return {
        "_id": f"{learner_id}|c",
        "decided_version": 1,
        "facts": {
            "_": {"content": {"text": {"done": {"2026-01-05": DAY}, "spent": {"phone": 60}}}}
        },
        "enrollments": {"_": {"1": {"enrollment_id": f"e-{learner_id}"}}},
        "announced": {"_": {"1": {"completed": {"id": "x", "time": "t"}}}},
        "done": ["text"],
    }


@dataclass
class Evidence:
    """A run that went well, to be spoilt."""

    accepted: list[EventData]
    snapshot: Snapshot
    history: History
    downstream: Downstream

    def verdicts(self) -> dict[str, Verdict]:
        """Judge everything."""
        snapshot, history = self.snapshot, self.history
        passed = list(snapshot.book.below(snapshot.committed))
        terms = {(learner, "c", 1) for learner in LEARNERS}
        found = [
            accepted_have_effects(self.accepted, snapshot),
            effects_are_distinct(snapshot),
            history.progress_never_regressed(snapshot.documents),
            self.downstream.one_of_each(terms, terms),
            outbox_is_empty(snapshot),
            consumed_adds_up(snapshot),
            history.offsets_stayed_behind(passed_without_effect(passed, snapshot, Reckoning())),
            history.lag_recovered(sum(1 for _ in snapshot.book.all_inputs()) - len(passed)),
            history.memory_is_flat(),
        ]
        return {verdict.invariant: verdict for verdict in found}

    def document(self, learner_id: str) -> Any:
        """Return a learner's document, to tamper with."""
        return self.snapshot.documents[f"{learner_id}|c"]

    def write(self, topic_record: Record) -> None:
        """Put a record onto its topic."""
        self.snapshot.book._take(topic_record)


def evidence_of_a_good_run() -> Evidence:
    """Return a run of two learners, a repeat and a poisoned record, in which all went well."""
    book, poison = Book(), Record("progressed", 0, 3, b"k", b"\xff", (), 3)
    book._take(record(course(), 0))
    for offset, learner in enumerate(LEARNERS):
        book._take(record(enrolled(learner), offset))
        book._take(record(read(learner), offset))
        for number, told in enumerate(announced(learner)):
            book._take(record(told, 2 * offset + number))
    book._take(record(read("asha"), 2))
    book._take(poison)
    letter = dead_letter(poison, ValueError(), service="progress")
    book._take(Record("progress.dead", 0, 0, b"k", letter.value, tuple(letter.headers), 0))
    documents = {f"{learner}|c": document(learner) for learner in LEARNERS}
    snapshot = Snapshot(
        book,
        {("courses", 0): 1, ("enrolled", 0): 2, ("progressed", 0): 4},
        documents,
        {"c": {"_id": "c", "version": 1}},
        0,
    )
    history = History(looks=3, passed=7, recoveries=[("store down", 3.0)])
    history.compare(copy.deepcopy(documents))
    history.resident["progress-stream (1)"] = [(float(t), 90_000) for t in range(60)]
    accepted: list[EventData] = [make(one) for one in LEARNERS for make in (enrolled, read)]
    return Evidence(accepted, snapshot, history, downstream())


def downstream() -> Downstream:
    """Return one of each for both learners."""
    ledger = [
        {
            "_id": f"{w}{one}{ch}",
            "workflow": w,
            "learner_id": one,
            "course_id": "c",
            "channel": ch,
            "state": "sent",
        }
        for w in ("enrolled", "certified")
        for one in LEARNERS
        for ch in CHANNELS
    ]
    return Downstream(
        [{"_id": one, "learner_id": one, "course_id": "c"} for one in LEARNERS],
        [(one, "c", f"number-{one}") for one in LEARNERS],
        ledger,
        [mail(one, which) for one in LEARNERS for which in ("enrolled", "certified")],
    )


def mail(learner_id: str, which: str) -> Mail:
    """Return a mail to a learner."""
    to = (f"{learner_id}@learners.example",)
    return Mail(1, "", "", to, which, f"{learner_id}-{which}", "")
