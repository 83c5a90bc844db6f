"""Real histories: the Open University's learners complete whom its own rows say they do.

The rows that the repository keeps (tests/data/oulad, CC BY 4.0), in time order, through the
stream's handler. tests/integration plays the same through the whole platform.
"""

from pathlib import Path
from typing import Any

import pytest

from pravah_cli.scenarios.model import Enroll, Report, Scenario, Step, waves
from pravah_cli.scenarios.oulad import load
from pravah_progress import settling
from pravah_progress.rules import decide
from pravah_progress.stream import ProgressHandler
from pravah_shared.events import Completed, Course, Enrolled, EventData, Progressed, Withdrawn
from pravah_shared.events import new_event as wrap

from .facts import START
from .memory import memory_store

DATA = Path(__file__).parents[3] / "tests" / "data" / "oulad"
BATCH = 500


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Return the rows as steps, with their own reckoning of who completes."""
    return load(DATA)


def fact_of(step: Step) -> EventData:
    """Return the event that a step leads to."""
    key: dict[str, Any] = {"learner_id": step.learner_id, "course_id": step.course_id}
    term = {**key, "enrollment_id": "e", "term": 1}
    if isinstance(step, Enroll):
        return Enrolled(**term, course_version=1, enrolled_at=step.at)
    if isinstance(step, Report):
        said = {"updates": step.updates, "attempts": step.attempts, "received_at": step.at}
        return Progressed.model_validate({**key, "report_id": "r", **said})
    return Withdrawn(**term, withdrawn_at=step.at)


async def completed(scenario: Scenario) -> set[tuple[str, str]]:
    """Play a scenario in time order; return who completed what."""
    handler = ProgressHandler(memory_store())
    courses: list[EventData] = [
        Course.model_validate({**body, "course_id": course_id, "version": 1})
        for course_id, body in scenario.courses.items()
    ]
    facts = [fact_of(step) for _, wave in waves(scenario.steps) for step in wave]
    found: set[tuple[str, str]] = set()
    for start in range(0, len(facts), BATCH):
        batch = [*courses, *facts[start : start + BATCH]]
        outcome = await handler.handle([wrap(one, source="/test", time=START) for one in batch])
        await outcome.acknowledge()
        courses = []
        done = [one.data for one in outcome.events if isinstance(one.data, Completed)]
        found |= {(one.learner_id, one.course_id) for one in done}
    return found


async def test_those_complete_whom_the_rows_say(scenario: Scenario) -> None:
    """Passed in time, not withdrawn before: no one more, no one less."""
    found = await completed(scenario)
    assert found == scenario.completions
    assert len(found) == 273 + 724


async def test_ignoring_withdrawals_shows(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows hold learners who passed all after they had left: the figures tell them apart."""

    def forgetting(document: Any, course: Any) -> Any:
        term = document.get("enrollments", {}).get("_", {}).get("1", {})
        term.pop("withdrawn_at", None)
        return decide(document, course)

    monkeypatch.setattr(settling, "decide", forgetting)
    assert len(await completed(scenario)) == 273 + 726
