"""A TCP proxy that cuts, stalls and delays, and for the store one that says its disk is full.

Our own, as the kept Python ones only delay: a cut and a stall are different faults. A cut is told
to both ends at once; a stall is told to nobody, and only a deadline finds it.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import bson

from pravah_shared.processing.tasks import until_first_ends

CHUNK_BYTES = 256 * 1024
HOST = "127.0.0.1"


class Proxy:
    """Forwards connections from `port` to `target_port`, as long as it is entered."""

    def __init__(self, port: int, target_port: int) -> None:
        self.port = port
        self.delay_seconds = 0.0
        self.connections = 0
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._serving: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self.restore()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def stall(self) -> None:
        """Let connections stand, and new ones be made, but nothing pass."""
        self._flowing.clear()

    async def restore(self) -> None:
        """Let everything pass again, at once."""
        self.delay_seconds = 0.0
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            # A reset at one end is one for the other; a cut cancels, and asyncio would tell of it.
            with suppress(OSError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            await close(writer)
            self._serving.discard(task)

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(HOST, self._target_port)
        try:
            await until_first_ends(
                self._requests(reader, requests, writer), self._copy(answers, writer)
            )
        finally:
            await close(requests)

    async def _requests(
        self, reader: StreamReader, onward: StreamWriter, _back: StreamWriter
    ) -> None:
        await self._copy(reader, onward)

    async def _copy(self, reader: StreamReader, writer: StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._passage()
            writer.write(chunk)
            await writer.drain()

    async def _passage(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        await self._flowing.wait()


async def close(writer: StreamWriter) -> None:
    """Reset a connection; return when it is gone."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


HEADER = struct.Struct("<iiii")
"""MongoDB wire protocol: message length, request id, response to, opcode."""
OP_MSG = 2013
WRITES = frozenset({"insert", "update", "delete", "findAndModify", "createIndexes", "bulkWrite"})
DISK_FULL = {
    "ok": 0.0,
    "errmsg": "The available disk space is less than required for this operation",
    "code": 14031,
    "codeName": "OutOfDiskSpace",
}
"""What a primary answers to a write when its disk has no room left (MongoDB's error_codes.yml)."""


class StoreProxy(Proxy):
    """A proxy that can answer writes as a store does whose disk is full; reads pass.

    The answer is made up here, on the wire: the store behind has room, and never sees the write.
    """

    disk_full = False
    refused = 0

    async def restore(self) -> None:
        """See `Proxy.restore`."""
        self.disk_full = False
        await super().restore()

    async def _requests(
        self, reader: StreamReader, onward: StreamWriter, back: StreamWriter
    ) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(HEADER.size)
                length, request_id, _, opcode = HEADER.unpack(head)
                body = await reader.readexactly(length - HEADER.size)
                await self._passage()
                if self.disk_full and opcode == OP_MSG and command_of(body) in WRITES:
                    self.refused += 1
                    # Nothing else is on its way back: a driver asks one thing at a time.
                    back.write(message(DISK_FULL, in_answer_to=request_id))
                    await back.drain()
                else:
                    onward.write(head + body)
                    await onward.drain()


def command_of(body: bytes) -> str:
    """Name the command of an OP_MSG: the first key of its first section."""
    flags_kind_length_type = 4 + 1 + 4 + 1
    return body[flags_kind_length_type : body.index(b"\0", flags_kind_length_type)].decode()


def message(document: dict[str, Any], *, in_answer_to: int = 0, request_id: int = 0) -> bytes:
    """Write an OP_MSG that holds one document."""
    body = struct.pack("<IB", 0, 0) + bson.encode(document)
    return HEADER.pack(HEADER.size + len(body), request_id, in_answer_to, OP_MSG) + body
