"""Courses: a version for each change of content, announced by the relay."""

import asyncio
from typing import Any

import pytest

from pravah_cli.testing import eventually

pytestmark = pytest.mark.stack

UNIT = {"unit_id": "u", "title": {"en": "x"}, "kind": "content"}
RUN = {"starts_at": "2024-10-19T00:00:00Z", "ends_at": "2024-10-27T00:00:00+05:30"}


async def test_a_course_is_created_changed_and_kept(service: Any) -> None:
    """201, 200 with the next version, 200 with the same one."""
    created = await service.put_course()
    assert (created.status_code, created.json()["version"]) == (201, 1)
    same = await service.put_course()
    assert (same.status_code, same.json()) == (200, created.json())
    changed = await service.put_course(provider="Another institute")
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    found = await service.ask("GET", "/v1/courses/c-1", "learner", learner="l-1")
    assert found.json() == changed.json()


async def test_each_version_waits_for_the_relay_once(service: Any) -> None:
    """Version and event are one write; a repeat announces nothing."""
    for provider in ("One", "One", "Two"):
        await service.put_course(provider=provider)
    assert len(await service.waiting("courses")) == 2


async def test_the_relay_publishes_versions_in_order(service: Any) -> None:
    """The compacted topic ends on the newest."""
    for n in range(1, 6):
        await service.put_course(provider=f"Provider {n}")
    relay = service.relay()
    running = asyncio.create_task(relay.run())
    await eventually(lambda: empty(service), 20, "the relay")
    await relay.stop()
    await running

    async def newest_is_there() -> bool:
        return [event.data.version for event in await service.published("courses")][-1:] == [5]

    # A transaction shows on its partitions a moment after it is committed.
    await eventually(newest_is_there, 20, "the last version on the topic")
    assert [event.data.version for event in await service.published("courses")] == [1, 2, 3, 4, 5]


async def test_racing_changes_all_get_a_version(service: Any) -> None:
    """Nobody's change is lost, none shares a version."""
    await service.put_course()
    answers = await asyncio.gather(*(service.put_course(provider=f"P{n}") for n in range(6)))
    assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4, 5, 6, 7]
    assert len(await service.waiting("courses")) == 7


async def test_runs_are_added_and_moved(service: Any) -> None:
    """And kept by a PUT of the course that does not name them."""
    await service.put_course()
    path = "/v1/courses/c-1/runs/r-1"
    added = await service.ask("PUT", path, "publisher", json=RUN)
    assert (added.status_code, len(added.json()["runs"])) == (201, 1)
    again = await service.ask("PUT", path, "publisher", json=RUN)
    assert (again.status_code, again.json()) == (200, added.json())
    moved = await service.ask("PUT", path, "publisher", json=RUN | {"grace_seconds": 60})
    assert (moved.status_code, moved.json()["version"]) == (200, 3)
    kept = await service.put_course(provider="Another")
    assert kept.json()["runs"] == moved.json()["runs"]
    gone = await service.put_course(provider="Another", runs=[])
    assert gone.json()["runs"] == []


async def test_courses_are_listed_by_pages(service: Any) -> None:
    """Without end, in order of their ids."""
    for n in range(5):
        await service.put_course(f"c-{n}")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await service.ask("GET", "/v1/courses", params=params)).json()
        seen += [course["course_id"] for course in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == [f"c-{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": {}}, "title"),
        ({"provider": None}, "provider"),
        ({"provider": "A\u0007B"}, "provider"),
        ({"surprise": 1}, "surprise"),
        ({"units": [UNIT | {"x": 1}]}, "units[0].x"),
        ({"units": [UNIT | {"unit_id": "a|b"}]}, "units[0].unit_id"),
        ({"units": [UNIT, UNIT]}, "body"),
        ({"modules": [{"module_id": "m", "title": {"en": "x"}, "unit_ids": ["nowhere"]}]}, "body"),
        (
            {"runs": [{"run_id": "r", "starts_at": RUN["ends_at"], "ends_at": RUN["starts_at"]}]},
            "runs[0]",
        ),
        (
            {"runs": [RUN | {"run_id": "r", "starts_at": "0001-01-01T00:00:00+05:30"}]},
            "runs[0].starts_at",
        ),
    ],
)
async def test_a_course_that_cannot_be_is_refused(
    service: Any, changes: dict[str, Any], field: str
) -> None:
    """422 names the field and the remedy, and nothing is stored."""
    answer = await service.put_course(**changes)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()["errors"][0]
    assert problem["field"] == field
    assert problem["remedy"]
    assert (await service.everything_stored())["courses"] == []


async def test_a_course_that_kafka_could_never_take_is_refused(service: Any) -> None:
    """It would stand at the head of its outbox for ever."""
    units = [
        {"unit_id": f"u-{n}", "title": {"en": "x" * 400}, "kind": "content"} for n in range(2150)
    ]
    answer = await service.put_course(units=units)
    assert answer.status_code == 422
    assert (await service.everything_stored())["courses"] == []


async def test_a_run_of_an_unknown_course_is_not_found(service: Any) -> None:
    """404, as the path names the course."""
    answer = await service.ask("PUT", "/v1/courses/c-9/runs/r-1", json=RUN)
    assert answer.status_code == 404
    assert "c-9" in answer.json()["detail"]


async def empty(service: Any) -> bool:
    """Whether nothing waits."""
    return not await service.waiting("courses")
