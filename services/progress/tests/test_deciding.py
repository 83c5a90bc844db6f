"""The rules of docs/progress-rules.md, one by one."""

from pravah_progress.rules import decide
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
from .memory import document_of

ALL = progressed(update(at=1), attempt(at=2))


def completions(known: Course | None, *facts: EventData) -> list[Completed]:
    """Return the completions that facts justify."""
    return [one for one in decide(document_of(*facts), known) if isinstance(one, Completed)]


def starts(known: Course, *facts: EventData) -> list[Started]:
    """Return the starts that facts justify."""
    return [one for one in decide(document_of(*facts), known) if isinstance(one, Started)]


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
