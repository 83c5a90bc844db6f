"""The outbox in the document: a state change and its event are one write.

The event is pushed to the field `outbox` of the document it is about, in the very update that
changes the state. Two ways lead from there to Kafka:

- at once, by the process that wrote it (`Outbox`), only if nothing older waits in that document;
- by the relay (`Relay`), everything else: in order per document, sharded by lease, its producer
  fenced, so that a relay that was presumed dead can publish nothing any more.

An event leaves the outbox (`$pull` by its id) after Kafka acknowledged it. A crash in between
publishes it again under the same id. On topics where the last record counts (compacted) only
the relay publishes; elsewhere a late repeat of an older event may follow a newer one, and
readers merge.
"""

from pravah_shared.outbox.entries import (
    ensure_outbox_index,
    entry,
    event_of,
    new_outbox,
    pushed,
)
from pravah_shared.outbox.heads import Outbox
from pravah_shared.outbox.lease import Leases
from pravah_shared.outbox.relay import Relay, Source

__all__ = [
    "Leases",
    "Outbox",
    "Relay",
    "Source",
    "ensure_outbox_index",
    "entry",
    "event_of",
    "new_outbox",
    "pushed",
]
