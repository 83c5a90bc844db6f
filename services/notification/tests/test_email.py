"""The e-mail channel against a real SMTP server that behaves and misbehaves."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from smtp_double import SmtpDouble

from pravah_notification.channels.address import mailbox
from pravah_notification.channels.email import EmailChannel, Envelope
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


def envelope(to: str = "asha@learners.example") -> Envelope:
    """A mail to somebody."""
    content = b"Subject: Hello\r\n\r\n.dots\r\n"
    return Envelope(mailbox("no-reply@pravah.example"), mailbox(to), content)


@pytest.fixture
async def channel(smtp: SmtpDouble) -> AsyncIterator[EmailChannel]:
    """A channel of two connections to the server, patient for half a second."""
    made = EmailChannel(
        NotificationSettings(smtp_port=smtp.port, smtp_connections=2, smtp_timeout_seconds=0.5)
    )
    yield made
    await made.close()


async def send(channel: EmailChannel, to: str = "asha@learners.example") -> Result:
    """Send one mail under a lease that holds."""
    return await channel.send(envelope(to), still_ours=lambda: True)


async def test_a_mail_is_delivered(smtp: SmtpDouble, channel: EmailChannel) -> None:
    """With its content unchanged."""
    assert await send(channel) == Delivered()
    assert smtp.recipients == ["asha@learners.example"]
    assert smtp.mails[0].get_content() == ".dots\r\n"


async def test_connections_are_kept(smtp: SmtpDouble, channel: EmailChannel) -> None:
    """A hundred mails, ten at a time, over two connections."""
    gate = asyncio.Semaphore(10)

    async def one(number: int) -> Result:
        async with gate:
            return await send(channel, f"l{number}@learners.example")

    assert set(await asyncio.gather(*map(one, range(100)))) == {Delivered()}
    assert len(smtp.mails) == 100
    assert smtp.connections == 2


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("550 5.1.1 <asha@learners.example> no such user", Refused("RCPT 550 5.1.1")),
        ("451 4.7.1 greylisted, asha@learners.example", Deferred("RCPT 451 4.7.1")),
        ("452 mailbox full", Deferred("RCPT 452")),
        ("421 going down", ChannelDown("RCPT 421")),
        ("drop", Interrupted("RCPT SMTPServerDisconnected")),
        ("stall", Interrupted("RCPT SMTPReadTimeoutError")),
    ],
)
async def test_answers_to_the_recipient(
    smtp: SmtpDouble, channel: EmailChannel, reply: str, result: Result
) -> None:
    """Each means something else for the message; no reason repeats the address."""
    smtp.rcpt = lambda _address: reply
    assert await send(channel) == result
    assert smtp.mails == []


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("554 5.7.1 spam", Refused("DATA 554 5.7.1")),
        ("451 try later", Deferred("DATA 451")),
        ("drop", Interrupted("DATA SMTPServerDisconnected")),
        ("stall", Interrupted("DATA SMTPReadTimeoutError")),
    ],
)
async def test_answers_to_the_content(
    smtp: SmtpDouble, channel: EmailChannel, reply: str, result: Result
) -> None:
    """A connection lost in the middle of DATA leaves it open whether the mail was taken."""
    smtp.data = lambda _address: reply
    assert await send(channel) == result


@pytest.mark.parametrize("reply", ["550 no", "451 later", "drop", "stall", "421 bye"])
async def test_after_any_failure_the_next_mail_goes_out(
    smtp: SmtpDouble, channel: EmailChannel, reply: str
) -> None:
    """The connection is reset or opened anew; nothing of the failed mail is left in it."""
    smtp.data = lambda address: reply if address.startswith("bad") else None
    await send(channel, "bad@learners.example")
    assert await send(channel) == Delivered()
    assert smtp.recipients == ["asha@learners.example"]


async def test_a_connection_that_the_server_closed_meanwhile_costs_nothing(
    smtp: SmtpDouble, channel: EmailChannel
) -> None:
    """Idle connections are closed by every server; that is no failure of the next mail."""
    await send(channel)
    smtp.cut()
    assert await send(channel) == Delivered()
    assert smtp.connections == 2


async def test_a_server_that_is_away_says_nothing_about_the_mail(
    smtp: SmtpDouble, channel: EmailChannel
) -> None:
    """The channel is down; when the server is back, it is not."""
    await smtp.go_away()
    assert await send(channel) == ChannelDown("SMTPConnectError")
    assert await channel.probe() == ChannelDown("SMTPConnectError")
    await smtp.listen()
    assert await channel.probe() is None
    assert await send(channel) == Delivered()


async def test_a_lease_that_ended_stops_the_mail_before_data(
    smtp: SmtpDouble, channel: EmailChannel
) -> None:
    """Asked after the recipient is accepted, at the last moment."""
    asked: list[bool] = []
    smtp.rcpt = lambda _address: asked.append(True)
    assert await channel.send(envelope(), still_ours=lambda: not asked) == Unsent()
    assert smtp.mails == []
    assert await send(channel) == Delivered()


async def test_an_address_in_an_indian_script_is_sent_to(
    smtp: SmtpDouble, channel: EmailChannel
) -> None:
    """By SMTPUTF8, where the server offers it."""
    assert await send(channel, "आशा@डाटामेल.भारत") == Delivered()
    assert smtp.recipients == ["आशा@xn--c2bd4bq1db8d.xn--h2brj9c"]


async def test_a_server_without_starttls_is_not_talked_to(smtp: SmtpDouble) -> None:
    """Where encryption is demanded, its absence holds the channel and sends nothing."""
    channel = EmailChannel(NotificationSettings(smtp_port=smtp.port, smtp_security="starttls"))
    assert isinstance(await send(channel), ChannelDown)
    await channel.close()
    assert smtp.mails == []
