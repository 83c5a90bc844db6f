"""Every cell of the access matrix, and what it cannot know."""

from typing import Any

import pytest

from pravah_shared.http.testing import LEARNER, Example, walk_matrix

pytestmark = pytest.mark.stack

OTHERS = "another-learner"


async def test_every_route_answers_each_role_as_declared(service: Any) -> None:
    """Nobody without a token, no wrong role, no learner on another's data."""
    await service.put_course()
    ids = {}
    for learner_id in (LEARNER, OTHERS):
        await service.put_learner(learner_id)
        ids[learner_id] = (await service.enroll(learner_id)).json()["enrollment_id"]

    def one(learner_id: str) -> str:
        return str(ids.get(learner_id, "unknown"))

    await walk_matrix(
        service.app,
        service.issuer,
        examples={
            ("POST", "/v1/enrollments"): lambda learner_id: Example(
                body={"learner_id": learner_id, "course_id": "c-1"}
            ),
            ("DELETE", "/v1/enrollments/{enrollment_id}"): lambda learner_id: Example(
                f"/v1/enrollments/{one(learner_id)}"
            ),
        },
        shared={("GET", "/v1/courses"), ("GET", "/v1/courses/{course_id}")},
    )


async def test_an_mdo_admin_reaches_enrollments_of_their_mdo_alone(service: Any) -> None:
    """To make, list, trace and end them."""
    await service.ready_to_enroll()
    body = {"learner_id": "l-1", "course_id": "c-1"}
    enrollment_id = (await service.enroll()).json()["enrollment_id"]
    for method, path, options in (
        ("POST", "/v1/enrollments", {"json": body}),
        ("GET", "/v1/learners/l-1/enrollments", {}),
        ("GET", "/trace/l-1/c-1", {}),
        ("DELETE", f"/v1/enrollments/{enrollment_id}", {}),
    ):
        other = await service.ask(method, path, "mdo_admin", mdo="mdo-2", **options)
        assert other.status_code == 403, path
        own = await service.ask(method, path, "mdo_admin", mdo="mdo-1", **options)
        assert own.status_code == 200, path


async def test_a_system_needs_the_scope_of_what_it_does(service: Any) -> None:
    """Reading learners does not let it enroll them."""
    await service.ready_to_enroll()
    body = {"learner_id": "l-1", "course_id": "c-1", "enrolled_at": "2024-10-19T00:00:00Z"}
    ask = ("POST", "/v1/enrollments", "system")
    assert (await service.ask(*ask, scopes=["learners:read"], json=body)).status_code == 403
    done = await service.ask(*ask, scopes=["enrollments:write"], json=body)
    assert (done.status_code, done.json()["enrolled_at"]) == (201, "2024-10-19T00:00:00Z")
