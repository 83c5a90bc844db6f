"""Who learners are, encrypted per learner. Writer: enrollment's relay."""

from typing import ClassVar

from pydantic import Field

from pravah_shared.events.envelope import EventData
from pravah_shared.events.types import Identifier, LearnerId, StateCode


class Person(EventData):
    """A version of a learner's personal data; only holders of the key store can read it.

    `ciphertext` is base64 of AES-256-GCM over the JSON of `pravah_shared.keys.PersonalData`.
    """

    type: ClassVar[str] = "org.pravah.learning.person.v1"
    topic: ClassVar[str] = "people"

    learner_id: LearnerId
    version: int = Field(ge=1)
    ciphertext: str
    key_id: Identifier
    mdo_id: Identifier | None = None
    state_code: StateCode | None = None

    @property
    def subject(self) -> str:
        """The learner."""
        return self.learner_id

    @property
    def identity(self) -> tuple[str, ...]:
        """One event per version."""
        return (self.learner_id, str(self.version))


class PersonErased(EventData):
    """The learner's data is erased. On the wire: a tombstone (no value) on `learning.people`."""

    type: ClassVar[str] = "org.pravah.learning.person_erased.v1"
    topic: ClassVar[str] = "people"

    learner_id: LearnerId

    @property
    def subject(self) -> str:
        """The learner."""
        return self.learner_id

    @property
    def identity(self) -> tuple[str, ...]:
        """Once per learner: an erased id is never used again."""
        return (self.learner_id,)
