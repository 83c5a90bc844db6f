"""The rules of docs/progress-rules.md, one by one."""

import asyncio
from typing import Any

from pravah_progress.model import DocumentKey
from pravah_progress.rules import decide, explain, merge, summary, view
from pravah_progress.rules.texts import preferred_languages, text_in
from pravah_shared.events import Completed, Course, EventData, Started, Unit
from pravah_shared.events.types import MAX_SECONDS

from .facts import (
    ESSAY,
    EXTRA,
    RUN,
    TEST,
    VIDEO,
    attempt,
    course,
    day,
    enrolled,
    progressed,
    update,
    withdrawn,
)
from .memory import memory_store

ALL = progressed(update(at=1), attempt(at=2))


def document_of(*facts: EventData) -> Any:
    """Return the document of some facts."""

    async def build() -> Any:
        store = memory_store()
        await store.documents.apply(merge(facts), {})
        found = await store.documents.read([DocumentKey("asha", "ethics")])
        return found[0] if found else {"learner_id": "asha", "course_id": "ethics"}

    return asyncio.run(build())


def completions(known: Course | None, *facts: EventData) -> list[Completed]:
    """Return the completions that facts justify."""
    return [one for one in decide(document_of(*facts), known) if isinstance(one, Completed)]


def starts(known: Course, *facts: EventData) -> list[Started]:
    """Return the starts that facts justify."""
    return [one for one in decide(document_of(*facts), known) if isinstance(one, Started)]


def codes(known: Course | None, *facts: EventData) -> list[str]:
    """Return the codes of all reasons of an explanation."""
    said = explain(document_of(*facts), known)
    of_terms = [reason for one in said.enrollments for reason in one.reasons]
    return [reason.code for reason in (*said.reasons, *of_terms)]


def test_complete_when_every_required_unit_is_passed() -> None:
    """At the time of the last one; optional units do not matter."""
    (done,) = completions(course(units=(VIDEO, TEST, EXTRA)), ALL, enrolled(mdo_id="m1"))
    assert done.completed_at == day(2)
    assert (done.score_percent, done.mdo_id, done.course_version) == (80, "m1", 1)


def test_a_missing_unit_holds_it_open() -> None:
    """One of two required units is not enough."""
    assert completions(course(), progressed(update()), enrolled()) == []


def test_in_progress_is_not_passed() -> None:
    """A content unit is passed by status 2 alone."""
    facts = (progressed(update(status=1), attempt()), enrolled())
    assert completions(course(), *facts) == []


def test_below_the_mark_is_not_passed_and_unmarked_neither() -> None:
    """An assessment with a mark needs a marked submission at or above it."""
    for score in (39.9, None):
        facts = (progressed(update(), attempt(score=score)), enrolled())
        assert completions(course(), *facts) == []


def test_exactly_the_mark_passes() -> None:
    """0.4 of 1 is 40 percent, also in floats."""
    exact = attempt().model_copy(update={"score": 0.4, "max_score": 1.0})
    assert completions(course(), progressed(update(), exact), enrolled())


def test_without_a_mark_handing_in_passes() -> None:
    """And leaves nothing to take a mean of."""
    (done,) = completions(
        course(units=(ESSAY,)), progressed(attempt("essay", score=None)), enrolled()
    )
    assert done.score_percent is None


def test_passed_from_the_earliest_passing_submission() -> None:
    """A later, better one does not move the date; a later, worse one does not unpass."""
    tries = [attempt(score=s, at=a) for s, a in ((20, 1), (50, 2), (90, 3), (10, 4))]
    (done,) = completions(course(units=(TEST,)), progressed(*tries), enrolled())
    assert done.completed_at == day(2)


def test_an_attempt_scores_its_latest_submission() -> None:
    """An older one that arrives late does not replace it; the best attempt counts."""
    tries = [
        attempt(score=90, at=1),
        attempt(score=60, at=3),
        attempt(score=70, at=2),
        attempt(score=65, at=1, attempt_id="a2"),
    ]
    (done,) = completions(course(units=(TEST,)), progressed(*tries), enrolled())
    assert done.score_percent == 65


def test_the_score_is_the_mean_over_required_assessments() -> None:
    """Units without a mark are left out."""
    units = (TEST, ESSAY, Unit(unit_id="quiz", title={"en": "Quiz"}, kind="assessment"))
    facts = progressed(attempt(score=80), attempt("essay", score=50), attempt("quiz", score=None))
    (done,) = completions(course(units=units), facts, enrolled())
    assert done.score_percent == 65


