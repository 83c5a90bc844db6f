"""The harness's own tools do what they say: a proxy that did not cut would prove nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import bson
import pytest
from faulting.proxy import DISK_FULL, HEADER, Proxy, StoreProxy, message

from pravah_cli.local.ports import free_ports

WAIT_SECONDS = 0.3
"""Long enough for what passes to pass on this machine; what is stalled stays away for ever."""


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """Yield the port of a server that sends back what it gets."""
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with suppress(OSError):
            while chunk := await reader.read(1024):
                writer.write(chunk)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*(task for task in serving if task))


class Caller:
    """One connection through a proxy."""

    def __init__(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.reader, self.writer = streams

    async def says(self, sent: bytes) -> bytes:
        """Return what comes back."""
        self.writer.write(sent)
        return await asyncio.wait_for(self.reader.readexactly(len(sent)), WAIT_SECONDS)


Call = Callable[[], Awaitable[Caller]]


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[StoreProxy]:
    """Yield a proxy before the echo."""
    async with StoreProxy(free_ports(1)[0], echo) as proxy:
        yield proxy


@pytest.fixture
async def call(proxy: StoreProxy) -> AsyncIterator[Call]:
    """Yield what connects through the proxy."""
    callers: list[Caller] = []

    async def connect() -> Caller:
        callers.append(Caller(await asyncio.open_connection("127.0.0.1", proxy.port)))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.writer.close()
        with suppress(OSError):
            await caller.writer.wait_closed()


PING = message({"ping": 1})
UPDATE = message({"update": "progress"}, request_id=7)


async def test_passes_on_what_it_gets(proxy: Proxy, call: Call) -> None:
    """Both ways, until somebody breaks it."""
    caller = await call()
    assert await caller.says(PING) == PING


async def test_a_cut_resets_and_refuses_until_it_is_mended(proxy: Proxy, call: Call) -> None:
    """Those who are connected hear it at once, those who come are refused."""
    caller = await call()
    assert await caller.says(PING) == PING
    await proxy.cut()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await caller.says(PING)
    with pytest.raises(ConnectionError):
        await call()
    await proxy.restore()
    again = await call()
    assert await again.says(PING) == PING


async def test_a_stall_is_told_to_nobody(proxy: Proxy, call: Call) -> None:
    """The connection stands, nothing comes; afterwards what was sent arrives."""
    caller = await call()
    proxy.stall()
    with pytest.raises(TimeoutError):
        await caller.says(PING)
    await proxy.restore()
    assert await asyncio.wait_for(caller.reader.readexactly(len(PING)), WAIT_SECONDS) == PING


async def test_a_delay_is_at_least_that_long(proxy: Proxy, call: Call) -> None:
    """There and back: twice the delay."""
    caller = await call()
    proxy.delay_seconds = 0.05
    began = asyncio.get_running_loop().time()
    assert await caller.says(PING) == PING
    assert asyncio.get_running_loop().time() - began >= 0.1


async def test_a_full_disk_refuses_writes_and_answers_reads(proxy: StoreProxy, call: Call) -> None:
    """A write gets MongoDB's own answer, under its request's id; the store never sees it."""
    caller = await call()
    proxy.disk_full = True
    assert await caller.says(PING) == PING
    caller.writer.write(UPDATE)
    length, _, in_answer_to, _ = HEADER.unpack(await caller.reader.readexactly(HEADER.size))
    body = await caller.reader.readexactly(length - HEADER.size)
    assert in_answer_to == 7
    assert bson.decode(body[5:]) == DISK_FULL
    assert proxy.refused == 1
    proxy.disk_full = False
    assert await caller.says(UPDATE) == UPDATE
