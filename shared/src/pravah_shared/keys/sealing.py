"""AES-256-GCM under a learner's key (NIST SP 800-38D), base64 for JSON.

Nonces are random, 96 bits: safe below 2^32 messages under one key, and a learner's key seals
only that learner's few versions and artefacts.
"""

import base64
import binascii
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import ValidationError

from pravah_shared.errors import Undecodable
from pravah_shared.events.types import Model

NONCE_BYTES = 12
KEY_BYTES = 32


class PersonalData(Model):
    """What may never travel in clear. Names are as entered, in NFC."""

    name: str
    latin_name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str = "en"
    time_zone: str = "Asia/Kolkata"
    designation: str | None = None


@dataclass(frozen=True, slots=True)
class LearnerKey:
    """The key of one learner. `secret` stays out of logs: it is not in the repr."""

    learner_id: str
    key_id: str
    secret: bytes = field(repr=False)

    @property
    def associated_data(self) -> bytes:
        """Binds a ciphertext to its learner: copied to another record, it does not open."""
        return f"{self.learner_id}|{self.key_id}".encode()


def seal(key: LearnerKey, plaintext: bytes) -> str:
    """Encrypt; every call returns another text (random nonce)."""
    return encrypt(key.secret, plaintext, key.associated_data)


def unseal(key: LearnerKey, text: str) -> bytes:
    """Decrypt what `seal` returned under the same key.

    Raises:
        Undecodable: altered, cut, another learner's, or sealed under another key.
    """
    try:
        return decrypt(key.secret, text, key.associated_data)
    except (InvalidTag, ValueError) as error:
        raise Undecodable(
            f"ciphertext of learner {key.learner_id} does not open with key {key.key_id}"
        ) from error


def seal_person(key: LearnerKey, person: PersonalData) -> str:
    """Encrypt a person as JSON: the `ciphertext` of a Person event."""
    return seal(key, person.model_dump_json().encode())


def open_person(key: LearnerKey, ciphertext: str) -> PersonalData:
    """Decrypt a person.

    Raises:
        Undecodable: it does not open, or holds no person.
    """
    plaintext = unseal(key, ciphertext)
    try:
        return PersonalData.model_validate_json(plaintext)
    except ValidationError:
        # Not chained: pydantic's message quotes the input, which is the person.
        raise Undecodable(f"ciphertext of learner {key.learner_id} holds no person") from None


def encrypt(secret: bytes, plaintext: bytes, associated_data: bytes) -> str:
    """Return base64 of nonce, ciphertext and tag."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(
        nonce + AESGCM(secret).encrypt(nonce, plaintext, associated_data)
    ).decode()


def decrypt(secret: bytes, text: str, associated_data: bytes) -> bytes:
    """Invert `encrypt`.

    Raises:
        InvalidTag: other key, other associated data, or altered text.
        ValueError: no base64, or too short to hold a nonce.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if len(raw) < NONCE_BYTES:
        raise ValueError("too short")
    return AESGCM(secret).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], associated_data)
