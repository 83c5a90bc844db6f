"""Certificate numbers: public, short enough to type, impossible to guess or to walk."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from pravah_certificate.credentials.keyfile import DEV_PREFIX, JsonWebKey
from pravah_shared.errors import ConfigurationError

NUMBER_BYTES = 10
"""80 bits: 16 letters. Among 10^8 certificates a blind guess hits one in 10^16."""

SECRET_BYTES = 32
"""The strength of the HMAC."""

GROUP_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """Derives a certificate's number from its place with a secret.

    Computed once and stored, so a new secret changes nothing issued.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, keys: Sequence[JsonWebKey]) -> "Numbers":
        """Build from a JWK Set; the first key, of kty `oct`, is the secret.

        Raises:
            ConfigurationError: it is no secret of at least 256 bits.
        """
        try:
            letters = keys[0]["k"]
            secret = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
        except (ValueError, KeyError, TypeError):
            secret = b""
        if keys[0]["kty"] != "oct" or len(secret) < SECRET_BYTES:
            msg = f"the certificate number secret is no JWK of kty oct with {SECRET_BYTES} bytes"
            raise ConfigurationError(msg)
        return cls(secret)

    def number(self, certificate_key: str) -> str:
        """Return the number: HMAC-SHA256 cut to 80 bits, base32."""
        digest = hmac.digest(self.secret, certificate_key.encode(), "sha256")
        return base64.b32encode(digest[:NUMBER_BYTES]).decode()


def normalised(typed: str) -> str:
    """Return the number that a person meant: case, spaces and dashes carry nothing."""
    return "".join(typed.split()).replace("-", "").upper()


def grouped(number: str) -> str:
    """Return the number as it is printed: `ABCD-EFGH-…`."""
    parts = range(0, len(number), GROUP_LETTERS)
    return "-".join(number[start : start + GROUP_LETTERS] for start in parts)


def make_dev_secret() -> JsonWebKey:
    """Make a secret whose id says that it is for development."""
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    return {"kty": "oct", "kid": DEV_PREFIX + secrets.token_hex(8), "k": secret}
