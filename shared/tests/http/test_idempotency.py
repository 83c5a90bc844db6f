"""A POST sent twice has its effect once, on the real store."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from pravah_cli.testing import Stack
from pravah_shared.errors import StoreUnavailable
from pravah_shared.http.idempotency import CLAIM_SECONDS, IdempotencyStore, Once
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.problems import Problem
from pravah_shared.mongo import Collection, Database

pytestmark = pytest.mark.stack
PATH = "/v1/things"


class Things:
    """What the POST does: it counts, and fails or waits when told to."""

    def __init__(self) -> None:
        self.done = 0
        self.fails: Exception | None = None
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.began = asyncio.Event()

    async def make(self) -> Response:
        """Have an effect."""
        self.began.set()
        await self.goes_on.wait()
        if self.fails:
            raise self.fails
        self.done += 1
        return JSONResponse({"n": self.done}, 201, {"Location": f"/v1/things/{self.done}"})


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return it."""
        return self.now


@pytest.fixture
async def keys(stack: Stack) -> AsyncIterator[Collection]:
    """Yield the collection of keys, in a database of the test's own."""
    database = Database.connect(stack.mongo_uri, f"test_{uuid.uuid4().hex}")
    yield database.collection("idempotency")
    await database.drop()
    await database.close()


@pytest.fixture
def clock() -> Clock:
    """Return the store's clock."""
    return Clock()


@pytest.fixture
def things() -> Things:
    """Return the effects."""
    return Things()


@pytest.fixture
async def post(
    app: FastAPI, keys: Collection, clock: Clock, things: Things, issuer: LocalIssuer
) -> AsyncIterator[Callable[..., asyncio.Task[httpx.Response]]]:
    """Yield how to send a POST; the answer is awaited by the test."""
    app.state.idempotency = IdempotencyStore(keys, clock)
    await app.state.idempotency.prepare()

    @app.post(PATH)
    async def make(
        who: Annotated[Principal, allow("learner")], once: Once, body: dict[str, int]
    ) -> Response:
        return await once.answer(things.make)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

        def send(
            key: str | None = "k1", learner: str = "l1", body: object = None
        ) -> asyncio.Task[httpx.Response]:
            headers = issuer.headers("learner", learner_id=learner)
            if key is not None:
                headers["Idempotency-Key"] = key
            given = {"a": 1} if body is None else body
            return asyncio.create_task(client.post(PATH, json=given, headers=headers))

        yield send


Post = Callable[..., asyncio.Task[httpx.Response]]


async def test_the_second_gets_the_first_ones_answer(post: Post, things: Things) -> None:
    """Status, body and Location are replayed, and marked as such."""
    first, second = await post(), await post()
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() == {"n": 1}
    assert second.headers["location"] == "/v1/things/1"
    assert second.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert things.done == 1


async def test_quotes_around_a_key_do_not_matter(post: Post, things: Things) -> None:
    """The IETF draft writes the key as a quoted string; many clients do not."""
    await post('"k1"')
    await post("k1")
    assert things.done == 1


async def test_without_a_key_each_is_its_own(post: Post, things: Things) -> None:
    """The header is the client's choice."""
    await post(None)
    await post(None)
    assert things.done == 2


async def test_another_body_with_the_key_is_422(post: Post, things: Things) -> None:
    """A reused key is a client's mistake, told as such."""
    await post()
    response = await post(body={"a": 2})
    assert response.status_code == 422
    assert response.json()["type"].endswith("idempotency-key-reused")
    assert things.done == 1


async def test_a_key_belongs_to_its_principal(post: Post, things: Things) -> None:
    """Nobody reads another's answer by guessing a key."""
    await post(learner="l1")
    response = await post(learner="l2")
    assert response.json() == {"n": 2}
    assert things.done == 2


async def test_while_the_first_works_the_second_gets_409(post: Post, things: Things) -> None:
    """And is asked to come back; then it gets the answer."""
    things.goes_on.clear()
    first = post()
    await things.began.wait()
    second = await post()
    assert second.status_code == 409
    assert second.headers["retry-after"] == "1"
    things.goes_on.set()
    assert (await first).status_code == 201
    assert (await post()).json() == {"n": 1}


async def test_of_many_at_once_one_works(post: Post, things: Things) -> None:
    """The claim is one insert: whoever wins it works."""
    answers = await asyncio.gather(*(post() for _ in range(20)))
    assert things.done == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


@pytest.mark.parametrize(
    "failure", [StoreUnavailable("away"), Problem(404, "Unknown", "no such"), ValueError("fault")]
)
async def test_a_failure_is_not_kept(failure: Exception, post: Post, things: Things) -> None:
    """The same request, sent again after the cause is gone, is done."""
    things.fails = failure
    assert (await post()).status_code >= 400
    things.fails = None
    assert (await post()).status_code == 201


async def test_a_dead_processs_claim_is_taken_over(
    post: Post, things: Things, keys: Collection, clock: Clock
) -> None:
    """Inserted, then killed: the retry waits for CLAIM_SECONDS, then does the work."""
    await post()
    await keys.update_one({}, {"$unset": {"status": "", "body": ""}})
    assert (await post()).status_code == 409
    clock.now += timedelta(seconds=CLAIM_SECONDS + 1)
    assert (await post(body={"a": 2})).status_code == 422
    assert (await post()).json() == {"n": 2}
    assert (await post()).json() == {"n": 2}


async def test_records_expire_later_than_a_day(post: Post, keys: Collection, clock: Clock) -> None:
    """The store forgets them by its TTL index, not before 24 hours."""
    await post()
    (record,) = await keys.find({})
    assert record["expires_at"] >= clock.now + timedelta(hours=24)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", '"', "\x7f"])
async def test_what_is_no_key_is_400(key: str, post: Post, things: Things) -> None:
    """Named with its remedy, before anything is done."""
    response = await post(key)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "header Idempotency-Key"
    assert things.done == 0
