"""From leased entries to mails: the person is decrypted here, at the last moment, and not kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pravah_notification.channels.address import BadAddress, mailbox
from pravah_notification.channels.mime import Mail
from pravah_notification.model import Entry, Refused, StoredPerson, Suppressed
from pravah_notification.store import Directory
from pravah_notification.templates import Renderer, RenderFailed
from pravah_notification.templates.render import Reader
from pravah_shared.errors import Undecodable, place_of
from pravah_shared.keys import KeyStore, LearnerKey, PersonalData, open_person
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

T = TypeVar("T")

Letter = Mail | Suppressed | Refused
"""A mail to send, or why there is none."""


class MailWriter:
    """Writes mails in the language of their readers."""

    def __init__(self, directory: Directory, keys: KeyStore, renderer: Renderer) -> None:
        self._directory = directory
        self._keys = keys
        self._renderer = renderer

    async def write(self, entries: Sequence[Entry]) -> list[Letter]:
        """Return one letter per entry, in order. One that fails fails alone.

        Raises:
            Transient: the store or the key store is away; nothing is known of any entry.
        """
        learners = {entry.occasion.learner_id for entry in entries}
        people = await self._directory.people(learners)
        courses = await self._directory.courses({entry.occasion.course_id for entry in entries})
        keys = await self._keys.get_many(learners)

        def letter(entry: Entry) -> Letter:
            titles = courses[entry.occasion.course_id].title
            return self._letter(entry, _person(entry, people, keys), titles)

        return [or_unwritable(entry, letter) for entry in entries]

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


def or_unwritable(entry: Entry, write: Callable[[Entry], T]) -> T | Refused:
    """Return what `write` makes of the entry; whatever it raises is the end of this entry alone.

    For pure code on one entry: an error that went on would end the dispatcher, and every one
    after it, at the same letter. Neither ledger nor log gets its text: it may quote the person.
    """
    try:
        return write(entry)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about this letter
        _say_unwritable(entry, error)
        return Refused("unwritable")


def _say_unwritable(entry: Entry, error: Exception) -> None:
    kind, place = type(error).__name__, place_of(error)
    log.error("dispatch.unwritable", entry=entry.id, error=kind, raised_at=place)


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
