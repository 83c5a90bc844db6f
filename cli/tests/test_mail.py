"""The local mail server: what it said 250 to is kept, and can be looked at safely."""

import json
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import Envelope

from pravah_cli.local.mail.box import MailBox
from pravah_cli.local.mail.page import create_app
from pravah_cli.local.mail.smtp import Keeper

SCRIPT = "<script>steal()</script>"


async def receive(keeper: Keeper, recipient: str, body: str = "Hello") -> str:
    """Hand a mail over as aiosmtpd does; return the answer to DATA."""
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos = "pravah@example", [recipient]
    envelope.content = f"Subject: Hi {recipient}\r\nMessage-ID: <1@x>\r\n\r\n{body}\r\n".encode()
    return await keeper.handle_DATA(None, None, envelope)  # type: ignore[arg-type] # unused there


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    """Return a server's keeper with an empty box."""
    return Keeper(MailBox(tmp_path))


async def shown(keeper: Keeper, path: str) -> httpx.Response:
    """Return a page."""
    transport = httpx.ASGITransport(create_app(keeper))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail") as client:
        return await client.get(path)


async def test_numbers_go_on_after_a_restart(keeper: Keeper) -> None:
    """A restarted server overwrites nothing."""
    await receive(keeper, "a@x")
    again = Keeper(MailBox(keeper.box.root))
    assert await receive(again, "b@x") == "250 OK kept as 2"
    assert [mail.recipients for mail in again.mails] == [("a@x",), ("b@x",)]


async def test_a_line_still_in_writing_is_not_read(keeper: Keeper) -> None:
    """A reader beside the server never sees half an entry."""
    await receive(keeper, "a@x")
    with (keeper.box.root / "index.jsonl").open("a") as index:
        index.write('{"number": 2, "at"')
    assert [mail.number for mail in keeper.box.all()] == [1]


async def test_mails_are_found_by_recipient(keeper: Keeper) -> None:
    """Tests share one server and look for their own address."""
    for address in ("a@x", "b@x", "a@x"):
        await receive(keeper, address)
    assert [mail.number for mail in keeper.box.to("a@x")] == [1, 3]
    listed = (await shown(keeper, "/mails.json?to=a@x&limit=1")).json()
    assert listed["total"] == 3
    assert [mail["number"] for mail in listed["mails"]] == [3]


async def test_a_hostile_mail_cannot_run_in_the_page(keeper: Keeper) -> None:
    """Markup is escaped, and the policy lets no script run."""
    await receive(keeper, "a@x", SCRIPT)
    page = await shown(keeper, "/mails/1")
    assert SCRIPT not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_list_shows_subjects(keeper: Keeper) -> None:
    """The page a newcomer opens names what came."""
    await receive(keeper, "a@x")
    assert "Hi a@x" in (await shown(keeper, "/")).text


async def test_an_unknown_mail_is_not_found(keeper: Keeper) -> None:
    """A number that was never given answers 404."""
    answer = await shown(keeper, "/mails/7")
    assert answer.status_code == 404
    assert json.loads(answer.text)["detail"] == "there is no mail 7"
