"""The dispatcher on the real store, with a mail server that behaves and misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from ground import Ground
from notification_facts import certified, course, enrolled, erased
from prometheus_client import REGISTRY
from smtp_double import SmtpDouble
from structlog.testing import capture_logs

from pravah_cli.testing import eventually
from pravah_notification.__main__ import utc_now
from pravah_notification.channels.mime import Mail, Sender, compose
from pravah_notification.dispatch import Dispatcher
from pravah_notification.model import Delivered, Entry, Occasion
from pravah_notification.rules import after
from pravah_notification.store import Ledger
from pravah_notification.templates import MailText, Renderer
from pravah_notification.templates.render import Reader
from pravah_shared.errors import StoreUnavailable

pytestmark = pytest.mark.stack


@asynccontextmanager
async def running(*dispatchers: Dispatcher) -> AsyncIterator[None]:
    """Run dispatchers while the block runs, then stop them in order."""
    tasks = [asyncio.create_task(dispatcher.run()) for dispatcher in dispatchers]
    try:
        yield
    finally:
        for dispatcher in dispatchers:
            await dispatcher.stop()
        await asyncio.gather(*tasks)


async def settled(ground: Ground, *states: tuple[str, str | None]) -> None:
    """Wait until the mails stand as named."""

    async def holds() -> bool:
        return await ground.states() == set(states)

    try:
        await eventually(holds, 20, f"mails {states}")
    except TimeoutError as error:
        raise AssertionError(f"they are {await ground.states()}") from error


def counted(outcome: str) -> float:
    """The metric of the e-mail channel."""
    labels = {"channel": "email", "outcome": outcome}
    return REGISTRY.get_sample_value("pravah_deliveries_total", labels) or 0.0


async def test_a_mail_goes_out_in_the_readers_language(ground: Ground, smtp: SmtpDouble) -> None:
    """To the name as entered, with the trace of the request that led to it."""
    asha = await ground.person(name="आशा कुमारी", language="hi")
    await ground.tell(asha, course(), certified())
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None))
    (mail,) = smtp.mails
    assert mail["To"].addresses[0].display_name == "आशा कुमारी"
    assert mail["Subject"] == "आपका प्रमाणपत्र: नैतिकता"
    assert mail["traceparent"].split("-")[1] == (certified().traceparent or "").split("-")[1]


async def test_the_ledger_names_nobody(ground: Ground, smtp: SmtpDouble) -> None:
    """Neither before nor after delivery or refusal: no name, no address."""
    smtp.rcpt = lambda address: f"550 5.1.1 <{address}> unknown" if "l2" in address else None
    await ground.tell(
        await ground.person("l1"), await ground.person("l2"), course(),
        enrolled("l1"), enrolled("l2"),
    )  # fmt: skip
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None), ("dead", "RCPT 550 5.1.1"))
    stored = str(await ground.database.collection("ledger").find({}))
    assert "Asha" not in stored
    assert "learners.example" not in stored


async def test_a_mail_that_is_deferred_goes_out_later(ground: Ground, smtp: SmtpDouble) -> None:
    """Greylisting: the second try is taken."""
    tries: list[str] = []

    def grey(address: str) -> str | None:
        tries.append(address)
        return "451 4.7.1 greylisted" if len(tries) == 1 else None

    smtp.rcpt = grey
    await ground.tell(await ground.person(), course(), enrolled())
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None))
    ((entry),) = await ground.entries()
    assert (entry.attempts, entry.deferrals, len(smtp.mails)) == (2, 1, 1)


async def test_a_server_that_is_away_costs_no_message_and_no_attempt(
    ground: Ground, smtp: SmtpDouble
) -> None:
    """The mails stay pending, the inbox is not held up, and all goes out when it is back."""
    await smtp.go_away()
    learners = [f"l{number}" for number in range(20)]
    await ground.tell(*[await ground.person(learner) for learner in learners])
    await ground.tell(course(), *(enrolled(learner) for learner in learners))
    dispatcher = ground.dispatcher()
    async with running(dispatcher):

        async def holds() -> bool:
            return dispatcher.breaker.is_open and await ground.states() == {("pending", None)}

        await eventually(holds, 20, "the breaker opens, all mails are pending")
        assert await ground.states("inapp") == {("sent", None)}
        assert not dispatcher.ready
        await smtp.listen()
        await settled(ground, ("sent", None))
    assert sorted(smtp.recipients) == sorted(f"{learner}@learners.example" for learner in learners)
    assert {entry.attempts for entry in await ground.entries()} == {1}


@pytest.mark.parametrize("failure", ["drop", "stall"])
async def test_a_connection_lost_in_the_middle_of_data_is_tried_again(
    ground: Ground, smtp: SmtpDouble, failure: str
) -> None:
    """Whether the mail was taken is not known; if it was, both carry the same Message-ID."""
    await ground.tell(
        await ground.person("l1"), await ground.person("l2"), course(),
        enrolled("l1"), enrolled("l2"),
    )  # fmt: skip
    failures = [failure]
    smtp.data = lambda address: failures.pop() if failures and "l1" in address else None
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None))
    assert sorted(smtp.recipients) == ["l1@learners.example", "l2@learners.example"]
    by_learner = {entry.recipient: entry.attempts for entry in await ground.entries()}
    assert by_learner == {"l1": 2, "l2": 1}


async def test_who_has_no_address_or_is_erased_gets_no_mail(
    ground: Ground, smtp: SmtpDouble
) -> None:
    """By the tombstone, or by the key store, which forgets first."""
    await ground.tell(
        await ground.person("l1", email=None),
        await ground.person("l2", email="not an address"),
        await ground.person("l3"),
        await ground.person("l4"),
        course(),
        *(enrolled(f"l{number}") for number in range(1, 5)),
    )
    await ground.tell(erased("l3"))
    await ground.keys.erase("l4")
    async with running(ground.dispatcher()):
        await settled(
            ground,
            ("suppressed", "no_address"),
            ("suppressed", "bad_address"),
            ("suppressed", "erased"),
        )
    assert smtp.mails == []


class Stumbling(Renderer):
    """A renderer one of whose templates has a bug that one name brings out."""

    def mail(
        self, occasion: Occasion, titles: Mapping[str, str], reader: Reader, name: str
    ) -> MailText:
        """Fail as a filter in a template does: with the name in its text."""
        if name == "Asha l2":
            raise TypeError(f"cannot compare {name}")
        return super().mail(occasion, titles, reader, name)


async def test_a_letter_that_cannot_be_written_dies_alone(ground: Ground, smtp: SmtpDouble) -> None:
    """Else it would end the dispatcher at every lease. Nobody is named, in ledger or log."""
    learners = ["l1", "l2", "l3"]
    await ground.tell(*[await ground.person(learner) for learner in learners])
    await ground.tell(course(), *(enrolled(learner) for learner in learners))
    with capture_logs() as said:
        async with running(ground.dispatcher(renderer=Stumbling())):
            await settled(ground, ("sent", None), ("dead", "unwritable"))
    assert sorted(smtp.recipients) == ["l1@learners.example", "l3@learners.example"]
    assert [line["event"] for line in said].count("dispatch.unwritable") == 1
    assert "Asha" not in str(said)


async def test_a_mail_that_cannot_be_put_together_dies_alone(
    ground: Ground, smtp: SmtpDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers and parts are written when the mail is sent, by another task."""

    def compose_but_for_one(mail: Mail, sender: Sender, at: datetime) -> bytes:
        if mail.to_name == "Asha l2":
            raise ValueError(mail.to_name)
        return compose(mail, sender, at)

    monkeypatch.setattr("pravah_notification.dispatch.dispatcher.compose", compose_but_for_one)
    learners = ["l1", "l2", "l3"]
    await ground.tell(*[await ground.person(learner) for learner in learners])
    await ground.tell(course(), *(enrolled(learner) for learner in learners))
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None), ("dead", "unwritable"))
    assert sorted(smtp.recipients) == ["l1@learners.example", "l3@learners.example"]


