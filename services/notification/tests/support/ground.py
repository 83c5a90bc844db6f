"""The service's real parts on the test's own databases, and people to write to."""

from dataclasses import dataclass
from typing import Any

from notification_facts import NOW

from pravah_notification.__main__ import utc_now
from pravah_notification.channels.email import EmailChannel
from pravah_notification.dispatch import Dispatcher, MailWriter
from pravah_notification.model import Entry
from pravah_notification.settings import NotificationSettings
from pravah_notification.store import Deliveries, Directory, Inbox, Ledger
from pravah_notification.stream import NotificationHandler
from pravah_notification.templates import Renderer
from pravah_shared.events import Event, Person, new_event
from pravah_shared.keys import KeyStore, PersonalData, seal_person
from pravah_shared.mongo import Database

RENDERER = Renderer()


@dataclass
class Ground:
    """What a test stands on."""

    settings: NotificationSettings
    database: Database
    keys: KeyStore
    ledger: Ledger
    directory: Directory
    inbox: Inbox
    handler: NotificationHandler

    @classmethod
    async def open(
        cls, settings: NotificationSettings, database: Database, keys: KeyStore
    ) -> "Ground":
        """Open the stores."""
        ledger, directory = Ledger(database), Directory(database)
        await ledger.prepare()
        handler = NotificationHandler(ledger, directory, utc_now)
        return cls(settings, database, keys, ledger, directory, Inbox(database), handler)

    async def person(self, learner: str = "l1", version: int = 1, **known: Any) -> Event[Person]:
        """A learner as enrollment publishes them: encrypted under their key."""
        key = await self.keys.create(learner)
        facts = {"name": f"Asha {learner}", "email": f"{learner}@learners.example", **known}
        ciphertext = seal_person(key, PersonalData(**facts))
        person = Person(
            learner_id=learner, version=version, ciphertext=ciphertext, key_id=key.key_id
        )
        return new_event(person, source="/pravah/enrollment", time=NOW)

    async def tell(self, *events: Event[Any]) -> None:
        """Let the stream handle a batch."""
        await self.handler.handle(events)

    def dispatcher(self, **parts: Any) -> Dispatcher:
        """A dispatcher process."""
        settings = parts.get("settings", self.settings)
        return Dispatcher(
            parts.get("ledger", self.ledger),
            MailWriter(self.directory, self.keys, parts.get("renderer", RENDERER)),
            EmailChannel(settings),
            settings,
            utc_now,
        )

    async def entries(self, channel: str = "email") -> list[Entry]:
        """All of a channel's entries."""
        return await self.ledger.deliveries(Deliveries(channel=channel), "", 10_000)  # type: ignore[arg-type]

    async def states(self, channel: str = "email") -> set[tuple[str, str | None]]:
        """The states of a channel's entries, with their reasons."""
        return {(entry.state, entry.reason) for entry in await self.entries(channel)}
