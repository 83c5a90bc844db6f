"""Says whether a certificate is good, by its signature and not by our word.

What a verifier is shown comes from the signed claims: a store that was tampered with cannot
put another name on a certificate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from pravah_certificate.credentials import openbadge, vcjwt
from pravah_certificate.credentials.keyfile import is_dev
from pravah_certificate.credentials.numbers import normalised
from pravah_certificate.credentials.registry import Registry
from pravah_certificate.model import Certificate
from pravah_certificate.ports import Keys
from pravah_shared.errors import KeyStoreUnavailable, Undecodable
from pravah_shared.keys import LearnerKey, unseal
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

NUMBER = re.compile(r"[A-Z2-7]{16,32}")
"""What a number looks like; anything else is unknown without a look into the store."""

State = Literal["valid", "erased", "not_genuine", "unknown"]


class ByNumber(Protocol):
    """Finds certificates by their public number."""

    async def by_number(self, certificate_id: str) -> Certificate | None:
        """Return the certificate, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signed claims say, least personal data first and last: one name."""

    holder_name: str = field(repr=False)
    course_title: str
    provider: str
    issuer: str
    completed_at: datetime
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer about one number. `signed` is there when valid, `record` when we know it."""

    certificate_id: str
    state: State
    record: Certificate | None = None
    signed: Signed | None = None

    @property
    def is_test(self) -> bool:
        """Whether a development key signed it."""
        return self.record is not None and is_dev(self.record.signing_key_id)


class Verifier:
    """Verifies stored certificates against the key registry."""

    def __init__(self, certificates: ByNumber, keys: Keys, registry: Registry) -> None:
        self._certificates = certificates
        self._keys = keys
        self._registry = registry

    async def verify(self, typed: str) -> Verification:
        """Verify by number, as a person may have typed it.

        Raises:
            Transient: the store or the key store did not answer; nothing is said then.
        """
        number = normalised(typed)
        record = await self._find(number)
        if record is None:
            return Verification(number, "unknown")
        try:
            token = await self.token(record)
            if token is None:
                return Verification(number, "erased", record)
            return Verification(number, "valid", record, self._signed(record, token))
        except (vcjwt.NotGenuine, Undecodable) as error:
            reason = str(error)
            log.error("certificate.not_genuine", certificate_id=number, reason=reason)  # noqa: TRY400 - the reason is all
            return Verification(number, "not_genuine", record)

    async def token(self, record: Certificate) -> str | None:
        """Return a certificate's VC-JWT as it was signed; None once its learner is erased.

        Raises:
            Undecodable: it does not open with the learner's key.
            KeyStoreUnavailable: the key is not there, yet not destroyed either.
        """
        key = await self._key(record.learner_id)
        if key is None or record.state == "erased":
            return None
        return unseal(key, record.credential).decode()

    async def _find(self, number: str) -> Certificate | None:
        return await self._certificates.by_number(number) if NUMBER.fullmatch(number) else None

    async def _key(self, learner_id: str) -> LearnerKey | None:
        keys = await self._keys.get_many([learner_id])
        if learner_id not in keys:
            # Not an erasure: that would leave a mark. To call it one would be a false answer.
            msg = f"no key of learner {learner_id}, who holds a certificate; check the key store"
            raise KeyStoreUnavailable(msg)
        return keys[learner_id]

    def _signed(self, record: Certificate, token: str) -> Signed:
        claims = vcjwt.verify(token, self._registry)
        if claims["jti"] != record.verify_url:
            raise vcjwt.NotGenuine("the credential in this place is another certificate's")
        return signed(claims)


def signed(claims: Mapping[str, Any]) -> Signed:
    """Read what a page shows from the claims of a credential of ours."""
    achieved = claims["credentialSubject"]["achievement"]
    return Signed(
        holder_name=openbadge.holder_name(claims),
        course_title=achieved["name"],
        provider=achieved["creator"]["name"],
        issuer=claims["issuer"]["name"],
        completed_at=datetime.fromisoformat(claims["awardedDate"]),
        issued_at=datetime.fromisoformat(claims["validFrom"]),
    )