async def test_dispatchers_side_by_side_send_each_mail_once(
    ground: Ground, smtp: SmtpDouble
) -> None:
    """Three of them, small batches, sixty mails."""
    learners = [f"l{number}" for number in range(60)]
    await ground.tell(*[await ground.person(learner) for learner in learners])
    await ground.tell(course(), *(enrolled(learner) for learner in learners))
    settings = ground.settings.model_copy(update={"dispatch_batch": 7})
    async with running(*(ground.dispatcher(settings=settings) for _ in range(3))):
        await settled(ground, ("sent", None))
    assert sorted(smtp.recipients) == sorted(f"{learner}@learners.example" for learner in learners)


class ForgetfulLedger(Ledger):
    """A ledger whose process dies, or whose store is away, when it is to mark."""

    def __init__(self, ground: Ground, failures: int) -> None:
        super().__init__(ground.database)
        self.failures = failures
        self.asked = asyncio.Event()

    async def mark(self, token: str, entries: Sequence[Entry]) -> int:
        """Fail as often as said."""
        self.asked.set()
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        return await super().mark(token, entries)


async def test_a_dispatcher_that_died_before_its_mark_is_replaced_and_counted(
    ground: Ground, smtp: SmtpDouble
) -> None:
    """The one window in which a mail goes out twice: both carry the same Message-ID."""
    before = counted("retaken")
    await ground.tell(await ground.person(), course(), enrolled())
    ledger = ForgetfulLedger(ground, failures=10_000)
    dying = asyncio.create_task(ground.dispatcher(ledger=ledger).run())
    await ledger.asked.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None))
    first, second = smtp.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert counted("retaken") == before + 1


