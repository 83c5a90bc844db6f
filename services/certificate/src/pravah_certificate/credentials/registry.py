"""Public keys that credentials may be signed with. The JWKS and verification read this alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from joserfc.jwk import ECKey

from pravah_certificate.credentials.keyfile import JsonWebKey
from pravah_shared.errors import ConfigurationError

PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "kid")
"""Of an EC key (RFC 7518 § 6.2.1). A list of what may leave: a new private member stays in."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Keys by id. The active one signs; the others still verify what they signed before."""

    active_key_id: str
    keys: dict[str, ECKey]

    @classmethod
    def of(cls, keys: Sequence[JsonWebKey]) -> "Registry":
        """Build from a JWK Set, public or private; the first key is the active one.

        Raises:
            ConfigurationError: a key is not P-256, or two share an id.
        """
        public = [{name: key.get(name, "") for name in PUBLIC_MEMBERS} for key in keys]
        found = {}
        for key in public:
            try:
                if key["crv"] == "P-256" and key["kid"] not in found:
                    found[key["kid"]] = ECKey.import_key(key)
                    continue
            except ValueError:
                pass
            msg = f"signing key {key['kid']!r} is not a P-256 key with an id of its own"
            raise ConfigurationError(msg)
        return cls(public[0]["kid"], found)

    def find(self, key_id: str) -> ECKey | None:
        """Return the public key of that id, or None when we never had it."""
        return self.keys.get(key_id)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JWK Set that anyone may read (RFC 7517)."""
        return {
            "keys": [
                {
                    **{name: str(key.as_dict(private=False)[name]) for name in PUBLIC_MEMBERS},
                    "use": "sig",
                    "alg": "ES256",
                }
                for key in self.keys.values()
            ]
        }
