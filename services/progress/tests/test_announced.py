"""What is announced holds all that the whole input justifies, and nothing that no prefix does.

Facts and courses stand in different topics, so a prefix is one of each. Workers are interleaved
and killed between any two calls; the oracle reckons from raw facts.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from pravah_progress import settling, stream
from pravah_progress.model import DocumentKey, Kept
from pravah_progress.rules import decide, merge
from pravah_progress.stream import ProgressHandler
from pravah_shared.events import EventData, ScoreImproved, new_event
from pravah_shared.events.types import MAX_SECONDS
from pravah_shared.processing.handler import Outcome

from .facts import COURSES, FACTS, attempt, enrolled, progressed, update, version_of
from .memory import apply
from .oracle import Due, justified
from .simulation import CRASH, World, due_of, simulate

Plan = tuple[Sequence[Sequence[Sequence[EventData]]], Sequence[int]]

PROVED = settings(max_examples=300, deadline=None)
FOUND = settings(
    max_examples=1500, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Return batches for two workers, and a schedule of steps and crashes."""
    enough = [progressed(update(at=1), attempt(at=1.5)), enrolled(), version_of(1)]
    facts = [
        *draw(st.sampled_from([[], enough])),
        *draw(st.lists(st.one_of(FACTS, FACTS, FACTS, COURSES), min_size=1, max_size=8)),
    ]
    shuffled = draw(st.permutations(facts))
    workers: list[list[list[EventData]]] = [[], []]
    while shuffled:
        size = draw(st.integers(1, 4))
        workers[draw(st.integers(0, 1))].append(shuffled[:size])
        shuffled = shuffled[size:]
    return workers, draw(st.lists(st.integers(0, 9), max_size=40))


def check(world: World, plan: Plan) -> None:
    """Compare what was published with the oracle."""
    facts = [fact for worker in plan[0] for batch in worker for fact in batch]
    newest = max(
        (fact for fact in facts if fact.topic == "courses"),
        key=lambda one: one.version,  # type: ignore[attr-defined]
        default=None,
    )
    announced = {event.id: due_of(event) for event in world.published}
    assert all(due_of(event) == announced[event.id] for event in world.published), "not final"
    slots = [slot(due) for due in announced.values()]
    assert len(slots) == len(set(slots)), "announced twice"
    scores = {due[1:3]: lowest(due) for due in announced.values() if due.kind == "completed"}
    for due in justified(facts, newest):  # type: ignore[arg-type]
        if due.kind == "improved":
            reached = [lowest(one) for one in announced.values() if one[1:3] == due[1:3]]
            assert due[1:3] not in scores or max(reached) >= lowest(due), "missed"
        else:
            assert slot(due) in slots, "missed"
    possible = [justified(prefix, known) for prefix in world.prefixes for known in world.courses]
    for due in announced.values():
        assert any(due in some for some in possible), "not justified"
        assert due.kind != "improved" or lowest(due) > scores[due[1:3]], "no better"


def slot(due: Due) -> tuple[Any, ...]:
    """Return what is announced once: a term's start, its completion, each of its scores."""
    return (*due[:3], due.score if due.kind == "improved" else None)


def lowest(due: Due) -> float:
    """Return a score to compare by; none is below all."""
    return -1 if due.score is None else due.score


def holds(handler_type: Any) -> Callable[[Plan], None]:
    """Return the property for a handler."""

    def property_(plan: Plan) -> None:
        check(simulate(*plan, handler_type), plan)

    return property_


CROSSINGS: list[Plan] = [
    (
        [
            [[version_of(1), progressed(update(status=1))], [progressed(update(), attempt())]],
            [[enrolled()]],
        ],
        [0] * alone + [0, 1] * 6,
    )
    for alone in range(4, 30)
]
"""Two workers hold one half each of what completes a course, and take turns from any step on."""

