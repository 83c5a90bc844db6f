"""Taking up and leaving: one document, one event, whatever is repeated."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from pravah_cli.testing import eventually
from pravah_shared.events import Enrolled, Withdrawn

pytestmark = pytest.mark.stack


async def test_enrolling_again_is_the_same_enrollment(service: Any) -> None:
    """201, then 200 with the same body; one event."""
    await service.ready_to_enroll()
    first, again = await service.enroll(), await service.enroll()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["term"], first.json()["status"]) == (1, "active")
    await eventually(lambda: published(service, 1), 20, "the event")
    (event,) = await service.published("enrolled")
    assert isinstance(event.data, Enrolled)
    assert event.data.model_dump(include={"origin", "mdo_id", "state_code", "course_version"}) == {
        "origin": "admin",
        "mdo_id": "mdo-1",
        "state_code": "IN-BR",
        "course_version": 1,
    }


async def test_a_race_has_one_enrollment(service: Any) -> None:
    """A client that sends ten at once has one term and one event."""
    await service.ready_to_enroll()
    answers = await asyncio.gather(*(service.enroll() for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["enrollment_id"] for answer in answers}) == 1
    await eventually(lambda: published(service, 1), 20, "the event")


async def test_leaving_and_coming_back_is_a_new_term(service: Any) -> None:
    """Each step announced once, in order, under ids of their own."""
    await service.ready_to_enroll()
    first = (await service.enroll()).json()
    path = f"/v1/enrollments/{first['enrollment_id']}"
    left, again = await service.ask("DELETE", path), await service.ask("DELETE", path)
    assert (left.status_code, left.json()["status"]) == (200, "withdrawn")
    assert left.json() == again.json()
    second = await service.enroll()
    assert (second.status_code, second.json()["term"]) == (201, 2)
    assert [term["status"] for term in second.json()["earlier_terms"]] == ["withdrawn"]
    relay = service.relay()
    running = asyncio.create_task(relay.run())
    await eventually(lambda: published(service, 3), 20, "the events")
    await relay.stop()
    await running
    events = {event.id: event for event in await service.published("enrolled")}
    assert [(type(e.data), e.data.term) for e in events.values()] == [
        (Enrolled, 1),
        (Withdrawn, 1),
        (Enrolled, 2),
    ]


async def test_a_run_is_an_enrollment_of_its_own(service: Any) -> None:
    """And must be one of the course's."""
    await service.ready_to_enroll()
    dates = {"starts_at": "2024-10-19T00:00:00Z", "ends_at": "2024-10-27T00:00:00Z"}
    await service.ask("PUT", "/v1/courses/c-1/runs/r-1", json=dates)
    bare, dated = await service.enroll(), await service.enroll(run_id="r-1")
    assert (bare.status_code, dated.status_code) == (201, 201)
    assert bare.json()["enrollment_id"] != dated.json()["enrollment_id"]
    assert (await service.enroll(run_id="r-2")).json()["errors"][0]["field"] == "run_id"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"learner_id": "l-9", "course_id": "c-1"}, "learner_id"),
        ({"learner_id": "l-1", "course_id": "c-9"}, "course_id"),
        ({"learner_id": "l-1", "course_id": "c-old"}, "course_id"),
        ({"learner_id": "l|1", "course_id": "c-1"}, "learner_id"),
        ({"course_id": "c-1"}, "learner_id"),
        ({"learner_id": "l-1", "course_id": "c-1", "enrolled_at": "yesterday"}, "enrolled_at"),
        (
            {"learner_id": "l-1", "course_id": "c-1", "enrolled_at": "2024-10-19T12:00:00"},
            "enrolled_at",
        ),
        (
            {"learner_id": "l-1", "course_id": "c-1", "enrolled_at": "9999-12-31T23:59:59Z"},
            "enrolled_at",
        ),
        ({"learner_id": "l-1", "course_id": "c-1", "surprise": 1}, "surprise"),
    ],
)
async def test_what_cannot_be_enrolled_is_named(
    service: Any, body: dict[str, Any], field: str
) -> None:
    """422 with the field and the remedy; nothing is written."""
    await service.ready_to_enroll()
    await service.put_course("c-old", status="retired")
    answer = await service.ask("POST", "/v1/enrollments", json=body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()["errors"][0]
    assert problem["field"] == field
    assert problem["remedy"]
    assert (await service.everything_stored())["enrollments"] == []


async def test_operators_name_the_times(service: Any) -> None:
    """Of imports and other systems' records; the same import again is the same enrollment."""
    await service.ready_to_enroll()
    times = {"enrolled_at": "2024-10-19T12:00:00+05:30"}
    first = (await service.enroll(**times)).json()
    assert first["enrolled_at"] == "2024-10-19T06:30:00Z"
    path = f"/v1/enrollments/{first['enrollment_id']}"
    early = await service.ask("DELETE", path, params={"withdrawn_at": "2024-10-19T06:29:59Z"})
    assert early.status_code == 422
    assert early.json()["errors"][0]["field"] == "?withdrawn_at"
    left = await service.ask("DELETE", path, params={"withdrawn_at": "2024-10-20T00:00:00Z"})
    assert left.json()["withdrawn_at"] == "2024-10-20T00:00:00Z"
    again = await service.enroll(**times)
    assert (again.status_code, again.json()["enrollment_id"]) == (200, first["enrollment_id"])


async def test_a_time_ahead_counts_as_now(service: Any) -> None:
    """Up to a day; nobody is enrolled in the future."""
    await service.ready_to_enroll()
    before = service.parts.clock()
    given = (before + timedelta(hours=23)).isoformat()
    enrolled = (await service.enroll(enrolled_at=given)).json()["enrolled_at"]
    assert before <= datetime.fromisoformat(enrolled) <= service.parts.clock()


async def test_learners_cannot_name_the_times(service: Any) -> None:
    """The server's time counts."""
    await service.ready_to_enroll()
    body = {"learner_id": "l-1", "course_id": "c-1"}
    dated = body | {"enrolled_at": "2024-10-19T12:00:00Z"}
    post = ("POST", "/v1/enrollments", "learner")
    assert (await service.ask(*post, learner="l-1", json=dated)).status_code == 422
    enrolled = await service.ask(*post, learner="l-1", json=body)
    assert (enrolled.status_code, enrolled.json()["origin"]) == (201, "self")
    path = f"/v1/enrollments/{enrolled.json()['enrollment_id']}"
    params = {"withdrawn_at": "2024-10-19T12:00:00Z"}
    dated_leave = await service.ask("DELETE", path, "learner", learner="l-1", params=params)
    assert dated_leave.status_code == 422
    assert (await service.ask("DELETE", path, "learner", learner="l-1")).status_code == 200


async def test_an_idempotency_key_gives_the_first_answer_again(service: Any) -> None:
    """201 both times; another body under the key is refused."""
    await service.ready_to_enroll()
    body = {"learner_id": "l-1", "course_id": "c-1"}
    key = {"Idempotency-Key": "k-1"}
    first = await service.ask("POST", "/v1/enrollments", json=body, headers=key)
    again = await service.ask("POST", "/v1/enrollments", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    other = body | {"course_id": "c-2"}
    assert (
        await service.ask("POST", "/v1/enrollments", json=other, headers=key)
    ).status_code == 422


async def test_enrollments_are_listed_by_pages(service: Any) -> None:
    """All of them: no end at 500, none twice."""
    await service.put_learner()
    await service.put_learner("l-10")
    for n in range(5):
        await service.put_course(f"c-{n}")
        await service.enroll(course_id=f"c-{n}")
    await service.enroll("l-10", "c-1")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = await service.ask("GET", "/v1/learners/l-1/enrollments", params=params)
        seen += [one["course_id"] for one in page.json()["items"]]
        if not (cursor := page.json()["next_cursor"]):
            break
    assert seen == [f"c-{n}" for n in range(5)]
    nobody = await service.ask("GET", "/v1/learners/l-9/enrollments")
    assert nobody.json() == {"items": [], "next_cursor": None}


async def test_an_unknown_enrollment_is_not_found(service: Any) -> None:
    """404 with where to look."""
    answer = await service.ask("DELETE", "/v1/enrollments/e-9")
    assert answer.status_code == 404
    assert "e-9" in answer.json()["detail"]


async def test_malformed_bodies_are_answered_as_problems(service: Any) -> None:
    """Not JSON, not UTF-8, too large."""
    for content, status in ((b"{", 400), (b'{"learner_id": "\xff"}', 400), (b"x" * 1048577, 413)):
        answer = await service.ask(
            "POST", "/v1/enrollments", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_trace_tells_what_is_known(service: Any) -> None:
    """Without a word of personal data."""
    await service.ready_to_enroll()
    await service.enroll()
    await eventually(lambda: published(service, 1), 20, "the event")
    told = (await service.ask("GET", "/trace/l-1/c-1")).json()
    assert (told["learner"], told["course_version"], told["course_status"]) == ("known", 1, "live")
    assert [one["status"] for one in told["enrollments"]] == ["active"]
    assert told["unpublished_since"] is not None  # the course waits for the relay
    unknown = (await service.ask("GET", "/trace/l-9/c-9")).json()
    assert (unknown["learner"], unknown["course_version"], unknown["enrollments"]) == (
        "unknown",
        None,
        [],
    )


async def published(service: Any, count: int) -> bool:
    """Whether so many events of enrollments are published and none waits."""
    if await service.waiting("enrollments"):
        return False
    return len({event.id for event in await service.published("enrolled")}) == count
