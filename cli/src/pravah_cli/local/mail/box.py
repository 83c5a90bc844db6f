"""The mails on disk: `<root>/<shard>/<number>.eml` and one line each in `<root>/index.jsonl`.

The server writes, anybody reads, also while it writes. A mail is in the index only when its
file is whole, so what the index lists can be opened.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

SHARDS = 100
"""Folders, so that tens of thousands of mails stay quick to list."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as received: envelope, the headers that lists show, and its file under the root."""

    number: int
    at: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    file: str


class MailBox:
    """Mails received by one server, oldest first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index = root / "index.jsonl"

    def __len__(self) -> int:
        """How many mails were received."""
        return sum(1 for _ in self.all())

    def all(self) -> Iterator[Mail]:
        """Yield every mail, oldest first."""
        try:
            with self._index.open("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # the last one may still be in writing
                        known = json.loads(line)
                        yield Mail(**{**known, "recipients": tuple(known["recipients"])})
        except FileNotFoundError:
            return

    def to(self, address: str) -> list[Mail]:
        """Return the mails to `address`."""
        return [mail for mail in self.all() if address in mail.recipients]

    def read(self, mail: Mail) -> EmailMessage:
        """Return the mail itself, parsed."""
        return message_from_bytes((self.root / mail.file).read_bytes(), policy=policy.default)

    def keep(self, mail: Mail, content: bytes) -> None:
        """Store a mail: its file whole, then its line in the index. For the server alone."""
        file = self.root / mail.file
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(file)
        with self._index.open("ab") as lines:
            lines.write(json.dumps(asdict(mail)).encode() + b"\n")


def file_of(number: int) -> str:
    """Return where mail `number` is kept, relative to the root."""
    return f"{number % SHARDS:02d}/{number:07d}.eml"
