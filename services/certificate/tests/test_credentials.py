"""Credentials: what is signed, who else can verify it, and what is refused."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_certificate.credentials import openbadge, vcjwt
from pravah_certificate.credentials.openbadge import Award, IssuerProfile
from pravah_certificate.credentials.registry import Registry
from pravah_certificate.credentials.signer import LocalSigner, make_dev_key

KEY = make_dev_key()
REGISTRY = Registry.of([KEY])
SIGNER = LocalSigner([KEY])
PROFILE = IssuerProfile("https://certificates.example", "Pravah")
NAMES = st.text(min_size=1, max_size=80).filter(lambda name: name.isprintable())


def award(name: str = "अनीता देवी") -> Award:
    """Return what a certificate says."""
    return Award(
        holder_name=name,
        learner_id="learner-1",
        course_id="ethics",
        course_version=3,
        course_title={"hi": "नैतिकता", "en": "Ethics"},
        provider="Institute of Public Administration",
        certificate_name="completion",
        kind="course",
        completed_at=datetime(2025, 2, 14, 10, tzinfo=UTC),
        issued_at=datetime(2025, 2, 14, 10, 0, 1, 250_000, tzinfo=UTC),
        verify_url="https://certificates.example/verify/ABCD",
    )


def token_for(name: str = "अनीता देवी") -> str:
    """Return a signed credential."""
    credential = openbadge.credential(award(name), PROFILE, KEY["kid"])
    return vcjwt.sign(credential, SIGNER, KEY["kid"])


def verified_elsewhere(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """Verify with PyJWT, which shares no code with us, from the published JWKS alone."""
    key_id = pyjwt.get_unverified_header(token)["kid"]
    key = pyjwt.PyJWKSet.from_dict(jwks)[key_id]
    claims: dict[str, Any] = pyjwt.decode(
        token, key, algorithms=["ES256"], options={"require": ["iss", "jti", "sub", "nbf"]}
    )
    return claims


@given(name=NAMES)
def test_an_independent_verifier_accepts_every_name(name: str) -> None:
    """PyJWT, with our JWKS only, reads the name as it was entered, whatever its script."""
    claims = verified_elsewhere(token_for(name), json.loads(json.dumps(REGISTRY.jwks())))
    assert openbadge.holder_name(claims) == name


def test_registered_claims_repeat_the_credential() -> None:
    """Open Badges 3.0 § 8.2: iss, jti, sub and nbf say what the credential says."""
    claims = vcjwt.verify(token_for(), REGISTRY)
    assert claims["iss"] == claims["issuer"]["id"] == PROFILE.url
    assert claims["jti"] == claims["id"] == award().verify_url
    assert claims["sub"] == claims["credentialSubject"]["id"]
    assert claims["validFrom"] == "2025-02-14T10:00:01Z"
    assert claims["nbf"] == 1_739_527_201


def test_the_learner_id_does_not_leave() -> None:
    """A credential travels to strangers: our own id of a learner is not in it."""
    assert "learner-1" not in json.dumps(vcjwt.verify(token_for(), REGISTRY))


def test_a_development_key_says_so_inside_what_it_signs() -> None:
    """What a dev key signs cannot pass for a certificate, wherever it is copied to."""
    marked = openbadge.credential(award(), PROFILE, "dev-1")
    real = openbadge.credential(award(), PROFILE, "2025-a")
    assert marked["description"] == openbadge.TEST_NOTICE
    assert "description" not in real


def test_the_jwks_holds_no_private_member() -> None:
    """Only the listed public members leave."""
    (key,) = REGISTRY.jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def with_claims(token: str, **changes: Any) -> str:
    """Return the token with claims changed under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{header}.{vcjwt.encoded({**claims, **changes})}.{signature}"


def with_header(token: str, header: dict[str, Any]) -> str:
    """Return the token under another header."""
    return ".".join((vcjwt.encoded(header), *token.split(".")[1:]))


STRANGER = make_dev_key()
FORGERIES = {
    "another date": with_claims(token_for(), nbf=1),
    "another id": with_claims(token_for(), jti="https://certificates.example/verify/EFGH"),
    "no signature": token_for().rsplit(".", 1)[0] + ".",
    "alg none": with_header(token_for(), {"alg": "none", "kid": KEY["kid"]}),
    "alg HS256": with_header(token_for(), {"alg": "HS256", "kid": KEY["kid"]}),
    "unknown key": with_header(token_for(), {"alg": "ES256", "kid": "other"}),
    "no key": with_header(token_for(), {"alg": "ES256"}),
    "a list as key": with_header(token_for(), {"alg": "ES256", "kid": ["a"]}),
    "a key in the header": vcjwt.sign(
        openbadge.credential(award(), PROFILE, STRANGER["kid"]),
        LocalSigner([STRANGER]),
        STRANGER["kid"],
    ),
    "not a token": "certificate",
    "empty": "",
    "not ASCII": "अ.ब.स",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_is_refused(forgery: str) -> None:
    """Altered, unsigned or foreign tokens are not genuine, and nothing else is raised."""
    with pytest.raises(vcjwt.NotGenuine):
        vcjwt.verify(forgery, REGISTRY)


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=5))
def test_no_single_altered_letter_survives(position: int, bit: int) -> None:
    """Every flipped bit of header or payload breaks the signature."""
    token = token_for()
    signed = token.rindex(".")
    place = position % signed
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    if token[place] == ".":
        return
    letter = alphabet[alphabet.index(token[place]) ^ (1 << bit)]
    with pytest.raises(vcjwt.NotGenuine):
        vcjwt.verify(token[:place] + letter + token[place + 1 :], REGISTRY)


def test_a_key_that_no_longer_signs_still_verifies() -> None:
    """Rotation: a new first key signs, what the old one signed stays good."""
    new = make_dev_key()
    rotated = Registry.of([new, KEY])
    assert rotated.active_key_id == new["kid"]
    assert vcjwt.verify(token_for(), rotated)["jti"] == award().verify_url


def test_equal_facts_give_equal_claims() -> None:
    """A redelivery describes the same certificate."""
    assert openbadge.credential(award(), PROFILE, "k") == openbadge.credential(
        award(), PROFILE, "k"
    )
