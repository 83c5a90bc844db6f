"""The dev issuer and its tokens."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from pravah_cli.local.issuer.app import create_app
from pravah_cli.local.issuer.tokens import Bearer, load_or_create_key, mint
from pravah_shared.errors import ConfigurationError
from pravah_shared.settings import Settings


async def served(state: Path, path: str) -> Any:
    """Return what the issuer answers."""
    transport = httpx.ASGITransport(create_app("http://issuer", state))
    async with httpx.AsyncClient(transport=transport, base_url="http://issuer") as client:
        return (await client.get(path)).json()


async def published(state: Path) -> KeySet:
    """Return the keys as a service would read them."""
    return KeySet.import_key_set(await served(state, "/jwks.json"))


async def test_a_token_verifies_against_the_published_key(tmp_path: Path) -> None:
    """What `pravah token` signs, a service can check by the JWKS alone."""
    token = mint(Bearer("learner", "L1"), Settings(), tmp_path)
    said = jwt.decode(token, await published(tmp_path), algorithms=["ES256"]).claims
    assert (said["sub"], said["roles"], said["aud"]) == ("L1", ["learner"], "pravah")


async def test_the_private_key_is_not_published(tmp_path: Path) -> None:
    """The JWKS holds no private part."""
    [key] = (await published(tmp_path)).as_dict()["keys"]
    assert "d" not in key


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else on the machine can sign."""
    load_or_create_key(tmp_path)
    assert stat.S_IMODE((tmp_path / "issuer.jwk").stat().st_mode) == 0o600


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    """Issuer and command may both be first; a token must verify all the same."""
    with ThreadPoolExecutor(8) as pool:
        kids = {key.kid for key in pool.map(load_or_create_key, [tmp_path] * 16)}
    assert len(kids) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["issuer.jwk"]


async def test_claims_stand_where_the_settings_say(tmp_path: Path) -> None:
    """A dotted path makes nested claims, as some issuers do."""
    settings = Settings(oidc_claim_roles="realm_access.roles", oidc_claim_mdo="org")
    token = mint(Bearer("mdo_admin", "A1", mdo_id="M1"), settings, tmp_path)
    said = jwt.decode(token, await published(tmp_path), algorithms=["ES256"]).claims
    assert said["realm_access"] == {"roles": ["mdo_admin"]}
    assert said["org"] == "M1"


@pytest.mark.parametrize(
    ("bearer", "message"),
    [(Bearer("chief", "X"), "no role 'chief'"), (Bearer("learner", ""), "needs --learner")],
)
def test_a_token_nobody_could_use_is_refused(tmp_path: Path, bearer: Bearer, message: str) -> None:
    """A wrong role or a learner without id is said at once, not by a 403 later."""
    with pytest.raises(ConfigurationError, match=message):
        mint(bearer, Settings(), tmp_path)


def test_no_dev_token_in_production(tmp_path: Path) -> None:
    """In production tokens come from the real issuer only."""
    settings = Settings.model_construct(environment="production")
    with pytest.raises(ConfigurationError, match="production"):
        mint(Bearer("operator", "op"), settings, tmp_path)


async def test_discovery_names_the_key_set(tmp_path: Path) -> None:
    """A client that knows the issuer alone finds the key."""
    found = await served(tmp_path, "/.well-known/openid-configuration")
    assert found["jwks_uri"] == "http://issuer/jwks.json"
