"""A page's link opens once, on this service, in development, and leaves nothing to steal."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from pravah_cli.testing import Stack
from pravah_shared.errors import ConfigurationError
from pravah_shared.http.app import create_app
from pravah_shared.http.health import ready_when
from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.pages import SESSION_HOURS, PageSessions
from pravah_shared.mongo import Collection, Database
from pravah_shared.settings import Settings

pytestmark = pytest.mark.stack
MINE = "/v1/learners/l1/notes"
NOTE = {"learner_id": "l1", "title": "x"}


@pytest.fixture
async def collection(stack: Stack) -> AsyncIterator[Collection]:
    """Yield the collection of sessions, in a database of the test's own."""
    database = Database.connect(stack.mongo_uri, f"test_{uuid.uuid4().hex}")
    yield database.collection("page_sessions")
    await database.drop()
    await database.close()


@pytest.fixture
async def pages(app: FastAPI, collection: Collection, settings: Settings) -> PageSessions:
    """Return the sessions of the application."""
    sessions = PageSessions(settings, "progress", collection)
    await sessions.prepare()
    app.state.page_sessions = sessions
    return sessions


async def opened(
    client: httpx.AsyncClient, issuer: LocalIssuer, next_page: str = "/inbox"
) -> httpx.Response:
    """Open a page link as learner l1."""
    token = issuer.page_token("learner", learner_id="l1")
    return await client.get("/session", params={"token": token, "next": next_page})


@pytest.mark.usefixtures("pages")
async def test_a_link_opens_a_session(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """The cookie stands for the learner, and is out of reach of scripts and other sites."""
    response = await opened(client, issuer)
    assert response.status_code == 200
    assert 'url=/inbox"' in response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await client.get(MINE)).status_code == 200
    assert (await client.get("/v1/learners/l2/notes")).status_code == 403


@pytest.mark.usefixtures("pages")
async def test_a_link_opens_once(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """A link in a history or a log is worth nothing afterwards."""
    token = issuer.page_token("learner", learner_id="l1")
    assert (await client.get("/session", params={"token": token})).status_code == 200
    client.cookies.clear()
    again = await client.get("/session", params={"token": token})
    assert again.status_code == 401
    assert "opened before" in again.json()["detail"]
    assert (await client.get(MINE)).status_code == 401


@pytest.mark.usefixtures("pages")
async def test_neither_token_serves_for_the_other(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """A page's token is no bearer token, a bearer token opens no page."""
    page = issuer.page_token("learner", learner_id="l1")
    as_bearer = await client.get(MINE, headers={"Authorization": f"Bearer {page}"})
    assert as_bearer.status_code == 401
    bearer = issuer.token("learner", learner_id="l1")
    assert (await client.get("/session", params={"token": bearer})).status_code == 401


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("claims", [{"jti": None}, {"jti": ""}, {"exp": 9_999_999_999}])
async def test_a_link_must_be_short_lived_and_countable(
    claims: dict[str, object], client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """Without an id it could open twice; with a long life it was not meant for one opening."""
    exp = int(datetime.now(UTC).timestamp()) + 60
    token = issuer.token("learner", claims={"use": "page", "jti": "j1", "exp": exp, **claims})
    assert (await client.get("/session", params={"token": token})).status_code == 401


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example/x", "/\\evil.example", "javascript:alert(1)", "inbox"],
)
async def test_a_link_leads_nowhere_else(
    elsewhere: str, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """`next` is a path of this service or the start page."""
    assert 'url=/"' in (await opened(client, issuer, elsewhere)).text


@pytest.mark.usefixtures("pages")
async def test_next_cannot_carry_markup(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """What stands in the link is text in the page."""
    response = await opened(client, issuer, '/"><script>alert(1)</script>')
    assert "<script>" not in response.text


@pytest.mark.usefixtures("pages")
async def test_changes_come_from_the_own_page_alone(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """SameSite counts another port as the same site, so the Origin decides."""
    await opened(client, issuer)
    assert (await client.post("/v1/notes", json=NOTE)).status_code == 403
    other = {"Origin": "http://test:8080"}
    assert (await client.post("/v1/notes", json=NOTE, headers=other)).status_code == 403
    own = {"Origin": "http://test"}
    assert (await client.post("/v1/notes", json=NOTE, headers=own)).status_code == 200


async def test_a_session_ends(
    client: httpx.AsyncClient, issuer: LocalIssuer, pages: PageSessions
) -> None:
    """By the clock, whether or not the store has forgotten it yet."""
    await opened(client, issuer)
    pages._clock = lambda: datetime.now(UTC) + timedelta(hours=SESSION_HOURS, seconds=1)
    assert (await client.get(MINE)).status_code == 401


async def test_the_store_holds_no_session_id(
    client: httpx.AsyncClient, issuer: LocalIssuer, pages: PageSessions, collection: Collection
) -> None:
    """Who reads the store cannot become its users."""
    await opened(client, issuer)
    session_id = client.cookies[pages.cookie]
    assert session_id not in str(await collection.find({}))


async def test_a_made_up_cookie_is_401(client: httpx.AsyncClient, pages: PageSessions) -> None:
    """Ids are random, not guessable, and unknown ones are refused."""
    client.cookies.set(pages.cookie, "made-up")
    assert (await client.get(MINE)).status_code == 401


async def test_production_has_no_page_sessions(collection: Collection) -> None:
    """It refuses to start with them."""
    production = Settings().model_copy(update={"environment": "production"})
    with pytest.raises(ConfigurationError, match="development"):
        PageSessions(production, "progress", collection)


async def test_production_has_no_route_for_links(issuer: LocalIssuer) -> None:
    """There is nothing to try."""
    production = Settings().model_copy(update={"environment": "production"})
    app = create_app("progress", production, ready=ready_when())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await opened(client, issuer)).status_code == 404


async def test_a_service_without_pages_says_so(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """The route is there in development; a link to the wrong service is told."""
    assert (await opened(client, issuer)).status_code == 401
