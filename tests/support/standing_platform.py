"""The four services as operating-system processes, all modes, on real parts, under own names."""

import asyncio
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import httpx

from pravah_cli.client import Addresses, Client
from pravah_cli.local.issuer.tokens import Bearer, mint
from pravah_cli.local.mail.box import MailBox
from pravah_cli.local.process import Launch, await_ready, gone, spawn, stop
from pravah_cli.local.running import Running
from pravah_cli.scenarios.run import Surroundings, addresses_in
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import StackConfig, choose_ports
from pravah_cli.stack.processes import SERVICE_PROCESSES
from pravah_cli.stack.stages import own_process
from pravah_cli.stack.supervisor import living
from pravah_cli.testing import Stack
from pravah_shared.kafka.cleanup import delete_topics
from pravah_shared.kafka.topics import apply
from pravah_shared.mongo import Database
from pravah_shared.settings import Settings

SERVICES = ("enrollment", "progress", "certificate", "notification")
DATABASES = (*SERVICES, "keys")
QUICK = {"PRAVAH_SWEEP_SECONDS": "3", "PRAVAH_SMTP_MOST_HOLD_SECONDS": "2"}
"""Second chances come sooner than a day's operation needs them, so that no test waits a minute."""


READY_SECONDS = 240
"""Two platforms that start at once on a busy machine of two cores share them out."""


_STANDING: dict[str, "Platform"] = {}
"""The platforms of this test process, by name."""

Arrange = Callable[[dict[str, Launch]], dict[str, Launch]]
"""Leaves processes out, adds some, or starts them otherwise. Called with those of a whole stack."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A whole deployment. Its processes are known by name, as in `pravah status`."""

    config: StackConfig
    settings: Settings
    name: str
    arranged: Arrange = dict

    @property
    def addresses(self) -> Addresses:
        """Where the APIs listen."""
        return addresses_in(self.config.environment)

    @property
    def mail_box(self) -> MailBox:
        """Mails received, also those of other tests: look for your own recipients."""
        return MailBox(self.config.state_dir / "mails")

    @property
    def surroundings(self) -> Surroundings:
        """What a scenario needs to play here."""
        return Surroundings(self.addresses, self.settings, self.config.state_dir)

    @property
    def running(self) -> Mapping[str, Running]:
        """The processes that run."""
        return living(self.config.state_dir)

    def launches(self) -> dict[str, Launch]:
        """Return how each process of the deployment starts."""
        environment = self.config.environment
        found = [process.launch(environment) for process in SERVICE_PROCESSES]
        found.append(own_process(self.config, "issuer", "pravah_cli.local.issuer", ISSUER_PORT))
        return self.arranged(
            {launch.name: replace(launch, ready_seconds=READY_SECONDS) for launch in found}
        )

    def start(self, *names: str) -> None:
        """Start processes (all that do not run, if none is named) and wait until they serve.

        Other platforms of this worker are stopped: ten idle processes of each are a load that
        makes a busy machine miss its deadlines. Their fixtures start them again.
        """
        for other in _STANDING.values():
            if other.name != self.name:
                other.stop(*other.running)
        launches, running = self.launches(), self.running
        wanted = [name for name in names or launches if name not in running]
        started = {name: spawn(launches[name], self.config.state_dir) for name in wanted}
        for name, process in started.items():
            await_ready(process, launches[name], self.config.state_dir)

    def spawn(self, name: str) -> None:
        """Start a process and do not wait until it serves."""
        spawn(self.launches()[name], self.config.state_dir)

    def stop(self, *names: str) -> None:
        """Stop processes as an operator does: SIGTERM, and KILL only when that does not help."""
        stopping = [process for name, process in self.running.items() if name in names]
        for process in stopping:
            process.signal(signal.SIGTERM)
        for process in stopping:
            stop(process, self.config.state_dir)

    def kill(self, name: str) -> None:
        """Kill a process: nothing in it runs any more, not even its last line."""
        process = self.running[name]
        process.signal(signal.SIGKILL)
        assert gone(process, 10), f"{name} survived SIGKILL"

    def of_service(self, service: str) -> tuple[str, ...]:
        """Return the names of a service's processes."""
        return tuple(each.name for each in SERVICE_PROCESSES if each.service == service)

    def port(self, name: str) -> int:
        """Return the port of a process, for example `progress-stream`."""
        return next(iter(self.launches()[name].ports.values()))

    def token(self, role: str, subject: str = "") -> str:
        """Return a token that the services accept."""
        bearer = Bearer(role, subject or f"a-{role}")
        return mint(bearer, self.settings, self.config.state_dir)

    def client(self) -> Client:
        """Return an operator's client; enter it."""
        return Client(self.addresses, self.surroundings.token, patience_seconds=90)

    def http(self, role: str = "operator", subject: str = "") -> httpx.AsyncClient:
        """Return a plain HTTP client with a token; enter it."""
        headers = {"authorization": f"Bearer {self.token(role, subject)}"}
        return httpx.AsyncClient(headers=headers, timeout=30, trust_env=False)

    @contextmanager
    def away(self, *names: str) -> Iterator[None]:
        """Have processes stopped within the block and serving after it."""
        self.stop(*names)
        yield
        self.start(*names)


