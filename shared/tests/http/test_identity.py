"""Who may call what: declared by the route, kept by it, shown in the matrix."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse

from pravah_shared.errors import ConfigurationError
from pravah_shared.http.app import create_app
from pravah_shared.http.health import Readiness
from pravah_shared.http.identity import Principal, access_matrix, allow, public
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.http.matrix import render_matrix
from pravah_shared.http.problems import Problem
from pravah_shared.http.server import running
from pravah_shared.http.testing import Example, walk_matrix
from pravah_shared.settings import Settings

MINE = "/v1/learners/l1/notes"


async def ready() -> Readiness:
    """Answer yes."""
    return Readiness(ready=True)


async def test_without_a_token_401_asks_for_one(client: httpx.AsyncClient) -> None:
    """The challenge of RFC 6750 is there."""
    response = await client.get(MINE)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Basic dXNlcjpwdw==", "Bearer", "Bearer ", "x"])
async def test_another_scheme_is_401(header: str, client: httpx.AsyncClient) -> None:
    """Only bearer tokens are taken."""
    response = await client.get(MINE, headers={"Authorization": header})
    assert response.status_code == 401


async def test_a_learner_reaches_only_their_own_path(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """`{learner_id}` of the path is checked by `allow` itself."""
    mine = issuer.headers("learner", learner_id="l1")
    assert (await client.get(MINE, headers=mine)).status_code == 200
    response = await client.get("/v1/learners/l2/notes", headers=mine)
    assert response.status_code == 403
    assert response.json()["type"] == "urn:pravah:problem:not-allowed"


async def test_another_learners_id_in_a_body_is_refused(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """`must_own` is for what a path does not tell."""
    body = {"learner_id": "l2", "title": "x"}
    mine = issuer.headers("learner", learner_id="l1")
    assert (await client.post("/v1/notes", json=body, headers=mine)).status_code == 403


async def test_an_mdo_admin_reaches_their_mdo_alone(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """The learner of this path is of mdo-1."""
    for mdo_id, status in (("mdo-1", 200), ("mdo-2", 403), (None, 403)):
        headers = issuer.headers("mdo_admin", mdo_id=mdo_id)
        assert (await client.get(MINE, headers=headers)).status_code == status


def test_an_unknown_mdo_is_refused() -> None:
    """An enrollment without mdo_id is nobody's to manage."""
    admin = Principal("a", "a1", frozenset({"mdo_admin", "learner"}), "mdo-1")
    with pytest.raises(Problem):
        admin.must_manage(None)
    admin.must_manage("mdo-1")
    admin.must_manage(None, learner_id="a1")  # their own learning


def test_trusted_principals_and_owners_pass() -> None:
    """Operators and systems act for anybody; must_manage binds mdo_admins alone."""
    Principal("o", roles=frozenset({"operator"})).must_own("l1")
    Principal("s", roles=frozenset({"system"})).must_manage(None)
    Principal("l", "l1", frozenset({"learner"})).must_own("l1")
    Principal("l", "l1", frozenset({"learner"})).must_manage(None)
    with pytest.raises(Problem):
        Principal("p", "l1", frozenset({"publisher"})).must_own("l1")


