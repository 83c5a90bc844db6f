"""A token issuer in memory: its key, its JWKS, its tokens. For tests and tools of development."""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from pravah_shared.http.keys import StaticKeys
from pravah_shared.http.principal import Role
from pravah_shared.http.tokens import TokenVerifier

if TYPE_CHECKING:
    from fastapi import FastAPI

    from pravah_shared.settings import Settings

LIFETIME_SECONDS: Final = 3600


class LocalIssuer:
    """Issues tokens that services with `settings` accept, once they use its keys."""

    def __init__(self, settings: "Settings", key: ECKey | RSAKey | None = None) -> None:
        self._settings = settings
        self._key = key or ECKey.generate_key("P-256", parameters={"use": "sig"})
        self._key.ensure_kid()

    def jwks(self) -> dict[str, Any]:
        """Return the public keys, as an issuer serves them."""
        return {"keys": [self._key.as_dict(private=False)]}

    def token(
        self,
        role: Role,
        *,
        learner_id: str | None = None,
        mdo_id: str | None = None,
        scopes: Sequence[str] = (),
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a token of `role`; `claims` adds or, with None, leaves out claims."""
        now = int(time.time())
        said: dict[str, Any] = {
            "iss": self._settings.oidc_issuer,
            "aud": self._settings.oidc_audience,
            "sub": learner_id or f"a-{role}",
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "roles": [role],
        }
        if mdo_id:
            said["mdo_id"] = mdo_id
        if scopes:
            said["scope"] = " ".join(scopes)
        said.update(claims or {})
        return self.sign({name: given for name, given in said.items() if given is not None})

    def page_token(self, role: Role, *, learner_id: str | None = None) -> str:
        """Return the token of a one-time page link."""
        once = {"use": "page", "jti": uuid.uuid4().hex, "exp": int(time.time()) + 300}
        return self.token(role, learner_id=learner_id, claims=once)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a JWT of exactly these claims."""
        algorithm = "ES256" if isinstance(self._key, ECKey) else "RS256"
        return jwt.encode({"alg": algorithm, "kid": self._key.kid}, dict(claims), self._key)

    def headers(self, role: Role, **of_token: Any) -> dict[str, str]:
        """Return the headers of a request by `role`; takes what `token` takes."""
        return {"Authorization": f"Bearer {self.token(role, **of_token)}"}


def use_issuer(app: "FastAPI", issuer: LocalIssuer) -> None:
    """Let `app` verify tokens with this issuer's keys, without asking over HTTP."""
    app.state.verifier = TokenVerifier(app.state.settings, StaticKeys(issuer.jwks()))
