"""A MongoDB wire server on this machine, by preference: mongod, secantusd-rs, secantusd-py.

The last two are development stand-ins that survive a restart; production is MongoDB 8. Killed by
SIGKILL they lose what they acknowledged last, a few writes, for they take `j: true` without syncing
their log; those that are `durable` sync each write, and are slower.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pravah_cli.local.ports import answers
from pravah_cli.local.process import Launch, PartError

Kind = Literal["mongod", "secantusd-rs", "secantusd-py"]
CACHE_SIZE = "512M"


@dataclass(frozen=True, slots=True)
class Server:
    """A program that speaks MongoDB's protocol."""

    kind: Kind
    program: Path


@dataclass(frozen=True, slots=True)
class StorePart:
    """One store: its port and its data directory. `durable`: for those who kill it."""

    port: int
    data_dir: Path
    cache: Path
    durable: bool = False

    @property
    def uri(self) -> str:
        """Address for clients."""
        return f"mongodb://127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        """Say how to start it. Data that is there stays."""
        server = find(self.cache)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return Launch(
            name="mongo",
            argv=arguments(server, self.port, self.data_dir, durable=self.durable),
            ready=lambda: answers(self.port),
            ports={"PRAVAH_MONGO_PORT": self.port},
            ready_seconds=60,
        )


def find(cache: Path) -> Server:
    """Return the best server that is installed.

    Raises:
        PartError: there is none.
    """
    if mongod := shutil.which("mongod"):
        return Server("mongod", Path(mongod))
    built = [
        shutil.which("secantusd-rs"),
        cache / "secantus" / "bin" / "secantusd-rs",
        Path.home() / ".cargo" / "bin" / "secantusd-rs",
    ]
    for program in built:
        if program and Path(program).exists():
            return Server("secantusd-rs", Path(program))
    installed = Path(sys.executable).parent / "secantusd-py"
    if installed.exists():
        return Server("secantusd-py", installed)
    raise PartError(
        "no MongoDB server is here; run `make setup` for a small one, `make store-rs` for a "
        "fast one, or set PRAVAH_MONGO_URI"
    )


def arguments(server: Server, port: int, data_dir: Path, *, durable: bool) -> list[str]:
    """Return the command line that serves `data_dir` on `port`."""
    if server.kind == "mongod":
        where = ["--bind_ip", "127.0.0.1", "--dbpath", str(data_dir)]
    else:
        where = ["--host", "127.0.0.1", "--storage-path", str(data_dir)]
        where += ["--cache-size", CACHE_SIZE, "--log-level", "WARNING"]
        where += ["--sync-on-commit"] if durable else []
    return [str(server.program), "--port", str(port), *where]
