"""Mail addresses in any script: checked before they come near a command or a header.

RFC 5321 (SMTP), 6531 (SMTPUTF8 for the local part), 5891 (IDNA for the domain).
"""

import re
from dataclasses import dataclass

import idna

_LOCAL = re.compile(r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\s\"(),:;<>@\[\]\\]{1,64}")
"""A dot-string without what must be quoted: nobody's mailbox, and the stuff of injections."""


class BadAddress(ValueError):  # noqa: N818 - the field's word
    """Not a mail address that can be sent to. The message does not repeat it: it is personal."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A checked address. `domain` is in ASCII (punycode); `local` may be in any script."""

    local: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """The address as it stands in `RCPT TO:<…>` and between the brackets of `To:`."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether the server must offer SMTPUTF8 to take mail for it."""
        return not self.local.isascii()


def mailbox(text: str) -> Mailbox:
    """Check an address.

    Raises:
        BadAddress: names what is wrong with it.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or ".." in f".{local}.":
        raise BadAddress("the part before @ is missing or holds a character that mail refuses")
    try:
        return Mailbox(local, idna.encode(domain, uts46=True).decode("ascii"))
    except idna.IDNAError as error:
        raise BadAddress("the part after @ is no domain name") from error
