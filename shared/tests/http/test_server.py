"""Over real sockets: limits, draining, and a port that is taken."""

import asyncio
import contextlib
import socket

import httpx
import pytest
from fastapi import FastAPI

from pravah_shared.errors import ConfigurationError
from pravah_shared.http import head as heads
from pravah_shared.http import limits, server
from pravah_shared.http.head import HEAD_BYTES, MESSAGE_BYTES
from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.limits import BODY_BYTES
from pravah_shared.http.server import running, serve

HOST = "127.0.0.1"


async def exchange(port: int, sent: bytes) -> bytes:
    """Send bytes over a raw connection; return all that comes until it is closed."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


def head(path: str, *more: str) -> bytes:
    """Return the head of a POST."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: test", *more, "", ""]).encode()


async def test_a_large_body_is_refused_before_it_is_sent(app: FastAPI) -> None:
    """413 at once on the announcement, and the connection closes: its rest is no request."""
    async with running(app, HOST, 0) as port:
        answer = await exchange(port, head("/v1/notes", f"Content-Length: {BODY_BYTES + 1}"))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert b"connection: close" in answer.lower()


async def test_a_client_that_sends_it_all_reads_its_413(app: FastAPI, issuer: LocalIssuer) -> None:
    """Ordinary clients, which first send and then read, get the answer too."""
    headers = issuer.headers("operator")
    async with (
        running(app, HOST, 0) as port,
        httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client,
    ):
        response = await client.post("/v1/notes", content=b"x" * (BODY_BYTES + 1), headers=headers)
    assert response.status_code == 413


async def test_a_body_that_does_not_arrive_is_408(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stalled sender does not hold a connection for ever."""
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.05)
    async with running(app, HOST, 0) as port:
        sent = head("/v1/notes", "Content-Length: 10", "Content-Type: application/json") + b"{"
        assert (await exchange(port, sent)).startswith(b"HTTP/1.1 408")


async def test_a_body_that_trickles_is_408(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for the whole body: a byte now and then buys no more of it."""
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    async with running(app, HOST, 0) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(head("/v1/notes", "Content-Length: 1000", "Content-Type: application/json"))
        answer = asyncio.ensure_future(reader.readline())
        for _ in range(1000):
            writer.write(b" ")
            if (await asyncio.wait({answer}, timeout=0.05))[0]:
                break
        writer.close()
        assert (await answer).startswith(b"HTTP/1.1 408")


async def test_a_head_without_end_is_refused(app: FastAPI) -> None:
    """Nobody fills the memory with headers; what comes in parts is counted together."""
    async with running(app, HOST, 0) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: test\r\nX-Long: ")
        for _ in range(HEAD_BYTES // 1000 + 1):
            writer.write(b"a" * 1000)
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_a_body_without_end_is_cut(app: FastAPI) -> None:
    """Also where the bytes are none of the body's: trailers are counted too."""
    async with running(app, HOST, 0) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(head("/v1/notes", "Transfer-Encoding: chunked") + b"0\r\nX-Trailer: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(2 * MESSAGE_BYTES // 65536):
                writer.write(b"a" * 65536)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        assert reader.at_eof() or reader.exception()
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTT", b"GET /healthz HTTP/1.1\r\nHost: t"])
async def test_a_head_that_does_not_come_ends_the_connection(
    sent: bytes, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that asks for nothing is not kept."""
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.1)
    async with running(app, HOST, 0) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_a_kept_connection_outlives_the_wait_for_a_head(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is for a head that has begun, not for a client to ask again."""
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.2)
    ask = b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"
    async with running(app, HOST, 0) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, port)
        for _ in range(2):
            writer.write(ask)
            assert (await reader.readuntil(b'"alive":true}')).startswith(b"HTTP/1.1 200")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await reader.read(1)
        writer.close()


async def test_garbage_does_not_reach_the_application(app: FastAPI) -> None:
    """What is no HTTP is 400; the server goes on."""
    async with running(app, HOST, 0) as port:
        assert (await exchange(port, b"\x00\xff nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://{HOST}:{port}/healthz")).status_code == 200


async def test_a_taken_port_is_told_with_its_remedy(app: FastAPI) -> None:
    """Before anything else of the process starts."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"{port} is in use.*pravah doctor"):
            async with running(app, HOST, port):
                pass


async def test_what_a_lifespan_raises_comes_out() -> None:
    """The process can tell why its application did not start."""
    app = FastAPI(lifespan=fails)
    with pytest.raises(ConfigurationError, match="no key"):
        async with running(app, HOST, 0):
            pass


def fails(_app: FastAPI) -> "Failing":
    """Return a lifespan that refuses."""
    return Failing()


class Failing:
    """A lifespan that refuses to start."""

    async def __aenter__(self) -> None:
        """Refuse."""
        raise ConfigurationError("no key")

    async def __aexit__(self, *_: object) -> None:
        """Leave nothing behind."""


async def test_leaving_drains_and_frees_the_port(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that never ends is cut after its grace; the port can be had again."""
    monkeypatch.setattr(server, "DRAIN_SECONDS", 0.2)
    async with running(app, HOST, 0) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /v1/waits HTTP/1.1\r\nHost: test\r\n\r\n")
        await writer.drain()
    assert b"200" not in await reader.read()
    writer.close()
    async with running(app, HOST, port):
        pass


async def test_a_cancelled_server_ends(app: FastAPI) -> None:
    """`serve` is a task like any other."""
    task = asyncio.create_task(serve(app, HOST, 0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_no_http_is_refused(app: FastAPI) -> None:
    """400, and nothing else happens: there is no request whose body could be waited for."""
    async with running(app, HOST, 0) as port, asyncio.timeout(10):
        assert (await exchange(port, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_late_body_leaves_no_complaint(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The application sees a client that has gone, as often happens."""
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.05)
    async with running(app, HOST, 0) as port:
        sent = head("/v1/notes", "Content-Length: 10", "Content-Type: application/json") + b"{"
        await exchange(port, sent)
    assert [line for line in caplog.records if line.levelname == "ERROR"] == []
