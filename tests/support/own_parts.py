"""Parts of a test's own, to freeze, stop and start again while services depend on them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.local.mail.part import MailPart
from pravah_cli.local.ports import free_ports
from pravah_cli.local.process import Launch, gone, start, stop
from pravah_cli.local.store import StorePart
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.supervisor import living
from pravah_cli.testing import Stack


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A store or a mail server, known by its name under `state`."""

    launch: Launch
    state: Path

    def start(self) -> None:
        """Start it, on the data that it left."""
        start(self.launch, self.state)

    def stop(self) -> None:
        """Stop it: connections are refused."""
        stop(living(self.state)[self.launch.name], self.state)

    def kill(self) -> None:
        """Kill it: it writes nothing more, and connections are reset."""
        process = living(self.state)[self.launch.name]
        process.signal(signal.SIGKILL)
        assert gone(process, 10), f"{self.launch.name} survived SIGKILL"

    def freeze(self) -> None:
        """Freeze it: connections stand, and nobody answers."""
        living(self.state)[self.launch.name].signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        living(self.state)[self.launch.name].signal(signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class OwnParts:
    """A store and a mail server of one's own, and the stack that they make."""

    store: OwnPart
    mail: OwnPart
    stack: Stack


@contextmanager
def own_parts(shared: Stack, state: Path) -> Iterator[OwnParts]:
    """Yield a store and a mail server beside the shared broker; take them away afterwards."""
    store_port, smtp_port, page_port = free_ports(3)
    store = StorePart(store_port, state / "mongo", LocalSettings().cache)
    mail = MailPart(smtp_port, page_port, state / "mails")
    parts = (OwnPart(store.launch(), state), OwnPart(mail.launch(), state))
    stack = Stack(shared.kafka_bootstrap, store.uri, "127.0.0.1", smtp_port, mail.root)
    try:
        for part in parts:
            part.start()
        yield OwnParts(*parts, stack)
    finally:
        for process in living(state).values():
            process.signal(signal.SIGCONT)  # a frozen one would not hear that it is over
            stop(process, state)
