"""A stack's addresses: which parts it starts itself, and the settings that lead to all of them.

`pravah up` writes them to `<state>/stack.json`; every later command on the same state directory
reads them there, so that stacks on other ports need no more than `--state-dir`.
"""

import json
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.local.ports import free_ports
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.processes import SERVICE_PROCESSES

FILE = "stack.json"

GIVEN_BY = {
    "kafka": "PRAVAH_KAFKA_BOOTSTRAP",
    "mongo": "PRAVAH_MONGO_URI",
    "mail": "PRAVAH_SMTP_HOST",
    "issuer": "PRAVAH_OIDC_ISSUER",
}
"""A part whose address is given is not started: it is somebody else's."""


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Everything that is decided before the first process starts.

    `environment` holds the settings of all processes; `given` the parts that run elsewhere.
    """

    state_dir: Path
    cache: Path
    environment: Mapping[str, str]
    given: frozenset[str]

    def port(self, setting: str) -> int:
        """Return a port by its setting, for example `PRAVAH_KAFKA_PORT`."""
        return int(self.environment[setting])

    def save(self) -> None:
        """Write `stack.json`, whole or not at all."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        known = {"environment": dict(self.environment), "given": sorted(self.given)}
        fresh = self.state_dir / f"{FILE}.new"
        fresh.write_text(json.dumps(known, indent=2))
        fresh.replace(self.state_dir / FILE)

    def forget(self) -> None:
        """Remove `stack.json`: nothing of the stack runs any more."""
        (self.state_dir / FILE).unlink(missing_ok=True)


def configure(
    local: LocalSettings, environ: Mapping[str, str] = os.environ, *, elsewhere: bool = False
) -> StackConfig:
    """Decide a new stack's addresses; an existing stack keeps its own.

    `elsewhere` chooses free ports in place of the default ones.
    """
    if known := remembered(local):
        return known
    ports = choose_ports(environ, elsewhere=elsewhere)
    given = frozenset(part for part, setting in GIVEN_BY.items() if environ.get(setting))
    http = "http://127.0.0.1:{}"
    addresses = {
        "PRAVAH_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports['PRAVAH_KAFKA_PORT']}",
        "PRAVAH_MONGO_URI": f"mongodb://127.0.0.1:{ports['PRAVAH_MONGO_PORT']}",
        "PRAVAH_SMTP_HOST": "127.0.0.1",
        "PRAVAH_OIDC_ISSUER": http.format(ports["PRAVAH_ISSUER_PORT"]),
        "PRAVAH_PUBLIC_URL": http.format(ports["PRAVAH_CERTIFICATE_API_PORT"]),
    }
    chosen = {name: environ.get(name) or address for name, address in addresses.items()}
    others = {name: text for name, text in environ.items() if name.startswith("PRAVAH_")}
    return StackConfig(
        state_dir=local.state_dir,
        cache=local.cache,
        environment={
            **others,
            **{setting: str(port) for setting, port in ports.items()},
            **chosen,
            "PRAVAH_STATE_DIR": str(local.state_dir),
        },
        given=given,
    )


def choose_ports(environ: Mapping[str, str], *, elsewhere: bool) -> dict[str, int]:
    """Return every port of a stack by its setting: as set, else free or the default one."""
    defaults = {
        f"PRAVAH_{name.upper()}": field.default
        for name, field in LocalSettings.model_fields.items()
        if name.endswith("_port")
    } | {process.port_setting: process.default_port for process in SERVICE_PROCESSES}
    free = dict(zip(defaults, free_ports(len(defaults)), strict=True))
    unset = free if elsewhere else defaults
    return {setting: int(environ.get(setting) or unset[setting]) for setting in defaults}


def remembered(local: LocalSettings) -> StackConfig | None:
    """Return the stack that was started on this state directory and not taken down."""
    try:
        known = json.loads((local.state_dir / FILE).read_text())
    except FileNotFoundError:
        return None
    return StackConfig(
        local.state_dir, local.cache, known["environment"], frozenset(known["given"])
    )


def adopt(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let this command's settings lead to the stack of its state directory, if there is one.

    What the caller set in the environment wins.
    """
    if known := remembered(LocalSettings()):
        for name, text in known.environment.items():
            environ.setdefault(name, text)
