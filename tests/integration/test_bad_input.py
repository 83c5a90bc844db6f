"""What clients send wrongly, over HTTP: a problem that names the field and the remedy."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cohort import Cohort, course_body, fresh, learner_body, quiz_passed, text_read
from standing_platform import Platform
from watching import Watch

from pravah_cli.client import Client
from pravah_shared.events import Completed, Enrolled, Progressed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Known:
    """A course and a learner that are there, and a client of each service."""

    course_id: str
    learner_id: str
    http: httpx.AsyncClient
    platform: Platform

    @property
    def enrollments(self) -> str:
        """Where one enrolls."""
        return f"{self.platform.addresses.enrollment}/v1/enrollments"

    @property
    def progress(self) -> str:
        """Where one reports progress."""
        return f"{self.platform.addresses.progress}/v1/progress"

    def learner(self, learner_id: str) -> str:
        """Return where a learner is kept."""
        return f"{self.platform.addresses.enrollment}/v1/learners/{learner_id}"

    def course(self, course_id: str) -> str:
        """Return where a course is kept."""
        return f"{self.platform.addresses.enrollment}/v1/courses/{course_id}"


@pytest.fixture
async def known(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> AsyncIterator[Known]:
    """Yield a course that progress knows too, and a learner who takes it."""
    await cohort.appear()
    await cohort.enroll(cohort.learners[:1])
    await watch.quiet()
    async with platform.http() as http:
        yield Known(cohort.course_id, cohort.learners[0], http, platform)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the problem document that an answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("urn:pravah:problem:") or said["type"] == "about:blank"
    assert said["title"]
    assert said["detail"]
    assert len(said["trace_id"]) == 32
    for wrong in said.get("errors", ()):
        assert wrong.keys() == {"field", "problem", "remedy"}
        assert all(wrong.values())
    return said


def fields(said: dict[str, Any]) -> set[str]:
    """Return the fields that a problem names."""
    return {wrong["field"] for wrong in said["errors"]}


async def test_enrollment_of_an_unknown_course(known: Known) -> None:
    """422, naming the field and what to do first."""
    unknown = {"learner_id": known.learner_id, "course_id": fresh("nowhere")}
    said = problem(await known.http.post(known.enrollments, json=unknown), 422)
    assert fields(said) == {"course_id"}
    assert "PUT /v1/courses/" in said["errors"][0]["remedy"]


async def test_enrollment_of_an_unknown_learner(known: Known) -> None:
    """422, naming the field and what to do first."""
    unknown = {"learner_id": fresh("nobody"), "course_id": known.course_id}
    said = problem(await known.http.post(known.enrollments, json=unknown), 422)
    assert fields(said) == {"learner_id"}
    assert "PUT /v1/learners/" in said["errors"][0]["remedy"]


async def test_a_withdrawal_of_no_enrollment(known: Known) -> None:
    """404, naming where enrollments are listed."""
    said = problem(await known.http.delete(f"{known.enrollments}/{fresh('none')}"), 404)
    assert "enrollments" in said["detail"]


def with_update(report: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a report whose update says otherwise."""
    return {**report, "updates": [report["updates"][0] | changes]}


