"""Everything may come twice: requests sent again, records delivered again. Nothing doubles."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from cohort import BEGAN, Cohort, fresh, learner_body, quiz_passed, text_read
from standing_platform import Platform
from watching import READERS, Watch

from pravah_cli.client import Client
from pravah_shared.codec import Encoded
from pravah_shared.events import Enrolled
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.record import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


async def test_the_same_requests_again(cohort: Cohort, watch: Watch, client: Client) -> None:
    """A phone with a bad line sends everything five times, some of it at once."""
    for _ in range(2):
        await cohort.appear()
    for _ in range(5):
        await asyncio.gather(*(cohort.enroll([learner_id]) for learner_id in cohort.learners))
    await asyncio.gather(*(cohort.read() for _ in range(5)))
    await asyncio.gather(*(cohort.pass_quiz() for _ in range(5)))
    await cohort.all_came_once()
    await cohort.enroll()
    await cohort.finish()
    await cohort.all_came_once()
    assert len(watch.events(Enrolled, cohort.learners)) == len(cohort.learners)


async def test_a_duplicate_enrollment_is_the_same_enrollment(
    cohort: Cohort, platform: Platform
) -> None:
    """201 the first time, 200 with the same id ever after, and one answer per Idempotency-Key."""
    await cohort.appear()
    enrolling = {"learner_id": cohort.learners[0], "course_id": cohort.course_id}
    key = {"idempotency-key": fresh("key")}
    url = f"{platform.addresses.enrollment}/v1/enrollments"
    async with platform.http() as http:
        keyed = [await http.post(url, json=enrolling, headers=key) for _ in range(3)]
        again = await http.post(url, json=enrolling)
    assert [answer.status_code for answer in (*keyed, again)] == [201, 201, 201, 200]
    assert len({answer.json()["enrollment_id"] for answer in (*keyed, again)}) == 1


async def test_every_record_delivered_again(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """All records of a finished story are published again with the same event ids, backwards."""
    await cohort.appear()
    await cohort.enroll()
    await cohort.finish()
    await cohort.all_came_once()
    before = [await client.progress(each, cohort.course_id) for each in cohort.learners]
    subjects = {cohort.course_id.encode(), *(each.encode() for each in cohort.learners)}
    told = [each for each in watch.records if each.topic in READERS and each.key in subjects]
    assert {record.topic for record in told} == set(READERS)
    await republish(platform, told[::-1])
    await cohort.all_came_once()
    assert before == [await client.progress(each, cohort.course_id) for each in cohort.learners]


async def republish(platform: Platform, records: Sequence[Record]) -> None:
    """Put the records onto their topics once more, byte for byte, one after the other."""
    async with Publisher(platform.settings, client_id="test-again") as publisher:
        for record in records:
            copy = Encoded(record.topic, record.key, record.value, list(record.headers))
            await publisher.publish_records([copy])


async def test_an_older_report_takes_nothing_back(
    cohort: Cohort, watch: Watch, client: Client
) -> None:
    """A device that was offline reports less than is known: progress and score stay."""
    (learner_id, *_) = cohort.learners
    await cohort.appear()
    await cohort.enroll([learner_id])
    await cohort.finish([learner_id])
    await watch.quiet()
    begun = text_read(learner_id, cohort.course_id)
    begun["updates"][0] |= {"status": 1, "spent_seconds": 10}
    failed = quiz_passed(learner_id, cohort.course_id)
    failed["attempts"][0] |= {"attempt_id": "0", "score": 1}
    known = await client.progress(learner_id, cohort.course_id)
    await client.report([begun, failed])
    await watch.quiet()
    now = await client.progress(learner_id, cohort.course_id)
    assert known is not None
    assert now is not None
    assert standing_of(now) == standing_of(known)


def standing_of(progress: dict[str, Any]) -> dict[str, Any]:
    """Return what counts; how often a quiz was tried may grow."""
    (enrollment,) = progress["enrollments"]
    states = [(unit["state"], unit["best_percent"]) for unit in enrollment["units"]]
    names = ("started_at", "completed_at", "score_percent", "learning_seconds", "passed")
    return {**{name: enrollment[name] for name in names}, "units": states}


async def test_changing_a_learner_sends_nothing_twice(
    cohort: Cohort, watch: Watch, client: Client
) -> None:
    """A new name is a new version of the person: no second certificate, no second mail."""
    (learner_id, *_) = cohort.learners
    await cohort.appear()
    await cohort.enroll()
    await cohort.finish()
    await cohort.all_came_once()
    renamed = {**learner_body(learner_id), "name": "आशा वर्मा", "latin_name": "Asha Verma"}
    await client.put_learner(learner_id, renamed)
    await client.enroll(learner_id, cohort.course_id, BEGAN)
    await cohort.all_came_once()
