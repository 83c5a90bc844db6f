"""Verifies access tokens: JWT of the OIDC issuer, ES256 or RS256 (RFC 7519, RFC 8725).

The algorithm is never the token's to choose: the key of its `kid` is EC or RSA, each good for one
algorithm, and no other is accepted (so `none` and HMAC with a public key are refused). Verified
tokens are kept until they expire: a signature is checked once, not on each request.
"""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey

from pravah_shared.events.types import ID_PATTERN
from pravah_shared.http.keys import KeySource, PublicKey
from pravah_shared.http.principal import ROLES, Principal, Role
from pravah_shared.http.problems import Problem

if TYPE_CHECKING:
    from pravah_shared.settings import Settings

SKEW_SECONDS: Final = 30
"""How far the issuer's clock may run ahead of ours (nbf, iat). Never added to `exp`."""
MOST_KEPT: Final = 20_000
"""Verified tokens kept, about 1 KiB each; beyond, those used longest ago are verified again."""
LONGEST_TOKEN: Final = 8 * 1024

Claims = Mapping[str, Any]
_ID = re.compile(ID_PATTERN)


def unauthorized(detail: str) -> Problem:
    """Return 401 with the challenge of RFC 6750."""
    challenge = {"WWW-Authenticate": 'Bearer realm="pravah", error="invalid_token"'}
    return Problem(401, "Not authenticated", detail, type="not-authenticated", headers=challenge)


class TokenVerifier:
    """Turns bearer tokens into principals."""

    def __init__(
        self, settings: "Settings", keys: KeySource, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def principal(self, token: str) -> Principal:
        """Return who holds `token`.

        Raises:
            Problem: 401, naming what is wrong with the token.
            IssuerUnavailable: its key is not known and the issuer does not answer.
        """
        if (principal := self.known(token)) is not None:
            return principal
        claims = await self.claims(token)
        if claims.get("use") == "page":
            raise unauthorized("This token opens a page once; it is no bearer token")
        principal = self.principal_of(claims)
        self._keep(_digest(token), float(claims["exp"]), principal)
        return principal

    def known(self, token: str) -> Principal | None:
        """Return who holds a token that was verified before and has not expired."""
        digest = _digest(token)
        kept = self._kept.get(digest)
        if kept is None:
            return None
        if kept[0] <= self._clock():
            del self._kept[digest]
            return None
        self._kept.move_to_end(digest)
        return kept[1]

    def _keep(self, digest: bytes, expires_at: float, principal: Principal) -> None:
        self._kept[digest] = (expires_at, principal)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def claims(self, token: str) -> Claims:
        """Return the claims of a token whose signature, issuer, audience and times hold."""
        if len(token) > LONGEST_TOKEN:
            raise unauthorized(f"The token is longer than {LONGEST_TOKEN} characters")
        key = await self._key_of(token)
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        try:
            claims = jwt.decode(token, key, algorithms=[algorithm]).claims
            self._registry().validate(claims)
        except ExpiredTokenError as error:
            raise unauthorized("The token has expired; get a new one") from error
        except (JoseError, ValueError, TypeError) as error:
            raise unauthorized(
                f"The token is not valid: {_reason(error)}; get a new one"
            ) from error
        return claims

    async def _key_of(self, token: str) -> PublicKey:
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError, TypeError) as error:
            raise unauthorized("The token is not a signed JWT") from error
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise unauthorized("The token names no key (kid)")
        key = await self._keys.find(kid)
        if key is None:
            raise unauthorized("The token is signed with a key that the issuer does not have")
        return key

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return _Registry(
            now=lambda: int(self._clock()),
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": self._settings.oidc_audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def principal_of(self, claims: Claims) -> Principal:
        """Return the principal that verified claims describe, by the claims named in settings."""
        settings = self._settings
        learner_id = claim(claims, settings.oidc_claim_learner)
        mdo_id = claim(claims, settings.oidc_claim_mdo)
        return Principal(
            subject=str(claims["sub"]),
            learner_id=learner_id if _is_id(learner_id) else None,
            roles=_roles(claim(claims, settings.oidc_claim_roles)),
            mdo_id=mdo_id if _is_id(mdo_id) else None,
            scopes=_words(claims.get("scope")),
        )


class _Registry(jwt.JWTClaimsRegistry):
    """Registered claims, with a skew for the times that lie ahead only."""

    def validate_nbf(self, value: object) -> None:
        self.leeway = SKEW_SECONDS
        super().validate_nbf(value)
        self.leeway = 0

    def validate_iat(self, value: object) -> None:
        self.leeway = SKEW_SECONDS
        super().validate_iat(value)
        self.leeway = 0


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def claim(claims: Claims, path: str) -> Any:
    """Return a claim by its name, or by a dotted path into it (`realm_access.roles`)."""
    if path in claims:  # names may hold dots: https://idp.example/roles
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _roles(given: Any) -> frozenset[Role]:
    """Return the roles that we know; an issuer's list holds others'."""
    names = given if isinstance(given, list) else []
    return frozenset(cast("Role", name) for name in names if name in ROLES)


def _words(given: Any) -> frozenset[str]:
    """Return the scopes: a space-separated string (RFC 8693) or a list."""
    if isinstance(given, str):
        return frozenset(given.split())
    return frozenset(word for word in given if isinstance(word, str)) if given else frozenset()


def _is_id(given: Any) -> bool:
    return isinstance(given, str) and _ID.fullmatch(given) is not None


def _reason(error: Exception) -> str:
    """Return joserfc's short label: it never quotes the token."""
    return str(getattr(error, "error", type(error).__name__)).replace("_", " ")