ISSUER_PORT = "PRAVAH_ISSUER_PORT"
DROP_SECONDS = 60
"""A small store drops thousands of documents one by one."""


@contextmanager
def standing(
    stack: Stack,
    state_dir: Path,
    *,
    settings: Mapping[str, str] = QUICK,
    started: bool = True,
    arranged: Arrange = dict,
) -> Iterator[Platform]:
    """Yield a deployment of one's own on `stack`; take all of it away afterwards."""
    name = f"t{uuid4().hex[:12]}"
    configured = _configured(stack, state_dir, name, {**QUICK, **settings})
    platform = Platform(*configured, name, arranged)
    asyncio.run(apply(platform.settings))
    _STANDING[name] = platform
    try:
        if started:
            platform.start()
        yield platform
    finally:
        del _STANDING[name]
        platform.stop(*platform.running)
        asyncio.run(_remove(platform))


def _configured(
    stack: Stack, state_dir: Path, name: str, chosen: Mapping[str, str]
) -> tuple[StackConfig, Settings]:
    state_dir.mkdir(parents=True, exist_ok=True)
    # The commands look for mails where a stack of their own keeps them.
    (state_dir / "mails").symlink_to(stack.mails, target_is_directory=True)
    ports = choose_ports({}, elsewhere=True)
    here = "http://127.0.0.1:{}"
    environment = {
        "PRAVAH_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "PRAVAH_MONGO_URI": stack.mongo_uri,
        "PRAVAH_SMTP_HOST": stack.smtp_host,
        "PRAVAH_TOPIC_PREFIX": f"{name}.",
        "PRAVAH_GROUP_PREFIX": f"{name}-",
        "PRAVAH_MONGO_DATABASE": name,
        "PRAVAH_KEY_STORE_DATABASE": f"{name}_keys",
        "PRAVAH_STATE_DIR": str(state_dir),
        **{setting: str(port) for setting, port in ports.items()},
        "PRAVAH_SMTP_PORT": str(stack.smtp_port),
        "PRAVAH_OIDC_ISSUER": here.format(ports[ISSUER_PORT]),
        "PRAVAH_PUBLIC_URL": here.format(ports["PRAVAH_CERTIFICATE_API_PORT"]),
        **chosen,
    }
    config = StackConfig(state_dir, LocalSettings().cache, environment, frozenset({"mail"}))
    config.save()
    fields = {
        setting.removeprefix("PRAVAH_").lower(): text for setting, text in environment.items()
    }
    return config, Settings.model_validate(fields)


async def _remove(platform: Platform) -> None:
    await delete_topics(platform.settings)
    for name in DATABASES:
        database = Database.connect(
            platform.settings.mongo_uri, f"{platform.name}_{name}", deadline_seconds=DROP_SECONDS
        )
        try:
            await database.drop()
        finally:
            await database.close()
    shutil.rmtree(platform.config.state_dir, ignore_errors=True)
