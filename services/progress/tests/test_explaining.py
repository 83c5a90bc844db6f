"""How a course stands for a learner, and why it is not complete."""

from typing import Any

from pravah_progress.rules import explain, summary, view
from pravah_progress.rules.overview import Beside
from pravah_progress.rules.views import LanguageView
from pravah_shared.events import Completed, Course, EventData, Started
from pravah_shared.locales import preferred_languages

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


def codes(known: Course | None, *facts: EventData) -> list[str]:
    """Return the codes of all reasons of an explanation."""
    said = explain(document_of(*facts), known)
    of_terms = [reason for one in said.enrollments for reason in one.reasons]
    return [reason.code for reason in (*said.reasons, *of_terms)]


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


def test_explain_gives_the_reasons() -> None:
    """Each state of affairs has its own."""
    run = course(runs=(RUN,))
    late = progressed(update(at=3), run="autumn", received_at=day(8))
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
    assert codes(course(kind="programme"), enrolled()) == ["programme", "no_required_courses"]
    retired = course(status="retired", retired_at=day(2))
    assert codes(retired, enrolled()) == ["retired", "units_missing"]
    assert codes(retired, progressed(update(at=3)), enrolled()) == [
        "retired",
        "after_retirement",
        "units_missing",
    ]
    assert codes(run, enrolled("spring")) == ["run_unknown", "units_missing"]
    assert codes(run, progressed(update(), run="autumn"), enrolled()) == [
        "other_run",
        "units_missing",
    ]
    for outside in (progressed(update(at=1), run="autumn"), late):
        assert codes(run, outside, enrolled("autumn")) == ["outside_run", "units_missing"]


def test_explain_tells_how_many_attempts_there_were() -> None:
    """And how many there may be."""
    known = course(units=(TEST.model_copy(update={"max_attempts": 1}),))
    tries = progressed(attempt(score=10), attempt(score=90, at=2, attempt_id="a2"))
    (term,) = explain(document_of(tries, enrolled()), known).enrollments
    (test,) = term.missing
    assert (test.attempts, test.max_attempts, test.best_percent) == (2, 1, 10)


def test_a_view_counts_units_by_language() -> None:
    """Of the required content units; with the best score that was announced."""
    held = document_of(progressed(update(language="hi"), attempt()), enrolled())
    (term,) = view(held, course()).enrollments
    assert term.languages == (LanguageView("hi", 1, 1),)
    said = {"completed": {"data": {"score_percent": 60, "completed_at": "2024-10-02T00:00:00Z"}}}
    improved = {"improved": {"80000000": {"data": {"score_percent": 80}}}}
    held["announced"] = {"_": {"1": said | improved}}
    (short,) = summary(held, course()).enrollments
    assert short.score_percent == 80


def programme(*optional: str) -> Course:
    """Return a programme of ethics and law."""
    held = tuple({"course_id": id_, "optional": id_ in optional} for id_ in ("ethics", "law"))
    return course(units=(), kind="programme", courses=held)


def completed_in(course_id: str, at: float) -> Any:
    """Return the document of a learner who completed a course at that time."""
    term = {"enrollment_id": "e", "learner_id": "asha", "course_id": course_id, "term": 1}
    begun = Started(**term, started_at=day(at - 1)).model_dump(mode="json")
    done = Completed(**term, completed_at=day(at), course_version=1, score_percent=80)
    said = {"started": {"data": begun}, "completed": {"data": done.model_dump(mode="json")}}
    return {"course_id": course_id, "announced": {"_": {"1": said}}}


LAW = course().model_copy(update={"course_id": "law", "title": {"en": "Law", "hi": "क़ानून"}})


def test_explain_names_missing_courses_of_a_programme() -> None:
    """By title in the reader's language, by id while not known; with whether they were begun."""
    beside = Beside({"ethics": completed_in("ethics", 2)}, {"law": LAW})
    said = explain(document_of(enrolled()), programme(), ("hi",), beside)
    (term,) = said.enrollments
    assert [(one.course_id, one.title) for one in term.missing_courses] == [("law", "क़ानून")]
    (reason,) = term.reasons
    assert reason.code == "courses_missing"
    assert reason.text == "2 अनिवार्य पाठ्यक्रमों में से 1 अभी पूरा नहीं हुआ है: क़ानून"
    (term,) = explain(document_of(enrolled()), programme("law"), (), beside).enrollments
    assert [reason.code for reason in term.reasons] == ["being_decided"]
    unknown = Beside({}, {})
    (term,) = explain(document_of(enrolled()), programme(), (), unknown).enrollments
    assert [one.title for one in term.missing_courses] == ["ethics", "law"]
    left = document_of(enrolled(), withdrawn(at=1))
    (term,) = explain(left, programme("law"), (), beside).enrollments
    assert [reason.code for reason in term.reasons] == ["withdrawn", "passed_after_withdrawal"]


def test_a_programme_is_shown_by_its_courses() -> None:
    """Mandatory ones are counted; each shows how it stands."""
    beside = Beside({"ethics": completed_in("ethics", 2)}, {"ethics": course(), "law": LAW})
    (term,) = view(document_of(enrolled()), programme(), (), beside).enrollments
    assert (term.passed, term.required) == (1, 2)
    assert [(one.title, one.completed_at, one.score_percent) for one in term.courses] == [
        ("Ethics", day(2), 80),
        ("Law", None, None),
    ]
    (short,) = summary(document_of(enrolled()), programme("law"), (), beside).enrollments
    assert (short.passed, short.required) == (1, 1)
