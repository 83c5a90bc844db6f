"""The API on the real store: who sees which certificate, in which format."""

from collections.abc import AsyncIterator

import httpx
import jwt as pyjwt
import pytest
from certificate_samples import MERIT, PARTICIPATION, completed, course, erased
from certificate_service import Service, serving

from pravah_shared.http.testing import LEARNER, OTHER, Example, walk_matrix
from pravah_shared.mongo import Database

pytestmark = pytest.mark.stack

VC_JWT = {"Accept": "application/vc+jwt"}


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Service]:
    """Yield the service with nothing in it."""
    async with serving(database) as running:
        yield running


@pytest.fixture
async def number(service: Service) -> str:
    """Return the number of the certificate that asha holds."""
    events = await service.bring(
        course(rules=(PARTICIPATION,)), await service.person(), completed(score=80)
    )
    issued: str = events[0].data.certificate_id
    return issued


async def test_every_cell_of_the_access_matrix_holds(service: Service) -> None:
    """Each route refuses the wrong role, and a learner another learner's data."""
    people = [await service.person(learner) for learner in (LEARNER, OTHER)]
    events = await service.bring(course(), *people, completed(LEARNER), completed(OTHER))
    numbers = {event.data.learner_id: event.data.certificate_id for event in events}
    await walk_matrix(
        service.app,
        service.tokens,
        examples={
            ("GET", "/v1/certificates/{certificate_id}"): lambda learner: Example(
                f"/v1/certificates/{numbers[learner]}"
            )
        },
    )


async def test_a_learner_lists_their_certificates(service: Service) -> None:
    """Page by page, each once, without the name: that is in the credential."""
    await service.bring(course(rules=(PARTICIPATION, MERIT)), await service.person())
    for run_id in ("run-1", "run-2"):
        service.clock.pass_seconds(1)
        await service.bring(completed(run_id=run_id, score=90))
    seen: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await service.client.get(
            f"/v1/learners/asha/certificates?limit=3{cursor and f'&cursor={cursor}'}",
            headers=service.headers("learner", learner_id="asha"),
        )
        page = answer.json()
        seen += [(each["run_id"], each["certificate_name"]) for each in page["items"]]
        cursor = page["next_cursor"]
        assert "आशा" not in answer.text
    assert sorted(seen[:2]) == [("run-2", "merit"), ("run-2", "participation")]
    assert sorted(seen[2:]) == [("run-1", "merit"), ("run-1", "participation")]


async def test_an_mdo_admin_sees_only_certificates_of_their_mdo(
    service: Service, number: str
) -> None:
    """Held to the enrollment's MDO, in lists, single reads and traces."""

    async def seen(mdo_id: str) -> tuple[int, int, int]:
        headers = service.headers("mdo_admin", mdo_id=mdo_id)
        listed = await service.client.get("/v1/learners/asha/certificates", headers=headers)
        read = await service.client.get(f"/v1/certificates/{number}", headers=headers)
        trace = await service.client.get("/trace/asha/ethics", headers=headers)
        return len(listed.json()["items"]), read.status_code, trace.status_code

    assert await seen("mdo-1") == (1, 200, 200)
    assert await seen("mdo-2") == (0, 403, 403)


async def test_an_mdo_admin_without_an_mdo_is_refused(service: Service) -> None:
    """A token that names none manages nobody."""
    answer = await service.client.get(
        "/v1/learners/asha/certificates", headers=service.headers("mdo_admin")
    )
    assert answer.status_code == 403


