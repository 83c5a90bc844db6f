"""Only tokens of the issuer, for us, in their time, and by the key's own algorithm are taken."""

import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from pravah_shared.http import tokens
from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.keys import StaticKeys, read_jwks
from pravah_shared.http.problems import Problem
from pravah_shared.http.tokens import TokenVerifier, claim
from pravah_shared.settings import Settings

NOW = time.time()
"""When this was imported, maybe minutes before a test runs."""


def verifier(issuer: LocalIssuer, clock: Any = time.time) -> TokenVerifier:
    """Return a verifier that has the issuer's keys."""
    return TokenVerifier(Settings(), StaticKeys(issuer.jwks()), clock)


async def refusal(issuer: LocalIssuer, token: str) -> str:
    """Return why a token is refused."""
    with pytest.raises(Problem) as caught:
        await verifier(issuer).principal(token)
    assert caught.value.status == 401
    assert "invalid_token" in caught.value.headers["WWW-Authenticate"]
    return caught.value.detail


async def test_a_token_becomes_its_principal(issuer: LocalIssuer) -> None:
    """Learner, role, MDO and scopes come from the claims."""
    token = issuer.token("mdo_admin", learner_id="l1", mdo_id="mdo-1", scopes=["a:b", "c:d"])
    principal = await verifier(issuer).principal(token)
    assert (principal.learner_id, principal.mdo_id) == ("l1", "mdo-1")
    assert principal.roles == {"mdo_admin"}
    assert principal.scopes == {"a:b", "c:d"}


async def test_rs256_is_taken_too(settings: Settings) -> None:
    """Most issuers sign with RSA."""
    issuer = LocalIssuer(settings, RSAKey.generate_key(2048, parameters={"use": "sig"}))
    assert (await verifier(issuer).principal(issuer.token("operator"))).is_trusted


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": NOW - 1}, "expired"),
        ({"exp": None}, "missing claim"),
        ({"exp": "soon"}, "invalid claim"),
        ({"exp": float("nan")}, "invalid claim"),
        ({"nbf": NOW + 24 * 3600}, "invalid claim"),
        ({"iss": "https://other.example"}, "invalid claim"),
        ({"iss": None}, "missing claim"),
        ({"aud": "another-system"}, "invalid claim"),
        ({"aud": []}, "invalid claim"),
        ({"aud": None}, "missing claim"),
        ({"sub": None}, "missing claim"),
        ({"use": "page"}, "page once"),
    ],
)
async def test_wrong_claims_are_refused(
    claims: dict[str, Any], why: str, issuer: LocalIssuer
) -> None:
    """Issuer, audience and times must be there and hold."""
    assert why in await refusal(issuer, issuer.token("operator", claims=claims))


async def test_one_of_several_audiences_is_enough(issuer: LocalIssuer) -> None:
    """RFC 7519 allows a list."""
    token = issuer.token("operator", claims={"aud": ["another", "pravah"], "nbf": time.time() + 10})
    assert (await verifier(issuer).principal(token)).is_trusted


def forged(header: dict[str, Any], signature: bytes = b"x" * 64) -> str:
    """Return a token of an operator with any header and signature."""
    claims = {"iss": "http://127.0.0.1:8000", "aud": "pravah", "sub": "x", "exp": NOW + 24 * 3600}
    parts = [json.dumps(header).encode(), json.dumps({**claims, "roles": ["operator"]}).encode()]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in [*parts, signature]]
    return b".".join(encoded).decode()


async def test_the_token_cannot_choose_its_algorithm(issuer: LocalIssuer) -> None:
    """Neither `none`, nor HMAC keyed with the public key, nor RSA's for an EC key."""
    public = issuer.jwks()["keys"][0]
    kid = public["kid"]
    for algorithm in ("none", "HS256", "RS256", "ES384", "PS256", "XX"):
        await refusal(issuer, forged({"alg": algorithm, "kid": kid}))
        await refusal(issuer, forged({"alg": algorithm, "kid": kid}, b""))
    pem = ECKey.import_key(public).as_pem(private=False)
    secret = OctKey.import_key(base64.urlsafe_b64encode(pem))
    claims = jwt.decode(issuer.token("operator"), ECKey.import_key(public)).claims
    confused = jwt.encode({"alg": "HS256", "kid": kid}, claims, secret, algorithms=["HS256"])
    await refusal(issuer, confused)


async def test_a_key_in_the_token_is_not_used(issuer: LocalIssuer) -> None:
    """`jwk` and `jku` of a header are the forger's."""
    own = ECKey.generate_key("P-256", private=True)
    kid = issuer.jwks()["keys"][0]["kid"]
    claims = jwt.decode(issuer.token("operator"), ECKey.import_key(issuer.jwks()["keys"][0])).claims
    header = {"alg": "ES256", "kid": kid, "jwk": own.as_dict(private=False)}
    await refusal(issuer, jwt.encode(header, claims, own))


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c.d", "e30.e30.e30", ".".join(["ü"] * 3), "e" * 9000, "\ud800"]
)
async def test_what_is_no_token_is_401(token: str, issuer: LocalIssuer) -> None:
    """Garbage is refused, never an error of ours."""
    await refusal(issuer, token)


