"""Makers of facts that the tests speak about, and strategies that make histories of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from pravah_shared.events import (
    Attempt,
    Course,
    Enrolled,
    EventData,
    Progressed,
    Unit,
    UnitUpdate,
    Withdrawn,
)

START = datetime(2024, 10, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """Return the moment `number` days after the start."""
    return START + timedelta(days=number)


def enrolled(run: str | None = None, term: int = 1, at: float = 0, **more: Any) -> Enrolled:
    """Asha took up ethics."""
    return Enrolled(
        enrollment_id=f"e-{run}-{term}",
        learner_id="asha",
        course_id="ethics",
        run_id=run,
        term=term,
        course_version=1,
        enrolled_at=day(at),
        **more,
    )


def withdrawn(run: str | None = None, term: int = 1, at: float = 0) -> Withdrawn:
    """Asha left ethics."""
    return Withdrawn(
        enrollment_id=f"e-{run}-{term}",
        learner_id="asha",
        course_id="ethics",
        run_id=run,
        term=term,
        withdrawn_at=day(at),
    )


def update(unit: str = "video", status: int = 2, at: float = 1, **more: Any) -> UnitUpdate:
    """A content unit, done unless said otherwise."""
    return UnitUpdate(unit_id=unit, status=status, at=day(at), **more)


def attempt(
    unit: str = "test", score: float | None = 80, at: float = 1, attempt_id: str = "a1"
) -> Attempt:
    """A submission of 80 %, unless said otherwise."""
    return Attempt(unit_id=unit, attempt_id=attempt_id, score=score, at=day(at))


def progressed(*items: UnitUpdate | Attempt, run: str | None = None, **more: Any) -> Progressed:
    """A report by Asha on ethics, received with its last item unless said otherwise."""
    return Progressed(
        **{
            "report_id": "r",
            "learner_id": "asha",
            "course_id": "ethics",
            "run_id": run,
            "updates": tuple(item for item in items if isinstance(item, UnitUpdate)),
            "attempts": tuple(item for item in items if isinstance(item, Attempt)),
            "received_at": max((item.at for item in items), default=START),
        }
        | more
    )


VIDEO = Unit(unit_id="video", title={"en": "Watch", "hi": "देखें"}, kind="content")
TEST = Unit(
    unit_id="test", title={"en": "Test", "hi": "परीक्षा"}, kind="assessment", pass_percent=40
)
ESSAY = Unit(unit_id="essay", title={"en": "Essay"}, kind="assessment")
EXTRA = Unit(unit_id="extra", title={"en": "Extra"}, kind="content", optional=True)


def course(version: int = 1, units: tuple[Unit, ...] = (VIDEO, TEST), **more: Any) -> Course:
    """A version of the course in ethics."""
    return Course(
        course_id="ethics",
        version=version,
        title={"en": "Ethics", "hi": "नैतिकता"},
        provider="Karmayogi",
        units=units,
        **more,
    )


RUN = {"run_id": "autumn", "starts_at": day(2), "ends_at": day(5), "grace_seconds": 86_400}

_TIMES = st.sampled_from([0, 1, 1.25, 1.5, 2, 2.5, 3, 3.25, 3.75, 4, 5, 5.5, 6])
_RUNS = st.sampled_from([None, "autumn"])
_TERMS = st.integers(1, 2)
_UPDATES = st.builds(
    update,
    st.sampled_from(["video", "extra", "film"]),
    st.sampled_from([1, 2]),
    _TIMES,
    spent_seconds=st.integers(0, 100),
    language=st.sampled_from([None, "en", "hi"]),
)
_ATTEMPTS = st.builds(
    attempt,
    st.sampled_from(["test", "essay"]),
    st.sampled_from([None, 10, 39.5, 40, 80, 100]),
    _TIMES,
    st.sampled_from(["a1", "b.2"]),
)
PROGRESS = st.builds(
    lambda items, run, device, late: progressed(
        *items,
        run=run,
        device_id=device,
        received_at=max(item.at for item in items) + timedelta(days=late),
    ),
    st.lists(st.one_of(_UPDATES, _ATTEMPTS), min_size=1, max_size=4),
    _RUNS,
    st.sampled_from([None, "phone", "desk"]),
    st.sampled_from([0, 0, 0.75, 2.5, 9]),
)
_FIRST = st.builds(
    lambda run, term, mdo: enrolled(run, term, at=0 if term == 1 else 4, mdo_id=mdo),
    _RUNS,
    _TERMS,
    st.just("bihar"),
)
_LEFT = st.builds(withdrawn, _RUNS, _TERMS, _TIMES)
COURSES: st.SearchStrategy[Course] = st.integers(1, 4).map(lambda number: version_of(number))  # noqa: PLW0108 - defined below
FACTS: st.SearchStrategy[EventData] = st.one_of(PROGRESS, PROGRESS, _FIRST, _LEFT)


def version_of(number: int) -> Course:
    """Return a version of the course; what a version says never changes."""
    units, runs = {
        1: ((VIDEO, TEST.model_copy(update={"max_attempts": 1}), EXTRA), (RUN,)),
        2: ((VIDEO, EXTRA), (RUN,)),
        3: ((TEST, ESSAY, EXTRA), ()),
        4: ((VIDEO, TEST), (RUN,)),
    }[number]
    return course(number, units, runs=runs)
