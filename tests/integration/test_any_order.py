"""Topics are read side by side: what belongs together comes in any order, and leads to the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from cohort import BEGAN, Cohort, course_body, fresh, learner_body
from standing_platform import Platform
from watching import Watch

from pravah_cli.client import Client
from pravah_cli.testing import eventually
from pravah_shared.events import (
    Attempt,
    Certified,
    Completed,
    Course,
    Enrolled,
    Event,
    EventData,
    Person,
    Progressed,
    UnitUpdate,
    new_event,
)
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.keys import KeyStore, PersonalData, load_or_create_kek, seal_person
from pravah_shared.mongo import Database

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


async def test_progress_before_enrollment_and_course(
    cohort: Cohort, watch: Watch, client: Client
) -> None:
    """Reports for a course nobody knows, by learners nobody enrolled, count once both are there."""
    await cohort.finish()
    await watch.quiet()
    assert not cohort.completed()
    await cohort.appear()
    await watch.quiet()
    assert not cohort.completed()
    await cohort.enroll()
    await cohort.all_came_once()


async def test_completed_before_the_person(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """The certificate and the messages wait for the person, and say so, and then come."""
    await client.put_course(cohort.course_id, course_body())
    await watch.until(lambda: bool(watch.events(Course, [cohort.course_id])), "the course")
    # People come by the relay alone; enrollments are published by the request itself.
    with platform.away("enrollment-relay"):
        await cohort.appear()
        await cohort.enroll()
        await cohort.finish()
        await watch.until(lambda: cohort.completed() == set(cohort.learners), "the completions")
        await until_waiting_for_person(platform, cohort)
        assert not cohort.certified()
        assert not any(cohort.mails().values())
    await cohort.all_came_once()


async def until_waiting_for_person(platform: Platform, cohort: Cohort) -> None:
    """Wait until certificate and notification say that a learner's person is missing."""
    where = f"/trace/{cohort.learners[0]}/{cohort.course_id}"
    async with platform.http() as http:

        async def waiting() -> bool:
            certificate = (await http.get(platform.addresses.certificate + where)).json()
            notification = (await http.get(platform.addresses.notification + where)).json()
            waits = [each["waiting_for"] for each in certificate["completions"]]
            return waits == [["person"]] and notification["missing"] == ["person"]

        await eventually(waiting, 30, "the wait for the person")


async def test_certified_before_the_course_at_notification(
    cohort: Cohort, watch: Watch, platform: Platform
) -> None:
    """A message about a course that is not here yet waits for its title."""
    certified = [
        Certified(
            certificate_id=fresh("certificate"),
            certificate_name="completion",
            learner_id=learner_id,
            course_id=cohort.course_id,
            issued_at=BEGAN,
            verify_url="https://certificates.example/verify/1",
        )
        for learner_id in cohort.learners
    ]
    async with Publisher(platform.settings, client_id="test-order") as publisher:
        await publisher.publish([_event(each, "certificate") for each in certified])
    await watch.quiet()
    await cohort.appear()
    await cohort.until_mailed(1, cohort.learners)
    await watch.quiet()
    assert all(len(received) == 1 for received in cohort.mails().values())


async def test_all_orders_of_what_leads_to_a_certificate(watch: Watch, platform: Platform) -> None:
    """Course, person, enrollment and progress in each of their 24 orders, one learner each."""
    stories = await all_stories(platform)
    async with Publisher(platform.settings, client_id="test-order") as publisher:
        for step in range(4):
            # One at a time for each learner: the next is published when this one is in Kafka.
            await publisher.publish([story[step] for story in stories])
            await watch.quiet()
    learners = [learner_of(story) for story in stories]
    await watch.until(lambda: len(watch.events(Certified, learners)) >= 24, "24 certificates")
    await watch.quiet()
    for kind in (Completed, Certified):
        found = sorted(event.subject for event in watch.events(kind, learners))
        assert found == sorted(learners), kind
    for learner_id in learners:
        mails = platform.mail_box.to(f"{learner_id}@learners.example")
        assert len({mail.message_id for mail in mails}) == len(mails) == 2


async def all_stories(platform: Platform) -> list[list[Event[EventData]]]:
    """Return the same four facts in each order, about a learner and a course of their own."""
    settings = platform.settings
    database = Database.connect(settings.mongo_uri, settings.key_store_database)
    try:
        keys = KeyStore(database, load_or_create_kek(settings))
        facts = [await four_facts(keys) for _ in permutations(range(4))]
    finally:
        await database.close()
    orders = permutations(range(4))
    return [[four[at] for at in order] for four, order in zip(facts, orders, strict=True)]


async def four_facts(keys: KeyStore) -> list[Event[EventData]]:
    """Return what leads to a certificate: course, person, enrollment, progress."""
    learner_id, course_id = fresh("learner"), fresh("course")
    key = await keys.create(learner_id)
    person = PersonalData(**learner_body(learner_id))
    at = BEGAN + timedelta(hours=1)
    return [
        _event(Course(course_id=course_id, version=1, **course_body()), "enrollment"),
        _event(
            Person(
                learner_id=learner_id,
                version=1,
                ciphertext=seal_person(key, person),
                key_id=key.key_id,
            ),
            "enrollment",
        ),
        _event(
            Enrolled(
                enrollment_id=fresh("enrollment"),
                learner_id=learner_id,
                course_id=course_id,
                term=1,
                course_version=1,
                enrolled_at=BEGAN,
            ),
            "enrollment",
        ),
        _event(
            Progressed(
                report_id=fresh("report"),
                learner_id=learner_id,
                course_id=course_id,
                updates=(UnitUpdate(unit_id="text", status=2, at=at),),
                attempts=(Attempt(unit_id="quiz", attempt_id="1", score=80, at=at),),
                received_at=at,
            ),
            "progress",
        ),
    ]


def learner_of(story: list[Event[EventData]]) -> str:
    """Return the learner of a story."""
    return next(event.subject for event in story if not isinstance(event.data, Course))


def _event(fact: EventData, service: str) -> Event[EventData]:
    return new_event(fact, source=f"/pravah/{service}", time=datetime.now(UTC))


async def test_withdrawal_and_return_in_any_order_of_arrival(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """Who left, came back as a new term and finished completes that term, once."""
    (learner_id, *_) = cohort.learners
    await cohort.appear()
    with platform.away("progress-stream"):
        await cohort.enroll([learner_id])
        left_at = BEGAN + timedelta(minutes=10)
        assert await client.withdraw(cohort.enrollments[learner_id], left_at)
        back_at = BEGAN + timedelta(minutes=20)
        await client.enroll(learner_id, cohort.course_id, back_at)
        await asyncio.gather(cohort.read([learner_id]), cohort.pass_quiz([learner_id]))
    await watch.until(lambda: bool(cohort.certified()), "the certificate")
    await watch.quiet()
    (completed,) = watch.events(Completed, [learner_id])
    assert completed.data.term == 2
    assert len(watch.events(Certified, [learner_id])) == 1
