"""The operators' page: what it shows is what the processes counted."""

import asyncio
import json
import math
from dataclasses import asdict

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

import pravah_cli.operators.__main__ as operators
from pravah_cli.operators.app import create_app
from pravah_cli.operators.batches import Batches
from pravah_cli.operators.funnel import Snapshot, snapshot
from pravah_cli.operators.scrape import Series, parse
from pravah_cli.operators.totals import Totals, quantile
from pravah_cli.operators.watch import Watch, service_urls
from pravah_shared.settings import Settings

DEAD = Series("pravah_dead_letters_total", (("group", "g"), ("reason", "refused")))


def stage(shown: Snapshot, name: str) -> int:
    """Return a stage's total."""
    return next(stage.total for stage in shown.stages if stage.name == name)


def test_what_the_client_library_writes_is_read() -> None:
    """The library itself is the oracle of the format, quotes and backslashes included."""
    registry = CollectorRegistry()
    reason = 'a "b" \\ c'
    letters = Counter("pravah_dead_letters_total", "x", ["group", "reason"], registry=registry)
    letters.labels("g", reason).inc(3)
    Gauge("pravah_consumer_lag", "x", ["group"], registry=registry).labels("g").set(1e9)
    Gauge("pravah_something_else", "x", ["group"], registry=registry).labels("g").set(1)
    found = {series.name: value for series, value in parse(generate_latest(registry).decode())}
    assert found == {"pravah_dead_letters_total": 3.0, "pravah_consumer_lag": 1e9}


def test_a_restarted_process_loses_nothing() -> None:
    """Its counters begin at 0 again; the sum goes on."""
    totals = Totals()
    for value in (5.0, 7.0, 2.0, 3.0):
        totals.add("p", {DEAD: value})
    assert totals.total(lambda _: True) == 10


def test_processes_add_up() -> None:
    """Two workers of one service are one line of the funnel."""
    totals = Totals()
    totals.add("a", {DEAD: 5})
    totals.add("b", {DEAD: 6})
    assert snapshot(totals, "now", {}).dead_letters == {"g: refused": 11}


def test_a_silent_process_has_no_lag_but_keeps_its_counts() -> None:
    """Lag that nobody measures now is not shown as if it were."""
    lag = Series("pravah_consumer_lag", (("group", "g"), ("partition", "0")))
    totals = Totals()
    totals.add("p", {lag: 40, DEAD: 1})
    totals.forget_gauges("p")
    shown = snapshot(totals, "now", {"p": False})
    assert shown.lag == {}
    assert shown.dead_letters == {"g: refused": 1}


def test_batches_tell_size_merging_and_waiting() -> None:
    """Three batches of forty, two events a document, all in the store for under a second."""
    registry = CollectorRegistry()
    records = Histogram("pravah_batch_records", "x", ["group"], registry=registry)
    steps = Histogram("pravah_batch_step_seconds", "x", ["group", "step"], registry=registry)
    merged = Counter("pravah_documents_merged_total", "x", ["service"], registry=registry)
    labels = ["group", "topic", "type"]
    consumed = Counter("pravah_events_consumed_total", "x", labels, registry=registry)
    shown = [records.labels("my-progress"), steps.labels("my-progress", "handle")]
    counters = [merged.labels("progress"), consumed.labels("my-progress", "progressed", "t")]
    totals = Totals()
    totals.add("p", dict(parse(generate_latest(registry).decode())))
    totals.mark(0)
    for _ in range(3):
        shown[0].observe(40)
        shown[1].observe(0.75)
        counters[0].inc(20)
        counters[1].inc(40)
    totals.add("p", dict(parse(generate_latest(registry).decode())))
    totals.mark(10)
    (found,) = snapshot(totals, "now", {}).batches
    assert found.handle_seconds is not None
    assert 0.5 < found.handle_seconds <= 0.75
    assert found == Batches("my-progress", 40.0, 2.0, found.handle_seconds, None)


