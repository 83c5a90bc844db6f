"""`/inbox`: a small page for people trying Pravah. Everything it needs is in it."""

import secrets
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pravah_notification.api.parts import Given
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.problems import Problem

router = APIRouter(tags=["pages"])


@router.get("/inbox", response_class=HTMLResponse)
async def inbox_page(who: Annotated[Principal, allow("learner")], parts: Given) -> HTMLResponse:
    """Show the caller's own inbox, live, in their language."""
    if who.learner_id is None:
        raise Problem(403, "No inbox", "This account is no learner's; open a learner's link")
    reader = await parts.inapp.reader(who.learner_id)
    nonce = secrets.token_urlsafe(16)
    html = parts.renderer.page(
        "inbox.html", reader.language, {"learner_id": who.learner_id, "nonce": nonce}
    )
    return HTMLResponse(html, headers=_headers(nonce))


def _headers(nonce: str) -> dict[str, str]:
    """Return what keeps a script that slipped in from running, and the page from being framed."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
