"""Signs bytes with ES256 (RFC 7518 § 3.4). The one place that touches private signing keys."""

from collections.abc import Sequence
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey

from pravah_certificate.credentials.keyfile import DEV_PREFIX, JsonWebKey

COORDINATE_BYTES = 32
"""Of P-256."""


class Signer(Protocol):
    """Signs with a key that the caller names and never sees."""

    def sign(self, key_id: str, message: bytes) -> bytes:
        """Return the raw signature `r || s` over SHA-256 of the message.

        Raises:
            KeyError: no such key.
        """
        ...


class LocalSigner:
    """Signs with private keys held in memory, read from a file."""

    def __init__(self, keys: Sequence[JsonWebKey]) -> None:
        self._keys = {key["kid"]: private_key(key) for key in keys if "d" in key}

    def sign(self, key_id: str, message: bytes) -> bytes:
        """Sign in about 50 microseconds."""
        der = self._keys[key_id].sign(message, ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def private_key(key: JsonWebKey) -> ec.EllipticCurvePrivateKey:
    """Read a private P-256 key."""
    private = ECKey.import_key(key).private_key
    if not isinstance(private, ec.EllipticCurvePrivateKey):  # pragma: no cover - types only
        raise TypeError(f"{key['kid']} is not an EC key")
    return private


def make_dev_key() -> JsonWebKey:
    """Make a P-256 key whose id says that it is for development (RFC 7638 thumbprint)."""
    key = ECKey.generate_key("P-256", private=True)
    return {**key.as_dict(private=True), "kid": DEV_PREFIX + key.thumbprint()}