CROSSINGS += [
    (
        [
            [[version_of(4), progressed(update()), enrolled()], [progressed(attempt(score=60))]],
            [[progressed(attempt(score=90, attempt_id="b.2"))]],
        ],
        [0] * alone + [1] * meanwhile + [0, 1] * 6,
    )
    for alone in range(8, 40)
    for meanwhile in range(4, 9)
]
"""One completes a course while the other, who knows a better score, is about to."""


CROSSINGS += [
    (
        [[[progressed(update(), attempt()), version_of(1), enrolled()]]],
        [0] * steps + [CRASH],
    )
    for steps in range(32)
]
"""One worker, one batch, killed once: after the redelivery all is announced, and final."""


CROSSINGS += [
    (
        [
            [[version_of(1), enrolled(), progressed(update(status=1))], [progressed(update())]],
            [[version_of(2)]],
        ],
        [0] * before + [1] * 20,
    )
    for before in range(12, 32)
]
"""One merges what completes a course by the version that another brings meanwhile."""


def crossed(property_: Callable[[Plan], None]) -> Callable[[Plan], None]:
    """Return the property with the crossings among its examples."""
    for crossing in CROSSINGS:
        property_ = example(crossing)(property_)
    return property_


def test_announced_is_justified_and_complete() -> None:
    """Whatever the order, the split, the interleaving and the crashes."""
    PROVED(given(plans())(crossed(holds(ProgressHandler))))()


@pytest.mark.parametrize("before", range(0, 24, 2))
@pytest.mark.parametrize("newest", [2, 4])
def test_a_version_that_arrives_while_its_learners_are_decided_misses_nobody(
    before: int, newest: int
) -> None:
    """One worker decides by what it knows; after any of its calls another brings a new version."""
    # The second version asks for the video alone: it completes whom the first did not.
    done = progressed(update()) if newest == 2 else progressed(update(), attempt(at=1.5))
    learner: list[list[EventData]] = [[version_of(1), enrolled()], [done]]
    holds(ProgressHandler)(([learner, [[version_of(newest)]]], [0] * before + [1] * 20))


class ReadsFirst(ProgressHandler):
    """A wrong handler: decides on what it read before it wrote, with its own changes on top."""

    async def _merge(self, changes: Any, traces: Any) -> list[Kept]:
        keys = [change.key for change in changes]
        documents: list[Any] = list(await self._store.documents.read(keys))
        for change in changes:
            for document in documents:
                apply(document, change)
        await self._store.documents.apply(changes, {})
        if not documents:
            documents = list(await self._store.documents.read(keys))
        courses = await self._store.courses.get({key.course_id for key in keys})
        return await self._announce(documents, courses, traces)


class ForgetsLateCourses(ProgressHandler):
    """A wrong handler: a course that comes after its learners re-decides nobody."""

    async def _redecide(self, course: Any) -> Any:
        step = await super()._redecide(course)
        return stream.Redecided(step.course, (), ())


class TrustsWhatItKnew(ProgressHandler):
    """A wrong handler: chooses documents by the courses that it knew before it wrote."""

    async def _read(self, changes: Any, known: Any) -> Any:
        documents, courses = await super()._read(changes, known)
        return (documents if courses == known else await self._to_decide(changes, known)), courses


class MarksBeforePublishing(ProgressHandler):
    """A wrong handler: takes an announcement for published before Kafka has it."""

    async def handle(self, batch: Any) -> Any:
        """Acknowledge at once."""
        outcome = await super().handle(batch)
        await outcome.acknowledge()
        return Outcome(outcome.events)


class PublishesItsOwn(ProgressHandler):
    """A wrong handler: publishes what it decides now, not what was kept first."""

    async def _announce(self, documents: Any, courses: Any, traces: Any) -> list[Kept]:
        return [
            Kept(key, new_event(data, source="/test", time=self._clock()))
            for document in documents
            for key in (DocumentKey(document["learner_id"], document["course_id"]),)
            for data in decide(document, courses.get(key.course_id))
        ]


