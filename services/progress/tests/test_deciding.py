"""The rules of docs/progress-rules.md, one by one."""

from typing import Any

from pravah_progress.model import score_key
from pravah_progress.rules import decide
from pravah_shared.events import Completed, Course, EventData, ScoreImproved, Started, Unit
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
    long = VIDEO.model_copy(update={"seconds": MAX_SECONDS})
    reports = [
        progressed(update(spent_seconds=MAX_SECONDS), device_id=device)
        for device in ("phone", "desk")
    ]
    (done,) = completions(course(units=(long,)), *reports, enrolled())
    assert done.learning_seconds == MAX_SECONDS


def test_an_idle_client_does_not_inflate_hours() -> None:
    """Thrice its length, never less than ten minutes; four hours where it has none."""
    for length, most in ((3600, 3 * 3600), (30, 600), (None, 4 * 3600), (0, 4 * 3600)):
        video = VIDEO.model_copy(update={"seconds": length})
        reports = [
            progressed(update(spent_seconds=seconds), device_id=device)
            for device, seconds in (("phone", 500), ("desk", 90_000))
        ]
        (done,) = completions(course(units=(video,)), *reports, enrolled())
        assert done.learning_seconds == most
        (done,) = completions(course(units=(video,)), reports[0], enrolled())
        assert done.learning_seconds == 500


def test_the_cap_is_each_units_own() -> None:
    """Time spent on another unit, also on one the course no longer has, is not lost to it."""
    units = (VIDEO.model_copy(update={"seconds": 600}),)
    spent = progressed(update(spent_seconds=9000), update("gone", spent_seconds=7))
    (done,) = completions(course(units=units), spent, enrolled())
    assert done.learning_seconds == 1800 + 7


LIMITED = TEST.model_copy(update={"max_attempts": 2})


def test_only_the_first_attempts_count() -> None:
    """By when they began, then by id: a third one neither passes nor scores."""
    tries = [
        attempt(score=10, at=1, attempt_id="a"),
        attempt(score=20, at=2, attempt_id="c"),
        attempt(score=90, at=2, attempt_id="d"),
    ]
    assert completions(course(units=(LIMITED,)), progressed(*tries), enrolled()) == []
    # A counting attempt may be handed in again.
    more = progressed(*tries, attempt(score=50, at=3, attempt_id="a"))
    (done,) = completions(course(units=(LIMITED,)), more, enrolled())
    assert (done.completed_at, done.score_percent) == (day(3), 50)


def test_an_attempt_that_began_earlier_takes_its_place_when_it_arrives() -> None:
    """Order of arrival cannot matter; what was announced meanwhile stands."""
    early = progressed(attempt(score=0, at=1, attempt_id="a"), attempt(score=0, attempt_id="b"))
    late = progressed(attempt(score=90, at=2, attempt_id="c"))
    assert completions(course(units=(LIMITED,)), late, enrolled())
    assert completions(course(units=(LIMITED,)), early, late, enrolled()) == []


def test_a_run_has_attempts_of_its_own() -> None:
    """Attempts used up before a run opened are not counted against it."""
    known = course(units=(LIMITED.model_copy(update={"max_attempts": 1}),), runs=(RUN,))
    facts = progressed(attempt(score=10, at=1), attempt(score=90, at=3, attempt_id="a2"))
    assert completions(known, facts, enrolled("autumn"))
    assert completions(known, facts, enrolled()) == []


def test_a_course_is_completed_in_the_languages_of_all_its_content() -> None:
    """A unit done in two languages counts in both; one done in none, in no language."""
    film = Unit(unit_id="film", title={"en": "Film"}, kind="content")
    known = course(units=(VIDEO, film, TEST, EXTRA))
    facts = [
        progressed(update(language="hi"), update(language="en"), attempt()),
        progressed(update("film", language="hi"), update("film", status=1, language="en")),
        progressed(update("extra", language="ta")),
    ]
    (done,) = completions(known, *facts, enrolled())
    assert done.languages == ("hi",)
    (done,) = completions(known, *facts[:2], progressed(update("film", language="en")), enrolled())
    assert done.languages == ("en", "hi")
    (done,) = completions(course(units=(TEST,)), facts[0], enrolled())
    assert done.languages == ()


def improvements(known: Course, held: Any) -> list[ScoreImproved]:
    """Return the improvements that a document justifies."""
    return [one for one in decide(held, known) if isinstance(one, ScoreImproved)]


def after(score: float | None, *facts: EventData) -> Any:
    """Return the document of facts whose completion was announced with that score."""
    held = document_of(ALL, enrolled(), *facts)
    for one in decide(held, course()):
        kind = "completed" if isinstance(one, Completed) else "started"
        said = one.model_dump(mode="json") | {"score_percent": score}
        held.setdefault("announced", {}).setdefault("_", {}).setdefault("1", {})
        held["announced"]["_"]["1"][kind] = {"data": said}
    return held


def test_a_better_score_after_completion_is_announced() -> None:
    """With when it was reached; not an equal or a lower one, and not twice."""
    better = progressed(attempt(score=95, at=9, attempt_id="a2"))
    (one,) = improvements(course(), after(80, better))
    assert (one.score_percent, one.at, one.enrollment_id) == (95, day(9), "e-None-1")
    assert improvements(course(), after(80)) == []
    assert improvements(course(), after(95, better)) == []
    held = after(80, better)
    held["announced"]["_"]["1"]["improved"] = {str(score_key(95)): {}}
    assert improvements(course(), held) == []


def test_a_first_score_after_completion_is_an_improvement() -> None:
    """Completed unmarked, marked later."""
    (one,) = improvements(course(), after(None))
    assert one.score_percent == 80


def test_a_score_reached_after_the_withdrawal_is_none_of_the_term() -> None:
    """As with completion itself."""
    better = progressed(attempt(score=95, at=9, attempt_id="a2"))
    assert improvements(course(), after(80, better, withdrawn(at=8))) == []


def test_optional_anywhere_is_optional_everywhere() -> None:
    """Also where the unit stands in a module with required ones."""
    modules = ({"module_id": "m", "title": {"en": "M"}, "unit_ids": ("video", "extra")},)
    known = course(units=(VIDEO, EXTRA), modules=modules)
    assert completions(known, progressed(update()), enrolled())


def test_a_retired_course_completes_by_what_came_in_before() -> None:
    """Whenever it is decided; what came in later, where its retirement was not known, does not."""
    for at, counts in ((1.9, False), (2, True)):
        known = course(status="retired", retired_at=day(at))
        assert bool(completions(known, ALL, enrolled(at=9))) is counts, at
    assert completions(course(status="retired"), ALL, enrolled())
    run = course(units=(VIDEO,), runs=(RUN,), status="retired", retired_at=day(3))
    late = progressed(update(at=2.5), received_at=day(3.1))
    assert completions(run, late, enrolled("autumn")) == []
    assert completions(run, progressed(update(at=2.5)), enrolled("autumn"))


def test_a_device_counts_on_whether_or_not_it_names_the_run() -> None:
    """Its seconds are cumulative, so the two reports are not added."""
    known = course(units=(VIDEO,), runs=(RUN,))
    reports = [
        progressed(update(at=3, spent_seconds=60), device_id="phone"),
        progressed(update(at=4, spent_seconds=90), device_id="phone", run="autumn"),
    ]
    (done,) = completions(known, *reports, enrolled("autumn"))
    assert done.learning_seconds == 90