def with_attempt(report: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a report whose attempt says otherwise."""
    return {**report, "attempts": [report["attempts"][0] | changes]}


TOMORROW = timedelta(days=1, minutes=5)
Spoil = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
BAD_REPORTS: dict[str, tuple[str, Spoil]] = {
    "unknown unit": ("updates[0].unit_id", lambda text, _: with_update(text, unit_id="nowhere")),
    "unknown assessment": (
        "attempts[0].unit_id",
        lambda _, quiz: with_attempt(quiz, unit_id="nowhere"),
    ),
    "negative seconds": (
        "updates[0].spent_seconds",
        lambda text, _: with_update(text, spent_seconds=-1),
    ),
    "score above max": ("attempts[0]", lambda _, quiz: with_attempt(quiz, score=11)),
    "negative score": ("attempts[0].score", lambda _, quiz: with_attempt(quiz, score=-1)),
    "more than a day ahead": (
        "updates[0].at",
        lambda text, _: with_update(text, at=(datetime.now(UTC) + TOMORROW).isoformat()),
    ),
    "no time zone": ("updates[0].at", lambda text, _: with_update(text, at="2026-01-05T09:00:00")),
    "unknown status": ("updates[0].status", lambda text, _: with_update(text, status=3)),
    "no learner": ("learner_id", lambda text, _: text | {"learner_id": None}),
    "an id with a separator of ours": ("course_id", lambda text, _: text | {"course_id": "a|b"}),
    "nothing reported": ("body", lambda text, _: text | {"updates": []}),
}


@pytest.mark.parametrize("wrong", BAD_REPORTS)
async def test_a_bad_report(wrong: str, known: Known) -> None:
    """422 with the field; in a batch the others are taken and this one is named by its index."""
    field, spoil = BAD_REPORTS[wrong]
    text = text_read(known.learner_id, known.course_id)
    bad = spoil(text, quiz_passed(known.learner_id, known.course_id))
    assert field in fields(problem(await known.http.post(known.progress, json=bad), 422))
    batch = await known.http.post(f"{known.progress}/batch", json={"reports": [text, bad, text]})
    assert batch.status_code == 207, batch.text
    (refused,) = batch.json()["refused"]
    assert (refused["index"], refused["status"]) == (1, 422)
    assert field in {each["field"] for each in refused["errors"]}
    assert batch.json()["accepted"] == 2


async def test_a_time_a_little_ahead_counts_as_now(
    known: Known, watch: Watch, client: Client
) -> None:
    """A clock that is hours ahead is clamped: nothing has happened in the future."""
    sent_at = datetime.now(UTC)
    ahead = (sent_at + timedelta(hours=3)).isoformat()
    report = with_update(text_read(known.learner_id, known.course_id), at=ahead)
    assert (await known.http.post(known.progress, json=report)).status_code == 202
    await watch.until(lambda: bool(watch.events(Progressed, [known.learner_id])), "the report")
    (event,) = watch.events(Progressed, [known.learner_id])
    assert event.data.updates[0].at <= datetime.now(UTC)
    assert event.data.updates[0].at >= sent_at - timedelta(seconds=1)


async def test_an_enrollment_time_ahead(known: Known, cohort: Cohort, watch: Watch) -> None:
    """Clamped within a day, refused beyond it; for a learner the server's time counts."""
    enrolling = {"learner_id": cohort.learners[1], "course_id": known.course_id}
    later, soon = (datetime.now(UTC) + ahead for ahead in (TOMORROW, timedelta(hours=1)))
    refused = await known.http.post(
        known.enrollments, json=enrolling | {"enrolled_at": later.isoformat()}
    )
    assert fields(problem(refused, 422)) == {"enrolled_at"}
    async with known.platform.http("learner", cohort.learners[1]) as own:
        own_time = await own.post(
            known.enrollments, json=enrolling | {"enrolled_at": "2026-01-05T09:00:00Z"}
        )
    assert fields(problem(own_time, 422)) == {"enrolled_at"}
    taken = await known.http.post(
        known.enrollments, json=enrolling | {"enrolled_at": soon.isoformat()}
    )
    assert taken.status_code == 201
    await watch.until(lambda: bool(watch.events(Enrolled, cohort.learners[1:2])), "the enrollment")
    (event,) = watch.events(Enrolled, cohort.learners[1:2])
    assert event.data.enrolled_at <= datetime.now(UTC)


@pytest.mark.parametrize("path", ["enrollments", "progress", "progress/batch"])
async def test_a_body_beyond_one_mebibyte(path: str, known: Known) -> None:
    """413, whether its length is announced or not."""
    base = known.platform.addresses
    url = f"{base.enrollment if path == 'enrollments' else base.progress}/v1/{path}"
    large = b'{"learner_id": "' + b"x" * 1024 * 1024 + b'"}'
    problem(await known.http.post(url, content=large, headers=JSON), 413)

    async def unannounced() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    problem(await known.http.post(url, content=unannounced(), headers=JSON), 413)


BROKEN = {
    "malformed JSON": b'{"learner_id": "a", ',
    "invalid UTF-8": b'{"learner_id": "\xff\xfe", "course_id": "c"}',
    "no JSON": b"learner_id=a&course_id=b",
    "nothing": b"",
    "nested too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_body_that_is_no_json(broken: str, known: Known) -> None:
    """400 or 422 on every service that takes bodies; never 500."""
    for url in (known.enrollments, known.progress, f"{known.progress}/batch"):
        answer = await known.http.post(url, content=BROKEN[broken], headers=JSON)
        assert answer.status_code in (400, 422), f"{url}: {answer.text}"
        problem(answer, answer.status_code)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "Asha\x00Sharma"),
        ("name", "Asha\nBcc: all@example.org"),
        ("name", "\u202eamrahS ahsA"),
        ("latin_name", "Asha\x7f"),
        ("email", "a\r\nb@example.org"),
        ("designation", "Clerk\u2028"),
        ("phone", "+91\t98765"),
    ],
)
async def test_control_characters_in_personal_data(field: str, text: str, known: Known) -> None:
    """422 with the field; the text is not quoted back, for it may be a name."""
    learner_id = fresh("learner")
    body = learner_body(learner_id) | {field: text}
    answer = await known.http.put(known.learner(learner_id), json=body)
    assert fields(problem(answer, 422)) == {field}
    assert json.dumps(text).strip('"') not in answer.text
    assert (await known.http.get(known.learner(learner_id))).status_code == 404