class LeavesItToTheWinner(ProgressHandler):
    """A wrong handler: has nothing to add when another worker announced before it."""

    async def _announce(self, documents: Any, courses: Any, traces: Any) -> list[Kept]:
        read = self._store.documents.read
        self._store.documents.read = _nothing  # type: ignore[method-assign]
        try:
            return await super()._announce(documents, courses, traces)
        finally:
            self._store.documents.read = read  # type: ignore[method-assign]


async def _nothing(keys: Any) -> list[Any]:
    return []


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (LeavesItToTheWinner, "missed"),
        (ReadsFirst, "missed|not justified"),
        (ForgetsLateCourses, "missed"),
        (TrustsWhatItKnew, "missed"),
        (MarksBeforePublishing, "missed"),
        (PublishesItsOwn, "not final"),
    ],
)
def test_a_seeded_fault_of_the_stream_is_found(fault: Any, found: str) -> None:
    """The machine is no rubber stamp: each wrong handler fails it, for its own reason."""
    with pytest.raises(AssertionError, match=found):
        FOUND(given(plans())(crossed(holds(fault))))()


def ignoring_withdrawals(document: Any, known: Any) -> Any:
    """A wrong rule: completes after a withdrawal."""
    runs = {
        run: {
            number: {name: value for name, value in term.items() if name != "withdrawn_at"}
            for number, term in terms.items()
        }
        for run, terms in document.get("enrollments", {}).items()
    }
    return decide({**document, "enrollments": runs}, known)


def ignoring_the_mark(document: Any, known: Any) -> Any:
    """A wrong rule: any submission passes."""
    if known is None:
        return ()
    units = tuple(unit.model_copy(update={"pass_percent": None}) for unit in known.units)
    return decide(document, known.model_copy(update={"units": units}))


def of_first_terms_only(document: Any, known: Any) -> Any:
    """A wrong rule: who comes back completes nothing."""
    runs = {
        run: {number: term for number, term in terms.items() if number == "1"}
        for run, terms in document.get("enrollments", {}).items()
    }
    return decide({**document, "enrollments": runs}, known)


def ignoring_better_scores(document: Any, known: Any) -> Any:
    """A wrong rule: a completion is the last that is heard of an enrollment."""
    return tuple(one for one in decide(document, known) if not isinstance(one, ScoreImproved))


def ignoring_the_limit(document: Any, known: Any) -> Any:
    """A wrong rule: any number of attempts counts."""
    if known is None:
        return ()
    units = tuple(unit.model_copy(update={"max_attempts": None}) for unit in known.units)
    return decide(document, known.model_copy(update={"units": units}))


def ignoring_the_grace(document: Any, known: Any) -> Any:
    """A wrong rule: a run takes what comes in at any time."""
    if known is None:
        return ()
    runs = tuple(run.model_copy(update={"grace_seconds": MAX_SECONDS}) for run in known.runs)
    return decide(document, known.model_copy(update={"runs": runs}))


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (ignoring_better_scores, "missed"),
        (ignoring_the_limit, "not justified"),
        (ignoring_the_grace, "not justified"),
        (ignoring_withdrawals, "not justified"),
        (ignoring_the_mark, "not justified"),
        (of_first_terms_only, "missed"),
    ],
)
def test_a_seeded_fault_of_the_rules_is_found(
    fault: Any, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Likewise for rules that announce too much or too little."""
    monkeypatch.setattr(settling, "decide", fault)
    with pytest.raises(AssertionError, match=found):
        FOUND(given(plans())(holds(ProgressHandler)))()


def test_a_merge_fault_is_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge that drops part of a batch misses completions."""
    monkeypatch.setattr(stream, "merge", lambda batch: merge(list(batch)[:1]))
    with pytest.raises(AssertionError, match="missed"):
        FOUND(given(plans())(holds(ProgressHandler)))()
