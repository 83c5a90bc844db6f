"""The services' processes: one per service and mode."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pravah_cli.local.http import ok
from pravah_cli.local.process import Launch

READY_SECONDS = 90
GRACE_SECONDS = 30
"""Longer than a batch: SIGTERM lets the one in hand be finished and committed."""

HOST_SETTING = "PRAVAH_PROCESS_HOST"
"""Where the processes of the services answer; `{name}` stands for the process's own name."""


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A mode of a service, and the port of its API or of its health and metrics."""

    service: str
    mode: str
    default_port: int

    @property
    def name(self) -> str:
        """Name in process files, logs and `pravah status`."""
        return f"{self.service}-{self.mode}"

    @property
    def port_setting(self) -> str:
        """Environment variable that moves the port."""
        return f"PRAVAH_{self.service}_{self.mode}_PORT".upper()

    def url(self, environment: Mapping[str, str]) -> str:
        """Return where it answers HTTP, by the settings in `environment`."""
        host = environment.get(HOST_SETTING, "127.0.0.1").format(name=self.name)
        return f"http://{host}:{environment.get(self.port_setting, self.default_port)}"

    @property
    def argv(self) -> list[str]:
        """Command line, with the interpreter that runs this."""
        return [sys.executable, "-m", f"pravah_{self.service}", self.mode]

    def launch(self, environment: Mapping[str, str]) -> Launch:
        """Say how to start it within a stack's environment.

        A database named there is one per service, `<name>_<service>`: services share none.
        """
        port = int(environment[self.port_setting])
        own = {"OTEL_SERVICE_NAME": f"pravah-{self.name}"}
        if database := environment.get("PRAVAH_MONGO_DATABASE"):
            own["PRAVAH_MONGO_DATABASE"] = f"{database}_{self.service}"
        return Launch(
            name=self.name,
            argv=self.argv,
            environment={**environment, **own},
            ready=lambda: ok(port, "/readyz"),
            ports={self.port_setting: port},
            ready_seconds=READY_SECONDS,
            grace_seconds=GRACE_SECONDS,
        )


SERVICE_PROCESSES = (
    ServiceProcess("enrollment", "api", 8001),
    ServiceProcess("enrollment", "stream", 8011),
    ServiceProcess("enrollment", "relay", 8021),
    ServiceProcess("progress", "api", 8002),
    ServiceProcess("progress", "stream", 8012),
    ServiceProcess("certificate", "api", 8003),
    ServiceProcess("certificate", "stream", 8013),
    ServiceProcess("notification", "api", 8004),
    ServiceProcess("notification", "stream", 8014),
    ServiceProcess("notification", "dispatch", 8024),
)


def local_url(name: str, environment: Mapping[str, str]) -> str:
    """Return where a process of the table, for example `progress-api`, serves on this machine."""
    process = process_named(name)
    port = environment.get(process.port_setting) or process.default_port
    return f"http://127.0.0.1:{port}"


def process_named(name: str) -> ServiceProcess:
    """Return a process of the table, for example `progress-stream`."""
    return next(process for process in SERVICE_PROCESSES if process.name == name)
