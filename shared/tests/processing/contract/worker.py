"""A stream process for the contract suite: real runner, real broker, a store that is a file.

    python worker.py ENGINE DIRECTORY NAME

In DIRECTORY the suite finds `applied.jsonl` and `acknowledged.jsonl` (a line per event: the
store), `NAME.status` (joined, away), and lays `store-away` (the store is down while it exists)
and an order to `failpoints` (`pravah_shared.processing.failpoints`).
"""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Event, Started, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.processing import Outcome, Runner, build_runner
from pravah_shared.processing.failpoints import reach
from pravah_shared.settings import Settings, load
from pravah_shared.telemetry import logs


class FileStore:
    """What the suite sees and steers from outside."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._status = directory / f"{name}.status"

    def apply(self, batch: Sequence[Event[Any]]) -> None:
        """Write down what was applied, unless the store is away."""
        if (self._directory / "store-away").exists():
            self.say("away")
            raise StoreUnavailable("the suite took the store away")
        self._write("applied", batch)

    def acknowledge(self, batch: Sequence[Event[Any]]) -> None:
        """Write down that Kafka has what follows from the batch."""
        self._write("acknowledged", batch)

    def _write(self, what: str, batch: Sequence[Event[Any]]) -> None:
        places = [event.position for event in batch if event.position is not None]
        lines = [json.dumps([place.topic, place.partition, place.offset]) for place in places]
        # In one write: a death in the middle leaves all of it or nothing.
        with (self._directory / f"{what}.jsonl").open("ab", buffering=0) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def say(self, status: str) -> None:
        """Tell the suite how this process is."""
        self._status.write_text(status)


class Applying:
    """Applies events to the file and answers each enrollment with `started`."""

    topics = frozenset({"enrolled", "people"})

    def __init__(self, store: FileStore) -> None:
        self._store = store

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply; a learner named `poison` is a bug of ours."""
        self._store.apply(batch)
        await reach("between_write_and_read")
        if any(event.subject == "poison" for event in batch):
            raise ValueError("a bug in the rules")
        answers = [_answer(one) for one in batch if one.data.topic == "enrolled"]
        return Outcome(answers, acknowledge=partial(self._acknowledge, batch))

    async def _acknowledge(self, batch: Sequence[Event[Any]]) -> None:
        self._store.acknowledge(batch)

    async def sweep(self) -> Outcome:
        """Nothing is ever left."""
        return Outcome()


def _answer(event: Event[Any]) -> Event[Any]:
    enrolled = event.data
    started = Started(
        enrollment_id=enrolled.enrollment_id,
        learner_id=enrolled.learner_id,
        course_id=enrolled.course_id,
        term=enrolled.term,
        started_at=enrolled.enrolled_at,
    )
    return new_event(started, source="/pravah/test", time=event.time)


async def tell(runner: Runner, store: FileStore) -> None:
    """Say `joined` whenever the runner becomes ready."""
    was_ready = False
    while True:
        if runner.ready and not was_ready:
            store.say("joined")
        was_ready = runner.ready
        await asyncio.sleep(0.05)


async def main(engine: str, directory: str, name: str) -> None:
    """Run until SIGTERM."""
    settings = load(Settings)
    logs.configure(settings)
    store = FileStore(Path(directory), name)
    async with Publisher(settings, client_id=name) as publisher:
        runner = build_runner(engine, settings, "certificate", Applying(store), publisher)  # type: ignore[arg-type]
        stops = []
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, lambda: stops.append(asyncio.ensure_future(runner.stop()))
        )
        telling = asyncio.ensure_future(tell(runner, store))
        await runner.run()
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        store.say("stopped")


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))  # as in production
