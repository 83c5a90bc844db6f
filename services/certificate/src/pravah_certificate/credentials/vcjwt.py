"""VC-JWT: a credential's claims as a compact ES256 JWS.

Payload: the credential itself with the registered claims beside its properties
(Open Badges 3.0 § 8.2 "JSON Web Token Proof Format"): `iss` issuer, `jti` credential id,
`sub` subject id, `nbf` validFrom. The header names the key in our JWKS.
Signing is ours for speed; verification is joserfc's, so neither vouches for itself.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from pravah_certificate.credentials.registry import Registry
from pravah_certificate.credentials.signer import Signer
from pravah_shared.errors import PravahError

ALGORITHM = "ES256"


class NotGenuine(PravahError):  # noqa: N818 - read in `except NotGenuine`
    """The token is not a credential that one of our keys signed. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"credential refused: {reason}")
        self.reason = reason


def sign(credential: Mapping[str, Any], signer: Signer, key_id: str) -> str:
    """Return the signed token of a credential."""
    claims = {
        **credential,
        "iss": credential["issuer"]["id"],
        "jti": credential["id"],
        "sub": credential["credentialSubject"]["id"],
        "nbf": int(datetime.fromisoformat(credential["validFrom"]).timestamp()),
    }
    message = f"{encoded({'alg': ALGORITHM, 'kid': key_id})}.{encoded(claims)}"
    signature = signer.sign(key_id, message.encode())
    return f"{message}.{base64url(signature)}"


def verify(token: str, registry: Registry) -> dict[str, Any]:
    """Return the claims of a token that a registered key signed.

    Raises:
        NotGenuine: malformed, another algorithm, a key that is not ours, or altered.
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
        key = known_key(registry, header)
        verified = jws.deserialize_compact(token, key, registry=JWSRegistry(algorithms=[ALGORITHM]))
        claims = json.loads(verified.payload)
    except (JoseError, ValueError) as error:
        raise NotGenuine("signature or form is wrong") from error
    if not isinstance(claims, dict):
        raise NotGenuine("claims are no JSON object")
    return claims


def known_key(registry: Registry, header: Mapping[str, Any]) -> ECKey:
    """Return the key that a header names; a key inside the header is never believed."""
    key_id = header.get("kid")
    key = registry.find(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise NotGenuine("signed by a key that is not ours")
    return key


def encoded(part: Mapping[str, Any]) -> str:
    """Return a token part: compact JSON in UTF-8, base64url."""
    return base64url(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode())


def base64url(octets: bytes) -> str:
    """Encode without padding (RFC 7515 § 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
