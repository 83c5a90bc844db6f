"""The live inbox over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from ground import Ground
from notification_facts import NOW, course, enrolled, occasion

from pravah_cli.testing import eventually
from pravah_notification.__main__ import open_parts, utc_now
from pravah_notification.api import create_api
from pravah_notification.channels.tail import MOST_BEHIND, Tail
from pravah_notification.model import Entry
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.http.server import running

pytestmark = pytest.mark.stack


class Server:
    """An API process on a port of its own."""

    def __init__(self, ground: Ground) -> None:
        self.app = create_api(ground.settings, lambda: open_parts(ground.settings))
        self.issuer = LocalIssuer(ground.settings)
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[httpx.AsyncClient]:
        """Serve while the block runs."""
        use_issuer(self.app, self.issuer)
        headers = self.issuer.headers("learner", learner_id="l1")
        async with (
            running(self.app, "127.0.0.1", 0) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=20
            ) as client,
        ):
            yield client


class Stream:
    """A browser's view of an event stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id = ""
        self.retry = 0

    async def event(self) -> Any:
        """Return the next event's data, parsed; pings and events without data are passed over."""
        text = ""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "retry":
                self.retry = int(value)
            elif name == "data":
                text += value
            elif not line and text:
                return json.loads(text)
        return None

    async def begun(self) -> None:
        """Wait for the first id."""
        async for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
            if not line:
                return


@asynccontextmanager
async def stream(
    client: httpx.AsyncClient, after: str = "", **headers: str
) -> AsyncIterator[Stream]:
    """Open the inbox stream of learner l1."""
    path = f"/v1/learners/l1/inbox/stream{f'?after={after}' if after else ''}"
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


async def test_a_message_appears_by_itself(ground: Ground) -> None:
    """With all that the list shows of it."""
    await ground.tell(await ground.person(), course())
    async with Server(ground).serving() as client, stream(client) as live:
        await live.begun()
        await ground.tell(enrolled())
        shown = await live.event()
        (listed,) = (await client.get("/v1/learners/l1/inbox")).json()["items"]
    assert shown == listed
    assert live.last_id


async def test_a_stream_goes_on_where_it_was_cut_also_on_another_process(ground: Ground) -> None:
    """By Last-Event-ID: what came meanwhile, once, and nothing again."""
    await ground.tell(await ground.person(), course())
    seen = []
    async with Server(ground).serving() as client, stream(client) as live:
        await live.begun()
        await ground.tell(enrolled(term=1))
        seen.append((await live.event())["message_id"])
    await ground.tell(enrolled(term=2))
    await ground.tell(enrolled(term=3))
    async with (
        Server(ground).serving() as client,
        stream(client, **{"Last-Event-ID": live.last_id}) as again,
    ):
        seen += [(await again.event())["message_id"] for _ in range(2)]
        await ground.tell(enrolled(term=4))
        seen.append((await again.event())["message_id"])
    assert len(seen) == len(set(seen)) == 4


async def test_no_message_falls_between_the_list_and_the_stream(ground: Ground) -> None:
    """The list says where the stream is to begin."""
    await ground.tell(await ground.person(), course(), enrolled(term=1))
    async with Server(ground).serving() as client:
        page = (await client.get("/v1/learners/l1/inbox")).json()
        await ground.tell(enrolled(term=2))
        async with stream(client, after=page["stream_after"]) as live:
            shown = await live.event()
    assert shown["message_id"] not in {item["message_id"] for item in page["items"]}


async def test_a_stream_from_now_repeats_nothing(ground: Ground) -> None:
    """Messages of a moment ago are of the list."""
    await ground.tell(await ground.person(), course(), enrolled(term=1))
    async with Server(ground).serving() as client, stream(client) as live:
        await live.begun()
        await ground.tell(enrolled(term=2))
        shown = await live.event()
    wanted = enrolled(term=2).id
    assert shown["message_id"] == f"{wanted}.1"


async def test_a_stream_ends_after_its_life_so_that_its_token_is_asked_for_again(
    ground: Ground,
) -> None:
    """Browsers resume by themselves."""
    ground.settings = ground.settings.model_copy(update={"inbox_stream_seconds": 0.2})
    async with Server(ground).serving() as client, stream(client) as live:
        assert await live.event() is None
    assert live.last_id


class CountingInbox:
    """An inbox that counts how often it is read."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.reads = 0

    async def since(self, learner_ids: Any, start: Any) -> list[Entry]:
        """Return all of them."""
        self.reads += 1
        return [entry for entry in self.entries if entry.recipient in learner_ids]


def message(learner: str, number: int) -> Entry:
    """A message that is visible."""
    return Entry(occasion(learner=learner), "inapp", learner, number, "sent", visible_at=NOW)


async def test_many_streams_are_fed_by_one_read() -> None:
    """Not one for each; and each learner's messages go to all streams of that learner alone."""
    inbox = CountingInbox([message(f"l{number}", 1) for number in range(500)])
    tail = Tail(inbox, lambda: NOW, 0.01)
    with tail.subscription("l1") as one, tail.subscription("l1") as two:
        others = [tail.subscription(f"l{number}") for number in range(2, 500)]
        for other in others:
            other.__enter__()
        await tail.turn()
        await tail.turn()
        assert inbox.reads == 2
        for mine in (one, two):
            got = [entry async for entry in mine.messages(0.05)]
            assert [entry.recipient for entry in got] == ["l1"]


async def test_a_reader_that_is_too_far_behind_is_let_go() -> None:
    """It resumes by its id; the others wait for nobody."""
    inbox = CountingInbox([message("l1", number) for number in range(MOST_BEHIND + 1)])
    tail = Tail(inbox, lambda: NOW, 0.01)
    with tail.subscription("l1") as slow:
        await tail.turn()
        assert [entry async for entry in slow.messages(5)] == []


async def test_the_tail_rests_while_nobody_listens_and_outlives_outages(ground: Ground) -> None:
    """It reads nothing without streams, and goes on after an error of the store."""
    from pravah_shared.errors import StoreUnavailable

    class Failing(CountingInbox):
        async def since(self, learner_ids: Any, start: Any) -> list[Entry]:
            found = await super().since(learner_ids, start)
            if self.reads == 1:
                raise StoreUnavailable("away")
            return found

    inbox = Failing([message("l1", 1)])
    tail = Tail(inbox, utc_now, 0.01)
    task = asyncio.create_task(tail.run())
    with tail.subscription("l1") as mine:
        inbox.entries = [Entry(occasion(), "inapp", "l1", 1, "sent", visible_at=utc_now())]
        assert [entry.recipient async for entry in mine.messages(0.3)] == ["l1"]
    resting = inbox.reads

    async def rests() -> bool:
        nonlocal resting
        before, resting = resting, inbox.reads
        return before == resting

    await eventually(rests, 5, "the tail rests")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
