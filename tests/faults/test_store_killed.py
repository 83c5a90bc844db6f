"""A store that is killed has what it acknowledged: else a fault harness finds losses of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from own_parts import OwnPart

from pravah_cli.local.ports import free_port
from pravah_cli.local.process import stop
from pravah_cli.local.store import StorePart
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.supervisor import living
from pravah_shared.mongo import Database

pytestmark = pytest.mark.stack

KILLS = 4
INSERTS = 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[OwnPart, str]]:
    """Yield a store of one's own and its address."""
    part = StorePart(free_port(), tmp_path / "mongo", LocalSettings().cache, durable=True)
    own = OwnPart(part.launch(), tmp_path)
    own.start()
    try:
        yield own, part.uri
    finally:
        for process in living(tmp_path).values():
            stop(process, tmp_path)


async def test_what_was_acknowledged_outlives_the_store(store: tuple[OwnPart, str]) -> None:
    """Killed right after its last answer, several times."""
    own, uri = store
    acknowledged = 0
    for _ in range(KILLS):
        async with Database.connect(uri, "killed") as database:
            writes = database.collection("writes")
            assert len(await writes.find({})) == acknowledged
            for _ in range(INSERTS):
                assert await writes.insert_once({"_id": acknowledged})
                acknowledged += 1
            own.kill()
            own.start()  # within: to leave, the driver says goodbye to a server
    async with Database.connect(uri, "killed") as database:
        assert len(await database.collection("writes").find({})) == acknowledged
