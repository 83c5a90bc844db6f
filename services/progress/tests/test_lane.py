"""The fast lane and the declared routes give the same answers and publish the same events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from pravah_shared.events import Event
from pravah_shared.http.limits import BODY_BYTES

from .bodies_made import MANGLED, PLAIN, attempt, bodies, report, update
from .facts import course
from .offline import offline

ONE, BATCH = "/v1/progress", "/v1/progress/batch"
OWN = {"role": "learner", "learner_id": "asha"}


def said(answer: httpx.Response) -> Any:
    """Return what an answer says, apart from what differs each time."""
    content = answer.json()
    for changing in ("trace_id", "flush_after_seconds", "token", "tokens"):
        content.pop(changing, None)
    return answer.status_code, answer.headers["content-type"], content


def told(event: Event[Any]) -> Any:
    """Return what an event says, apart from ids and the moment."""
    held = event.data.model_dump(exclude={"report_id", "received_at"})
    return event.source, event.subject, held


async def compare(path: str, contents: list[bytes], **sender: Any) -> None:
    """Send the same to an API with the lane and to one without it."""
    known = course(units=(), status="retired"), course().model_copy(update={"course_id": "c"})
    async with offline(*known) as fast, offline(*known, lane=False) as declared:
        for content in contents:
            answers = [await one.post(path, content, **sender) for one in (fast, declared)]
            assert said(answers[0]) == said(answers[1]), content
        assert [told(one) for one in fast.log.events] == [told(one) for one in declared.log.events]


@settings(max_examples=20, deadline=None)
@given(contents=st.lists(bodies(), min_size=10, max_size=30))
def test_reports_fare_alike(contents: list[bytes]) -> None:
    """Taken or refused, in the same words, by field."""
    asyncio.run(compare(ONE, contents))


@settings(max_examples=20, deadline=None)
@given(reports=st.lists(bodies(), min_size=1, max_size=30))
def test_batches_fare_alike(reports: list[bytes]) -> None:
    """Each report of them, by its index."""
    asyncio.run(compare(BATCH, [b'{"reports": [' + b",".join(reports) + b"]}"], **OWN))


@pytest.mark.parametrize("path", [ONE, BATCH])
async def test_nonsense_fares_alike(path: str) -> None:
    """Broken JSON, other encodings, empty bodies."""
    await compare(path, MANGLED)


@pytest.mark.parametrize("path", [ONE, BATCH])
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic abc"},
        {"authorization": "bearer TOKEN"},
        {"authorization": "Bearer  TOKEN "},
        {"authorization": "Bearer TOKENx"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "application/problem+json"},
    ],
)
async def test_odd_headers_fare_alike(path: str, headers: dict[str, str]) -> None:
    """Also once the token is known."""
    content = json.dumps(report() if path == ONE else {"reports": [report()]}).encode()
    answers = []
    async with offline() as fast, offline(lane=False) as declared:
        for one in (fast, declared):
            token = one.issuer.token("operator")
            usual = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            odd = {name: given.replace("TOKEN", token) for name, given in headers.items()}
            await one.client.post(path, content=content, headers=usual)
            answers.append(await one.client.post(path, content=content, headers=usual | odd))
        assert said(answers[0]) == said(answers[1])


@settings(max_examples=10, deadline=None)
@given(contents=st.lists(bodies(PLAIN), min_size=1, max_size=20))
def test_what_is_plain_takes_the_lane(contents: list[bytes]) -> None:
    """Nothing of FastAPI's is asked."""

    async def send() -> None:
        async with offline() as api:
            await api.post(ONE, contents[0])
            api.handed_over.clear()
            for content in contents:
                assert (await api.post(ONE, content)).status_code == 202
            assert api.handed_over == []
            await api.post(ONE, b"{}")
            assert api.handed_over == [ONE]

    asyncio.run(send())


@pytest.mark.parametrize("path", [ONE, BATCH])
async def test_both_lanes_are_counted_by_the_route(path: str) -> None:
    """Taken, refused, or handed over: one series for each status."""
    async with offline() as api:
        for content in (b"{}", json.dumps(report(updates=[update(status=7)])).encode()):
            labels = {"method": "POST", "route": path, "status": "422"}
            before = REGISTRY.get_sample_value("pravah_http_request_seconds_count", labels) or 0
            await api.post(path, content)
            after = REGISTRY.get_sample_value("pravah_http_request_seconds_count", labels)
            assert after == before + 1


async def test_what_is_answered_is_not_kept_by_caches() -> None:
    """It is about somebody."""
    async with offline() as api:
        answer = await api.post(ONE, json.dumps(report()).encode())
        assert answer.headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("path", [ONE, BATCH])
