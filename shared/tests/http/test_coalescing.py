"""What the server writes in one turn of the event loop leaves as one piece."""

import asyncio
from typing import Any

import httpx
import pytest
import uvloop
from fastapi import FastAPI

from pravah_shared.http.coalescing import CoalescingTransport
from pravah_shared.http.server import running


class Transport:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def write(self, piece: bytes) -> None:
        """Note a piece."""
        self.told.append(piece)

    def close(self) -> None:
        """Note the end."""
        self.told.append("closed")

    def abort(self) -> None:
        """Note the end."""
        self.told.append("aborted")

    def is_closing(self) -> bool:
        """Never."""
        return False


@pytest.fixture
def transport() -> Transport:
    """Return a transport."""
    return Transport()


@pytest.fixture
async def coalescing(transport: Transport) -> Any:
    """Return it, coalescing."""
    return CoalescingTransport(transport, asyncio.get_running_loop())  # type: ignore[arg-type]


async def test_a_turn_is_one_piece(coalescing: Any, transport: Transport) -> None:
    """Head and body; and the next turn's are the next piece."""
    coalescing.write(b"head ")
    coalescing.write(b"body")
    assert transport.told == []
    await asyncio.sleep(0)
    coalescing.write(b"more")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert transport.told == [b"head body", b"more"]


async def test_what_is_held_goes_before_the_end(coalescing: Any, transport: Transport) -> None:
    """An answer that closes its connection is whole."""
    coalescing.write(b"last")
    coalescing.close()
    await asyncio.sleep(0)
    assert transport.told == [b"last", "closed"]


async def test_nothing_goes_after_an_abort(coalescing: Any, transport: Transport) -> None:
    """The connection is gone."""
    coalescing.write(b"late")
    coalescing.abort()
    await asyncio.sleep(0)
    assert transport.told == ["aborted"]


async def test_all_else_is_the_transports(coalescing: Any) -> None:
    """As the server asks it."""
    assert coalescing.is_closing() is False


def test_the_server_answers_on_the_event_loop_of_services() -> None:
    """Whose transports are none of asyncio's classes."""
    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        return "here"

    async def ask() -> str:
        async with running(app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/")).text

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask()) == '"here"'
