"""Erased is erased: the name is in no collection, no topic, no log, and stays unreadable."""

import base64
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from bson.raw_bson import RawBSONDocument
from cohort import Cohort, address_of, learner_body
from pymongo import AsyncMongoClient
from standing_platform import DATABASES, Platform
from watching import DEAD, READERS, Watch

from pravah_cli.client import Client
from pravah_cli.testing import eventually
from pravah_shared.events import Certified, PersonErased
from pravah_shared.kafka.reader import TopicReader

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

NAME, LATIN, PHONE = "ज़ेबुन्निसा विद्यालंकार", "Zebunnisa Vidyalankar", "+919876501234"
DESIGNATION = "Deputy Keeper of Astrolabes"


def person_of(learner_id: str) -> dict[str, str]:
    """Return someone whom no other test can be mistaken for."""
    said = {"name": NAME, "latin_name": LATIN, "phone": PHONE, "designation": DESIGNATION}
    return {**learner_body(learner_id), **said}


def traces_of(learner_id: str) -> list[bytes]:
    """Return what must be found nowhere: each personal word in each form that bytes may take."""
    words = [NAME, LATIN, PHONE, DESIGNATION, address_of(learner_id), *NAME.split(), *LATIN.split()]
    escaped = [json.dumps(word).strip('"') for word in words]
    encoded = [base64.b64encode(word.encode()).decode().rstrip("=") for word in words]
    return [text.encode() for text in (*words, *escaped, *encoded)]


async def stored(platform: Platform) -> AsyncIterator[tuple[str, bytes]]:
    """Yield the bytes of every document of every database of the deployment."""
    async with AsyncMongoClient(
        platform.settings.mongo_uri, document_class=RawBSONDocument
    ) as client:
        for name in DATABASES:
            database = client[f"{platform.name}_{name}"]
            for collection in await database.list_collection_names():
                async for document in database[collection].find():
                    yield f"{name}.{collection}", bytes(document.raw)


async def published(platform: Platform) -> AsyncIterator[tuple[str, bytes]]:
    """Yield key, headers and value of every record of every topic."""
    async with TopicReader(platform.settings, [*READERS, *DEAD]) as reader:
        while not await reader.at_end():
            for record in await reader.read():
                headers = b"".join(name.encode() + text for name, text in record.headers)
                yield record.topic, (record.key or b"") + headers + (record.value or b"")


def logged(platform: Platform) -> Iterator[tuple[str, bytes]]:
    """Yield what every process has logged."""
    for log in (platform.config.state_dir / "logs").glob("*.log"):
        yield log.name, log.read_bytes()


async def places(platform: Platform, words: list[bytes]) -> tuple[set[str], int]:
    """Return where one of the words stands, and how many places were searched."""
    searched = [each async for each in stored(platform)]
    searched += [each async for each in published(platform)]
    searched += logged(platform)
    found = {place for place, content in searched if any(word in content for word in words)}
    return found, len(searched)


@pytest.fixture
async def certified(cohort: Cohort, watch: Watch, client: Client) -> str:
    """Return a learner who went the whole way."""
    (learner_id, *_) = cohort.learners = cohort.learners[:1]
    await cohort.appear()
    await client.put_learner(learner_id, person_of(learner_id))
    await cohort.enroll()
    await cohort.finish()
    await cohort.all_came_once()
    return learner_id


async def erase(platform: Platform, watch: Watch, learner_id: str) -> None:
    """Erase the learner and wait until every service has heard of it."""
    async with platform.http("learner", learner_id) as http:
        url = f"{platform.addresses.enrollment}/v1/learners/{learner_id}"
        assert (await http.delete(url)).status_code == 204
        assert (await http.delete(url)).status_code == 204
    await watch.until(lambda: bool(watch.events(PersonErased, [learner_id])), "the tombstone")
    await watch.quiet()


async def test_the_name_is_found_nowhere(certified: str, watch: Watch, platform: Platform) -> None:
    """Not in a store, a topic or a log; and the search does find what is there."""
    await erase(platform, watch, certified)
    found, searched = await places(platform, traces_of(certified))
    assert found == set()
    control, _ = await places(platform, [certified.encode()])
    assert {"enrollment.enrollments", "progress.progress", "people"} <= control, searched


async def test_personal_data_is_sealed_before_it_is_erased_too(
    certified: str, platform: Platform
) -> None:
    """While the learner is known, stores, topics and logs hold ciphertext only."""
    found, _ = await places(platform, traces_of(certified))
    assert found == set()


async def test_nobody_tells_the_name_any_more(
    certified: str, watch: Watch, platform: Platform
) -> None:
    """Enrollment answers 410, the certificate says erased, the inbox does not greet by name."""
    (event,) = watch.events(Certified, [certified])
    await erase(platform, watch, certified)
    addresses = platform.addresses
    async with platform.http() as http:
        answer = await http.get(f"{addresses.enrollment}/v1/learners/{certified}")
        assert answer.status_code == 410
        again = await http.put(
            f"{addresses.enrollment}/v1/learners/{certified}", json=person_of(certified)
        )
        assert again.status_code == 410
        asked = (
            event.data.verify_url,
            f"{addresses.certificate}/v1/learners/{certified}/certificates",
            f"{addresses.notification}/v1/learners/{certified}/inbox",
            f"{addresses.notification}/trace/{certified}/{event.data.course_id}",
            f"{addresses.enrollment}/trace/{certified}/{event.data.course_id}",
        )
        for url in asked:

            async def nameless(url: str = url) -> bool:
                told = (await http.get(url, headers={"accept": "application/json"})).content
                return not any(word in told for word in traces_of(certified))

            await eventually(nameless, 30, f"{url} without the name")
        verified = await http.get(event.data.verify_url, headers={"accept": "application/json"})
        assert verified.json()["state"] == "erased"


async def test_what_is_no_personal_data_stays(
    certified: str, watch: Watch, platform: Platform, client: Client
) -> None:
    """The certificate's number, the enrollment and the progress stand under the opaque id."""
    (event,) = watch.events(Certified, [certified])
    await erase(platform, watch, certified)
    (enrollment,) = await client.enrollments(certified)
    assert enrollment["status"] == "completed"
    assert await client.progress(certified, event.data.course_id) is not None


async def test_erased_while_messages_wait(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """Who is erased before a mail went out gets none, and nothing waits for ever."""
    (learner_id, *_) = cohort.learners = cohort.learners[:1]
    with platform.away("notification-dispatch"):
        await cohort.appear()
        await cohort.enroll()
        async with platform.http("learner", learner_id) as http:
            url = f"{platform.addresses.enrollment}/v1/learners/{learner_id}"
            assert (await http.delete(url)).status_code == 204
        await watch.until(lambda: bool(watch.events(PersonErased, [learner_id])), "the tombstone")
    await watch.quiet()
    assert cohort.mails() == {learner_id: []}
