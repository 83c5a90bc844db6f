"""Faust, an agent that takes event by event, with its state in the same store as ours.

https://faust-streaming.github.io/faust/userguide/agents.html: `async for event in stream`, other
libraries awaited inside, `topic.send` for what follows. One upsert for each event.
"""

import faust

from bench.peers import job
from bench.peers.place import SESSION_SECONDS, Place
from bench.peers.upserts import Learners

place = Place.told()
app = faust.App(
    f"{place.prefix}{place.group}",
    broker=f"kafka://{place.kafka}",
    datadir=place.state_dir,
    broker_session_timeout=SESSION_SECONDS,
)
facts = app.topic(
    place.topic("enrolled"), place.topic("progressed"), key_type=str, value_serializer="json"
)
completed = app.topic(place.topic("completed"), key_type=str, value_serializer="json")


@app.agent(facts)
async def complete(events: faust.StreamT[job.Event]) -> None:
    """Merge each event into its learner's document; announce once."""
    learners = Learners.at(place)
    async for event in events:
        if found := await learners.apply(event):
            await completed.send(key=event["learner_id"], value=found)
            await learners.announced(found)


if __name__ == "__main__":
    app.main()