async def test_a_token_without_kid_or_of_another_key_is_refused(
    settings: Settings, issuer: LocalIssuer
) -> None:
    """We choose the key by id; nothing is tried."""
    stranger = LocalIssuer(settings)
    assert "does not have" in await refusal(issuer, stranger.token("operator"))
    assert "kid" in await refusal(issuer, forged({"alg": "ES256"}))


async def test_a_changed_token_is_refused(issuer: LocalIssuer) -> None:
    """The signature covers header and claims."""
    head, _, signature = issuer.token("learner", learner_id="l1").split(".")
    _, claims, _ = forged({}).split(".")
    assert "signature" in await refusal(issuer, f"{head}.{claims}.{signature}")


async def test_a_verified_token_is_kept_until_it_expires(issuer: LocalIssuer) -> None:
    """The signature is checked once; a kept token still ends on time."""

    class Counting(StaticKeys):
        asked = 0

        async def find(self, kid: str) -> Any:
            self.asked += 1
            return await super().find(kid)

    keys, now = Counting(issuer.jwks()), (began := time.time())
    checked = TokenVerifier(Settings(), keys, lambda: now)
    token = issuer.token("operator", claims={"exp": began + 60})
    assert await checked.principal(token) == await checked.principal(token)
    assert keys.asked == 1
    now = began + 61
    with pytest.raises(Problem, match="expired"):
        await checked.principal(token)


async def test_kept_tokens_are_bounded(
    issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of tokens costs time, not memory."""
    monkeypatch.setattr(tokens, "MOST_KEPT", 3)
    checked = verifier(issuer)
    for number in range(10):
        await checked.principal(issuer.token("learner", learner_id=f"l{number}"))
    assert len(checked._kept) == 3


async def test_claims_are_found_by_settings(issuer: LocalIssuer) -> None:
    """Issuers differ in where they put roles, learner and MDO."""
    settings = Settings(
        oidc_claim_learner="https://idp.example/wid",
        oidc_claim_roles="realm_access.roles",
        oidc_claim_mdo="org.id",
    )
    claims = {
        "https://idp.example/wid": "l9",
        "realm_access": {"roles": ["learner", "offline_access", 7]},
        "org": {"id": "mdo-9"},
    }
    checked = TokenVerifier(settings, StaticKeys(issuer.jwks()))
    principal = await checked.principal(issuer.token("operator", claims=claims))
    assert principal.learner_id == "l9"
    assert principal.roles == {"learner"}
    assert principal.mdo_id == "mdo-9"


@pytest.mark.parametrize("roles", [None, "operator", {"operator": 1}, 7])
async def test_roles_of_another_shape_are_none(roles: Any, issuer: LocalIssuer) -> None:
    """A string is no list: `operator` must not be found in it letter by letter, nor as a whole."""
    principal = await verifier(issuer).principal(issuer.token("operator", claims={"roles": roles}))
    assert principal.roles == frozenset()


@pytest.mark.parametrize("learner_id", ["a|b", "a\n", "", 7, "x" * 65])
async def test_a_learner_claim_that_is_no_id_is_none(learner_id: Any, issuer: LocalIssuer) -> None:
    """What is not our kind of id owns nothing."""
    settings = Settings(oidc_claim_learner="wid")
    checked = TokenVerifier(settings, StaticKeys(issuer.jwks()))
    token = issuer.token("learner", claims={"wid": learner_id})
    assert (await checked.principal(token)).learner_id is None


def test_a_dotted_path_ends_where_there_is_nothing() -> None:
    """No error for a claim that is missing, or is no object."""
    assert claim({"a": {"b": 1}}, "a.b") == 1
    assert claim({"a": 5}, "a.b.c") is None


def test_weak_and_foreign_keys_are_passed_over() -> None:
    """Symmetric, short, encryption and broken keys verify nothing."""
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, auto_kid=True)
    curve = ECKey.generate_key("P-384", auto_kid=True)
    secret = OctKey.generate_key(256, auto_kid=True)
    encrypting = ECKey.generate_key("P-256", {"use": "enc"}, auto_kid=True)
    broken = {"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"}
    entries = [key.as_dict() for key in (weak, curve, secret, encrypting)]
    assert read_jwks({"keys": [*entries, broken, "nonsense", {"kty": "EC"}]}) == {}


def test_a_private_key_in_a_jwks_stays_unused() -> None:
    """An issuer that shows its private key gives it to nobody through us."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    (read,) = read_jwks({"keys": [key.as_dict(private=True)]}).values()
    assert not read.is_private
