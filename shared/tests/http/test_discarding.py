"""Refused bodies over real sockets: whoever sends them reads the answer."""

import asyncio

import pytest
from fastapi import FastAPI

from pravah_shared.http import discarding
from pravah_shared.http.limits import BODY_BYTES
from pravah_shared.http.server import running

HOST = "127.0.0.1"
PIECE = b"x" * 65536


def head(*more: str) -> bytes:
    """Return the head of a POST."""
    lines = ["POST /v1/notes HTTP/1.1", "Host: test", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def send_slowly(writer: asyncio.StreamWriter, pieces: int, *, chunked: bool) -> None:
    """Send a large body in pieces, letting the server answer and close between any two."""
    for _ in range(pieces):
        writer.write(b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
        await writer.drain()
        await asyncio.sleep(0)
    if chunked:
        writer.write(b"0\r\n\r\n")


@pytest.mark.parametrize("chunked", [False, True])
async def test_who_sends_first_and_then_reads_gets_the_413(app: FastAPI, *, chunked: bool) -> None:
    """No reset while the body is on its way, four times as large as the limit."""
    pieces = 4 * BODY_BYTES // len(PIECE)
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {pieces * len(PIECE)}"
    async with running(app, HOST, 0) as port, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(head(size))
        await send_slowly(writer, pieces, chunked=chunked)
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer


async def test_a_body_without_end_is_not_read_for_ever(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes at once, and the connection ends after so many bytes."""
    monkeypatch.setattr(discarding, "DISCARD_BYTES", len(PIECE))
    async with running(app, HOST, 0) as port, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(head(f"Content-Length: {1 << 40}"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        with pytest.raises(ConnectionError):
            await send_slowly(writer, 10_000, chunked=False)
        writer.close()
