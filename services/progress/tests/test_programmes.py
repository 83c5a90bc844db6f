"""A programme is completed by its courses, in whatever order everything arrives."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pravah_progress import settling
from pravah_progress.model import Kept
from pravah_progress.rules import decide_programme
from pravah_progress.settling import Settling
from pravah_progress.stream import ProgressHandler
from pravah_shared.events import (
    Completed,
    Course,
    EventData,
    ProgrammeCourse,
    ScoreImproved,
    Started,
    new_event,
)

from .facts import TEST, VIDEO, attempt, course, day, enrolled, progressed, update, withdrawn
from .memory import document_of, memory_store
from .simulation import CRASH, World, simulate

PLAN = "karmayogi"


def programme(version: int = 1, optional: Sequence[str] = (), *ids: str) -> Course:
    """Return a programme of the courses in ethics and law, or of others."""
    courses = tuple(
        ProgrammeCourse(course_id=id_, optional=id_ in optional) for id_ in ids or ("ethics", "law")
    )
    return course(version, units=(), kind="programme", courses=courses).model_copy(
        update={"course_id": PLAN}
    )


def of(course_id: str, *facts: Any) -> list[Any]:
    """Return the same facts about another course."""
    return [fact.model_copy(update={"course_id": course_id}) for fact in facts]


def completes(course_id: str, at: float, score: float) -> list[EventData]:
    """Return all that completes a course at that time."""
    done = progressed(update(at=at, spent_seconds=60), attempt(at=at, score=score))
    known = course(units=(VIDEO, TEST))
    return of(course_id, known, enrolled(mdo_id="m1"), done)


ENROLLED = of(PLAN, enrolled(mdo_id="m1", at=0.5))
ETHICS = completes("ethics", at=1, score=80)
LAW = completes("law", at=3, score=60)
ARRIVALS: list[list[EventData]] = [ENROLLED, [programme()], ETHICS, LAW]

COMPLETED = Completed(
    enrollment_id="e-None-1",
    learner_id="asha",
    course_id=PLAN,
    term=1,
    kind="programme",
    completed_at=day(3),
    course_version=1,
    score_percent=70,
    learning_seconds=120,
    mdo_id="m1",
)


def announced(world: World, kind: Any = Completed) -> list[Any]:
    """Return what was announced of the programme, each event once."""
    found = {event.id: event.data for event in world.published if event.data.course_id == PLAN}
    return [said for said in found.values() if isinstance(said, kind)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("workers", [1, 2])
def test_a_programme_completes_in_any_order_of_arrival(
    order: tuple[int, ...], workers: int
) -> None:
    """Enrollment, definition and completions; by one worker, or two in turns."""
    batches = [ARRIVALS[index] for index in order]
    split = [batches[worker::workers] for worker in range(workers)]
    assert announced(simulate(split, [])) == [COMPLETED]


@pytest.mark.parametrize("steps", range(0, 60, 3))
def test_a_crash_at_any_step_loses_no_programme(steps: int) -> None:
    """One worker, all in one batch, killed once."""
    batch = [fact for arrival in ARRIVALS for fact in arrival]
    assert announced(simulate([[batch]], [0] * steps + [CRASH])) == [COMPLETED]


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[list[list[EventData]]], list[int]]:
    """Return the arrivals, cut up further, over two workers and a schedule with crashes."""
    pieces: list[list[EventData]] = [
        ENROLLED,
        [programme()],
        *draw(st.sampled_from([[ETHICS], [ETHICS[:2], ETHICS[2:]], [[one] for one in ETHICS]])),
        *draw(st.sampled_from([[LAW], [LAW[:1], LAW[1:]], [[one] for one in LAW]])),
    ]
    workers: list[list[list[EventData]]] = [[], []]
    for piece in draw(st.permutations(pieces)):
        workers[draw(st.integers(0, 1))].append(piece)
    return workers, draw(st.lists(st.integers(0, 9), max_size=60))


def check(handler_type: Any = ProgressHandler) -> Any:
    """Return the property: announced once, and what it must be."""

    def completed_once(plan: Any) -> None:
        workers, schedule = plan
        assert announced(simulate(workers, schedule, handler_type)) == [COMPLETED]

    return completed_once


@settings(max_examples=300, deadline=None)
@given(plans())
def test_no_interleaving_and_no_crash_misses_a_programme(plan: Any) -> None:
    """Two workers, stopped and killed between any two calls."""
    check()(plan)


class _Alone(Settling):
    """A wrong settling: completions of courses are nobody's else business."""

    async def _roll_up(self, kept: Any) -> list[Kept]:
        return list(kept)


class RollsUpNothing(ProgressHandler):
    """A wrong handler: a programme is decided only when it or its enrollment arrives."""

    def __init__(self, store: Any, clock: Any, together: Any) -> None:
        """Settle each course alone."""
        super().__init__(store, clock, together)
        self._settling = _Alone(store, clock, together)


class ForgetsLateProgrammes(ProgressHandler):
    """A wrong handler: a definition that arrives late re-decides nobody."""

    async def _redecide(self, course: Any) -> Any:
        if course.kind == "programme":
            course = course.model_copy(update={"version": 0})
        return await super()._redecide(course)


FOUND = settings(max_examples=500, deadline=None, derandomize=True, phases=[Phase.generate])