async def test_the_signed_credential_verifies_with_our_jwks_alone(
    service: Service, number: str
) -> None:
    """What the learner downloads, PyJWT accepts from the public keys, with the name as entered."""
    credential = await service.client.get(
        f"/v1/certificates/{number.lower()}",
        headers=VC_JWT | service.headers("learner", learner_id="asha"),
    )
    assert credential.headers["content-type"] == "application/vc+jwt"
    jwks = (await service.client.get("/.well-known/jwks.json")).json()
    key_id = pyjwt.get_unverified_header(credential.text)["kid"]
    key = pyjwt.PyJWKSet.from_dict(jwks)[key_id]
    claims = pyjwt.decode(credential.text, key, algorithms=["ES256"], options={"verify_nbf": False})
    assert claims["jti"] == f"https://certificates.example/verify/{number}"
    assert claims["credentialSubject"]["identifier"][0]["identityHash"] == "आशा देवी"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/vc+jwt, application/json;q=0.5", "application/vc+jwt"),
        ("application/*;q=0.1, application/vc+jwt;q=0", "application/json"),
        ("application/pdf", "application/problem+json"),
        ("application/vc, image/svg+xml", "application/problem+json"),
    ],
)
async def test_the_format_is_what_the_client_accepts(
    service: Service, number: str, accept: str, media: str
) -> None:
    """By weight and specificity; 406 with what there is when nothing fits."""
    answer = await service.client.get(
        f"/v1/certificates/{number}", headers={"Accept": accept} | service.headers()
    )
    assert answer.headers["content-type"] == media
    assert answer.status_code == (406 if "problem" in media else 200)
    assert answer.headers.get("vary", "Accept") == "Accept"


async def test_an_unknown_number_is_404(service: Service) -> None:
    """Also one that is no number at all."""
    for number in ("ABCDEFGHIJKLMNOP", "x", "%00"):
        answer = await service.client.get(f"/v1/certificates/{number}", headers=service.headers())
        assert answer.status_code == 404


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WyJhIiwxXQ"])
async def test_a_cursor_of_another_list_is_refused(service: Service, cursor: str) -> None:
    """With what to do about it."""
    answer = await service.client.get(
        f"/v1/learners/asha/certificates?cursor={cursor}", headers=service.headers()
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_erasure_leaves_the_record_and_no_name(
    service: Service, number: str, database: Database
) -> None:
    """The credential is gone from every format and from the store; the summary says so."""
    await service.keys.erase("asha")
    await service.bring(erased())
    gone = await service.client.get(
        f"/v1/certificates/{number}", headers=VC_JWT | service.headers()
    )
    assert gone.status_code == 410
    summary = await service.client.get(f"/v1/certificates/{number}", headers=service.headers())
    assert summary.json()["state"] == "erased"
    for name in ("people", "certificates", "completions"):
        for document in await database.collection(name).find({}):
            assert not {"credential", "ciphertext"} & document.keys()


async def trace_of(service: Service) -> httpx.Response:
    """Return what the service tells of asha's ethics."""
    return await service.client.get("/trace/asha/ethics", headers=service.headers())


async def test_the_trace_names_what_is_missing(service: Service) -> None:
    """Waiting for whom, not eligible by how much, issued where."""
    await service.bring(completed(score=60))
    waiting = (await trace_of(service)).json()
    assert waiting["completions"][0]["state"] == "waiting"
    assert waiting["completions"][0]["waiting_for"] == ["person", "course"]
    await service.bring(course(rules=(PARTICIPATION, MERIT)))
    assert (await trace_of(service)).json()["completions"][0]["waiting_for"] == ["person"]
    await service.bring(await service.person())
    settled = (await trace_of(service)).json()
    assert settled["person"] == "known"
    assert settled["completions"][0]["state"] == "settled"
    assert settled["completions"][0]["not_eligible"] == [
        {"name": "merit", "needs_percent": 75, "has_percent": 60}
    ]
    assert [each["certificate_name"] for each in settled["certificates"]] == ["participation"]


async def test_the_trace_of_nothing_is_an_answer(service: Service) -> None:
    """Who completed nothing has an empty story, not an error."""
    assert (await trace_of(service)).json() == {
        "service": "certificate",
        "learner_id": "asha",
        "course_id": "ethics",
        "person": "unknown",
        "course_version": None,
        "completions": [],
        "certificates": [],
    }