async def test_a_mark_is_repeated_until_the_store_is_back(ground: Ground, smtp: SmtpDouble) -> None:
    """Giving up would send the mail again."""
    await ground.tell(await ground.person(), course(), enrolled())
    async with running(ground.dispatcher(ledger=ForgetfulLedger(ground, failures=1))):
        await settled(ground, ("sent", None))
    assert len(smtp.mails) == 1


async def test_a_stopped_dispatcher_holds_nothing_back(ground: Ground, smtp: SmtpDouble) -> None:
    """What it had leased and not sent is due at once for the others."""
    learners = [f"l{number}" for number in range(30)]
    await ground.tell(*[await ground.person(learner) for learner in learners])
    await ground.tell(course(), *(enrolled(learner) for learner in learners))
    smtp.data = lambda _address: "stall"
    async with running(ground.dispatcher()):
        await smtp.started.get()
    assert {entry.state for entry in await ground.entries()} <= {"pending", "retrying"}
    smtp.data = lambda _address: None
    async with running(ground.dispatcher()):
        await settled(ground, ("sent", None))
    assert len(smtp.mails) == len(learners)


async def test_a_lease_keeps_others_away_until_it_ends(ground: Ground) -> None:
    """And a mark under a lost lease changes nothing."""
    await ground.tell(await ground.person(), course(), enrolled())
    now = utc_now()
    until = now + timedelta(seconds=10)

    async def lease(token: str, at: Any) -> tuple[int, int]:
        taken, retaken = await ground.ledger.lease(
            "email", 10, token=token, now=at, until=at + timedelta(seconds=10)
        )
        return len(taken), retaken

    assert await lease("first", now) == (1, 0)
    assert await lease("second", until - timedelta(milliseconds=1)) == (0, 0)
    assert await lease("third", until) == (1, 1)
    (entry,) = await ground.entries()
    sent = after(entry, Delivered(), until, 0, ground.settings.retry_policy)
    assert await ground.ledger.mark("first", [sent]) == 0
    assert await ground.ledger.mark("third", [sent]) == 1
    assert await ground.states() == {("sent", None)}