def test_progress_before_enrollment_counts_from_the_enrollment() -> None:
    """Completed when enrolled, not before."""
    (done,) = completions(course(), ALL, enrolled(at=9))
    assert done.completed_at == day(9)


def test_a_withdrawal_before_the_last_unit_prevents_completion() -> None:
    """What was passed up to the withdrawal counts, to the moment; what came after does not."""
    assert completions(course(), ALL, enrolled(), withdrawn(at=1.9)) == []
    assert completions(course(), ALL, enrolled(), withdrawn(at=2))


def test_coming_back_keeps_progress() -> None:
    """A new term completes from what the first left."""
    (done,) = completions(course(), ALL, enrolled(), withdrawn(at=1.5), enrolled(term=2, at=4))
    assert (done.term, done.completed_at) == (2, day(4))


def test_an_unknown_course_decides_nothing() -> None:
    """Nor does a programme, which its courses complete."""
    assert decide(document_of(ALL, enrolled()), None) == ()
    assert decide(document_of(ALL, enrolled()), course(kind="programme")) == ()


def test_a_course_that_requires_nothing_never_completes_by_itself() -> None:
    """It may still be started."""
    known = course(units=(EXTRA,))
    facts = (progressed(update("extra")), enrolled())
    assert completions(known, *facts) == []
    assert starts(known, *facts)


def test_progress_without_a_run_counts_for_runs_whose_window_holds_it() -> None:
    """Both ends are in; what lies outside counts for no run."""
    known = course(units=(VIDEO,), runs=(RUN,))
    for at, counts in ((1.9, False), (2, True), (5, True), (5.1, False)):
        found = completions(known, progressed(update(at=at)), enrolled("autumn"))
        assert bool(found) is counts, at


def test_doing_a_unit_again_within_the_window_counts() -> None:
    """That it was done before the run opened does not hide it, also on the very day."""
    late = {**RUN, "starts_at": day(2.5)}
    known = course(units=(VIDEO,), runs=(late,))
    facts = (progressed(update(at=2.1), update(at=2.6)), enrolled("autumn"))
    (done,) = completions(known, *facts)
    assert done.completed_at == day(2.6)


def test_progress_with_a_run_counts_for_that_run_alone() -> None:
    """Not for another run, and not for an enrollment without one."""
    known = course(units=(VIDEO,), runs=(RUN,))
    report = progressed(update(at=3), run="autumn")
    assert completions(known, report, enrolled("autumn"))
    assert completions(known, report, enrolled("spring")) == []
    assert completions(known, report, enrolled()) == []


def test_runs_complete_side_by_side() -> None:
    """One learner in two runs: each has its own completion."""
    known = course(units=(VIDEO,), runs=(RUN,))
    facts = (progressed(update(at=3)), enrolled("autumn"), enrolled())
    assert {one.run_id for one in completions(known, *facts)} == {"autumn", None}


def test_started_at_the_first_progress_of_the_enrollment() -> None:
    """Not before the enrollment, not after the withdrawal."""
    (begun,) = starts(course(), progressed(update(status=1, at=3)), enrolled(at=1))
    assert begun.started_at == day(3)
    (begun,) = starts(course(), progressed(attempt(score=None, at=1)), enrolled(at=2))
    assert begun.started_at == day(2)
    assert starts(course(), progressed(update(at=3)), enrolled(), withdrawn(at=2)) == []
    assert starts(course(), enrolled()) == []


def test_learning_seconds_stay_within_the_contract() -> None:
    """Devices add up, but never beyond what the contract takes."""
    reports = [
        progressed(update(spent_seconds=MAX_SECONDS), device_id=device)
        for device in ("phone", "desk")
    ]
    (done,) = completions(course(units=(VIDEO,)), *reports, enrolled())
    assert done.learning_seconds == MAX_SECONDS


def test_a_device_counts_on_whether_or_not_it_names_the_run() -> None:
    """Its seconds are cumulative, so the two reports are not added."""
    known = course(units=(VIDEO,), runs=(RUN,))
    reports = [
        progressed(update(at=3, spent_seconds=60), device_id="phone"),
        progressed(update(at=4, spent_seconds=90), device_id="phone", run="autumn"),
    ]
    (done,) = completions(known, *reports, enrolled("autumn"))
    assert done.learning_seconds == 90


