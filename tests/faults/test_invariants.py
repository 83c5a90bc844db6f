"""Each invariant is broken on purpose, and the checker says so: here on made-up evidence.

`test_harness.py` breaks the same on real topics and a real store.
"""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from faulting.downstream import CHANNELS, Downstream
from faulting.history import GROWTH_KIB, LIFE_SECONDS, WARM_SECONDS, History
from faulting.invariants import (
    Snapshot,
    accepted_have_effects,
    consumed_adds_up,
    effects_are_distinct,
    outbox_is_empty,
    passed_without_effect,
)
from faulting.readings import Book, Reading
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
    from faulting.load import as_event

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


@pytest.fixture
def evidence() -> Evidence:
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


def test_a_run_that_went_well_holds(evidence: Evidence) -> None:
    """All nine, with what they counted."""
    found = evidence.verdicts()
    assert not [problem for verdict in found.values() for problem in verdict.problems]
    assert len(found) == 9
    sum_of = found["consumed = effects + suppressed duplicates + dead letters"].counts
    assert sum_of == {"consumed": 7, "effects": 5, "duplicates": 1, "dead letters": 1}


Spoil = Callable[[Evidence], Any]


def _without(evidence: Evidence, learner_id: str) -> None:
    evidence.document(learner_id)["facts"]["_"]["content"]["text"].pop("done")


def _another_completion(evidence: Evidence) -> None:
    evidence.write(record(announced("asha")[1], 9, id_="another"))


def _in_other_words(evidence: Evidence) -> None:
    later = announced("asha")[1].model_copy(update={"completed_at": AT + timedelta(days=1)})
    known = Reading.of(record(announced("asha")[1], 9)).event
    assert known is not None
    evidence.write(record(later, 9, id_=known.id))


def _waiting(evidence: Evidence) -> None:
    evidence.snapshot = replace(evidence.snapshot, unpublished=1)


def _ahead(evidence: Evidence) -> None:
    evidence.write(record(read("late"), 4))
    evidence.snapshot = replace(
        evidence.snapshot, committed={**evidence.snapshot.committed, ("progressed", 0): 5}
    )


def _behind(evidence: Evidence) -> None:
    evidence.snapshot = replace(
        evidence.snapshot, committed={**evidence.snapshot.committed, ("progressed", 0): 2}
    )


def _growing(evidence: Evidence) -> None:
    life = evidence.history.resident["progress-stream (1)"]
    seconds = WARM_SECONDS + LIFE_SECONDS
    life[:] = [(at, round(90_000 + at * 3 * GROWTH_KIB / seconds)) for at, _ in life]


def _all_untold(evidence: Evidence) -> None:
    evidence.snapshot.book.completed.clear()
    evidence.snapshot.book.told.clear()


ACCEPTED = "every 2xx has its effect"
DISTINCT = "effects = distinct ids"
REGRESSED = "progress never regressed"
ONE_OF_EACH = "one certificate and one message per completion and channel"
OUTBOX = "outbox empty"
CONSUMED = "consumed = effects + suppressed duplicates + dead letters"
PASSED = "committed offset <= lowest offset without effect"
LAG = "lag recovers"
MEMORY = "memory flat"

