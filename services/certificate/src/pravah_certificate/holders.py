"""Who stands behind a learner id: the person as received, opened with the learner's key."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pravah_certificate.model import Person, Standing
from pravah_certificate.ports import Keys, People
from pravah_shared.errors import Undecodable
from pravah_shared.keys import LearnerKey, open_person
from pravah_shared.telemetry.logs import get_logger

log = get_logger()


@dataclass(frozen=True, slots=True)
class Holder:
    """A learner as the holder of certificates. Name and key are there when readable."""

    standing: Standing
    name: str = field(default="", repr=False)
    key: LearnerKey | None = field(default=None, repr=False)


NOBODY = Holder(Standing.UNKNOWN)
ERASED = Holder(Standing.ERASED)


async def read_holders(
    people: People, keys: Keys, learner_ids: Collection[str]
) -> Mapping[str, Holder]:
    """Return the holders that are known, by learner id.

    A person who cannot be opened counts as unknown: the certificate waits for a version
    that can, which is better than one without a name.

    Raises:
        Transient: the store or the key store did not answer.
    """
    known = await people.people(learner_ids)
    found = await keys.get_many([i for i, person in known.items() if not person.erased])
    return {learner_id: holder(person, found) for learner_id, person in known.items()}


def holder(person: Person, keys: Mapping[str, LearnerKey | None]) -> Holder:
    """Open one person. A destroyed key is an erasure whose tombstone is still on its way."""
    if person.erased or keys.get(person.learner_id, person) is None:
        return ERASED
    key = keys.get(person.learner_id)
    if key is None:
        log.warning("person.key_unknown", learner_id=person.learner_id, version=person.version)
        return NOBODY
    try:
        return Holder(Standing.READABLE, open_person(key, person.ciphertext).name, key)
    except Undecodable:
        log.warning("person.unreadable", learner_id=person.learner_id, version=person.version)
        return NOBODY
