"""pytest plugin: the `stack` of real parts and settings that keep tests apart on it."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from pravah_cli.local.process import Launch, start, stop
from pravah_cli.local.running import recall
from pravah_cli.testing.deployment import Deployment
from pravah_cli.testing.stack import Stack, choose, describe
from pravah_shared.settings import S, Settings


class SettingsFor(Protocol):
    """Makes settings of a service, for example `settings_for(ProgressSettings)`."""

    def __call__(self, model: type[S], **overrides: Any) -> S:
        """Return the settings, with `overrides` by field name."""
        ...


RUN_DIR = "PRAVAH_TEST_RUN_DIR"
"""Set by the run, inherited by its xdist workers: where they find the one stack."""
STACK_SECONDS = 300


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a directory; xdist workers inherit it."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_DIR] = tempfile.mkdtemp(prefix="pravah-test-")
        os.environ[f"{RUN_DIR}_OWNER"] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the stack down when the whole run ends, whichever worker needed it first."""
    if hasattr(config, "workerinput") or RUN_DIR not in os.environ:
        return
    run_dir = Path(os.environ.pop(RUN_DIR))
    for keeper in recall(run_dir / "keeper").values():
        stop(keeper, run_dir / "keeper")
    shutil.rmtree(run_dir, ignore_errors=True)


def pytest_report_header() -> str:
    """Name the parts that tests marked `stack` run on."""
    return f"pravah stack: {describe(choose())}"


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Return the real parts, brought up once for the whole run, shared between xdist workers."""
    run_dir = Path(os.environ[RUN_DIR])
    addresses = run_dir / "stack.json"
    with (run_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not addresses.exists():
            owner = os.environ[f"{RUN_DIR}_OWNER"]
            keeper = Launch(
                name="keeper",
                argv=[sys.executable, "-m", "pravah_cli.testing.keeper", str(run_dir), owner],
                ready=addresses.exists,
                ready_seconds=STACK_SECONDS,
                grace_seconds=60,
            )
            start(keeper, run_dir / "keeper")
    return Stack.load(addresses)


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a state directory of the test's own (PRAVAH_STATE_DIR): keys are made there."""
    state = tmp_path / "state"
    monkeypatch.setenv("PRAVAH_STATE_DIR", str(state))
    return state


@pytest.fixture
async def deployment(stack: Stack, state_dir: Path) -> AsyncIterator[Deployment]:
    """Yield a deployment of the test's own, topics applied; drop its topics and databases after."""
    from pravah_shared.kafka.cleanup import delete_topics
    from pravah_shared.kafka.topics import apply
    from pravah_shared.mongo import Database

    own = Deployment(f"t{uuid4().hex[:12]}", stack, state_dir)
    settings = own.settings(Settings)
    await apply(settings)
    yield own
    await delete_topics(settings)
    for name in own.databases:
        database = Database.connect(stack.mongo_uri, name)
        try:
            await database.drop()
        finally:
            await database.close()


@pytest.fixture
def settings_for(deployment: Deployment) -> SettingsFor:
    """Return what makes settings of any service within the test's deployment."""
    return deployment.settings


@pytest.fixture
def test_settings(deployment: Deployment) -> Settings:
    """Return shared settings within the test's deployment."""
    return deployment.settings(Settings)