async def test_a_course_whose_parts_do_not_fit(known: Known) -> None:
    """422: a unit that stands twice, a pass mark above 100, a title with a control character."""
    (first, second) = course_body()["units"]
    wrongs: tuple[dict[str, Any], ...] = (
        {"units": [first, first]},
        {"units": [second | {"pass_percent": 101}]},
        {"title": {"en": "Ethics\x00"}},
        {"modules": [{"module_id": "m", "title": {"en": "M"}, "unit_ids": ["nowhere"]}]},
    )
    for wrong in wrongs:
        answer = await known.http.put(known.course(fresh("bad")), json=course_body() | wrong)
        problem(answer, 422)


async def test_progress_that_cannot_count_yet_is_kept_and_explained(
    known: Known, cohort: Cohort, watch: Watch, client: Client
) -> None:
    """Unknown course, not enrolled, withdrawn: 202 each, and explain says why it counts not."""
    nowhere = fresh("nowhere")
    stranger, leaver = cohort.learners[1:]
    await cohort.enroll([leaver])
    assert await client.withdraw(cohort.enrollments[leaver], datetime.now(UTC))
    await watch.quiet()
    now = datetime.now(UTC).isoformat()
    for learner_id, course_id in (
        (known.learner_id, nowhere),
        (stranger, known.course_id),
        (leaver, known.course_id),
    ):
        text = with_update(text_read(learner_id, course_id), at=now)
        quiz = with_attempt(quiz_passed(learner_id, course_id), at=now)
        for report in (text, quiz):
            answer = await known.http.post(known.progress, json=report)
            assert answer.status_code == 202, answer.text
    await watch.quiet()
    assert not watch.events(Completed, cohort.learners)
    assert "course_unknown" in await explained(known, known.learner_id, nowhere)
    assert "not_enrolled" in await explained(known, stranger, known.course_id)
    assert "withdrawn" in await explained(known, leaver, known.course_id)


async def explained(known: Known, learner_id: str, course_id: str) -> set[str]:
    """Return the codes of the reasons that progress gives."""
    base = known.platform.addresses.progress
    url = f"{base}/v1/learners/{learner_id}/courses/{course_id}/explain"
    said = (await known.http.get(url)).json()
    reasons = [*said["reasons"], *(why for each in said["enrollments"] for why in each["reasons"])]
    return {reason["code"] for reason in reasons}


async def test_every_service_refuses_who_may_not(known: Known) -> None:
    """No token 401, another learner's token 403, as problems."""
    addresses = known.platform.addresses
    own = f"/v1/learners/{known.learner_id}"
    urls = [
        f"{addresses.enrollment}{own}/enrollments",
        f"{addresses.progress}{own}/progress",
        f"{addresses.certificate}{own}/certificates",
        f"{addresses.notification}{own}/inbox",
    ]
    async with httpx.AsyncClient(trust_env=False) as nobody:
        for url in urls:
            problem(await nobody.get(url), 401)
    async with known.platform.http("learner", fresh("other")) as other:
        for url in urls:
            problem(await other.get(url), 403)
    async with known.platform.http("learner", known.learner_id) as self:
        for url in urls:
            assert (await self.get(url)).status_code == 200, url
