"""Cursors are opaque, survive the round trip, and are refused when they are not ours."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.paging import Key, PageParams, decode_cursor, encode_cursor, moment_key
from pravah_shared.http.problems import Problem

LONG = "a" * 2000
PARTS = st.one_of(
    st.none(),
    st.text(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.lists(PARTS, min_size=1, max_size=5).map(tuple))
def test_a_cursor_is_its_key_again(key: Key) -> None:
    """Any sort key of texts and numbers comes back as it was, fit for a URL."""
    cursor = encode_cursor(key)
    assert decode_cursor(cursor) == key
    assert httpx.URL("http://x", params={"cursor": cursor}).params["cursor"] == cursor


@given(st.text(max_size=100))
def test_any_text_is_read_or_refused(cursor: str) -> None:
    """No cursor, however made, is an error of ours."""
    with suppress(Problem):
        assert isinstance(decode_cursor(cursor), tuple)


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b"[[1]]", b"[true]", b'{"$gt": 1}', b"[{}]", b"[[" * 900]
)
def test_a_forged_cursor_carries_no_structure(content: bytes) -> None:
    """Only texts and numbers reach a query: no operators of the store."""
    with pytest.raises(Problem):
        decode_cursor(base64.urlsafe_b64encode(content).decode())


@given(st.integers(0, 2**41), st.text())
def test_a_place_in_time_is_itself_again(milliseconds: int, id_: str) -> None:
    """To the millisecond, which is what the store keeps."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    page = PageParams(after=decode_cursor(encode_cursor(moment_key(at, id_))))
    assert page.after_moment == (at, id_)


@given(st.lists(PARTS, min_size=1, max_size=3).map(tuple))
def test_a_cursor_of_another_list_is_refused(key: Key) -> None:
    """Whatever it holds: a place in this list, or 422."""
    page = PageParams(after=key)
    with suppress(Problem):
        assert page.after_id == key[0]
        assert len(key) == 1
    with suppress(Problem):
        assert page.after_moment is not None
        assert moment_key(*page.after_moment) == key


def test_the_first_page_begins_after_nothing() -> None:
    """In either kind of list."""
    assert PageParams().after_id is None
    assert PageParams().after_moment is None


def test_pages_follow_each_other_to_the_end() -> None:
    """All items once, in order; the last page has no cursor."""
    stored = list(range(23))
    seen: list[int] = []
    cursor: str | None = encode_cursor((-1,))
    while cursor is not None:
        params = PageParams(5, decode_cursor(cursor))
        rest = [item for item in stored if (item,) > (params.after or ())]
        page = params.page(rest[: params.fetch], lambda item: (item,))
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == stored


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=" + "a" * 2000]
)
async def test_limits_are_kept(query: str, client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """Between 1 and 200 items; a cursor of bounded length."""
    headers = issuer.headers("operator")
    response = await client.get(f"/v1/learners/l1/notes?{query}", headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(f"?{query.split('=', maxsplit=1)[0]}")


async def test_fifty_items_are_the_default(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """And the cursor leads on."""
    headers = issuer.headers("operator")
    page = (await client.get("/v1/learners/l1/notes", headers=headers)).json()
    assert len(page["items"]) == 50
    assert decode_cursor(page["next_cursor"]) == (49,)
