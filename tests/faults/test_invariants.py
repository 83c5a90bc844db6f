"""Each invariant is broken on purpose, and the checker says so: here on made-up evidence.

`test_harness.py` breaks the same on real topics and a real store.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from faulting.downstream import Downstream
from faulting.history import LONG_GROWTH_KIB, LONG_SECONDS, SHORT_GROWTH_KIB, History
from faulting.invariants import (
    Snapshot,
    accepted_have_effects,
    consumed_adds_up,
    effects_are_distinct,
    outbox_is_empty,
)
from faulting.made_up import AT, Evidence, announced, enrolled, evidence_of_a_good_run, read, record
from faulting.readings import Book, Reading

from pravah_shared.processing.dead_letters import dead_letter
from pravah_shared.record import Record


@pytest.fixture(name="evidence")
def _evidence() -> Evidence:
    """Return a run in which all went well."""
    return evidence_of_a_good_run()


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
    life[:] = [(at, round(90_000 + 4 * SHORT_GROWTH_KIB * at / life[-1][0])) for at, _ in life]


def _leaking(evidence: Evidence) -> None:
    seconds = 2 * LONG_SECONDS
    evidence.history.resident["progress-api (2)"] = [
        (float(at), round(90_000 + 3 * LONG_GROWTH_KIB * at / seconds))
        for at in range(int(seconds))
    ]


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
    "memory leaks slowly": (_leaking, {MEMORY}),
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
