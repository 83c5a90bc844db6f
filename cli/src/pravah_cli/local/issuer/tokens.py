"""Dev tokens: one ES256 key in the state directory signs them, the issuer publishes it."""

import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from pravah_shared.errors import ConfigurationError
from pravah_shared.http.principal import ROLES
from pravah_shared.settings import Settings

LIFETIME_SECONDS = 12 * 3600
"""A working day, so that a token pasted into a client lasts."""
LINK_SECONDS = 10 * 60
"""Services refuse page links that live longer than a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token is for. `subject` is the learner's id for learners, any name for others."""

    role: str
    subject: str
    mdo_id: str | None = None
    scopes: tuple[str, ...] = ()


def load_or_create_key(state_dir: Path) -> ECKey:
    """Return the issuer's key, made on first use, readable by its owner alone.

    Safe in several processes at once: all get the same key.
    """
    file = state_dir / "issuer.jwk"
    if not file.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"})
        key.ensure_kid()
        handle, fresh = tempfile.mkstemp(dir=state_dir, prefix="issuer.")  # mode 0600
        with os.fdopen(handle, "w") as out:
            json.dump(key.as_dict(private=True), out)
        with suppress(FileExistsError):
            os.link(fresh, file)  # the first of several wins, whole
        Path(fresh).unlink()
    return ECKey.import_key(json.loads(file.read_text()))


def page_link(base: str, path: str, bearer: Bearer, settings: Settings, state_dir: Path) -> str:
    """Return a link that opens a page of the service at `base` once, as `bearer`.

    Raises:
        ConfigurationError: as `mint`.
    """
    once = {"use": "page", "jti": str(uuid4())}
    token = mint(bearer, settings, state_dir, LINK_SECONDS, once)
    return f"{base}/session?{urlencode({'token': token, 'next': path})}"


def mint(
    bearer: Bearer,
    settings: Settings,
    state_dir: Path,
    lifetime_seconds: int = LIFETIME_SECONDS,
    extra: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return a signed token that services with `settings` accept.

    Raises:
        ConfigurationError: production, where tokens come from the real issuer; unknown role; a
            learner without an id.
    """
    if settings.environment == "production":
        raise ConfigurationError("dev tokens do not exist in production; ask PRAVAH_OIDC_ISSUER's")
    if bearer.role not in ROLES:
        raise ConfigurationError(f"no role {bearer.role!r}; choose one of {', '.join(ROLES)}")
    if bearer.role == "learner" and not bearer.subject:
        raise ConfigurationError("a learner's token needs --learner ID")
    key = load_or_create_key(state_dir)
    header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
    return jwt.encode(header, {**claims(bearer, settings, lifetime_seconds), **extra}, key)


def claims(bearer: Bearer, settings: Settings, lifetime_seconds: int) -> dict[str, Any]:
    """Return the token's claims under the names that `settings` give them."""
    now = int(time.time())
    said: dict[str, Any] = {
        "iss": settings.oidc_issuer,
        "aud": settings.oidc_audience,
        "sub": bearer.subject or bearer.role,
        "iat": now,
        "nbf": now - 5,  # another process's clock may be a little behind
        "exp": now + lifetime_seconds,
        "scope": " ".join(bearer.scopes),
    }
    place(said, settings.oidc_claim_learner, bearer.subject or bearer.role)
    place(said, settings.oidc_claim_roles, [bearer.role])
    if bearer.mdo_id:
        place(said, settings.oidc_claim_mdo, bearer.mdo_id)
    return said


def place(said: dict[str, Any], path: str, claim: object) -> None:
    """Set a claim at a dotted path, as Keycloak's `realm_access.roles`."""
    *parents, last = path.split(".")
    for parent in parents:
        said = said.setdefault(parent, {})
    said[last] = claim
