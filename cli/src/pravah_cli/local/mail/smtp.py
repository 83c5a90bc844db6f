"""The SMTP side: says 250 only when the mail is kept."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import default
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session

from pravah_cli.local.mail.box import Mail, MailBox, file_of

MAX_MAIL_BYTES = 10 * 1024 * 1024


class Keeper:
    """Keeps every mail that aiosmtpd hands over, numbered from 1 in order of arrival.

    `mails` lists them, those of earlier runs included.
    """

    def __init__(self, box: MailBox) -> None:
        self.box = box
        self.mails = list(box.all())
        self._headers = BytesHeaderParser(policy=default)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep one mail and answer with its number."""
        content = envelope.content
        assert isinstance(content, bytes)
        head = self._headers.parsebytes(content.partition(b"\r\n\r\n")[0])
        number = len(self.mails) + 1
        mail = Mail(
            number=number,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            subject=str(head.get("Subject", "")),
            message_id=str(head.get("Message-ID", "")).strip(),
            file=file_of(number),
        )
        self.box.keep(mail, content)
        self.mails.append(mail)
        return f"250 OK kept as {number}"


def connections(keeper: Keeper) -> Callable[[], SMTP]:
    """Return what makes the protocol of each new connection; all share one keeper."""
    return partial(
        SMTP,
        keeper,
        data_size_limit=MAX_MAIL_BYTES,
        enable_SMTPUTF8=True,
        hostname="mail.local",
        ident="Pravah local mail",
    )
