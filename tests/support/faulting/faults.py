"""The faults: each breaks something, waits, and mends it. What it returns is told in the log.

A fault that ends a process says how much work was left when it did: killed while idle, a process
proves nothing.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from faulting.noise import Noise
from faulting.sampling import Sampler
from faulting.testbed import GUEST, JUMPY, SECOND, Testbed
from pravah_shared.processing.consuming import SESSION_SECONDS
from pravah_shared.processing.failpoints import POINTS, Action, Order, Point


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault acts on. `outage_seconds`: how long a part is away."""

    bed: Testbed
    sampler: Sampler
    noise: Noise
    chance: random.Random
    outage_seconds: float


ZOMBIE_POINTS: tuple[Point, ...] = ("before_publish", "before_acknowledge", "before_commit")
"""Where a process that comes back could still do what is no longer its own to do."""

REPEATED = 60
"""Records that are written once more."""

Break: TypeAlias = Callable[[Scene], Awaitable[str]]


class NoWork(Exception):  # noqa: N818 - what was found
    """The process was ended while it had nothing to do: the fault proved nothing."""


async def killed_at(point: Point, scene: Scene) -> str:
    """A stream kills itself at a step, and comes back."""
    name, left = await _obeyed(scene, point, "kill")
    await scene.bed.start(name)
    _refuse_idle(name, left, point)
    return f"{name} killed itself, {left} records left"


async def zombie(scene: Scene) -> str:
    """A stream stops at a step until its session is over and others have its partitions."""
    point = scene.chance.choice(ZOMBIE_POINTS)
    name, left = await _obeyed(scene, point, "stop")
    await asyncio.sleep(SESSION_SECONDS + 3)
    scene.bed.proceed(name)
    _refuse_idle(name, left, point)
    words = point.replace("_", " ")
    return f"{name} stood {words} for {SESSION_SECONDS + 3} s and went on, {left} records left"


async def _obeyed(scene: Scene, point: Point, action: Action) -> tuple[str, int]:
    order = Order(point, action, scene.chance.randint(1, 4))
    name, _ = await scene.bed.obeyed(order)
    return name, await scene.sampler.lag()


def _refuse_idle(name: str, left: int, point: Point) -> None:
    """Raise NoWork if it left nothing to do. Once it is back: nobody else brings it back."""
    if not left and point != "after_commit":
        raise NoWork(f"{name} had nothing left to do at {point}")


async def stream_killed(scene: Scene) -> str:
    """A stream is killed from outside, wherever it is."""
    name = scene.chance.choice(scene.bed.workers)
    while not (left := await scene.sampler.lag()):
        pass  # each is another look; under load the next batch is never far
    await scene.bed.kill(name)
    await scene.bed.start(name)
    return f"{name} killed, {left} records left"


async def api_killed(scene: Scene) -> str:
    """The API dies under its clients, and comes back."""
    await scene.bed.kill("progress-api")
    await scene.bed.start("progress-api")
    return "progress-api killed under its clients"


async def other_killed(scene: Scene) -> str:
    """A process of another service is killed, API, stream, relay or dispatcher."""
    running = sorted(scene.bed.platform.running)
    name = scene.chance.choice([one for one in running if not one.startswith("progress-")])
    await scene.bed.kill(name)
    await scene.bed.start(name)
    return f"{name} killed"


async def broker_killed(scene: Scene) -> str:
    """The broker is killed and recovers from its log."""
    kafka = scene.bed.parts.kafka
    await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(scene.chance.uniform(0.5, 2))
    await asyncio.to_thread(kafka.start)
    return "broker killed and started on its log"


async def store_down(scene: Scene) -> str:
    """The store is stopped, or killed, and comes back on its data."""
    store = scene.bed.parts.store
    way = scene.chance.choice(("stopped", "killed"))
    await asyncio.to_thread(store.stop if way == "stopped" else store.kill)
    await asyncio.sleep(scene.outage_seconds)
    await asyncio.to_thread(store.start)
    return f"store {way} for {scene.outage_seconds:.0f} s"


async def kafka_cut(scene: Scene) -> str:
    """Connections between progress and the broker are reset and refused."""
    seconds = scene.chance.uniform(2, 5)
    await scene.bed.parts.to_kafka.cut()
    await asyncio.sleep(seconds)
    await scene.bed.parts.to_kafka.restore()
    return f"broker cut off for {seconds:.1f} s"


