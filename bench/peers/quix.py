"""Quix Streams with its state store: `python -m bench.peers.quix at-least-once|exactly-once`.

https://quix.io/docs/quix-streams/advanced/stateful-processing.html for state (RocksDB and a
changelog topic), https://quix.io/docs/quix-streams/concatenating.html for two topics that share
one, https://quix.io/docs/quix-streams/configuration.html for the processing guarantee. State is
per message key, the learner; courses are kept apart in it by their ids.
"""

import sys
from typing import Any, Literal, cast

from quixstreams import Application, State

from bench.peers import job
from bench.peers.place import SESSION_SECONDS, Place

place = Place.told()


def complete(event: job.Event, state: State) -> list[job.Completion]:
    """Fold an event into its learner's state; return what is to be announced, once."""
    course_id = event["course_id"]
    known = job.fold(state.get(course_id, {}), event)
    found = job.completion(event, known, place.required)
    state.set(course_id, {**known, "announced": True} if found else known)
    return [found] if found else []


def main(guarantee: Literal["at-least-once", "exactly-once"]) -> None:
    """Run until told to stop."""
    app = Application(
        broker_address=place.kafka,
        consumer_group=place.group,
        auto_offset_reset="earliest",
        processing_guarantee=guarantee,
        state_dir=place.state_dir,
        consumer_extra_config={"session.timeout.ms": SESSION_SECONDS * 1000},
        loglevel="WARNING",
    )
    enrolled = app.dataframe(app.topic(place.topic("enrolled")))
    progressed = app.dataframe(app.topic(place.topic("progressed")))
    facts = enrolled.concat(progressed)
    found = facts.apply(cast("Any", complete), stateful=True, expand=True)
    found.to_topic(app.topic(place.topic("completed")))
    app.run()


if __name__ == "__main__":
    main("exactly-once" if sys.argv[1] == "exactly-once" else "at-least-once")
