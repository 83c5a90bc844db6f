"""Which real parts the tests run on, and how they come up."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pravah_cli.local.kafka import KafkaPart
from pravah_cli.local.mail.box import MailBox
from pravah_cli.local.mail.part import MailPart
from pravah_cli.local.ports import free_port
from pravah_cli.local.process import Launch, await_ready, spawn, stop
from pravah_cli.local.store import StorePart, find
from pravah_cli.settings import LocalSettings
from pravah_shared.errors import ConfigurationError

PULL_SECONDS = 300

Flavour = Literal["given", "containers", "local"]


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses of the real parts. Where they run does not show."""

    kafka_bootstrap: str
    mongo_uri: str
    smtp_host: str
    smtp_port: int
    mails: Path

    @property
    def mail_box(self) -> MailBox:
        """Mails received so far, of all tests: look for your own recipient."""
        return MailBox(self.mails)

    def save(self, file: Path) -> None:
        """Write the addresses, whole or not at all."""
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({**asdict(self), "mails": str(self.mails)}))
        fresh.replace(file)

    @classmethod
    def load(cls, file: Path) -> "Stack":
        """Read addresses written by `save`."""
        known = json.loads(file.read_text())
        return cls(**{**known, "mails": Path(known["mails"])})


def choose(environment: Mapping[str, str] = os.environ) -> Flavour:
    """Decide where the parts run: PRAVAH_TEST_STACK=containers|local|auto (the default)."""
    wanted = environment.get("PRAVAH_TEST_STACK", "auto")
    match wanted:
        case "containers":
            return "containers"
        case "local":
            return "local"
        case "auto":
            return detect(environment)
    raise ConfigurationError(f"PRAVAH_TEST_STACK is {wanted!r}: containers, local or auto")


def detect(environment: Mapping[str, str]) -> Flavour:
    """Take the addresses that are given, else containers if they can run, else local parts."""
    if environment.get("PRAVAH_KAFKA_BOOTSTRAP") and environment.get("PRAVAH_MONGO_URI"):
        return "given"
    return "containers" if engine_serves() else "local"


def engine_serves() -> bool:
    """Whether a Docker engine answers here and has, or can get, the images we need.

    An engine without a way to a registry must not fail the tests: the local parts are as real.
    """
    if not docker("version", seconds=10):
        return False
    from pravah_cli.testing.containers import images

    return all(docker("image", "inspect", image) or docker("pull", image) for image in images())


def docker(*argv: str, seconds: float = PULL_SECONDS) -> bool:
    """Whether a docker command succeeds."""
    try:
        done = subprocess.run(["docker", *argv], capture_output=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def describe(flavour: Flavour) -> str:
    """Name the parts for the header of a test run."""
    match flavour:
        case "given":
            kafka, mongo = os.environ["PRAVAH_KAFKA_BOOTSTRAP"], os.environ["PRAVAH_MONGO_URI"]
            return f"given: Kafka {kafka}, store {mongo.rpartition('@')[2]}"
        case "containers":
            from pravah_cli.testing.containers import KAFKA_IMAGE, MONGO_IMAGE

            return f"containers: {KAFKA_IMAGE}, {MONGO_IMAGE}"
        case "local":
            return f"local parts: Apache Kafka from Maven, {find(LocalSettings().cache).kind}"


@contextmanager
def running(flavour: Flavour, state: Path) -> Iterator[Stack]:
    """Bring the parts up, yield their addresses, take down what was brought up."""
    with ExitStack() as started:
        mail = MailPart(free_port(), free_port(), state / "mails")
        started.enter_context(part(mail.launch(), state))
        match flavour:
            case "given":
                kafka, mongo = os.environ["PRAVAH_KAFKA_BOOTSTRAP"], os.environ["PRAVAH_MONGO_URI"]
            case "containers":
                from pravah_cli.testing.containers import kafka_container, mongo_container

                kafka = started.enter_context(kafka_container())
                mongo = started.enter_context(mongo_container())
            case "local":
                kafka = started.enter_context(own_kafka(state)).bootstrap
                mongo = started.enter_context(own_store(state)).uri
        yield Stack(kafka, mongo, "127.0.0.1", mail.port, mail.root)


@contextmanager
def part(launch: Launch, state: Path) -> Iterator[None]:
    """Run one local part for the length of the block."""
    process = spawn(launch, state)
    try:  # from here on: an interruption while it starts must not leave it behind
        await_ready(process, launch, state)
        yield
    finally:
        stop(process, state)


@contextmanager
def own_kafka(state: Path) -> Iterator[KafkaPart]:
    """Run a local broker of one's own, data under `state`."""
    broker = KafkaPart(free_port(), free_port(), state / "kafka", LocalSettings().cache)
    with part(broker.launch(), state):
        yield broker


@contextmanager
def own_store(state: Path) -> Iterator[StorePart]:
    """Run a local store of one's own, data under `state`."""
    store = StorePart(free_port(), state / "mongo", LocalSettings().cache)
    with part(store.launch(), state):
        yield store
