"""A completion is final, whichever way it races a withdrawal."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from pravah_cli.testing import eventually
from pravah_enrollment.stream import CompletionHandler
from pravah_shared.events import Completed, Event, ScoreImproved, Started, new_event

pytestmark = pytest.mark.stack

DONE_AT = datetime(2024, 10, 27, 18, tzinfo=UTC)


def announced(enrollment: dict[str, Any], **changes: Any) -> Event[Completed]:
    """Return what progress announces of an enrollment."""
    names = ("enrollment_id", "learner_id", "course_id", "run_id", "term", "course_version")
    completed = Completed(**{name: enrollment[name] for name in names}, completed_at=DONE_AT)
    return new_event(
        completed.model_copy(update=changes), source="/pravah/progress", time=datetime.now(UTC)
    )


@pytest.fixture
def handler(service: Any) -> CompletionHandler:
    """The stream's handler on the service's store."""
    return CompletionHandler(service.parts.store.enrollments)


async def enrolled(service: Any) -> dict[str, Any]:
    """Return a fresh enrollment."""
    await service.ready_to_enroll()
    enrollment: dict[str, Any] = (await service.enroll()).json()
    return enrollment


async def test_a_completed_course_cannot_be_withdrawn(
    service: Any, handler: CompletionHandler
) -> None:
    """409; and enrolling again is the same enrollment."""
    enrollment = await enrolled(service)
    await handler.handle([announced(enrollment)])
    answer = await service.ask("DELETE", f"/v1/enrollments/{enrollment['enrollment_id']}")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    again = await service.enroll()
    assert (again.status_code, again.json()["status"]) == (200, "completed")
    assert again.json()["completed_at"] == "2024-10-27T18:00:00Z"
    (listed,) = (await service.ask("GET", "/v1/learners/l-1/enrollments")).json()["items"]
    assert listed["completed_at"] == "2024-10-27T18:00:00Z"


async def test_a_withdrawal_that_raced_the_completion_yields(
    service: Any, handler: CompletionHandler
) -> None:
    """Both facts are kept; the learner sees the completion."""
    enrollment = await enrolled(service)
    path = f"/v1/enrollments/{enrollment['enrollment_id']}"
    assert (await service.ask("DELETE", path)).status_code == 200
    await handler.handle([announced(enrollment)])
    found = (await service.enroll()).json()
    assert (found["term"], found["status"]) == (1, "completed")
    assert found["withdrawn_at"]
    assert (await service.ask("DELETE", path)).status_code == 409


async def test_a_withdrawal_decided_before_the_completion_decides_anew(
    service: Any, handler: CompletionHandler
) -> None:
    """Between its read and its write the completion came: 409, not a lost completion."""
    enrollment = await enrolled(service)
    store = service.parts.store.enrollments
    read = store.with_id

    async def read_then_complete(enrollment_id: str) -> Any:
        found = await read(enrollment_id)
        await handler.handle([announced(enrollment)])
        return found

    store.with_id = read_then_complete
    answer = await service.ask("DELETE", f"/v1/enrollments/{enrollment['enrollment_id']}")
    assert answer.status_code == 409


async def test_any_race_ends_completed(service: Any, handler: CompletionHandler) -> None:
    """However the withdrawal and the completion interleave."""
    enrollment = await enrolled(service)
    path = f"/v1/enrollments/{enrollment['enrollment_id']}"
    await asyncio.gather(
        handler.handle([announced(enrollment)]), *(service.ask("DELETE", path) for _ in range(4))
    )
    assert (await service.enroll()).json()["status"] == "completed"


async def test_repeats_and_strangers_change_nothing(
    service: Any, handler: CompletionHandler
) -> None:
    """Redeliveries, other events, terms and learners that this service does not know."""
    enrollment = await enrolled(service)
    await handler.handle([announced(enrollment)])

    async def published() -> bool:
        stored = (await service.everything_stored())["enrollments"]
        return not any(document["outbox"] for document in stored)

    # The enrollment's own event leaves the outbox in the background.
    await eventually(published, 30, "the outbox is empty")
    before = (await service.everything_stored())["enrollments"]
    later = DONE_AT.replace(year=2025)
    names = ("enrollment_id", "learner_id", "course_id", "run_id", "term")
    term = {name: enrollment[name] for name in names}
    started = Started(**term, started_at=DONE_AT)
    improved = ScoreImproved(**term, score_percent=90, at=DONE_AT)
    await handler.handle(
        [
            announced(enrollment),
            announced(enrollment, completed_at=later),
            announced(enrollment, term=7),
            announced(enrollment, learner_id="l-9"),
            new_event(started, source="/pravah/progress", time=DONE_AT),
            new_event(improved, source="/pravah/progress", time=DONE_AT),
        ]
    )
    assert (await service.everything_stored())["enrollments"] == before
    await handler.handle([])