def test_a_module_counts_its_required_units() -> None:
    """A unit that stands in two modules counts in each."""
    modules = (
        {"module_id": "m1", "title": {"en": "One"}, "unit_ids": ("video", "extra")},
        {"module_id": "m2", "title": {"en": "Two"}, "unit_ids": ("video", "test")},
    )
    known = course(units=(VIDEO, TEST, EXTRA), modules=modules)
    (term,) = view(document_of(progressed(update()), enrolled()), known).enrollments
    assert [(m.passed, m.required) for m in term.modules] == [(1, 1), (1, 2)]
    assert (term.passed, term.required) == (1, 2)
    assert [unit.state for unit in term.units] == ["passed", "not_started", "not_started"]


def test_units_say_how_they_stand() -> None:
    """In progress, handed in, below the mark: each is told apart."""
    known = course(units=(VIDEO, TEST, ESSAY.model_copy(update={"pass_percent": 40})))
    facts = progressed(
        update(status=1, spent_seconds=30), attempt(score=10), attempt("essay", score=None)
    )
    (term,) = view(document_of(facts, enrolled()), known, ("hi",)).enrollments
    assert [unit.state for unit in term.units] == ["in_progress", "below_mark", "handed_in"]
    assert [unit.title for unit in term.units] == ["देखें", "परीक्षा", "Essay"]
    assert [unit.spent_seconds for unit in term.units] == [30, 0, 0]


def test_a_list_shows_the_same_without_units() -> None:
    """The summary has no unit; the numbers are those of the whole."""
    held = document_of(ALL, enrolled(), withdrawn(at=9))
    (whole,), (short,) = view(held, course()).enrollments, summary(held, course()).enrollments
    assert short.withdrawn_at == day(9)
    assert (short.passed, short.required) == (whole.passed, whole.required) == (2, 2)
    assert not hasattr(short, "units")


def test_an_unknown_course_still_shows_what_was_reported() -> None:
    """Without the course there are no titles, but nothing is hidden."""
    shown = view(document_of(ALL, enrolled()), None)
    assert shown.title is None
    assert shown.reported[0].units == ("test", "video")
    assert shown.enrollments[0].units == ()


def test_explain_names_missing_units_by_title() -> None:
    """In the reader's language, with how each stands."""
    held = document_of(progressed(attempt(score=30)), enrolled())
    said = explain(held, course(), preferred_languages("hi-IN,en;q=0.5"))
    (term,) = said.enrollments
    assert said.title == "नैतिकता"
    assert [(unit.title, unit.state) for unit in term.missing] == [
        ("देखें", "not_started"),
        ("परीक्षा", "below_mark"),
    ]
    assert term.missing[1].best_percent == 30
    assert "2 of 2 required units are not passed: देखें, परीक्षा" in term.reasons[0].text


def test_explain_gives_the_reasons() -> None:
    """Each state of affairs has its own."""
    run = course(runs=(RUN,))
    assert codes(None) == ["course_unknown", "not_enrolled"]
    assert codes(None, ALL, enrolled()) == ["course_unknown"]
    assert codes(course(), ALL) == ["not_enrolled"]
    assert codes(course(), withdrawn()) == ["not_enrolled"]
    assert codes(course(), enrolled()) == ["units_missing"]
    assert codes(course(), enrolled(), withdrawn(at=1)) == ["withdrawn", "units_missing"]
    assert codes(course(), ALL, enrolled(), withdrawn(at=1)) == [
        "withdrawn",
        "passed_after_withdrawal",
    ]
    assert codes(course(), ALL, enrolled()) == ["being_decided"]
    assert codes(course(units=(EXTRA,)), enrolled()) == ["no_required_units"]
    assert codes(course(kind="programme"), enrolled()) == ["programme"]
    assert codes(run, enrolled("spring")) == ["run_unknown", "units_missing"]
    assert codes(run, progressed(update(), run="autumn"), enrolled()) == [
        "other_run",
        "units_missing",
    ]


def test_languages_are_read_by_weight() -> None:
    """RFC 9110; what cannot be read costs a language, not the answer."""
    assert preferred_languages("en;q=0.2, hi-IN, *;q=0.1, ta;q=x") == ("hi-in", "en")
    assert preferred_languages("") == ()
    assert text_in({"ta": "அ"}, ("hi",)) == "அ"
    assert text_in({"en": "a", "ta": "அ"}, ("hi",)) == "a"
    assert text_in({"hi": "अ", "en": "a"}, ("hi-in",)) == "अ"
