"""What is noted of the store's writes."""

from typing import TYPE_CHECKING, Any, cast

from bench.rehearsal import Noting

if TYPE_CHECKING:
    from pravah_shared.mongo import Database


class Held:
    """A collection that remembers what was asked of it."""

    def __init__(self, name: str, asked: list[Any]) -> None:
        self.name = name
        self._asked = asked

    async def bulk(self, writes: list[str]) -> int:
        """Write."""
        self._asked.append((self.name, "bulk", writes))
        return len(writes)

    async def find(self, filter_: dict[str, str]) -> list[str]:
        """Read."""
        self._asked.append((self.name, "find", filter_))
        return ["found"]


class Base:
    """A database of such collections."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def collection(self, name: str) -> Held:
        """Return one."""
        return Held(name, self.asked)


async def test_writes_are_made_and_noted_and_reads_only_made() -> None:
    """The loop makes the writes again and reads in its own way."""
    base, copied = Base(), Base()
    noting = Noting(cast("Database", base))
    collection: Any = noting.collection("progress")
    assert await collection.bulk(["a"]) == 1
    assert await collection.find({}) == ["found"]
    assert [one[1] for one in base.asked] == ["bulk", "find"]
    for write in noting.notes:
        await write.make(cast("Database", copied))
    assert copied.asked == [("progress", "bulk", ["a"])]
