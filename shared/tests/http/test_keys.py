"""Keys come from the issuer over real HTTP: when needed, not too often, kept while it is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Response

from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.keys import FRESH_SECONDS, RETRY_SECONDS, IssuerUnavailable, RemoteKeys
from pravah_shared.http.server import running
from pravah_shared.settings import Settings


class Issuer:
    """An issuer whose answer a test chooses."""

    def __init__(self) -> None:
        self.answer: Any = {"keys": []}
        self.status = 200
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_asked = asyncio.Event()
        self.app = FastAPI()

        @self.app.get("/jwks.json")
        async def jwks() -> Any:
            self.asked += 1
            self.is_asked.set()
            await self.answers.wait()
            if isinstance(self.answer, bytes):
                return Response(self.answer, self.status)
            return self.answer if self.status == 200 else Response(status_code=self.status)


@pytest.fixture
async def remote() -> AsyncIterator[tuple[Issuer, str]]:
    """Yield a running issuer and the address of its keys."""
    issuer = Issuer()
    async with running(issuer.app, "127.0.0.1", 0) as port:
        yield issuer, f"http://127.0.0.1:{port}/jwks.json"


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


def keys_of(count: int) -> tuple[dict[str, Any], list[str]]:
    """Return a JWKS of so many keys and their ids."""
    entries = [LocalIssuer(Settings()).jwks()["keys"][0] for _ in range(count)]
    return {"keys": entries}, [entry["kid"] for entry in entries]


async def test_keys_are_fetched_once_for_many_requests(remote: tuple[Issuer, str]) -> None:
    """A hundred requests at the start ask the issuer once."""
    issuer, url = remote
    issuer.answer, (kid,) = keys_of(1)
    keys = RemoteKeys(url)
    found = await asyncio.gather(*(keys.find(kid) for _ in range(100)))
    assert all(found)
    assert issuer.asked == 1


async def test_an_unknown_kid_asks_again_but_not_at_will(remote: tuple[Issuer, str]) -> None:
    """A new key is found; made-up key ids cannot make us flood the issuer."""
    issuer, url = remote
    clock = Clock()
    keys = RemoteKeys(url, clock)
    assert await keys.find("made-up") is None
    issuer.answer, (kid,) = keys_of(1)
    for number in range(20):
        assert await keys.find(f"made-up-{number}") is None
    assert issuer.asked == 1
    clock.now += RETRY_SECONDS
    assert await keys.find(kid)
    assert issuer.asked == 2


async def test_a_withdrawn_key_ends_when_keys_are_asked_anew(remote: tuple[Issuer, str]) -> None:
    """What the issuer no longer shows no longer verifies."""
    issuer, url = remote
    issuer.answer, (kid,) = keys_of(1)
    clock = Clock()
    keys = RemoteKeys(url, clock)
    assert await keys.find(kid)
    issuer.answer = {"keys": []}
    assert await keys.find(kid)
    clock.now += FRESH_SECONDS
    assert await keys.find(kid) is None


async def test_known_keys_outlive_an_outage(remote: tuple[Issuer, str]) -> None:
    """An issuer that is away stops nobody who was known; a new key waits, as 503."""
    issuer, url = remote
    issuer.answer, (kid,) = keys_of(1)
    clock = Clock()
    keys = RemoteKeys(url, clock)
    assert await keys.find(kid)
    issuer.status = 500
    clock.now += FRESH_SECONDS
    assert await keys.find(kid)
    with pytest.raises(IssuerUnavailable):
        await keys.find("another")
    issuer.status = 200
    clock.now += RETRY_SECONDS
    assert await keys.find("another") is None


async def test_an_issuer_that_hangs_holds_up_one_request(remote: tuple[Issuer, str]) -> None:
    """While one asks for fresh keys, all others go on with those that are known."""
    issuer, url = remote
    issuer.answer, (kid,) = keys_of(1)
    clock = Clock()
    keys = RemoteKeys(url, clock)
    assert await keys.find(kid)
    clock.now += FRESH_SECONDS
    issuer.answers.clear()
    issuer.is_asked.clear()
    asking = asyncio.create_task(keys.find(kid))
    async with asyncio.timeout(3):  # below the deadline of a request to the issuer
        await issuer.is_asked.wait()
        assert await keys.find(kid)
    assert not asking.done()
    issuer.answers.set()
    assert await asking


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"keys": 1}', b"x" * 300_000, b"\xff"])
async def test_an_answer_that_is_no_jwks_is_an_outage(
    answer: bytes, remote: tuple[Issuer, str]
) -> None:
    """A proxy's error page does not turn everybody's tokens into 401."""
    issuer, url = remote
    issuer.answer = answer
    with pytest.raises(IssuerUnavailable):
        await RemoteKeys(url).find("any")


async def test_nobody_listening_is_an_outage() -> None:
    """Connection refused is told as such."""
    with pytest.raises(IssuerUnavailable, match="issuer up"):
        await RemoteKeys("http://127.0.0.1:1/jwks.json").find("any")
