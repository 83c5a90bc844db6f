"""Faust, its own way: an agent that takes event by event, state in a table on RocksDB.

https://faust-streaming.github.io/faust/userguide/agents.html,
https://faust-streaming.github.io/faust/userguide/tables.html and, for the store,
https://faust-streaming.github.io/faust/userguide/settings.html#store (memory is for tests only).
One agent reads both topics, as only co-partitioned topics of one stream may share a table.
"""

import faust

from bench.peers import job
from bench.peers.place import SESSION_SECONDS, Place

place = Place.told()
app = faust.App(
    f"{place.prefix}{place.group}",
    broker=f"kafka://{place.kafka}",
    store="rocksdb://",
    datadir=place.state_dir,
    topic_partitions=4,
    broker_session_timeout=SESSION_SECONDS,
)
facts = app.topic(
    place.topic("enrolled"), place.topic("progressed"), key_type=str, value_serializer="json"
)
completed = app.topic(place.topic("completed"), key_type=str, value_serializer="json")
learners = app.Table("learners", default=dict)


@app.agent(facts)
async def complete(events: faust.StreamT[job.Event]) -> None:
    """Fold each event into its learner's state; announce once."""
    async for event in events:
        key = job.key_of(event)
        state = job.fold(learners[key], event)
        if found := job.completion(event, state, place.required):
            await completed.send(key=event["learner_id"], value=found)
            state["announced"] = True
        learners[key] = state


if __name__ == "__main__":
    app.main()
