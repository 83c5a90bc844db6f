"""Play a scenario, watch what comes of it, wait until it settles, judge it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.client import Addresses, Client
from pravah_cli.local.issuer.tokens import Bearer, mint
from pravah_cli.local.mail.box import MailBox
from pravah_cli.scenarios.model import Scenario
from pravah_cli.scenarios.outcome import TOPICS, Observer, Summary, expected, summarise
from pravah_cli.scenarios.play import Player
from pravah_cli.stack.processes import process_named
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.settings import Settings

QUIET_SECONDS = 150
"""Nothing new for so long: what is missing is not coming. A process that is killed comes back
later than its session's end and its own start, on a busy machine more than a minute."""
AFTERMATH_SECONDS = 3
"""Watched after everything has come, for what must not come: a second one."""
TOKEN_SECONDS = 3600

Watching = Callable[[Player, Observer], None]
"""Hears, about twice a second, how far it is."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a scenario plays: the services, their broker, and the mail box on this machine."""

    addresses: Addresses
    settings: Settings
    state_dir: Path

    def token(self) -> str:
        """Return an operator's token; operators may state business times."""
        return mint(Bearer("operator", "scenario"), self.settings, self.state_dir, TOKEN_SECONDS)


def addresses_in(environment: Mapping[str, str]) -> Addresses:
    """Return where the services' APIs answer, by the settings in `environment`."""
    services = ("enrollment", "progress", "certificate", "notification")
    return Addresses(*(process_named(f"{service}-api").url(environment) for service in services))


async def run(scenario: Scenario, where: Surroundings, watching: Watching) -> Summary:
    """Return the summary once everything has come, or nothing more comes.

    Raises:
        Unanswered: a service refused a step; what was sent before stays.
    """
    async with (
        Client(where.addresses, _renewed(where.token)) as client,
        TopicReader(where.settings, TOPICS) as reader,
    ):
        observer = Observer(scenario, reader, MailBox(where.state_dir / "mails"))
        player = Player(client, scenario)
        playing = asyncio.create_task(player.play())
        try:
            while not playing.done():
                await observer.look()
                watching(player, observer)
            await playing
        finally:
            playing.cancel()
        await _settle(scenario, observer, client, lambda: watching(player, observer))
        return summarise(scenario, player.sent, observer.seen)


async def _settle(
    scenario: Scenario, observer: Observer, client: Client, tell: Callable[[], None]
) -> None:
    """Wait until all that must come has come, then a little for what must not."""
    must = expected(scenario)
    changed = time.monotonic()
    before = (-1, -1, -1)
    while True:
        await observer.look()
        tell()
        seen = observer.seen
        now = (len(seen.completed), len(seen.certified), seen.mails)
        if now != before:
            before, changed = now, time.monotonic()
        wanted = (must["completed"], must["certified"], must["mails"])
        here = all(got >= due for got, due in zip(now, wanted, strict=True))
        if here or time.monotonic() - changed > QUIET_SECONDS:
            break
    until = time.monotonic() + AFTERMATH_SECONDS
    while time.monotonic() < until:
        await observer.look()
        tell()
    await observer.look_at_inboxes(client)


def _renewed(token: Callable[[], str]) -> Callable[[], str]:
    """Mint a new token well before the last one ends."""
    minted, made = token(), time.monotonic()

    def current() -> str:
        nonlocal minted, made
        if time.monotonic() - made > TOKEN_SECONDS / 2:
            minted, made = token(), time.monotonic()
        return minted

    return current
