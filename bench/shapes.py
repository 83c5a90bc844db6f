"""`python -m bench.shapes`: what an upsert costs by how a document is laid out (docs/adr/0013).

The same facts, those of a learner who is halfway through the course, as a tree of fields within
fields, as fields side by side, and as one field of as many bytes; each document is then raised in
three fields, in batches, as the stream does it.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import learning
from bench.documents import batches
from bench.machine import Machine
from pravah_cli.output import Output
from pravah_cli.testing.stack import describe, own_store
from pravah_progress.model import path_of
from pravah_progress.store.shape import as_rules_know_it
from pravah_shared.mongo import Collection, Database

DOCUMENTS = 4_000
BATCH = 1_000
ROUNDS = 5
Shape = Callable[[Mapping[str, Any]], dict[str, Any]]


def facts() -> dict[str, int]:
    """Return a learner's facts, flat."""
    moments = {"first": 1, "last": 1, "received": 2}
    return {
        path_of(("facts", "_", "content", learning.unit_id(unit), *rest)): value
        for unit in range(learning.UNITS // 2)
        for rest, value in [
            *((("done", f"2024-10-{unit + 1:02d}", name), at) for name, at in moments.items()),
            (("spent", learning.DEVICE_ID), 300),
        ]
    }


SHAPES: Mapping[str, Shape] = {
    "tree": lambda flat: as_rules_know_it(dict(flat)),
    "flat": dict,
    "one field": lambda flat: {"bytes": b"x" * sum(len(path) + 10 for path in flat)},
}


def raised(number: int) -> Iterator[str]:
    """Yield the fields that a round raises."""
    for name in ("first", "last", "received"):
        yield f"new-{number}-{name}"


async def microseconds(collection: Collection, shape: Shape) -> list[float]:
    """Return, for each round, the time of one document's upsert."""
    made = shape(facts())
    await collection.insert_many_once([{"_id": n, **made} for n in range(DOCUMENTS)])
    found = []
    for number in range(ROUNDS):
        update = {"$max": dict.fromkeys(raised(number), 1)}
        began = time.perf_counter()
        for ids in batches(list(range(DOCUMENTS)), BATCH):
            await collection.upsert(dict.fromkeys(ids, update))
        found.append(1e6 * (time.perf_counter() - began) / DOCUMENTS)
    return found


async def measure(uri: str) -> list[list[str]]:
    """Return the rows of the table."""
    rows = []
    async with Database.connect(uri, "shapes") as database:
        for name, shape in SHAPES.items():
            took = sorted(await microseconds(database.collection(name), shape))
            rows.append([name, f"{took[len(took) // 2]:.0f}", f"{took[0]:.0f} - {took[-1]:.0f}"])
    return rows


def main() -> None:
    """Bring up a store, measure, print."""
    out = Output(as_json=False)
    for line in Machine.here(describe("local")).lines():
        out.line(line)
    with tempfile.TemporaryDirectory() as state, own_store(Path(state)) as store:
        out.table(("layout", "µs per upsert", "spread"), asyncio.run(measure(store.uri)))


if __name__ == "__main__":
    main()
