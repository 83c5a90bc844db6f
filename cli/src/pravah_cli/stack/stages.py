"""What starts, in which order. Stopping goes backwards."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pravah_cli.local.http import ok
from pravah_cli.local.kafka import KafkaPart, ensure_jars
from pravah_cli.local.mail.part import MailPart
from pravah_cli.local.process import Launch
from pravah_cli.local.store import StorePart
from pravah_cli.stack.config import StackConfig
from pravah_cli.stack.processes import SERVICE_PROCESSES
from pravah_shared.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Stage:
    """Processes that start together; `then` runs when all of them are ready."""

    title: str
    launches: tuple[Launch, ...]
    then: Callable[[], None] = lambda: None


def stages(config: StackConfig, say: Callable[[str], None]) -> list[Stage]:
    """Return the stages of a stack. Fetches what is missing in the cache, telling `say`."""
    return [
        Stage("local parts", tuple(local_parts(config, say)), lambda: apply_topics(config)),
        Stage(
            "services",
            (
                *(process.launch(config.environment) for process in SERVICE_PROCESSES),
                operators_page(config),
            ),
        ),
    ]


def local_parts(config: StackConfig, say: Callable[[str], None]) -> Iterator[Launch]:
    """Yield the parts that are not given."""
    state, cache = config.state_dir, config.cache
    if "kafka" not in config.given:
        ensure_jars(cache, say)
        ports = (config.port("PRAVAH_KAFKA_PORT"), config.port("PRAVAH_KAFKA_CONTROLLER_PORT"))
        yield KafkaPart(*ports, state / "kafka", cache).launch()
    if "mongo" not in config.given:
        yield StorePart(config.port("PRAVAH_MONGO_PORT"), state / "mongo", cache).launch()
    if "mail" not in config.given:
        ports = (config.port("PRAVAH_SMTP_PORT"), config.port("PRAVAH_MAIL_PAGE_PORT"))
        yield MailPart(*ports, state / "mails").launch()
    if "issuer" not in config.given:
        yield own_process(config, "issuer", "pravah_cli.local.issuer", "PRAVAH_ISSUER_PORT")


def operators_page(config: StackConfig) -> Launch:
    """Return the process of the operators' page."""
    return own_process(config, "operators", "pravah_cli.operators", "PRAVAH_OPERATORS_PORT")


def own_process(config: StackConfig, name: str, module: str, port_setting: str) -> Launch:
    """Return a process of this package that answers /healthz."""
    port = config.port(port_setting)
    return Launch(
        name=name,
        argv=[sys.executable, "-m", module],
        environment=config.environment,
        ready=lambda: ok(port, "/healthz"),
        ports={port_setting: port},
    )


def apply_topics(config: StackConfig) -> None:
    """Create the topics that are missing. Safe to repeat."""
    from pravah_shared.kafka.topics import apply

    with environment_of(config):
        settings = load(Settings)
    asyncio.run(apply(settings))


@contextmanager
def environment_of(config: StackConfig) -> Iterator[None]:
    """Let settings that are loaded within be the stack's."""
    before = dict(os.environ)
    os.environ.update(config.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
