"""The store or the mail server is away: nothing answered 2xx is lost, and all catch up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from cohort import Cohort
from own_parts import OwnPart, OwnParts, own_parts
from standing_platform import Platform, standing
from watching import Watch

from pravah_cli.local.http import get
from pravah_cli.testing import Stack, eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

AWAY_SECONDS = 20
"""Longer than the drivers' deadlines and retries: nobody can wait it out by accident."""
RESENT_AT_MOST = 16
"""Mails on the dispatcher's connections whose answer never came: they go again, as themselves."""
QUICK_SMTP = {"PRAVAH_SMTP_TIMEOUT_SECONDS": "3"}


@pytest.fixture(scope="module")
def parts(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnParts]:
    """Yield parts that may be taken away without anybody else noticing."""
    with own_parts(stack, tmp_path_factory.mktemp("parts")) as parts:
        yield parts


@pytest.fixture(scope="module")
def breakable(parts: OwnParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Yield a platform on them."""
    with standing(parts.stack, tmp_path_factory.mktemp("outages"), settings=QUICK_SMTP) as platform:
        yield platform


@pytest.fixture
async def cohort(platform: Platform) -> AsyncIterator[Cohort]:
    """Yield learners who have enrolled and read; everybody knows the course."""
    async with platform.client() as client, Watch(platform) as watch:
        cohort = Cohort(platform, client, watch, size=6)
        await cohort.appear()
        await cohort.enroll(cohort.learners[:4])
        await cohort.read(cohort.learners[:4])
        await watch.quiet()
        yield cohort
        await watch.look()
        assert not watch.dead_letters


Away = Callable[[OwnPart], None]
FROZEN: tuple[Away, Away] = (OwnPart.freeze, OwnPart.thaw)
STOPPED: tuple[Away, Away] = (OwnPart.stop, OwnPart.start)
WAYS = pytest.mark.parametrize("way", [FROZEN, STOPPED], ids=["frozen", "stopped"])


async def for_seconds(seconds: float, live: Callable[[], Awaitable[object]]) -> None:
    """Have clients go on for so long, one request after the other."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await live()


@WAYS
async def test_store_away(
    way: tuple[Away, Away], cohort: Cohort, platform: Platform, parts: OwnParts
) -> None:
    """Reports are taken throughout; what cannot be taken is answered 503; all of it comes."""
    take, give_back = way
    processes = {name: process.pid for name, process in platform.running.items()}
    refused: list[int] = []
    async with platform.http() as http:

        async def learn() -> None:
            await cohort.pass_quiz(cohort.learners[:4])
            enrolling = {"learner_id": cohort.learners[4], "course_id": cohort.course_id}
            url = f"{platform.addresses.enrollment}/v1/enrollments"
            answer = await http.post(url, json=enrolling)
            assert answer.headers["content-type"].startswith("application/problem+json")
            refused.append(answer.status_code)

        await asyncio.to_thread(take, parts.store)
        try:
            await for_seconds(AWAY_SECONDS, learn)
            unready = await asyncio.to_thread(get, platform.port("enrollment-api"), "/readyz", 5)
        finally:
            await asyncio.to_thread(give_back, parts.store)
    assert set(refused) == {503}
    assert unready.status == 503
    assert "store" in unready.body["missing"]
    await cohort.enroll(cohort.learners[4:])
    await cohort.finish(cohort.learners[4:])
    await cohort.all_came_once()
    # No process had to be restarted for it: an outage is waited out in place.
    assert processes == {name: process.pid for name, process in platform.running.items()}


async def test_streams_are_unready_while_the_store_is_away(
    cohort: Cohort, platform: Platform, parts: OwnParts
) -> None:
    """A stream that holds records it cannot store says so, stays alive, and is ready again."""
    port = platform.port("progress-stream")

    async def readiness(wanted: int) -> None:
        async def is_so() -> bool:
            answer = await asyncio.to_thread(get, port, "/readyz")
            return answer.status == wanted

        await eventually(is_so, 60, f"/readyz {wanted}")

    await asyncio.to_thread(parts.store.stop)
    try:
        await cohort.pass_quiz(cohort.learners[:4])
        await readiness(503)
        assert (await asyncio.to_thread(get, port, "/healthz")).status == 200
    finally:
        await asyncio.to_thread(parts.store.start)
    await readiness(200)
    await cohort.enroll()
    await cohort.finish()
    await cohort.all_came_once()


@WAYS
async def test_smtp_away(
    way: tuple[Away, Away], cohort: Cohort, platform: Platform, parts: OwnParts
) -> None:
    """Inboxes fill, certificates come; mails come when the server is back, each once."""
    take, give_back = way
    await cohort.until_mailed(1, cohort.learners[:4])
    await asyncio.to_thread(take, parts.mail)
    try:
        await cohort.enroll(cohort.learners[4:])
        await cohort.pass_quiz(cohort.learners[:4])
        await cohort.finish(cohort.learners[4:])
        await cohort.until_certified()
        await cohort.until_in_inbox(2)
        assert not any(cohort.mails()[learner_id] for learner_id in cohort.learners[4:])
        health = await asyncio.to_thread(get, platform.port("notification-dispatch"), "/healthz")
        assert health.status == 200
    finally:
        await asyncio.to_thread(give_back, parts.mail)
    await cohort.all_came_once(resent=RESENT_AT_MOST if way is FROZEN else 0)
