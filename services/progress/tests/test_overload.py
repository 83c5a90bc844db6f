"""Too much is refused at once, before memory grows, and never late."""

import asyncio
import json
from functools import partial

import httpx
import pytest

from pravah_progress.__main__ import open_parts
from pravah_progress.api import build
from pravah_progress.api.gate import Full, Gate
from pravah_progress.api.opening import PUBLISH_SECONDS
from pravah_progress.api.pacing import Pacer
from pravah_progress.api.pulse import Meter, Pulse
from pravah_progress.api.trail import Trail
from pravah_progress.settings import ProgressSettings
from pravah_shared.events import Position
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.http.limits import BODY_BYTES

from .bodies_made import report
from .memory import memory_store
from .offline import Offline, offline

ONE = "/v1/progress"
CONTENT = json.dumps(report()).encode()


def room(api: Offline, most_requests: int = 10, most_bytes: int = 1_000_000) -> Gate:
    """Give the API's gate less room."""
    gate = api.parts.gate
    gate._most_requests, gate._most_bytes = most_requests, most_bytes
    return gate


async def test_more_requests_than_the_gate_lets_in_are_refused_at_once() -> None:
    """503 with Retry-After while the others wait for Kafka; they are answered when it is back."""
    async with offline() as api:
        gate, api.log.held = room(api), asyncio.Event()
        waiting = [asyncio.create_task(api.post(ONE, CONTENT)) for _ in range(10)]
        while gate.requests < 10:  # noqa: ASYNC110 - a count, no event
            await asyncio.sleep(0)
        async with asyncio.timeout(2):
            refused = await asyncio.gather(*(api.post(ONE, CONTENT) for _ in range(100)))
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.json()["type"] for answer in refused} == {"urn:pravah:problem:overloaded"}
        assert all(int(answer.headers["retry-after"]) >= 30 for answer in refused)
        api.log.held.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {202}
        assert (gate.requests, gate.bytes) == (0, 0)


async def test_what_is_handed_over_needs_room_too() -> None:
    """The declared route is no way around the gate."""
    async with offline() as api:
        room(api, most_requests=0)
        headers = api.issuer.headers("operator") | {"content-type": "text/plain"}
        answer = await api.client.post(ONE, content=CONTENT, headers=headers)
        assert answer.status_code == 503


async def test_bodies_beyond_the_room_are_refused() -> None:
    """Counted while they come, before they are whole; nothing stays counted."""
    async with offline() as api:
        gate = room(api, most_bytes=1_000)
        assert (await api.post(ONE, b" " * 1_001)).status_code == 503
        assert (await api.post(ONE, CONTENT)).status_code == 202
        assert gate.bytes == 0


async def test_a_body_that_is_announced_too_large_takes_no_room() -> None:
    """It is refused before it is read: who sends such bodies must not keep others out."""
    async with offline() as api:
        room(api, most_bytes=0)
        answer = await api.post(ONE, b" " * (BODY_BYTES + 1))
        assert answer.status_code == 413


async def test_who_has_no_token_holds_nothing() -> None:
    """The body of a stranger is not read."""
    async with offline() as api:
        gate = room(api, most_bytes=0)
        headers = {"authorization": "Bearer e30.e30.e30", "content-type": "application/json"}
        answer = await api.client.post(ONE, content=CONTENT, headers=headers)
        assert (answer.status_code, gate.bytes) == (401, 0)


@pytest.mark.parametrize("path", [ONE, "/v1/progress/batch"])
@pytest.mark.parametrize("lane", [True, False])
async def test_a_broker_that_is_away_is_503_with_a_place_in_the_calendar(
    path: str,
    lane: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Not all come back at once; nothing is told to be kept."""
    content = CONTENT if path == ONE else json.dumps({"reports": [report()] * 3}).encode()
    async with offline(lane=lane) as api:
        api.log.away = True
        answer = await api.post(path, content)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:pravah:problem:dependency-away"
        assert int(answer.headers["retry-after"]) >= 30
        api.log.away = False
        assert (await api.post(path, content)).status_code == 202


def test_the_gate_counts_what_it_lets_in() -> None:
    """And how full that makes it."""
    gate = Gate(most_requests=2, most_bytes=10)
    gate.enter()
    gate.hold(8)
    assert gate.filled == 0.8
    with pytest.raises(Full):
        gate.hold(3)
    gate.enter()
    with pytest.raises(Full):
        gate.enter()
    gate.leave()
    gate.leave()
    gate.release(8)
    assert gate.filled == 0


def test_the_trail_tells_how_far_behind_the_stream_is() -> None:
    """By the oldest mark that it has not passed, over all partitions; ours alone are counted."""
    trail = Trail()
    for offset in (5, 7):  # others' records stand between
        trail.note(0, offset)
    trail.mark(now=100)
    trail.note(1, 3)
    trail.mark(now=101)
    assert trail.look({}, now=110) == (0, 10)
    assert trail.look({0: 7}, now=110) == (0, 10)
    assert trail.look({0: 8}, now=110) == (2, 9)
    assert trail.look({0: 8, 1: 4}, now=110) == (1, 0)


def test_a_slow_publish_slows_the_clients() -> None:
    """So does a full gate; a stream whose state is not known changes nothing."""
    meter, gate = Meter(), Gate()
    pacer = Pacer(30, 1_000_000.0)
    pulse = Pulse(meter, gate, pacer, memory_store().applied)
    for _ in range(60):
        meter.note([Position("progressed", 0, 1)] * 50, seconds=2.0)
        pulse.beat(None)
    assert pacer.rate < 100_000


@pytest.mark.stack
async def test_an_unreachable_broker_is_answered_in_time(
    progress_settings: ProgressSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 within the limits of a batch, from the real client; what was held is given back."""
    monkeypatch.setattr("pravah_progress.__main__.PUBLISH_SECONDS", 1.0)
    settings = progress_settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    app = build(settings, partial(open_parts, settings))
    issuer = LocalIssuer(settings)
    use_issuer(app, issuer)
    transport = httpx.ASGITransport(app)
    headers = issuer.headers("operator") | {"content-type": "application/json"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        asyncio.timeout(2 * PUBLISH_SECONDS),
    ):
        answers = await asyncio.gather(
            *(client.post(ONE, content=CONTENT, headers=headers) for _ in range(50))
        )
        assert {answer.status_code for answer in answers} == {503}
        assert app.state.parts.gate.requests == 0
