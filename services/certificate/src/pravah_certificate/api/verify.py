"""Public: is this certificate good? A page for people, JSON for programs, and our keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse

from pravah_certificate.api.bodies import Verified
from pravah_certificate.api.negotiation import negotiate
from pravah_certificate.api.parts import PartsOf
from pravah_certificate.verification import Verification
from pravah_shared.http.identity import public
from pravah_shared.http.problems import Problem

router = APIRouter(tags=["verification"], dependencies=[public()])

HTML = "text/html"
JSON = "application/json"
FORMATS = (HTML, JSON)

JWKS_SECONDS = 3600
"""How long a verifier may keep our keys: a new key is published that long before it signs."""

PRIVATE = {
    "Cache-Control": "no-store",  # an erasure must show at once
    "Vary": "Accept, Accept-Language",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@router.get(
    "/verify/{certificate_id}",
    response_model=Verified,
    responses={
        200: {"content": {HTML: {"schema": {"type": "string"}}}},
        404: {"description": "No certificate has this number"},
        406: {"description": "Neither a page nor JSON is asked for"},
    },
)
async def verify(
    certificate_id: str,
    parts: PartsOf,
    accept: Annotated[str | None, Header()] = None,
    accept_language: Annotated[str | None, Header()] = None,
    lang: Annotated[str | None, Query(max_length=35, description="Language of the page")] = None,
) -> Response:
    """Verify a certificate by its number: the stored credential's signature is checked now."""
    media = negotiate(accept, FORMATS)
    if media is None:
        detail = f"A verification comes as {' or '.join(FORMATS)}; ask for one in Accept"
        raise Problem(406, "No such format", detail, type="no-such-format")
    found = await parts.verifier.verify(certificate_id)
    if media == JSON:
        return as_json(found)
    page = parts.pages.verify(found, lang or accept_language)
    headers = {"Content-Security-Policy": page.policy, "Content-Language": page.language}
    return HTMLResponse(page.html, status_of(found), PRIVATE | headers)


def as_json(found: Verification) -> Response:
    """Return the answer for programs."""
    if found.state == "unknown":
        detail = "No certificate has this number; compare it with the one that is printed"
        raise Problem(404, "No such certificate", detail, type="unknown-certificate")
    return Response(Verified.of(found).model_dump_json(), 200, PRIVATE, JSON)


def status_of(found: Verification) -> int:
    """Return the HTTP status of a page: a bad certificate is an answer, not an error."""
    return 404 if found.state == "unknown" else 200


@router.get("/.well-known/jwks.json")
async def jwks(parts: PartsOf) -> Response:
    """Give the public keys that verify our credentials (RFC 7517)."""
    keys: dict[str, Any] = parts.registry.jwks()
    return JSONResponse(
        keys,
        headers={
            "Cache-Control": f"public, max-age={JWKS_SECONDS}",
            "Access-Control-Allow-Origin": "*",  # public keys, for verifiers in browsers too
        },
        media_type="application/jwk-set+json",
    )