BROKEN: dict[str, tuple[Spoil, set[str]]] = {
    "a report answered 2xx is nowhere": (lambda e: e.accepted.append(read("nobody")), {ACCEPTED}),
    "an enrollment answered 2xx is nowhere": (
        lambda e: e.accepted.append(enrolled("nobody")),
        {ACCEPTED},
    ),
    "an update is lost": (
        lambda e: _without(e, "asha"),
        {ACCEPTED, REGRESSED, CONSUMED, PASSED},
    ),
    "seconds are lost": (
        lambda e: e.document("asha")["facts"]["_"]["content"]["text"]["spent"].update(phone=1),
        {ACCEPTED, REGRESSED, CONSUMED, PASSED},
    ),
    "a completion twice, under two ids": (_another_completion, {DISTINCT}),
    "a completion told in other words": (_in_other_words, {DISTINCT}),
    "completions are not announced": (_all_untold, {DISTINCT, PASSED}),
    "a completion without cause": (lambda e: e.write(record(announced("x")[1], 9)), {DISTINCT}),
    "an announcement is changed": (
        lambda e: e.document("asha")["announced"]["_"]["1"]["completed"].update(id="y"),
        {REGRESSED},
    ),
    "decided by an older version": (
        lambda e: e.document("ravi").update(decided_version=0),
        {REGRESSED},
    ),
    "a unit is done no more": (lambda e: e.document("ravi")["done"].clear(), {REGRESSED}),
    "an enrollment is another": (
        lambda e: e.document("ravi")["enrollments"]["_"]["1"].update(enrollment_id="e-x"),
        {ACCEPTED, REGRESSED, CONSUMED, PASSED},
    ),
    "a document is gone": (
        lambda e: e.snapshot.documents.pop("ravi|c"),  # type: ignore[attr-defined]
        {ACCEPTED, REGRESSED, CONSUMED, PASSED},
    ),
    "two certificates": (
        lambda e: e.downstream.certificates.append(e.downstream.certificates[0]),  # type: ignore[attr-defined]
        {ONE_OF_EACH},
    ),
    "a message is missing": (lambda e: e.downstream.ledger.pop(), {ONE_OF_EACH}),  # type: ignore[attr-defined]
    "a mail is missing": (lambda e: e.downstream.mails.pop(), {ONE_OF_EACH}),  # type: ignore[attr-defined]
    "an announcement waits": (_waiting, {OUTBOX}),
    "a dead letter of a good record": (
        lambda e: e.snapshot.book.dead.append(_letter(e)),
        {CONSUMED},
    ),
    "a poisoned record is dropped": (
        lambda e: e.snapshot.book.dead.clear(),
        {CONSUMED, PASSED},
    ),
    "the committed offset runs ahead": (_ahead, {CONSUMED, PASSED}),
    "a backlog stays": (_behind, {LAG, CONSUMED}),
    "memory grows": (_growing, {MEMORY}),
}


def _letter(evidence: Evidence) -> Record:
    reading = evidence.snapshot.book.inputs["progressed", 0][0]
    letter = dead_letter(reading.record, ValueError(), service="progress")
    return Record("progress.dead", 0, 1, b"k", letter.value, tuple(letter.headers), 0)


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(what: str, evidence: Evidence) -> None:
    """These invariants are broken by it, and no others."""
    spoil, wanted = BROKEN[what]
    spoil(evidence)
    found = {name for name, verdict in evidence.verdicts().items() if not verdict.holds}
    assert found == wanted


def test_every_invariant_is_broken_by_something() -> None:
    """An invariant that no test can break may as well be a constant."""
    broken = Counter(name for _, names in BROKEN.values() for name in names)
    assert broken.keys() == {
        ACCEPTED, DISTINCT, REGRESSED, ONE_OF_EACH, OUTBOX, CONSUMED, PASSED, LAG, MEMORY,
    }  # fmt: skip


def test_nothing_to_judge_by_is_no_success() -> None:
    """A run in which nothing happened proves nothing."""
    snapshot = Snapshot(Book(), {}, {}, {}, 0)
    history = History()
    found = [
        accepted_have_effects([], snapshot),
        effects_are_distinct(snapshot),
        history.progress_never_regressed({}),
        outbox_is_empty(snapshot),
        consumed_adds_up(snapshot),
        history.offsets_stayed_behind([]),
        history.lag_recovered(0),
        history.memory_is_flat(),
        Downstream([], [], [], []).one_of_each(set(), set()),
    ]
    assert not [verdict.invariant for verdict in found if verdict.holds]


def test_a_record_is_read_or_known_as_poison() -> None:
    """What cannot be decoded has no event."""
    assert Reading.of(Record("progressed", 0, 0, b"k", b"\xff", (), 0)).event is None
