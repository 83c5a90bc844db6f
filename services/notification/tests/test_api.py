"""The API on the real store: inbox, deliveries, trace, page."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from ground import Ground
from notification_facts import certified, course, enrolled, erased

from pravah_notification.__main__ import open_parts
from pravah_notification.api import create_api
from pravah_shared.http.identity import access_matrix
from pravah_shared.http.issuer import LocalIssuer, use_issuer

pytestmark = pytest.mark.stack


@pytest.fixture
async def app(ground: Ground) -> AsyncIterator[FastAPI]:
    """The application, its parts opened."""
    app = create_api(ground.settings, lambda: open_parts(ground.settings))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def issuer(app: FastAPI, ground: Ground) -> LocalIssuer:
    """An issuer that the application trusts."""
    issuer = LocalIssuer(ground.settings)
    use_issuer(app, issuer)
    return issuer


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a network."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pravah.test") as client:
        yield client


@pytest.fixture
def asha(issuer: LocalIssuer) -> dict[str, str]:
    """Headers of learner l1."""
    return issuer.headers("learner", learner_id="l1")


async def inbox(client: httpx.AsyncClient, headers: dict[str, str], query: str = "") -> Any:
    """The inbox of learner l1."""
    response = await client.get(f"/v1/learners/l1/inbox{query}", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_inbox_shows_messages_in_the_readers_language(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str]
) -> None:
    """Newest first, with a link where there is one, all unread."""
    await ground.tell(await ground.person(language="hi"), course(), enrolled())
    await ground.tell(certified())
    shown = await inbox(client, asha)
    assert [(item["title"], item["link"]) for item in shown["items"]] == [
        ("आपका प्रमाणपत्र: नैतिकता", "https://learn.example/verify/cert-l1-c1"),
        ("आपका नामांकन हो गया है: नैतिकता", None),
    ]
    assert (shown["unread"], shown["items"][0]["language"]) == (2, "hi")


async def test_an_inbox_is_read_in_pages_without_gap_or_repetition(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str]
) -> None:
    """Also when messages become visible in the same millisecond."""
    await ground.tell(
        await ground.person(), course(), *(enrolled(term=term) for term in range(1, 12))
    )
    seen: list[str] = []
    query = "?limit=4"
    while True:
        page = await inbox(client, asha, query)
        seen += [item["message_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"?limit=4&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 11
    assert page["unread"] == 11


async def test_a_message_is_read_once_at_its_first_time(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str]
) -> None:
    """Repeats keep that time; the count goes down by one."""
    await ground.tell(await ground.person(), course(), enrolled(), certified())
    (first, _) = (await inbox(client, asha))["items"]
    path = f"/v1/learners/l1/inbox/{first['message_id']}/read"
    marks = [(await client.post(path, headers=asha)).json() for _ in range(2)]
    assert marks[0] == marks[1]
    assert marks[0]["unread"] == 1


async def test_all_messages_are_read_at_once(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str]
) -> None:
    """Those that are there; others stay unread."""
    await ground.tell(await ground.person(), course(), enrolled(), certified())
    answer = await client.post("/v1/learners/l1/inbox/read-all", headers=asha)
    assert answer.json() == {"marked": 2, "unread": 0}
    assert all(item["read_at"] for item in (await inbox(client, asha))["items"])


@pytest.mark.parametrize("message_id", ["nothing", "a.1", "e1%7Cinapp%7Cl2%7C1", "." * 128])
async def test_a_message_that_is_not_there_is_404(
    client: httpx.AsyncClient, asha: dict[str, str], message_id: str
) -> None:
    """Whatever the id looks like."""
    response = await client.post(f"/v1/learners/l1/inbox/{message_id}/read", headers=asha)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_another_learners_message_cannot_be_marked(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str]
) -> None:
    """Neither by their path nor by their id on one's own path."""
    await ground.tell(await ground.person("l2"), course(), enrolled("l2"))
    (entry,) = await ground.entries("inapp")
    name = f"{entry.occasion.event_id}.1"
    for learner, status in (("l1", 404), ("l2", 403)):
        response = await client.post(f"/v1/learners/{learner}/inbox/{name}/read", headers=asha)
        assert response.status_code == status
    assert (await ground.entries("inapp"))[0].read_at is None


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "WyJhIiwxXQ", "Wy0xLCJhIl0"])
async def test_a_cursor_of_another_list_is_refused(
    client: httpx.AsyncClient, asha: dict[str, str], cursor: str
) -> None:
    """With the field and the remedy."""
    response = await client.get(f"/v1/learners/l1/inbox?cursor={cursor}", headers=asha)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "?cursor"