def test_rates_are_of_now() -> None:
    """What came before the span does not count."""
    totals = Totals()
    for second, value in enumerate((0, 1000, 1000, 1020)):
        totals.add("p", {DEAD: value})
        totals.mark(float(second))
    assert totals.rate(lambda _: True, 2) == 10


def test_the_stages_read_their_own_counters() -> None:
    """Each stage counts its event and no other on the same topic."""
    kind = "org.pravah.learning.{}.v1"
    values: dict[Series, float] = {
        published("completed", kind.format("started")): 9,
        published("completed", kind.format("completed")): 4,
        published("certified", kind.format("certified")): 3,
        Series("pravah_deliveries_total", (("channel", "mail"), ("outcome", "sent"))): 2,
        Series("pravah_deliveries_total", (("channel", "mail"), ("outcome", "retrying"))): 8,
    }
    totals = Totals()
    totals.add("p", values)
    shown = snapshot(totals, "now", {})
    assert [stage(shown, name) for name in ("completed", "certified", "delivered")] == [4, 3, 2]


def published(topic: str, kind: str) -> Series:
    """Return the series of an event type acknowledged by Kafka."""
    return Series("pravah_events_published_total", (("topic", topic), ("type", kind)))


@given(st.lists(st.floats(0.001, 80), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_a_quantile_falls_into_the_right_bucket(seen: list[float], share: float) -> None:
    """The estimate lies in the bucket that holds the true quantile."""
    bounds = (0.01, 0.1, 1, 10, 100)
    registry = CollectorRegistry()
    histogram = Histogram("age", "x", registry=registry, buckets=bounds)
    for value in seen:
        histogram.observe(value)
    cumulative = {
        float(sample.labels["le"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "age_bucket"
    }
    estimate = quantile(cumulative, share)
    assert estimate is not None
    true = sorted(seen)[math.ceil(share * len(seen)) - 1]
    bucket = next(bound for bound in bounds if true <= bound)
    below = max((bound for bound in bounds if bound < bucket), default=0.0)
    assert below <= estimate <= bucket


def test_no_observation_has_no_quantile() -> None:
    """Nothing handled is not the same as handled at once."""
    assert quantile({1.0: 0, float("inf"): 0}, 0.5) is None


async def test_a_look_tells_who_answers() -> None:
    """A process that is away shows as away, and the others are still counted."""
    text = 'pravah_dead_letters_total{group="g",reason="refused"} 2.0\n'

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "up":
            return httpx.Response(200, text=text)
        raise httpx.ConnectError("refused", request=request)

    watch = Watch({"a": "http://up", "b": "http://down"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        shown = await watch.look(client)
    assert shown.processes == {"a": True, "b": False}
    assert shown.dead_letters == {"g: refused": 2}


async def test_a_follower_gets_each_new_snapshot() -> None:
    """The page's stream begins with what is known and goes on with what comes."""
    watch = Watch({})
    async with httpx.AsyncClient() as client:
        first = await watch.look(client)
        following = watch.follow()
        assert await anext(following) is first
        coming = asyncio.ensure_future(anext(following))
        second = await watch.look(client)
        assert await asyncio.wait_for(coming, 5) is second
    assert json.dumps(asdict(second))


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/snapshot.json", "/healthz"])
async def test_the_page_and_its_parts_are_served(path: str) -> None:
    """Everything the page needs comes from its own process."""
    transport = httpx.ASGITransport(create_app(Watch({})))
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert "//cdn" not in answer.text


def test_ports_follow_the_settings() -> None:
    """A stack on other ports is scraped on its own."""
    urls = service_urls({"PRAVAH_PROGRESS_API_PORT": "9"})
    assert urls["progress-api"] == "http://127.0.0.1:9"
    assert urls["progress-stream"] == "http://127.0.0.1:8012"


def test_production_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page asks nobody who they are."""
    unguarded = Settings.model_construct(environment="production")
    monkeypatch.setattr(operators, "load", lambda _: unguarded)
    assert operators.main() == 1
    assert "production" in capsys.readouterr().out
