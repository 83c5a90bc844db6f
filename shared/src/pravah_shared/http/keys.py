"""The token issuer's public keys, by key id, from its JWKS (RFC 7517)."""

import asyncio
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from pravah_shared.errors import Transient
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

PublicKey = ECKey | RSAKey

FRESH_SECONDS: Final = 600.0
"""Keys older than this are asked for anew, so that a withdrawn key ends within ten minutes."""
RETRY_SECONDS: Final = 10.0
"""Least time between two requests to the issuer: a flood of made-up key ids causes no flood."""
DEADLINE_SECONDS: Final = 5.0
LARGEST_BYTES: Final = 256 * 1024
RSA_LEAST_BITS: Final = 2048


class IssuerUnavailable(Transient):
    """The issuer's keys could not be fetched. Whether the token is good is not known."""


class KeySource(Protocol):
    """Where the verifier finds public keys."""

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key, or None when the issuer has no such key.

        Raises:
            IssuerUnavailable: the issuer cannot be asked.
        """
        ...


class StaticKeys:
    """Keys given once, for tests and for issuers whose keys are mounted."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = read_jwks(jwks)

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key of that id."""
        return self._keys.get(kid)


class RemoteKeys:
    """Keys fetched from the issuer when first needed, kept while it is away.

    A known key goes on verifying through an outage of the issuer; an unknown one waits for it.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._failure: str | None = None
        self._asking = asyncio.Lock()

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key of that id, asking the issuer at most every RETRY_SECONDS."""
        if (key := self._keys.get(kid)) and self._asking.locked():
            return key  # good until the answer is there: an issuer that hangs holds up one request
        if not self._is_fresh() or kid not in self._keys:
            async with self._asking:  # those who waited find what the first one fetched
                if (not self._is_fresh() or kid not in self._keys) and self._may_ask():
                    await self._ask()
        key = self._keys.get(kid)
        if key is None and self._failure:
            raise IssuerUnavailable(f"{self._url} gave no keys: {self._failure}; is the issuer up?")
        return key

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < FRESH_SECONDS

    def _may_ask(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= RETRY_SECONDS

    async def _ask(self) -> None:
        self._asked_at = self._clock()
        try:
            self._keys = read_jwks(await _fetch(self._url))
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            self._failure = f"{type(error).__name__}: {error}"
            log.warning("issuer.keys_unavailable", url=self._url, reason=self._failure)
        else:
            self._fetched_at, self._failure = self._asked_at, None


async def _fetch(url: str) -> Mapping[str, Any]:
    host = httpx.URL(url).host
    is_local = host in {"127.0.0.1", "::1", "localhost"}
    # A proxy of the environment is for the world outside, not for an issuer on this machine.
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        httpx.AsyncClient(timeout=DEADLINE_SECONDS, trust_env=not is_local) as client,
        client.stream("GET", url) as response,
    ):
        response.raise_for_status()
        content = b""
        async for part in response.aiter_bytes():
            content += part
            if len(content) > LARGEST_BYTES:
                raise ValueError(f"answer above {LARGEST_BYTES} bytes")
    return httpx.Response(200, content=content).json()  # type: ignore[no-any-return]


def read_jwks(jwks: Mapping[str, Any]) -> dict[str, PublicKey]:
    """Return the usable keys by id: EC P-256 and RSA of 2048 bits or more, made for signing.

    Others (symmetric ones, encryption keys, unknown curves) are passed over: they are for others.
    """
    if not isinstance(jwks, Mapping) or not isinstance(jwks.get("keys"), list):
        raise ValueError("not a JWKS: no list `keys`")  # noqa: TRY004 - what came, not its type
    keys = {}
    for entry in jwks["keys"]:
        if isinstance(entry, dict) and isinstance(entry.get("kid"), str):
            key = _read_key(entry)
            if key is not None:
                keys[entry["kid"]] = key
    return keys


def _read_key(entry: dict[str, Any]) -> PublicKey | None:
    if entry.get("use", "sig") != "sig":
        return None
    try:
        if entry.get("kty") == "EC" and entry.get("crv") == "P-256":
            return ECKey.import_key(_public(entry))
        if entry.get("kty") == "RSA" and _modulus_bits(entry) >= RSA_LEAST_BITS:
            return RSAKey.import_key(_public(entry))
    except (JoseError, ValueError, TypeError):
        log.warning("issuer.key_unreadable", kid=entry["kid"])
    return None


def _modulus_bits(entry: dict[str, Any]) -> int:
    modulus = str(entry.get("n", ""))
    return int.from_bytes(urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()


def _public(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the public members alone; an issuer that shows its private key gives it to nobody."""
    return {
        name: entry[name] for name in ("kty", "crv", "x", "y", "n", "e", "kid") if name in entry
    }
