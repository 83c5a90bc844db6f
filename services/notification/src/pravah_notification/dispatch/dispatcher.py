"""The dispatcher: lease due entries, send them over several connections at once, mark them.

    leaser ──jobs (bounded)──▶ senders ──results──▶ marker

A message goes out once, but for two windows, both counted (`retaken`): the process dies between
the server's acceptance and the mark, or freezes past its lease with a mail on its way. The mail
sent again carries the same Message-ID.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from pravah_notification.channels.address import mailbox
from pravah_notification.channels.breaker import Breaker
from pravah_notification.channels.email import EmailChannel, Envelope
from pravah_notification.channels.mime import Mail, Sender, compose
from pravah_notification.dispatch.marker import Marker
from pravah_notification.dispatch.work import Done, Job, Lease
from pravah_notification.dispatch.writer import MailWriter, or_unwritable
from pravah_notification.model import (
    Channel,
    ChannelDown,
    Deferred,
    Delivered,
    Entry,
    Interrupted,
    Refused,
    Result,
    Unsent,
)
from pravah_notification.settings import NotificationSettings
from pravah_notification.store import Ledger
from pravah_shared.errors import Transient
from pravah_shared.telemetry import metrics, traces
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

CHANNEL: Final[Channel] = "email"
STORE_PAUSE_SECONDS = 1.0
"""After the store or the key store failed."""


class Dispatcher:
    """Sends the e-mail channel's entries until stopped. Run as `processing.runner.Runner`s are."""

    name = "dispatch"

    def __init__(
        self,
        ledger: Ledger,
        writer: MailWriter,
        channel: EmailChannel,
        settings: NotificationSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._channel = channel
        self._settings = settings
        self._clock = clock
        self._monotonic = asyncio.get_running_loop().time
        self._sender = Sender(settings.mail_from_name, mailbox(settings.mail_from_address))
        self._marker = Marker(ledger, CHANNEL, settings.retry_policy, clock)
        self._stopping = asyncio.Event()
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue(settings.dispatch_batch)
        self._broken_in_a_row = 0
        self._turned_at = self._monotonic()
        self._ended = asyncio.Event()
        self.breaker = Breaker(
            self._monotonic, settings.smtp_hold_seconds, settings.smtp_most_hold_seconds
        )

    async def run(self) -> None:
        """Run until `stop`: then what is on its way is finished and marked, the rest released."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._marker.run())
                senders = [
                    tasks.create_task(self._send_jobs())
                    for _ in range(self._settings.smtp_connections)
                ]
                await self._lease_jobs()
                for _ in senders:
                    await self._jobs.put(None)
                await asyncio.wait(senders)
                self._marker.finish()
        finally:
            await self._channel.close()
            self._ended.set()

    async def stop(self) -> None:
        """Take no further entry; return when `run` has ended."""
        self._stopping.set()
        await self._ended.wait()

    @property
    def ready(self) -> bool:
        """Whether mail goes out now."""
        return not self.breaker.is_open and not self._stopping.is_set()

    def alive(self) -> bool:
        """Whether the loop turned within the longest time that one turn may take."""
        settings = self._settings
        longest = settings.smtp_most_hold_seconds + 10 * settings.smtp_timeout_seconds
        return self._monotonic() - self._turned_at < longest

    async def _lease_jobs(self) -> None:
        while not self._stopping.is_set():
            self._turn()
            try:
                if self.breaker.is_open:
                    await self._wait_for_channel()
                elif not await self._lease_batch():
                    await self._pause(self._settings.dispatch_idle_seconds)
            except Transient as error:
                log.warning("dispatch.waiting", reason=str(error))
                await self._pause(STORE_PAUSE_SECONDS)

    async def _lease_batch(self) -> bool:
        """Lease and prepare a batch; False: nothing was due."""
        now = self._clock()
        until = now + timedelta(seconds=self._settings.dispatch_lease_seconds)
        lease = Lease(str(uuid.uuid4()), until)
        entries, retaken = await self._ledger.lease(
            CHANNEL, self._settings.dispatch_batch, token=lease.token, now=now, until=until
        )
        if retaken:
            log.warning("dispatch.retaken", entries=retaken)
            metrics.DELIVERIES.labels(CHANNEL, "retaken").inc(retaken)
        if entries:
            await self._prepare(entries, lease)
        return bool(entries)

    async def _prepare(self, entries: Sequence[Entry], lease: Lease) -> None:
        try:
            letters = await self._writer.write(entries)
        except Transient:
            for entry in entries:
                self._marker.put(Done(entry, lease, Unsent()))
            raise
        for entry, letter in zip(entries, letters, strict=True):
            if isinstance(letter, Mail):
                await self._jobs.put(Job(entry, lease, letter))
            else:
                self._marker.put(Done(entry, lease, letter))

    async def _wait_for_channel(self) -> None:
        """Hold this channel until its server answers a probe. Risks no message."""
        await self._pause(self.breaker.wait_seconds)
        if self._stopping.is_set():
            return
        down = await self._channel.probe()
        if down is None:
            log.info("channel.works", channel=CHANNEL)
            self.breaker.worked()
        else:
            self.breaker.failed(down.reason)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not past `stop`."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _send_jobs(self) -> None:
        while (job := await self._jobs.get()) is not None:
            result = await self._send(job)
            self._turn()
            self._watch(result)
            self._marker.put(Done(job.entry, job.lease, result))

    async def _send(self, job: Job) -> Result:
        if self._stopping.is_set():
            return Unsent()
        if self.breaker.is_open:
            return ChannelDown(self.breaker.reason or "")
        parent = job.entry.occasion.traceparent
        with traces.span("notification.send", parent=parent, kind="client"):
            mail = replace(job.mail, traceparent=traces.current_traceparent() or parent)
            at = self._clock()
            content = or_unwritable(job.entry, lambda _: compose(mail, self._sender, at))
            if isinstance(content, Refused):
                return content
            return await self._channel.send(
                Envelope(self._sender.mailbox, mail.to, content),
                still_ours=lambda: self._holds(job.lease),
            )

    def _holds(self, lease: Lease) -> bool:
        """Whether the lease outlasts the longest DATA: two answers of the server."""
        left = (lease.until - self._clock()).total_seconds()
        return left > 2 * self._settings.smtp_timeout_seconds

    def _watch(self, result: Result) -> None:
        """Open the breaker when the server is away, or breaks one connection after another."""
        match result:
            case ChannelDown(reason):
                self._hold(reason)
            case Interrupted(reason):
                self._broken_in_a_row += 1
                if self._broken_in_a_row >= 2 * self._settings.smtp_connections:
                    self._hold(reason)
            case Delivered() | Deferred() | Refused():
                self._broken_in_a_row = 0
                self.breaker.worked()
            case _:
                pass

    def _hold(self, reason: str) -> None:
        self._broken_in_a_row = 0
        if not self.breaker.is_open:
            log.warning("channel.down", channel=CHANNEL, reason=reason)
            self.breaker.failed(reason)

    def _turn(self) -> None:
        self._turned_at = self._monotonic()
        metrics.LOOP_HEARTBEAT_TIMESTAMP_SECONDS.labels("dispatch").set_to_current_time()
