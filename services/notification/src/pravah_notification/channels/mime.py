"""From words to the bytes of a mail: RFC 5322, 2045-2047 and 6532, put together by hand.

`EmailMessage` builds and re-parses a tree for each mail and is the slowest step of sending
(some 450 a second and core). The shape here is always the same: a few headers and
multipart/alternative of two parts, both encoded, so no line of ours can be taken for a boundary.
"""

import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from pravah_notification.channels.address import Mailbox
from pravah_shared.events import derived_id
from pravah_shared.events.types import CONTROL_CHARACTERS

_BASE64_LINE = 57
"""Bytes that make a base64 line of 76 characters (RFC 2045 § 6.8)."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails come from: the header's name and address, also the envelope's sender."""

    name: str
    mailbox: Mailbox


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person."""

    entry_id: str
    to: Mailbox
    to_name: str
    locale: str
    subject: str
    text: str
    html: str
    traceparent: str | None = None


def message_id(entry_id: str, domain: str) -> str:
    """Return the Message-ID of a ledger entry: a resend after a crash carries the same one."""
    return f"<{derived_id('mail', entry_id)}@{domain}>"


def compose(mail: Mail, sender: Sender, at: datetime) -> bytes:
    """Return the mail as it goes on the wire. `at` is its Date (UTC)."""
    boundary = f"=_{derived_id('boundary', mail.entry_id)}"  # "=_" stands in neither encoding
    headers = [
        _address_header("From", sender.name, sender.mailbox),
        _address_header("To", mail.to_name, mail.to),
        _text_header("Subject", mail.subject),
        f"Date: {format_datetime(at)}",
        f"Message-ID: {message_id(mail.entry_id, sender.mailbox.domain)}",
        "Auto-Submitted: auto-generated",
        f"Content-Language: {mail.locale}",
        *([f"traceparent: {one_line(mail.traceparent)}"] if mail.traceparent else ()),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    ]
    parts = (
        f"--{boundary}\r\n{_part(kind, words)}\r\n"
        for kind, words in (("plain", mail.text), ("html", mail.html))
    )
    whole = "\r\n".join(headers) + "\r\n\r\n" + "".join(parts) + f"--{boundary}--\r\n"
    return whole.encode()


def one_line(text: str) -> str:
    """Return `text` without control characters: what would end a header line, or start one."""
    return " ".join(CONTROL_CHARACTERS.sub(" ", text).split())


def _text_header(name: str, text: str) -> str:
    return f"{name}: {_encoded(name, one_line(text))}"


def _address_header(name: str, who: str, box: Mailbox) -> str:
    who = one_line(who)
    if who.isascii():
        quoted = who.replace("\\", "\\\\").replace('"', '\\"')
        phrase = f'"{quoted}"'
    else:
        phrase = _encoded(name, who)
    # A line of its own: an encoded word may not share one of more than 76 characters.
    return f"{name}: {phrase}\r\n <{box.addr_spec}>"


def _encoded(name: str, text: str) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=76, header_name=name).encode(linesep="\r\n")


def _part(kind: str, words: str) -> str:
    body = re.sub(r"\r\n|\r|\n", "\r\n", words).encode()
    encoding, encoded = _shortest(body)
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n{encoded.decode('ascii')}"
    )


def _shortest(body: bytes) -> tuple[str, bytes]:
    """Encode Latin text readably, other scripts (three bytes a letter) in a third of the room."""
    if 3 * len(body.decode()) > 2 * len(body):
        return "quoted-printable", binascii.b2a_qp(body, istext=True)
    lines = (body[at : at + _BASE64_LINE] for at in range(0, len(body), _BASE64_LINE))
    return "base64", b"\r\n".join(binascii.b2a_base64(line, newline=False) for line in lines)
