"""How both engines consume: the same client options and the same view of a record."""

from typing import TYPE_CHECKING, Any

from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from pravah_shared.kafka.connection import client_options
from pravah_shared.record import Record
from pravah_shared.settings import Settings

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

SESSION_SECONDS = 10
"""After this silence a dead member's partitions go to others."""

FETCH_WAIT_MS = 25
"""How long a broker holds a fetch that finds nothing. The client has one fetch under way at each
broker, and leaves out of it the partitions of which it has records: by its default, 500, those of
a busy topic wait for a quiet one's as long as that. An idle stream asks forty times a second."""


def consumer_options(settings: Settings, group: str) -> dict[str, Any]:
    """Return the options that the contract of `runner` demands."""
    return {
        **client_options(settings),
        "client_id": group,
        "group_id": group,
        # A static member sends no LeaveGroup: only StatefulSets, whose pods come back under
        # their names, may set it.
        "group_instance_id": settings.group_instance_id or None,
        "enable_auto_commit": False,
        # The default, latest, skips what was accepted before the group's first commit.
        "auto_offset_reset": "earliest",
        # `courses` and `people` come from a fenced, transactional relay.
        "isolation_level": "read_committed",
        # Partition n of every learner topic comes to the same member. Not Sticky: aiokafka #1176.
        "partition_assignment_strategy": (RangePartitionAssignor,),
        "session_timeout_ms": SESSION_SECONDS * 1000,
        "heartbeat_interval_ms": SESSION_SECONDS * 1000 // 4,
        "max_poll_records": settings.batch_records,
        "fetch_max_wait_ms": FETCH_WAIT_MS,
    }


def record_of(topic: str, found: "ConsumerRecord[bytes, bytes]") -> Record:
    """Return what aiokafka found as our record; `topic` is without prefix."""
    return Record(
        topic,
        found.partition,
        found.offset,
        found.key,
        found.value,
        tuple(found.headers),
        found.timestamp,
    )