@pytest.mark.parametrize("fault", [RollsUpNothing, ForgetsLateProgrammes])
def test_a_seeded_fault_is_found(fault: Any) -> None:
    """The property is no rubber stamp."""
    with pytest.raises(AssertionError):
        FOUND(given(plans())(check(fault)))()


def test_a_seeded_fault_of_the_rules_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise for a rule that takes optional for mandatory, or one course for all."""

    def with_any(document: Any, known: Any, held: Any) -> Any:
        mandatory = [one for one in known.courses if one.course_id in held]
        return decide_programme(document, known.model_copy(update={"courses": mandatory}), held)

    monkeypatch.setattr(settling, "decide_programme", with_any)
    with pytest.raises(AssertionError):
        FOUND(given(plans())(check()))()


def run(*batches: Sequence[EventData]) -> World:
    """Let one worker handle these."""
    return simulate([list(batches)], [])


def test_a_missing_course_holds_it_open_and_an_optional_one_does_not() -> None:
    """Mandatory courses alone complete, score and count."""
    assert announced(run(ENROLLED, [programme()], ETHICS)) == []
    (done,) = announced(run(ENROLLED, [programme(1, ["law"])], ETHICS, LAW))
    assert (done.completed_at, done.score_percent, done.learning_seconds) == (day(1), 80, 60)


def test_without_a_mandatory_course_it_never_completes_by_itself() -> None:
    """It may still be started."""
    world = run(ENROLLED, [programme(1, ["law", "ethics"])], ETHICS, LAW)
    assert announced(world) == []
    assert announced(world, Started)


def test_a_programme_starts_with_the_first_of_its_courses() -> None:
    """Optional or not; not before the enrollment."""
    (begun,) = announced(run(ENROLLED, [programme()], LAW), Started)
    assert begun.started_at == day(3)
    late = of(PLAN, enrolled(at=9))
    (begun,) = announced(run(LAW, late, [programme()]), Started)
    assert begun.started_at == day(9)


def test_not_before_the_enrollment_and_not_after_the_withdrawal() -> None:
    """As with courses; coming back completes by what was completed."""
    (done,) = announced(run(ETHICS, LAW, [programme()], of(PLAN, enrolled(at=9))))
    assert done.completed_at == day(9)
    left = of(PLAN, withdrawn(at=2))
    assert announced(run(ENROLLED, left, [programme()], ETHICS, LAW)) == []
    back = of(PLAN, enrolled(term=2, at=7))
    (done,) = announced(run(ENROLLED, left, [programme()], ETHICS, LAW, back))
    assert (done.term, done.completed_at) == (2, day(7))


def test_a_changed_programme_is_decided_anew() -> None:
    """A course taken out holds nobody up any more; what was announced stands."""
    (done,) = announced(run(ENROLLED, [programme()], ETHICS, [programme(2, (), "ethics")]))
    assert (done.course_version, done.score_percent) == (2, 80)
    (done,) = announced(run(ENROLLED, [programme(1, (), "ethics")], ETHICS, [programme(2)]))
    assert done.course_version == 1


def test_a_better_score_in_a_course_improves_the_programme() -> None:
    """The mean of the best, with when the course's was reached."""
    better = of("law", progressed(attempt(score=90, at=9, attempt_id="a2")))
    (one,) = announced(run(ENROLLED, [programme()], ETHICS, LAW, better), ScoreImproved)
    assert (one.score_percent, one.at) == (85, day(9))


def test_programmes_of_programmes_complete_too() -> None:
    """Also where one holds the other and a course of it; a circle ends."""
    outer = programme(1, (), PLAN, "ethics").model_copy(update={"course_id": "outer"})
    batches = [ENROLLED, [programme(), outer], of("outer", enrolled()), LAW, ETHICS]
    world = run(*batches)
    found = {event.data.course_id for event in world.published if isinstance(event.data, Completed)}
    assert found == {"ethics", "law", PLAN, "outer"}
    circle = programme(1, (), "outer")
    world = run(ENROLLED, of("outer", enrolled()), [circle, outer], ETHICS)
    found = {event.data.course_id for event in world.published if isinstance(event.data, Completed)}
    assert found == {"ethics"}


async def test_a_programme_continues_the_trace_of_its_last_course() -> None:
    """From the learner's last report to the programme's certificate it is one trace."""
    handler = ProgressHandler(memory_store(), lambda: day(30))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    before = [*ENROLLED, programme(), *ETHICS, *LAW[:2]]
    begun = await handler.handle([new_event(one, source="/test", time=day(9)) for one in before])
    await begun.acknowledge()
    last = new_event(LAW[2], source="/test", time=day(9), traceparent=trace)
    outcome = await handler.handle([last])
    assert {event.data.course_id for event in outcome.events} == {"law", PLAN}
    assert {event.traceparent for event in outcome.events} == {trace}


def test_languages_are_those_of_every_course() -> None:
    """In which each mandatory course was completed."""
    held = {
        id_: {
            "announced": {
                "_": {
                    "1": {
                        "completed": {
                            "data": {
                                "completed_at": "2024-10-02T00:00:00Z",
                                "score_percent": None,
                                "learning_seconds": 1,
                                "languages": languages,
                            }
                        }
                    }
                }
            }
        }
        for id_, languages in (("ethics", ["en", "hi"]), ("law", ["hi"]))
    }
    (done,) = decide_programme(document_of(*[enrolled()]), programme(), held)
    assert isinstance(done, Completed)
    assert (done.languages, done.score_percent) == (("hi",), None)