async def kafka_stalled(scene: Scene) -> str:
    """Connections to the broker stand still for longer than a session."""
    seconds = SESSION_SECONDS + scene.chance.uniform(1, 3)
    scene.bed.parts.to_kafka.stall()
    await asyncio.sleep(seconds)
    await scene.bed.parts.to_kafka.restore()
    return f"broker stalled for {seconds:.1f} s"


async def store_cut(scene: Scene) -> str:
    """Connections between progress and the store are reset and refused."""
    seconds = scene.chance.uniform(2, 5)
    await scene.bed.parts.to_store.cut()
    await asyncio.sleep(seconds)
    await scene.bed.parts.to_store.restore()
    return f"store cut off for {seconds:.1f} s"


async def store_stalled(scene: Scene) -> str:
    """Connections to the store stand still; only a deadline finds out."""
    seconds = scene.chance.uniform(3, scene.outage_seconds)
    scene.bed.parts.to_store.stall()
    await asyncio.sleep(seconds)
    await scene.bed.parts.to_store.restore()
    return f"store stalled for {seconds:.1f} s"


async def network_slow(scene: Scene) -> str:
    """Broker and store answer late."""
    parts, seconds = scene.bed.parts, scene.chance.uniform(0.05, 0.2)
    parts.to_kafka.delay_seconds = parts.to_store.delay_seconds = seconds
    await asyncio.sleep(5)
    await parts.to_kafka.restore()
    await parts.to_store.restore()
    return f"each way {seconds * 1000:.0f} ms slower for 5 s"


async def disk_full(scene: Scene) -> str:
    """The store refuses every write for want of space, and answers every read."""
    proxy, before = scene.bed.parts.to_store, scene.bed.parts.to_store.refused
    proxy.disk_full = True
    await asyncio.sleep(scene.chance.uniform(3, 6))
    await proxy.restore()
    if proxy.refused == before:
        raise NoWork("nobody wrote while the disk was full")
    return f"disk full: {proxy.refused - before} writes refused"


async def rebalance_storm(scene: Scene) -> str:
    """Three workers: the guest joins and leaves, twice, once by the hard way."""
    await scene.bed.start(GUEST)
    await scene.bed.stop(GUEST)
    await scene.bed.start(GUEST)
    await scene.bed.kill(GUEST)
    return "third worker joined, left, joined, was killed"


async def clock_jumps(scene: Scene) -> str:
    """Wall clocks of the API and of one stream jump ahead, and back again."""
    bed = scene.bed
    # A token is good for an hour and half of it is used: further ahead, none would be left.
    bed.set_clock("progress-api", 900)
    bed.set_clock(SECOND, scene.chance.choice((-3, 3)) * 86_400)
    await asyncio.sleep(4)
    for name in JUMPY:
        bed.set_clock(name, 0)
    return "clocks jumped by 15 minutes and by 3 days, and back"


async def soiled(scene: Scene) -> str:
    """Poison, and earlier records once more in the wrong order."""
    while len(readings := list(scene.sampler.book.all_inputs())) < 2 * REPEATED:
        await scene.sampler.lag()  # too early in the run: there is little to repeat
    before = scene.noise.repeated
    await scene.noise.poison(3)
    await scene.noise.repeat(readings, REPEATED)
    repeated = scene.noise.repeated - before
    return f"3 poisoned records, {repeated} earlier ones repeated in reverse"


def _at(point: Point, do: Callable[[Point, Scene], Awaitable[str]]) -> Break:
    return lambda scene: do(point, scene)


FAULTS: Mapping[str, Break] = {
    **{f"killed {point.replace('_', ' ')}": _at(point, killed_at) for point in POINTS},
    "stream killed": stream_killed,
    "zombie": zombie,
    "API killed": api_killed,
    "another service killed": other_killed,
    "broker killed": broker_killed,
    "store down": store_down,
    "broker cut off": kafka_cut,
    "broker stalled": kafka_stalled,
    "store cut off": store_cut,
    "store stalled": store_stalled,
    "network slow": network_slow,
    "disk full": disk_full,
    "rebalance storm": rebalance_storm,
    "clocks jump": clock_jumps,
    "poison and repeats": soiled,
}
"""Every fault by its name."""