async def test_a_body_above_the_limit_is_the_edges(path: str) -> None:
    """413, with what to do, however far it was read here; nothing stays counted."""

    async def pieces() -> AsyncIterator[bytes]:  # whose length is not announced
        for _ in range(5):
            yield b" " * (BODY_BYTES // 4)

    async with offline() as api:
        headers = api.issuer.headers("operator") | {"content-type": "application/json"}
        answer = await api.client.post(path, content=pieces(), headers=headers)
        assert answer.status_code == 413
        assert "smaller requests" in answer.json()["detail"]
        assert (api.parts.gate.bytes, api.parts.gate.requests) == (0, 0)


async def test_other_methods_are_the_routers() -> None:
    """405, with the Allow header."""
    async with offline() as api:
        answer = await api.client.get(ONE, headers=api.issuer.headers("operator"))
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_client_that_goes_away_is_not_answered() -> None:
    """What came of its body is let go of."""
    async with offline() as api:
        token = api.issuer.token("operator").encode()
        scope = {
            "type": "http",
            "method": "POST",
            "path": ONE,
            "app": api.app,
            "headers": [(b"authorization", b"Bearer " + token)],
        }
        messages = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        labels = {"method": "POST", "route": ONE, "status": "none"}
        before = REGISTRY.get_sample_value("pravah_http_request_seconds_count", labels) or 0
        await api.app(scope, receive, send)
        assert sent == []
        after = REGISTRY.get_sample_value("pravah_http_request_seconds_count", labels)
        assert after == before + 1
        assert (api.parts.gate.bytes, api.parts.gate.requests) == (0, 0)


async def test_a_retired_course_takes_nothing_new() -> None:
    """422 by a type of its own, naming the course and what to do; in a batch by index."""
    async with offline(course(status="retired")) as api:
        old = report(course_id="ethics", updates=[update(unit_id="video")])
        answer = await api.post(ONE, json.dumps(old).encode())
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:pravah:problem:course-retired"
        assert "ethics" in answer.json()["detail"]
        assert "reopen" in answer.json()["detail"]
        answer = await api.post(BATCH, json.dumps({"reports": [old, report()]}).encode())
        assert answer.status_code == 207
        (refused,) = answer.json()["refused"]
        assert (refused["index"], refused["type"][-14:]) == (0, "course-retired")
        assert len(api.log.records) == 1


async def test_one_bad_report_of_a_thousand_is_refused_by_index() -> None:
    """Whatever is wrong with it: the 999 others are kept."""
    wrong: list[Any] = [
        report(learner_id="a|b"),
        report(updates=[update(at="2999-01-01T00:00:00Z")]),
        report(course_id="ethics", attempts=[attempt(unit_id="of-another-course")]),
        report(attempts=[attempt(score=81, max_score=80)]),
        "no report",
        None,
    ]
    async with offline(course()) as api:
        for number, bad in enumerate(wrong):
            reports = [report(learner_id=f"l{index}") for index in range(1000)]
            reports[500 + number] = bad
            answer = await api.post(BATCH, json.dumps({"reports": reports}).encode())
            assert answer.status_code == 207
            assert [one["index"] for one in answer.json()["refused"]] == [500 + number]
            assert answer.json()["accepted"] == 999
            assert len(api.log.records) == 999 * (number + 1)


async def test_a_report_too_large_for_kafka_is_refused_by_index() -> None:
    """Its event would be larger than its body; the others are kept, and it is told to split."""
    short = [{"unit_id": "u", "status": 1, "at": 0}] * 20_000
    body = {"reports": [report(), report(updates=short), report()]}
    async with offline() as api:
        answer = await api.post(BATCH, json.dumps(body, separators=(",", ":")).encode())
        (refused,) = answer.json()["refused"]
        assert (refused["index"], refused["type"][-16:]) == (1, "report-too-large")
        assert "split" in refused["detail"]
        assert len(api.log.records) == 2


async def test_a_hundred_thousand_updates_of_one_learner_are_taken() -> None:
    """Over many requests, each within its limit; every update is in Kafka, once."""
    many = [update(unit_id=f"u{number}") for number in range(5_000)]
    content = json.dumps(report(updates=many)).encode()
    async with offline() as api:
        answers = await asyncio.gather(*(api.post(ONE, content, **OWN) for _ in range(20)))
        assert {answer.json()["accepted"] for answer in answers} == {5_000}
        assert sum(len(event.data.updates) for event in api.log.events) == 100_000


async def test_the_same_upload_twice_and_two_scores_of_one_attempt_are_taken() -> None:
    """What they mean is decided where they are merged; nothing here loses any."""
    twice = report(attempts=[attempt(score=40), attempt(score=60), attempt(score=40)])
    async with offline() as api:
        for _ in range(2):
            assert (await api.post(ONE, json.dumps(twice).encode())).status_code == 202
        scores = [[one.score for one in event.data.attempts] for event in api.log.events]
        assert scores == [[40, 60, 40]] * 2


async def test_offline_days_keep_their_days() -> None:
    """An upload of a week ago says when it happened; only what lies ahead becomes now."""
    days = [f"2024-10-0{day}T23:59:59.999Z" for day in range(1, 8)]
    week = report(updates=[update(at=day) for day in days])
    async with offline() as api:
        await api.post(ONE, json.dumps(week).encode())
        (event,) = api.log.events
        assert [one.at.day for one in event.data.updates] == list(range(1, 8))
        assert {one.at.microsecond for one in event.data.updates} == {999_000}