async def test_operators_see_what_became_of_messages_and_why(
    ground: Ground, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """By learner and by state, in pages."""
    await ground.tell(await ground.person("l1"), enrolled("l1"), enrolled("l2"))
    operator = issuer.headers("operator")
    found = (await client.get("/v1/deliveries?learner_id=l2", headers=operator)).json()["items"]
    assert {(item["channel"], item["state"], item["reason"]) for item in found} == {
        ("email", "waiting", "person, course"),
        ("inapp", "waiting", "person, course"),
    }
    page = (await client.get("/v1/deliveries?state=waiting&limit=3", headers=operator)).json()
    rest = await client.get(
        f"/v1/deliveries?state=waiting&limit=3&cursor={page['next_cursor']}", headers=operator
    )
    assert len(page["items"] + rest.json()["items"]) == 4


async def test_a_trace_tells_what_is_missing(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str]
) -> None:
    """For `pravah explain`."""
    await ground.tell(await ground.person(), enrolled())
    told = (await client.get("/trace/l1/c1", headers=asha)).json()
    assert (told["person_known"], told["course_version"], told["missing"]) == (
        True, None, ["course"],
    )  # fmt: skip
    assert {message["state"] for message in told["messages"]} == {"waiting"}


async def test_an_erased_learner_leaves_no_name(
    ground: Ground, client: httpx.AsyncClient, asha: dict[str, str], issuer: LocalIssuer
) -> None:
    """Not in any answer, and not in the service's store."""
    await ground.tell(await ground.person(name="Asha Kumari"), course(), enrolled())
    await ground.keys.erase("l1")
    await ground.tell(erased("l1"))
    answers = [
        (await client.get("/v1/learners/l1/inbox", headers=asha)).text,
        (await client.get("/trace/l1/c1", headers=asha)).text,
        (await client.get("/v1/deliveries?learner_id=l1", headers=issuer.headers("operator"))).text,
        *[str(await ground.database.collection(name).find({})) for name in ("ledger", "people")],
    ]
    for answer in answers:
        assert "Asha" not in answer
        assert "learners.example" not in answer
    assert "ciphertext" not in answers[-1]


async def test_every_route_refuses_who_may_not_use_it(
    app: FastAPI, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """No token 401; another learner 403; a role that is not named 403."""
    rows = [row for row in access_matrix(app) if not row.is_public]
    assert len(rows) >= 7
    for row in rows:
        path = row.path.format(learner_id="l1", course_id="c1", message_id="m.1")
        assert (await client.request(row.method, path)).status_code == 401, path
        refused = [issuer.headers("publisher")]
        if "{learner_id}" in row.path:
            refused.append(issuer.headers("learner", learner_id="l2"))
        if not row.allows("learner"):
            refused.append(issuer.headers("learner", learner_id="l1"))
        for headers in refused:
            response = await client.request(row.method, path, headers=headers)
            assert response.status_code == 403, (path, headers)


async def test_the_page_opens_once_by_its_link_and_holds_nothing_from_outside(
    ground: Ground, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """In the learner's language; no CDN; scripts by nonce only."""
    await ground.tell(await ground.person(language="hi"))
    link = f"/session?token={issuer.page_token('learner', learner_id='l1')}&next=/inbox"
    assert (await client.get(link)).status_code == 200
    page = await client.get("/inbox")
    assert page.status_code == 200
    assert '<html lang="hi"' in page.text
    assert "संदेश" in page.text
    assert "http" not in page.text.replace("https?:", "")
    nonce = page.text.partition('nonce="')[2].partition('"')[0]
    assert f"script-src 'nonce-{nonce}'" in page.headers["content-security-policy"]
    assert page.text.count("<script") == page.text.count(f'<script nonce="{nonce}"') == 1
    mine = await client.post(
        "/v1/learners/l1/inbox/read-all", headers={"Origin": "http://pravah.test"}
    )
    assert mine.status_code == 200


async def test_the_api_comes_up_while_the_store_is_away_and_says_so(ground: Ground) -> None:
    """Unready, naming what is missing; requests get a problem that asks to come again."""
    away = ground.settings.model_copy(
        update={"mongo_uri": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200&timeoutMS=400"}
    )
    app = create_api(away, lambda: open_parts(away))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://p.test") as client,
    ):
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert set(ready.json()["missing"]) == {"store", "keys"}
