"""E-mail over SMTP: a few connections kept open, one transaction at a time on each.

What an answer means decides what becomes of the message (RFC 5321 § 4.2.1):

| where | answer | result |
|---|---|---|
| connect, EHLO, STARTTLS, AUTH, MAIL | any failure | ChannelDown: says nothing about the message |
| RCPT, DATA | 421 | ChannelDown: the server is closing |
| RCPT, DATA | other 4xx | Deferred |
| RCPT, DATA | 5xx | Refused |
| RCPT, DATA | no answer, connection lost | Interrupted: after DATA it may have been taken |

Reasons hold reply codes, never reply texts: those repeat addresses.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPResponseException

from pravah_notification.channels.address import Mailbox
from pravah_notification.model import (
    ChannelDown,
    Deferred,
    Delivered,
    Interrupted,
    Refused,
    Result,
    Unsent,
)
from pravah_notification.settings import NotificationSettings

_CLOSING = 421
_PERMANENT = 500
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

_LOST = (SMTPException, OSError, TimeoutError)
"""Everything that aiosmtplib raises; `SMTPResponseException` is told apart before it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A composed mail and where it goes."""

    sender: Mailbox
    to: Mailbox
    content: bytes


class EmailChannel:
    """Sends mails over up to `smtp_connections` connections, opened when first needed."""

    def __init__(self, settings: NotificationSettings) -> None:
        self._connections = [Connection(settings) for _ in range(settings.smtp_connections)]
        # Last in, first out: in quiet times few connections stay busy and the rest may time out.
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in self._connections:
            self._free.put_nowait(connection)

    async def send(self, envelope: Envelope, *, still_ours: Callable[[], bool]) -> Result:
        """Send one mail. `still_ours` is asked last, just before DATA. Raises nothing of SMTP."""
        connection = await self._free.get()
        try:
            return await connection.send(envelope, still_ours)
        finally:
            self._free.put_nowait(connection)

    async def probe(self) -> ChannelDown | None:
        """Say whether the server takes connections, without risking a message."""
        connection = await self._free.get()
        try:
            return await connection.probe()
        finally:
            self._free.put_nowait(connection)

    async def close(self) -> None:
        """Say goodbye on every open connection."""
        await asyncio.gather(*(connection.close() for connection in self._connections))


class Connection:
    """One connection to the mail server. Used by one task at a time."""

    def __init__(self, settings: NotificationSettings) -> None:
        self._settings = settings
        self._smtp: SMTP | None = None

    async def send(self, envelope: Envelope, still_ours: Callable[[], bool]) -> Result:
        """Run one mail transaction; the connection is clean or closed afterwards."""
        try:
            smtp = await self._begin(envelope)
        except _NotOffered:
            return Refused("server does not offer SMTPUTF8")
        except _LOST as error:
            self._drop()
            return ChannelDown(_told(error))
        result = await self._transfer(smtp, envelope, still_ours)
        if isinstance(result, ChannelDown | Interrupted):
            self._drop()
        elif not isinstance(result, Delivered):
            await self._reset(smtp)
        return result

    async def probe(self) -> ChannelDown | None:
        """Connect if not connected, and ask for an answer."""
        try:
            await (await self._connected()).noop()
        except _LOST as error:
            self._drop()
            return ChannelDown(_told(error))
        return None

    async def close(self) -> None:
        """Say goodbye; a server that does not answer is left."""
        if self._smtp is not None and self._smtp.is_connected:
            with suppress(*_LOST):
                await self._smtp.quit(timeout=1)
        self._drop()

    async def _begin(self, envelope: Envelope) -> SMTP:
        """Connect and MAIL. A kept connection that the server closed meanwhile is opened anew."""
        for attempt_is_last in (self._smtp is None, True):
            try:
                smtp = await self._connected()
                await smtp.mail(envelope.sender.addr_spec, options=_options(smtp, envelope))
            except _LOST as error:
                self._drop()
                refused = isinstance(error, SMTPResponseException) and error.code != _CLOSING
                if attempt_is_last or refused:
                    raise
            else:
                return smtp
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _transfer(
        self, smtp: SMTP, envelope: Envelope, still_ours: Callable[[], bool]
    ) -> Result:
        encoding = "utf-8" if envelope.to.needs_utf8 else "ascii"
        step = "RCPT"
        try:
            await smtp.rcpt(envelope.to.addr_spec, encoding=encoding)
            if not still_ours():
                return Unsent()
            step = "DATA"
            await smtp.data(envelope.content)
        except SMTPResponseException as error:
            reason = f"{step} {_told(error)}"
            if error.code == _CLOSING:
                return ChannelDown(reason)
            return Refused(reason) if error.code >= _PERMANENT else Deferred(reason)
        except _LOST as error:
            return Interrupted(f"{step} {_told(error)}")
        return Delivered()

    async def _connected(self) -> SMTP:
        if self._smtp is None or not self._smtp.is_connected:
            self._drop()
            self._smtp = _client(self._settings)
            # Bounds what aiosmtplib does not: name resolution, EHLO, STARTTLS and AUTH together.
            async with asyncio.timeout(2 * self._settings.smtp_timeout_seconds):
                await self._smtp.connect()
                await self._smtp.ehlo()
        return self._smtp

    async def _reset(self, smtp: SMTP) -> None:
        try:
            await smtp.rset()
        except _LOST:
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


class _NotOffered(Exception):  # noqa: N818 - never leaves this module
    """The address needs an extension that the server lacks: no other try would help."""


def _options(smtp: SMTP, envelope: Envelope) -> tuple[str, ...]:
    if not envelope.to.needs_utf8:
        return ()
    if not smtp.supports_extension("smtputf8"):
        raise _NotOffered
    return ("SMTPUTF8",)


def _client(settings: NotificationSettings) -> SMTP:
    return SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username or None,
        password=settings.smtp_password.get_secret_value() or None,
        timeout=settings.smtp_timeout_seconds,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        tls_context=None if settings.smtp_security == "none" else ssl.create_default_context(),
        local_hostname="pravah",  # the default resolves this machine's name: seconds, in a pod
    )


def _told(error: BaseException) -> str:
    """Say what failed in codes and class names only."""
    if isinstance(error, SMTPResponseException):
        enhanced = _ENHANCED.search(str(error.message))
        return f"{error.code} {enhanced.group()}" if enhanced else str(error.code)
    return type(error).__name__
