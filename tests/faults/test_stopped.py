"""A service that is down stops no other; when it is back, it catches up."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cohort import Cohort
from standing_platform import Platform
from watching import Watch

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
async def cohort(platform: Platform) -> AsyncIterator[Cohort]:
    """Yield learners of whom one half has enrolled and read; everybody knows the course."""
    async with platform.client() as client, Watch(platform) as watch:
        cohort = Cohort(platform, client, watch, size=8)
        await cohort.appear()
        await cohort.enroll(early(cohort))
        await cohort.read(early(cohort))
        await watch.quiet()
        yield cohort
        assert not watch.dead_letters


def early(cohort: Cohort) -> list[str]:
    """Return those who began before the service went down."""
    return cohort.learners[:4]


def late(cohort: Cohort) -> list[str]:
    """Return those who begin while it is down, or after."""
    return cohort.learners[4:]


async def test_enrollment_down(cohort: Cohort, platform: Platform) -> None:
    """Whoever is enrolled learns on, completes, is certified and told."""
    down = platform.of_service("enrollment")
    await asyncio.to_thread(platform.stop, *down)
    await cohort.pass_quiz(early(cohort))
    await cohort.until_certified(early(cohort))
    await cohort.until_mailed(2, early(cohort))
    await asyncio.to_thread(platform.start, *down)
    await cohort.enroll(late(cohort))
    await cohort.finish(late(cohort))
    await cohort.all_came_once()


async def test_progress_down(cohort: Cohort, platform: Platform) -> None:
    """Learners enroll and are told; what they did comes in when progress is back."""
    down = platform.of_service("progress")
    await asyncio.to_thread(platform.stop, *down)
    await cohort.enroll(late(cohort))
    await cohort.until_mailed(1, late(cohort))
    # Clients go on asking, as phones do, and are answered once it is back.
    reports = asyncio.gather(cohort.pass_quiz(early(cohort)), cohort.finish(late(cohort)))
    await asyncio.to_thread(platform.start, *down)
    await reports
    await cohort.all_came_once()


async def test_progress_stream_down(cohort: Cohort, platform: Platform) -> None:
    """Reports are taken all the same, for they are in Kafka when the answer is given."""
    await asyncio.to_thread(platform.stop, "progress-stream")
    await cohort.enroll(late(cohort))
    await cohort.pass_quiz(early(cohort))
    await cohort.finish(late(cohort))
    await asyncio.to_thread(platform.start, "progress-stream")
    await cohort.all_came_once()


async def test_certificate_down(cohort: Cohort, platform: Platform) -> None:
    """Learners enroll, are told, learn and complete; certificates come later."""
    down = platform.of_service("certificate")
    await asyncio.to_thread(platform.stop, *down)
    await cohort.enroll(late(cohort))
    await cohort.pass_quiz(early(cohort))
    await cohort.finish(late(cohort))
    await cohort.until_completed()
    await cohort.until_mailed(1, late(cohort))
    assert not cohort.certified()
    await asyncio.to_thread(platform.start, *down)
    await cohort.all_came_once()


async def test_notification_down(cohort: Cohort, platform: Platform) -> None:
    """Learners enroll, complete and are certified; messages come later, each once."""
    down = platform.of_service("notification")
    await asyncio.to_thread(platform.stop, *down)
    await cohort.enroll(late(cohort))
    await cohort.pass_quiz(early(cohort))
    await cohort.finish(late(cohort))
    await cohort.until_certified()
    assert not any(cohort.mails()[learner_id] for learner_id in late(cohort))
    await asyncio.to_thread(platform.start, *down)
    await cohort.all_came_once()


async def test_all_down(cohort: Cohort, platform: Platform) -> None:
    """Everything stops in the middle of the work, and goes on where it was."""
    await cohort.enroll(late(cohort))
    await cohort.pass_quiz(early(cohort))
    await cohort.finish(late(cohort))
    everything = tuple(platform.running)
    await asyncio.to_thread(platform.stop, *everything)
    assert not platform.running
    await asyncio.to_thread(platform.start, *everything)
    await cohort.all_came_once()
