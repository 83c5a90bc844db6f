"""The bytes of a mail, read back by Python's own parser: an oracle that is not our code."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from notification_facts import NOW, TRACEPARENT

from pravah_notification.channels.address import BadAddress, Mailbox, mailbox
from pravah_notification.channels.mime import Mail, Sender, compose, message_id

SENDER = Sender("प्रवाह Pravah", mailbox("no-reply@pravah.example"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def mail(name: str = "Asha", subject: str = "Hello", text: str = "Hello", html: str = "") -> Mail:
    """A mail with something of interest."""
    return Mail(
        "e1|email|l1|1",
        mailbox("asha@learners.example"),
        name,
        "en",
        subject,
        text,
        html,
        TRACEPARENT,
    )


def parsed(written: Mail) -> EmailMessage:
    """What a mail program sees."""
    seen = message_from_bytes(compose(written, SENDER, NOW), policy=policy.default)
    assert isinstance(seen, EmailMessage)
    assert not seen.defects
    return seen


def body(seen: EmailMessage, kind: str) -> str:
    """One part's text with plain line ends."""
    part = seen.get_body((kind,))
    assert part is not None
    assert not part.defects
    return str(part.get_content()).replace("\r\n", "\n")


NAMES = [
    "Asha Rao",
    "आशा कुमारी",
    "অর্পিতা সেনগুপ্ত",
    "முத்துலட்சுமி",
    "ندا فاطمہ",
    'O"Neil, Jr. <x>',
    "\\",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_read_as_written(name: str) -> None:
    """In To:, and nobody else gets the mail.

    Read by the older of Python's parsers: the newer puts a space between encoded words of a
    name, which RFC 2047 § 6.2 forbids.
    """
    to = message_from_bytes(compose(mail(name), SENDER, NOW))["To"]
    ((shown, address),) = getaddresses([to])
    assert str(make_header(decode_header(shown))) == name
    assert address == "asha@learners.example"


@given(name=TEXTS, subject=TEXTS)
@example(name="A\r\nBcc: all@gov.example", subject="B\r\n\r\n<p>")
@example(name="A\x85Bcc: x@y", subject="C\u2028Bcc: x@y")
@example(name="क" * 300, subject="é" * 300)
def test_no_name_or_subject_can_add_a_header(name: str, subject: str) -> None:
    """The headers are ours, one recipient, and no line beyond what SMTP carries."""
    written = mail(name, subject)
    seen = parsed(written)
    assert [header.lower() for header in seen] == [
        "from", "to", "subject", "date", "message-id", "auto-submitted", "content-language",
        "traceparent", "mime-version", "content-type",
    ]  # fmt: skip
    assert [who.addr_spec for who in seen["To"].addresses] == ["asha@learners.example"]
    assert max(map(len, compose(written, SENDER, NOW).split(b"\r\n"))) <= 998


@given(text=TEXTS, html=TEXTS)
@example(text="-- \nPravah", html="." + "a" * 2000)
@example(text="From x\n.\n..", html="--=_boundary--")
def test_bodies_arrive_as_written(text: str, html: str) -> None:
    """Whatever the script, the length of lines or dots at their start."""
    seen = parsed(mail(text=text, html=html))
    for kind, words in (("plain", text), ("html", html)):
        assert body(seen, kind) == words.replace("\r\n", "\n").replace("\r", "\n")


def test_every_line_ends_as_smtp_wants() -> None:
    """CRLF alone: a bare LF smuggles mails through some servers."""
    wire = compose(mail(text="a\nb\rc\r\nd\n.\n", html="é\n" * 50), SENDER, NOW)
    assert wire.count(b"\n") == wire.count(b"\r\n") == wire.count(b"\r")


def test_a_resend_carries_the_same_message_id() -> None:
    """Derived from the ledger's id and nothing else."""
    first, again = (parsed(mail(name))["Message-ID"] for name in ("Asha", "Asha Rao"))
    assert first == again == message_id("e1|email|l1|1", "pravah.example")
    assert first != message_id("e1|email|l1|2", "pravah.example")


def test_a_mail_can_be_followed_to_the_request_it_came_from() -> None:
    """The trace goes with it."""
    assert parsed(mail())["traceparent"] == TRACEPARENT


def test_latin_text_stays_readable_and_other_scripts_stay_small() -> None:
    """Quoted-printable is three bytes a byte outside ASCII, base64 four for three."""
    wire = compose(mail(text="Dear Asha,", html="आशा" * 100), SENDER, NOW)
    assert b"Dear Asha," in wire
    assert b"base64" in wire


def test_addresses_in_indian_scripts_are_taken() -> None:
    """The domain goes in punycode, the local part asks for SMTPUTF8."""
    box = mailbox("आशा@डाटामेल.भारत")
    assert box == Mailbox("आशा", "xn--c2bd4bq1db8d.xn--h2brj9c")
    assert box.needs_utf8
    assert not mailbox("asha@डाटामेल.भारत").needs_utf8


@pytest.mark.parametrize(
    "text",
    ["", "asha", "@x.example", "a b@x.example", "a@b@x.example", "a@", "a@x..example",
     "a..b@x.example", "a\r\nRCPT TO:<b>@x.example", "a@x.example\r\nDATA", "<a@x.example>",
     '"a"@x.example', "a\u00a0b@x.example", "a" * 65 + "@x.example", "a@-x.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    """The message goes into logs and the ledger: it holds no address."""
    with pytest.raises(BadAddress) as refused:
        mailbox(text)
    assert not text or text not in str(refused.value)
