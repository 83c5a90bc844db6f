"""A real SMTP server (aiosmtpd) that misbehaves on request."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.smtp import SMTP as Protocol  # noqa: N811 - the package names two things SMTP

if TYPE_CHECKING:
    from email.message import EmailMessage

Answer = Callable[[str], str | None]


class SmtpDouble:
    """Keeps accepted mails. `rcpt` and `data` map an address to a reply; None: accept.

    The replies `drop` and `stall` are no replies: close the connection, say nothing.
    """

    def __init__(self) -> None:
        self.port = 0
        self.rcpt: Answer = lambda _address: None
        self.data: Answer = lambda _address: None
        self.mails: list[EmailMessage] = []
        self.connections = 0
        self.started: asyncio.Queue[str] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._released = asyncio.Event()
        self._open: set[Any] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        await self.go_away()

    async def listen(self) -> None:
        """Listen, on the same port as before if it went away."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def go_away(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        """Close the connections that are open now, as a server does with idle ones."""
        for transport in tuple(self._open):
            transport.close()
        self._open.clear()

    @property
    def recipients(self) -> list[str]:
        """Who got mail, once per accepted mail."""
        return [str(mail["X-RcptTo"]) for mail in self.mails]

    def _protocol(self) -> Protocol:
        self.connections += 1
        double = self

        class Tracked(Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                double._open.add(transport)
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                double._open.discard(self.transport)
                super().connection_lost(error)

        return Tracked(self, enable_SMTPUTF8=True, hostname="double", loop=None)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        reply = await self._reply(self.rcpt(address), server)
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Answer the end of DATA."""
        address = envelope.rcpt_tos[0]
        self.started.put_nowait(address)
        reply = await self._reply(self.data(address), server)
        if reply.startswith("2"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            mail["X-RcptTo"] = address
            self.mails.append(mail)
        return reply

    async def _reply(self, reply: str | None, server: Any) -> str:
        if reply == "drop":
            server.transport.abort()
            await self._released.wait()
        elif reply == "stall":
            await self._released.wait()
        return reply or "250 OK"
