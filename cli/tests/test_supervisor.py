"""A stack comes up in stages, twice without harm, and goes down in order."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pravah_cli.local.process import Launch, PartError, gone
from pravah_cli.local.running import recall
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import StackConfig, adopt, configure, remembered
from pravah_cli.stack.processes import SERVICE_PROCESSES
from pravah_cli.stack.stages import Stage
from pravah_cli.stack.supervisor import Notice, bring_down, bring_up, locked, restart, states
from pravah_shared.errors import ConfigurationError


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalSettings]:
    """Yield settings of a stack of the test's own; nothing outlives the test."""
    settings = LocalSettings(state_dir=tmp_path / "state", cache=tmp_path / "cache")
    yield settings
    for running in recall(settings.state_dir).values():
        running.signal(signal.SIGKILL)
        gone(running, 5)


@pytest.fixture
def config(local: LocalSettings) -> StackConfig:
    """Return a stack on free ports."""
    return configure(local, {}, elsewhere=True)


def sleeper(name: str) -> Launch:
    """Return a process that is ready at once and waits to be stopped."""
    return Launch(name, ["sleep", "600"], ready=lambda: True, grace_seconds=5)


def names(notices: list[Notice], what: str) -> list[str]:
    """Return whom something was told of."""
    return [notice.name for notice in notices if notice.what == what]


def test_stages_come_up_one_after_the_other(config: StackConfig) -> None:
    """Topics are applied after the broker, before the services."""
    told: list[Notice] = []
    order = [
        Stage("parts", (sleeper("kafka"),), lambda: told.append(Notice("topics", "ready"))),
        Stage("services", (sleeper("a"), sleeper("b"))),
    ]
    bring_up(config, order, told.append)
    assert names(told, "ready") == ["kafka", "topics", "a", "b"]
    assert all(state.alive for state in states(config.state_dir))


def test_up_twice_starts_only_what_is_missing(config: StackConfig) -> None:
    """A process that died is started again, the others are left alone."""
    order = [Stage("services", (sleeper("a"), sleeper("b")))]
    bring_up(config, order, lambda _: None)
    before = recall(config.state_dir)
    os.kill(before["a"].pid, signal.SIGKILL)
    assert gone(before["a"], 5)
    bring_up(config, order, lambda _: None)
    after = recall(config.state_dir)
    assert after["a"].pid != before["a"].pid
    assert after["b"].pid == before["b"].pid


def test_broker_and_store_leave_last(config: StackConfig) -> None:
    """Services finish what they have in hand while they still can."""
    order = [Stage("all", tuple(map(sleeper, ("kafka", "mongo", "mail", "progress-stream"))))]
    bring_up(config, order, lambda _: None)
    told: list[Notice] = []
    bring_down(config.state_dir, told.append)
    assert names(told, "stopped") == ["progress-stream", "mail", "mongo", "kafka"]
    assert states(config.state_dir) == []


def test_down_of_nothing_does_nothing(config: StackConfig) -> None:
    """Stopping twice is no error."""
    assert bring_down(config.state_dir, lambda _: None) == []


def test_what_started_before_a_failure_goes_on(config: StackConfig) -> None:
    """A service that fails does not take the broker with it: mend it and run `up` again."""
    broken = Launch("broken", ["false"], ready=lambda: False)
    order = [Stage("parts", (sleeper("kafka"),)), Stage("services", (broken,))]
    with pytest.raises(PartError, match="broken ended"):
        bring_up(config, order, lambda _: None)
    assert [state.name for state in states(config.state_dir)] == ["kafka"]


def test_two_commands_never_work_on_one_stack_at_once(config: StackConfig) -> None:
    """The second one is told, and starts nothing twice."""
    with (
        locked(config.state_dir),
        pytest.raises(ConfigurationError, match="another pravah command"),
    ):
        bring_down(config.state_dir, lambda _: None)


def test_a_dead_process_is_shown_with_its_log(config: StackConfig) -> None:
    """Status tells the truth about what ended without us."""
    bring_up(config, [Stage("one", (sleeper("a"),))], lambda _: None)
    os.kill(recall(config.state_dir)["a"].pid, signal.SIGKILL)
    assert gone(recall(config.state_dir)["a"], 5)
    [state] = states(config.state_dir)
    assert not state.alive
    assert "a.log" in state.detail


def test_one_process_restarts_alone(config: StackConfig) -> None:
    """Tests kill one process and bring it back."""
    launch = sleeper("a")
    bring_up(config, [Stage("one", (launch,))], lambda _: None)
    first = recall(config.state_dir)["a"]
    first.signal(signal.SIGKILL)
    assert gone(first, 5)
    assert restart(launch, config.state_dir).pid != first.pid


def test_a_stack_keeps_its_ports(local: LocalSettings) -> None:
    """A second `up` finds the ports of the first, whatever is free by then."""
    first = configure(local, {}, elsewhere=True)
    first.save()
    again = configure(local, {}, elsewhere=True)
    assert again == first
    first.forget()
    assert remembered(local) is None


def test_two_stacks_get_different_ports(tmp_path: Path) -> None:
    """Stacks stand side by side."""
    one, two = (
        configure(LocalSettings(state_dir=tmp_path / name), {}, elsewhere=True) for name in "ab"
    )
    for process in SERVICE_PROCESSES:
        assert one.port(process.port_setting) != two.port(process.port_setting)


def test_default_ports_are_those_of_the_documents(local: LocalSettings) -> None:
    """Without a wish a stack stands where the documents say."""
    config = configure(local, {})
    assert config.environment["PRAVAH_KAFKA_BOOTSTRAP"] == "127.0.0.1:9092"
    assert config.port("PRAVAH_CERTIFICATE_API_PORT") == 8003
    assert config.environment["PRAVAH_PUBLIC_URL"] == "http://127.0.0.1:8003"


def test_a_given_part_is_not_ours(local: LocalSettings) -> None:
    """Who names a broker uses it; the rest is started."""
    config = configure(local, {"PRAVAH_KAFKA_BOOTSTRAP": "broker:9092"})
    assert config.given == {"kafka"}
    assert config.environment["PRAVAH_KAFKA_BOOTSTRAP"] == "broker:9092"


def test_later_commands_find_the_stack_by_its_directory(
    local: LocalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--state-dir` is enough; what the caller sets wins."""
    config = configure(local, {}, elsewhere=True)
    config.save()
    monkeypatch.setenv("PRAVAH_STATE_DIR", str(local.state_dir))
    environ = {"PRAVAH_MONGO_URI": "mongodb://mine"}
    adopt(environ)
    assert environ["PRAVAH_MONGO_URI"] == "mongodb://mine"
    assert environ["PRAVAH_KAFKA_BOOTSTRAP"] == config.environment["PRAVAH_KAFKA_BOOTSTRAP"]
    assert json.loads((local.state_dir / "stack.json").read_text())["given"] == []


def test_a_named_database_is_one_per_service(config: StackConfig) -> None:
    """Stacks that share a store keep their services apart."""
    environment = {**config.environment, "PRAVAH_MONGO_DATABASE": "trial"}
    databases = {
        process.launch(environment).environment["PRAVAH_MONGO_DATABASE"]
        for process in SERVICE_PROCESSES
    }
    assert databases == {f"trial_{process.service}" for process in SERVICE_PROCESSES}
