"""The dispatcher: lease due entries, send them over several connections at once, mark them.

    leaser ──jobs (bounded)──▶ senders ──results──▶ marker

A message goes out once, but for two windows, both counted (`retaken`): the process dies between
the server's acceptance and the mark, or freezes past its lease with a mail on its way. The mail
sent again carries the same Message-ID.
"""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from pravah_notification.channels.address import mailbox
from pravah_notification.channels.breaker import Breaker
from pravah_notification.channels.email import EmailChannel, Envelope
from pravah_notification.channels.mime import Mail, Sender, compose
from pravah_notification.dispatch.writer import MailWriter
from pravah_notification.model import (
    ChannelDown,
    Deferred,
    Delivered,
    Entry,
    Interrupted,
    Refused,
    Result,
    Suppressed,
    Unsent,
)
from pravah_notification.rules import after
from pravah_notification.settings import NotificationSettings
from pravah_notification.store import Ledger
from pravah_shared.errors import Transient
from pravah_shared.telemetry import metrics, traces
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

CHANNEL = "email"
MARKED_TOGETHER = 500
STORE_PAUSE_SECONDS = 1.0
"""After the store or the key store failed."""
HEARTBEAT_SECONDS = 1.0

OUTCOMES: dict[type[Result], str] = {
    Delivered: "sent",
    Deferred: "deferred",
    Interrupted: "interrupted",
    Refused: "dead",
    Suppressed: "suppressed",
    Unsent: "held",
    ChannelDown: "held",
}
"""Label of pravah_deliveries_total for each result."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What this dispatcher owns for a time. `token` is unique to the batch."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A mail to send under a lease."""

    entry: Entry
    lease: Lease
    mail: Mail


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an entry, to be marked."""

    entry: Entry
    lease: Lease
    result: Result


class Dispatcher:
    """Sends the e-mail channel's entries until stopped."""

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
        self._sender = Sender(settings.mail_from_name, mailbox(settings.mail_from_address))
        self._stopping = asyncio.Event()
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue(settings.dispatch_batch)
        self._results: asyncio.Queue[Done | None] = asyncio.Queue()
        self._broken_in_a_row = 0
        self.breaker = Breaker(
            asyncio.get_running_loop().time,
            settings.smtp_hold_seconds,
            settings.smtp_most_hold_seconds,
        )

    async def run(self) -> None:
        """Run until `stop`: then what is on its way is finished and marked, the rest released."""
        async with asyncio.TaskGroup() as tasks:
            heart = tasks.create_task(self._beat())
            marker = tasks.create_task(self._mark_results())
            senders = [
                tasks.create_task(self._send_jobs()) for _ in range(self._settings.smtp_connections)
            ]
            await self._lease_jobs()
            for _ in senders:
                await self._jobs.put(None)
            await asyncio.wait(senders)
            self._results.put_nowait(None)
            await marker
            heart.cancel()
        await self._channel.close()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    # Leasing

    async def _lease_jobs(self) -> None:
        while not self._stopping.is_set():
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
                self._results.put_nowait(Done(entry, lease, Unsent()))
            raise
        for entry, letter in zip(entries, letters, strict=True):
            if isinstance(letter, Mail):
                await self._jobs.put(Job(entry, lease, letter))
            else:
                self._results.put_nowait(Done(entry, lease, letter))

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

    # Sending

    async def _send_jobs(self) -> None:
        while (job := await self._jobs.get()) is not None:
            result = await self._send(job)
            self._watch(result)
            self._results.put_nowait(Done(job.entry, job.lease, result))

    async def _send(self, job: Job) -> Result:
        if self._stopping.is_set():
            return Unsent()
        if self.breaker.is_open:
            return ChannelDown(self.breaker.reason or "")
        parent = job.entry.occasion.traceparent
        with traces.span("notification.send", parent=parent, kind="client"):
            mail = replace(job.mail, traceparent=traces.current_traceparent() or parent)
            content = compose(mail, self._sender, self._clock())
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
        if isinstance(result, Interrupted):
            self._broken_in_a_row += 1
        elif isinstance(result, Delivered | Deferred | Refused):
            self._broken_in_a_row = 0
            self.breaker.worked()
        breaks = self._broken_in_a_row >= 2 * self._settings.smtp_connections
        if isinstance(result, ChannelDown) or breaks:
            self._broken_in_a_row = 0
            if not self.breaker.is_open:
                log.warning("channel.down", channel=CHANNEL, reason=result.reason)  # type: ignore[union-attr]
                self.breaker.failed(result.reason)  # type: ignore[union-attr]

    # Marking

    async def _mark_results(self) -> None:
        while (first := await self._results.get()) is not None:
            done = [first]
            while len(done) < MARKED_TOGETHER and not self._results.empty():
                if (another := self._results.get_nowait()) is None:
                    self._results.put_nowait(None)  # the end comes after this lot
                    break
                done.append(another)
            await self._mark(done)

    async def _mark(self, done: Sequence[Done]) -> None:
        now, policy = self._clock(), self._settings.retry_policy
        by_lease = sorted(done, key=lambda one: one.lease.token)
        for token, group in groupby(by_lease, key=lambda one: one.lease.token):
            moved = [
                after(one.entry, one.result, now, random.random(), policy)  # noqa: S311 - jitter
                for one in group
            ]
            await self._mark_surely(token, moved)
        counts = Counter(OUTCOMES[type(one.result)] for one in done)
        for outcome, count in counts.items():
            metrics.DELIVERIES.labels(CHANNEL, outcome).inc(count)
        log.info("dispatch.marked", entries=len(done), **counts)

    async def _mark_surely(self, token: str, moved: Sequence[Entry]) -> None:
        """Mark, however long the store is away: giving up would send them again.

        After `stop` it is tried once more; then the leases end by themselves.
        """
        while True:
            try:
                marked = await self._ledger.mark(token, moved)
            except Transient as error:
                log.warning("dispatch.unmarked", entries=len(moved), reason=str(error))
                if self._stopping.is_set():
                    return
                await self._pause(STORE_PAUSE_SECONDS)
            else:
                if marked < len(moved):  # also after a mark that landed unconfirmed
                    log.warning("dispatch.lease_lost", entries=len(moved) - marked)
                return

    async def _beat(self) -> None:
        while True:
            metrics.LOOP_HEARTBEAT_TIMESTAMP_SECONDS.labels("dispatch").set_to_current_time()
            await asyncio.sleep(HEARTBEAT_SECONDS)
