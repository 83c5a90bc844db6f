"""A withdrawal and a completion at once: both services end on the same word."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cohort import BEGAN, Cohort
from standing_platform import Platform
from watching import Watch

from pravah_cli.client import Client
from pravah_cli.testing import eventually
from pravah_shared.events import Completed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


async def statuses(client: Client, cohort: Cohort) -> dict[str, str]:
    """Return what enrollment says of each learner's enrollment."""
    return {
        learner_id: (await client.enrollments(learner_id))[0]["status"]
        for learner_id in cohort.learners
    }


async def test_delete_after_completion_answers_409(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """What is completed cannot be withdrawn, and the answer says so."""
    (learner_id, *_) = cohort.learners
    await cohort.appear()
    await cohort.enroll()
    await cohort.finish([learner_id])
    await watch.until(lambda: bool(cohort.completed()), "the completion")
    await watch.quiet()
    async with platform.http() as http:
        enrollment_id = cohort.enrollments[learner_id]
        url = f"{platform.addresses.enrollment}/v1/enrollments/{enrollment_id}"
        answer = await http.delete(url)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:pravah:problem:already-completed"
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_withdrawal_that_raced_a_completion_yields(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """Enrollment takes the withdrawal before it hears of the completion, and then yields."""
    await cohort.appear()
    await cohort.enroll()
    with platform.away("enrollment-stream"):
        await cohort.finish()
        await watch.until(lambda: cohort.completed() == set(cohort.learners), "the completions")
        for learner_id in cohort.learners:
            assert await client.withdraw(cohort.enrollments[learner_id], datetime.now(UTC))
        assert set((await statuses(client, cohort)).values()) == {"withdrawn"}

    async def yielded() -> bool:
        return set((await statuses(client, cohort)).values()) == {"completed"}

    await eventually(yielded, 60, "the withdrawals to yield")
    await cohort.all_came_once()
    assert not await client.withdraw(cohort.enrollments[cohort.learners[0]], datetime.now(UTC))


async def test_whoever_wins_the_race_both_services_agree(
    watch: Watch, platform: Platform, client: Client
) -> None:
    """Sixteen learners left before their last work; both become known in the same moment.

    Where progress hears of the leaving first, nothing is completed; where it hears of the work
    first, the completion was announced and stands. Each learner's end is one or the other.
    """
    cohort = Cohort(platform, client, watch, size=16)
    await cohort.appear()
    await cohort.enroll()
    await cohort.read()
    await watch.quiet()

    left_at = BEGAN + timedelta(minutes=90)

    async def leave(learner_id: str) -> bool:
        return await client.withdraw(cohort.enrollments[learner_id], left_at)

    leaving = asyncio.gather(*(leave(learner_id) for learner_id in cohort.learners))
    await asyncio.gather(*(cohort.pass_quiz([learner_id]) for learner_id in cohort.learners))
    left = await leaving
    await watch.quiet()
    completed = cohort.completed()
    assert cohort.certified() == completed
    said = await statuses(client, cohort)
    assert {learner_id for learner_id, word in said.items() if word == "completed"} == completed
    assert set(said.values()) <= {"completed", "withdrawn"}
    refused = {name for name, went in zip(cohort.learners, left, strict=True) if not went}
    assert refused <= completed
    assert len(watch.events(Completed, cohort.learners)) == len(completed)
