"""Sessions of the small pages for people trying Pravah (inbox, operators' page). Dev only.

`pravah token --page` prints a link with a short-lived token (`use=page`, `jti`). Opening it once
sets a cookie with a random session id; what it stands for is kept in the service's store. The
token is worth nothing afterwards, nor as a bearer token; the cookie nothing on another service.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from pravah_shared.errors import ConfigurationError
from pravah_shared.http.principal import Principal, forbidden
from pravah_shared.http.tokens import TokenVerifier, unauthorized

if TYPE_CHECKING:
    from pravah_shared.mongo import Collection, Document
    from pravah_shared.settings import Settings

PATH: Final = "/session"
SESSION_HOURS: Final = 8
"""A day's trying out."""
LONGEST_LINK_SECONDS: Final = 15 * 60
"""A link token of a longer life is refused: its issuer did not mean it for one opening."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class PageSessions:
    """One-time links and the sessions they open, in one collection of the service's store."""

    def __init__(
        self,
        settings: "Settings",
        service: str,
        collection: "Collection",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if settings.environment != "dev":
            raise ConfigurationError(
                "page sessions are for development; with PRAVAH_ENVIRONMENT=production put a "
                "gateway that logs people in before the pages"
            )
        self.cookie = f"pravah_{service}"  # cookies of one host are shared by all its ports
        self._collection = collection
        self._clock = clock

    async def prepare(self) -> None:
        """Create the index by which the store forgets old sessions. Safe to repeat."""
        await self._collection.ensure_index("expiry", [("expires_at", 1)], expire_after_seconds=0)

    async def redeem(self, verifier: TokenVerifier, token: str) -> str:
        """Return a new session's id for a link's token, which is then worth nothing.

        Raises:
            Problem: 401: no good page token, or it was opened before.
        """
        claims = await verifier.claims(token)
        jti = claims.get("jti")
        if claims.get("use") != "page" or not isinstance(jti, str) or not jti:
            raise unauthorized("This is no page link; get one with `pravah token --page`")
        now = self._clock()
        if claims["exp"] - now.timestamp() > LONGEST_LINK_SECONDS:
            raise unauthorized("This link lives too long to be opened once; get a new one")
        # Kept a day past the token's own end: the store's clock may lag behind ours.
        used = {"_id": f"link|{_digest(jti)}", "expires_at": now + timedelta(days=1)}
        if not await self._collection.insert_once(used):
            raise unauthorized("This link was opened before; each opens once. Get a new one")
        session_id = secrets.token_urlsafe(32)
        principal = verifier.principal_of(claims)
        await self._collection.insert_once(_document(session_id, principal, self._expiry()))
        return session_id

    def _expiry(self) -> datetime:
        return self._clock() + timedelta(hours=SESSION_HOURS)

    async def authenticate(self, request: Request) -> Principal:
        """Return whose session the cookie of `request` is.

        Raises:
            Problem: 401 without a live session, 403 for a change asked by another page's script.
        """
        session_id = request.cookies.get(self.cookie)
        if not session_id:
            raise unauthorized("Send an access token: Authorization: Bearer <token>")
        kept = await self._collection.find_one({"_id": _session_key(session_id)})
        if kept is None or kept["expires_at"] <= self._clock():
            raise unauthorized("The page's session has ended; open a new link")
        if request.method not in SAFE_METHODS and not _from_own_page(request):
            raise forbidden("A page's session changes things only from that page itself")
        return Principal(
            subject=kept["subject"],
            learner_id=kept["learner_id"],
            roles=frozenset(kept["roles"]),
            mdo_id=kept["mdo_id"],
            scopes=frozenset(kept["scopes"]),
        )


def _from_own_page(request: Request) -> bool:
    """Tell whether the page that asks is of this very origin; a same-site cookie is not enough.

    SameSite counts all ports of a host as one site, so another service's page could ask too.
    """
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin == request.headers.get("host")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _session_key(session_id: str) -> str:
    return f"session|{_digest(session_id)}"  # who reads the store cannot become its users


def _document(session_id: str, principal: Principal, expires_at: datetime) -> "Document":
    return {
        "_id": _session_key(session_id),
        "expires_at": expires_at,
        "subject": principal.subject,
        "learner_id": principal.learner_id,
        "roles": sorted(principal.roles),
        "mdo_id": principal.mdo_id,
        "scopes": sorted(principal.scopes),
    }


def _local_path(wanted: str) -> str:
    """Return a path of this service, whatever was asked for: a link must not lead elsewhere."""
    parts = urlsplit(wanted)
    is_local = wanted.startswith("/") and not parts.scheme and not parts.netloc
    return wanted if is_local and "\\" not in wanted and wanted.isprintable() else "/"


async def open_session(request: Request, token: str, next: str = "/") -> Response:  # noqa: A002 - the link's own word
    """Open a page session by a one-time link and go to the page."""
    sessions: PageSessions | None = getattr(request.app.state, "page_sessions", None)
    if sessions is None:
        raise unauthorized("This service has no pages")
    session_id = await sessions.redeem(request.app.state.verifier, token)
    path = escape(_local_path(next))
    # A page that goes on by itself, not a redirect: a browser that came from another site would
    # not send a SameSite=Strict cookie along a redirect.
    response = HTMLResponse(
        f'<!doctype html><meta charset="utf-8"><title>Pravah</title>'
        f'<meta http-equiv="refresh" content="0;url={path}"><a href="{path}">Go on</a>',
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
    cookie: dict[str, Any] = {"httponly": True, "samesite": "strict", "path": "/"}
    response.set_cookie(
        sessions.cookie,
        session_id,
        max_age=SESSION_HOURS * 3600,
        secure=request.url.scheme == "https",
        **cookie,
    )
    return response