async def test_an_mdo_admin_who_learns_passes_to_the_handlers_check(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """With both roles, another learner's path is decided by the MDO, one's own is open."""
    both = {"roles": ["learner", "mdo_admin"]}
    other = issuer.headers("learner", learner_id="l1", mdo_id="mdo-1", claims=both)
    assert (await client.get("/v1/learners/l2/notes", headers=other)).status_code == 200
    strange = issuer.headers("learner", learner_id="l1", mdo_id="mdo-2", claims=both)
    assert (await client.get("/v1/learners/l2/notes", headers=strange)).status_code == 403
    assert (await client.get(MINE, headers=strange)).status_code == 200


async def test_a_system_needs_its_scopes(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """All of them; the refusal names them."""
    good = issuer.headers("system", scopes=["progress:write", "other"])
    assert (await client.get(MINE, headers=good)).status_code == 200
    response = await client.get(MINE, headers=issuer.headers("system", scopes=["other"]))
    assert response.status_code == 403
    assert "progress:write" in response.json()["detail"]


@pytest.mark.parametrize("other", ["system", "operator", "publisher"])
async def test_a_role_that_the_route_does_not_take_gives_nothing(
    other: str, settings: Settings, issuer: LocalIssuer
) -> None:
    """A learner or MDO admin who holds another role besides is bound as if they did not."""
    app = create_app("progress", settings, ready=ready)

    @app.post("/v1/x")
    async def x(
        who: Annotated[Principal, allow("learner", "mdo_admin", "system", scopes=["x:write"])],
    ) -> None:
        who.must_own("l2")
        who.must_manage("mdo-2")

    use_issuer(app, issuer)
    async with (
        running(app, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        for role in ("learner", "mdo_admin"):
            both = {"roles": [role, other]}
            headers = issuer.headers(
                "learner", learner_id="l1", mdo_id="mdo-1", scopes=["y:read"], claims=both
            )
            assert (await client.post("/v1/x", headers=headers)).status_code == 403, role


async def test_the_issuer_away_is_503(settings: Settings, issuer: LocalIssuer) -> None:
    """Whether the token is good is not known: nothing is refused for ever."""
    nobody = settings.model_copy(update={"oidc_jwks_url": "http://127.0.0.1:1/jwks.json"})
    app = create_app("progress", nobody, ready=ready)

    @app.get("/v1/x")
    async def x(who: Annotated[Principal, allow("operator")]) -> None: ...

    async with (
        running(app, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        response = await client.get("/v1/x", headers=issuer.headers("operator"))
    assert response.status_code == 503
    assert "retry-after" in response.headers


async def test_refusal_comes_before_validation(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """Who may not call a route does not learn what it takes."""
    headers = issuer.headers("publisher")
    assert (await client.post("/v1/notes", json={}, headers=headers)).status_code == 403
    assert (await client.post("/v1/notes", json={})).status_code == 401


def test_system_without_scopes_cannot_be_declared() -> None:
    """A system is let in by scopes, never by its role alone."""
    with pytest.raises(ValueError, match="scopes"):
        allow("system")
    with pytest.raises(ValueError, match="scopes"):
        allow("operator", scopes=["a"])


async def test_a_route_that_says_nothing_stops_the_start(settings: Settings) -> None:
    """Forgetting to declare is no open door; the route is named."""
    app = create_app("progress", settings, ready=ready)
    router = APIRouter(prefix="/v1")

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    app.include_router(router)
    with pytest.raises(ConfigurationError, match="/v1/forgotten"):
        async with running(app, "127.0.0.1", 0):
            pass


def test_two_declarations_are_refused(settings: Settings) -> None:
    """Public on the router and allow on the route: which of them holds?"""
    app = create_app("progress", settings, ready=ready)

    @app.get("/v1/x", dependencies=[public()])
    async def x(who: Annotated[Principal, allow("operator")]) -> None: ...

    with pytest.raises(ConfigurationError, match="2 kinds"):
        access_matrix(app)


def test_the_matrix_shows_every_route(app: FastAPI) -> None:
    """Ours and the platform's, those of included routers too."""
    rows = {(row.method, row.path) for row in access_matrix(app)}
    assert {
        ("POST", "/v1/notes"),
        ("GET", "/v1/learners/{learner_id}/notes"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    } <= rows
    page = render_matrix({"progress": app})
    assert "| GET | `/v1/learners/{learner_id}/notes` |  | own | their MDO's | no | yes |" in page
    assert "| GET | `/healthz` | yes |" in page


async def test_the_walk_passes_an_honest_application(app: FastAPI, issuer: LocalIssuer) -> None:
    """Every cell of this application answers as declared."""
    await walk_matrix(
        app,
        issuer,
        examples={
            ("POST", "/v1/notes"): lambda learner: Example(
                body={"learner_id": learner, "title": "x"}
            )
        },
    )


async def test_the_walk_finds_a_forgotten_ownership_check(
    app: FastAPI, issuer: LocalIssuer
) -> None:
    """A handler that does not call must_own is found, by method, path and who."""

    @app.post("/v1/leaks")
    async def leaks(body: dict[str, str], who: Annotated[Principal, allow("learner")]) -> None: ...

    examples = {
        (method, path): lambda learner: Example(body={"learner_id": learner, "title": "x"})
        for method, path in (("POST", "/v1/leaks"), ("POST", "/v1/notes"))
    }
    with pytest.raises(AssertionError, match="POST /v1/leaks as another learner: 200"):
        await walk_matrix(app, issuer, examples=examples)


async def test_the_walk_demands_examples(app: FastAPI, issuer: LocalIssuer) -> None:
    """A learner's route that it cannot ask about is no silent pass."""
    with pytest.raises(AssertionError, match="give walk_matrix an example"):
        await walk_matrix(app, issuer)


async def test_the_walk_does_not_wait_for_streams(app: FastAPI, issuer: LocalIssuer) -> None:
    """Server-sent events never end; their status is enough."""

    @app.get("/v1/learners/{learner_id}/stream")
    async def stream(learner_id: str, who: Annotated[Principal, allow("learner")]) -> object:
        async def endless() -> AsyncIterator[bytes]:
            yield b": open\n\n"
            await asyncio.Event().wait()

        return StreamingResponse(endless(), media_type="text/event-stream")

    await walk_matrix(app, issuer, shared={("POST", "/v1/notes")})
