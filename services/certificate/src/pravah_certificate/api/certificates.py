"""Certificates of a learner, and one certificate in the format asked for."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from pravah_certificate.api.bodies import Summary, SummaryPage
from pravah_certificate.api.negotiation import negotiate
from pravah_certificate.api.parts import Parts, PartsOf
from pravah_certificate.credentials.numbers import normalised
from pravah_certificate.model import Certificate
from pravah_certificate.store import After
from pravah_shared.events.types import LearnerId
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.paging import Page, moment_key
from pravah_shared.http.principal import forbidden
from pravah_shared.http.problems import Problem

router = APIRouter(tags=["certificates"])

JSON = "application/json"
VC_JWT = "application/vc+jwt"
FORMATS = (JSON, VC_JWT)

Reader = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["learners:read"])
]


@router.get("/v1/learners/{learner_id}/certificates")
async def list_certificates(
    learner_id: LearnerId, who: Reader, page: Page, parts: PartsOf
) -> SummaryPage:
    """List a learner's certificates, newest first; an mdo_admin sees those of their MDO."""
    after = After(*page.after_moment) if page.after_moment else None
    found = await parts.certificates.of_learner(
        learner_id, limit=page.fetch, after=after, mdo_id=managed_mdo(who, learner_id)
    )
    shown = page.page(found, lambda each: moment_key(each.issued_at, each.certificate_id))
    return SummaryPage(
        items=tuple(Summary.of(each) for each in shown["items"]), next_cursor=shown["next_cursor"]
    )


@router.get(
    "/v1/certificates/{certificate_id}",
    response_model=Summary,
    responses={
        200: {"content": {VC_JWT: {"schema": {"type": "string"}}}},
        404: {"description": "No such certificate"},
        406: {"description": "None of the formats that are asked for"},
        410: {"description": "The learner was erased; no credential is left"},
    },
)
async def read_certificate(
    certificate_id: str, who: Reader, parts: PartsOf, accept: Annotated[str | None, Header()] = None
) -> Response:
    """Give a certificate as a summary, or as the signed credential (VC-JWT, ES256)."""
    certificate = await parts.certificates.by_number(normalised(certificate_id))
    if certificate is None:
        raise Problem(404, "No such certificate", "No certificate has this number")
    who.must_own(certificate.learner_id)
    who.must_manage(certificate.mdo_id, learner_id=certificate.learner_id)
    headers = {"Vary": "Accept", "Cache-Control": "private, no-store"}
    match negotiate(accept, FORMATS):
        case "application/vc+jwt":
            return Response(await credential(certificate, parts), 200, headers, VC_JWT)
        case "application/json":
            body = Summary.of(certificate).model_dump_json()
            return Response(body, 200, headers, JSON)
        case _:
            detail = f"A certificate comes as {' or '.join(FORMATS)}; ask for one in Accept"
            raise Problem(406, "No such format", detail, type="no-such-format")


async def credential(certificate: Certificate, parts: Parts) -> str:
    """Return the signed credential."""
    token = await parts.verifier.token(certificate)
    if token is None:
        detail = "The learner's personal data was erased, and the credential with it"
        raise Problem(410, "Erased", detail, type="erased")
    return token


def managed_mdo(who: Principal, learner_id: str) -> str | None:
    """Return the MDO to whose certificates an mdo_admin is held; None holds to nothing."""
    if who.is_trusted or who.owns(learner_id):
        return None
    if who.mdo_id is None:
        raise forbidden("Your token names no MDO; ask whoever issues it")
    return who.mdo_id
