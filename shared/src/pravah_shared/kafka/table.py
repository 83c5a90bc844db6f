"""The topic table: what each topic holds, who writes it and how long Kafka keeps it.

`pravah topics apply` and the tests create topics from here; contracts/asyncapi.json, Kubernetes
manifests and docs follow it. Producers never create a topic. Applied by `kafka.topics.apply`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pravah_shared.events import EVENT_TYPES, EventData
from pravah_shared.settings import Settings

SERVICES = ("enrollment", "progress", "certificate", "notification")
DAY_MS = 24 * 3600 * 1000
MAX_MESSAGE_BYTES = 1024 * 1024
DEAD_LETTER_HEADROOM_BYTES = 64 * 1024
"""A dead letter is the largest record and headers that say why it died."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, without the deployment's prefix.

    `retention_days` None: compacted, the newest record of each key is kept for ever.
    `public`: parties outside may subscribe (docs/subscribe.md); all else is ours alone.
    """

    name: str
    holds: str
    writer: str
    key: Literal["learner_id", "course_id", "as origin"]
    retention_days: int | None
    public: bool = False
    max_message_bytes: int = MAX_MESSAGE_BYTES
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def event_types(self) -> tuple[type[EventData], ...]:
        """The events that may stand on it."""
        return tuple(model for model in EVENT_TYPES.values() if model.topic == self.name)

    def partitions(self, settings: Settings) -> int:
        """Learner topics share one count, so that one worker holds all topics of a learner.

        Courses are few and dead letters rare: one partition keeps them in order.
        """
        return settings.partitions if self.key == "learner_id" else 1

    def configuration(self, settings: Settings) -> dict[str, str]:
        """Return the broker's settings for this topic."""
        return {
            "cleanup.policy": "compact" if self.retention_days is None else "delete",
            # The producers' clocks differ and their batches wait: retention and replay by
            # time are right only with the broker's.
            "message.timestamp.type": "LogAppendTime",
            "compression.type": "producer",
            "max.message.bytes": str(self.max_message_bytes),
            # Acknowledged means on two brokers in production; one broker can be away.
            "min.insync.replicas": str(max(1, settings.replication_factor - 1)),
            "unclean.leader.election.enable": "false",
            **self._retention(),
            **dict(self.extra),
        }

    def _retention(self) -> Mapping[str, str]:
        days = self.retention_days
        return {} if days is None else {"retention.ms": str(days * DAY_MS)}


def _dead_letters(service: str) -> Topic:
    return Topic(
        f"{service}.dead",
        f"records that {service} could not handle, with the reason in dead-* headers",
        service,
        "as origin",
        30,
        max_message_bytes=MAX_MESSAGE_BYTES + DEAD_LETTER_HEADROOM_BYTES,
    )


_ALL = (
    Topic("enrolled", "who takes which course", "enrollment", "learner_id", 30, public=True),
    Topic("assigned", "who must take which course", "enrollment", "learner_id", 30, public=True),
    Topic("courses", "courses as they are now", "enrollment", "course_id", None, public=True),
    Topic(
        "people",
        "learners as they are now, encrypted per learner; a tombstone erases",
        "enrollment",
        "learner_id",
        None,
        # A reader that was away a month still sees the tombstone; what was erased is gone from
        # the log a day later, also from a segment that nobody writes to any more.
        extra=(
            ("delete.retention.ms", str(30 * DAY_MS)),
            ("max.compaction.lag.ms", str(DAY_MS)),
        ),
    ),
    Topic("progressed", "what learners report of their progress", "progress", "learner_id", 7),
    Topic("completed", "who started and completed what", "progress", "learner_id", 90, public=True),
    Topic("certified", "certificates", "certificate", "learner_id", 90, public=True),
    *(_dead_letters(service) for service in SERVICES),
)

TOPICS: dict[str, Topic] = {topic.name: topic for topic in _ALL}
"""Every topic by its name without prefix."""
