"""From leased entries to mails: the person is decrypted here, at the last moment, and not kept."""

from collections.abc import Mapping, Sequence

from pravah_notification.channels.address import BadAddress, mailbox
from pravah_notification.channels.mime import Mail
from pravah_notification.model import Entry, Refused, StoredPerson, Suppressed
from pravah_notification.store import Directory
from pravah_notification.templates import Renderer, RenderFailed
from pravah_notification.templates.render import Reader
from pravah_shared.errors import Undecodable
from pravah_shared.keys import KeyStore, LearnerKey, PersonalData, open_person

Letter = Mail | Suppressed | Refused
"""A mail to send, or why there is none."""


class MailWriter:
    """Writes mails in the language of their readers."""

    def __init__(self, directory: Directory, keys: KeyStore, renderer: Renderer) -> None:
        self._directory = directory
        self._keys = keys
        self._renderer = renderer

    async def write(self, entries: Sequence[Entry]) -> list[Letter]:
        """Return one letter per entry, in order.

        Raises:
            Transient: the store or the key store is away; nothing is known of any entry.
        """
        learners = {entry.occasion.learner_id for entry in entries}
        people = await self._directory.people(learners)
        courses = await self._directory.courses({entry.occasion.course_id for entry in entries})
        keys = await self._keys.get_many(learners)
        return [
            self._letter(
                entry, _person(entry, people, keys), courses[entry.occasion.course_id].title
            )
            for entry in entries
        ]

    def _letter(
        self, entry: Entry, person: PersonalData | Suppressed | Refused, titles: Mapping[str, str]
    ) -> Letter:
        if not isinstance(person, PersonalData):
            return person
        if not person.email:
            return Suppressed("no_address")
        reader = Reader(person.language, person.time_zone)
        try:
            to = mailbox(person.email)
            words = self._renderer.mail(entry.occasion, titles, reader, person.name)
        except BadAddress:
            return Suppressed("bad_address")
        except RenderFailed as error:
            return Refused(str(error))
        return Mail(
            entry_id=entry.id,
            to=to,
            to_name=person.name,
            locale=words.locale,
            subject=words.title,
            text=words.text,
            html=words.html,
        )


def _person(
    entry: Entry, people: Mapping[str, StoredPerson], keys: Mapping[str, LearnerKey | None]
) -> PersonalData | Suppressed | Refused:
    learner_id = entry.occasion.learner_id
    stored, key = people[learner_id], keys.get(learner_id)
    # The key store forgets first; the tombstone on `people` may still be on its way.
    if stored.ciphertext is None or (learner_id in keys and key is None):
        return Suppressed("erased")
    if key is None:
        return Refused("no key for this learner in the key store")
    try:
        return open_person(key, stored.ciphertext)
    except Undecodable as error:
        return Refused(str(error))
