"""Once a second: how loaded ingest and the stream are, told to the pacer."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from pravah_progress.api.gate import Gate
from pravah_progress.api.pacing import Load, Pacer
from pravah_progress.api.trail import Trail
from pravah_progress.store import Applied
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Position

BEAT_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.5
"""The store's word on the stream is welcome, not needed."""

CPU_WANTED: Final = 0.7
"""Of one core, which is all that a process of one event loop can use."""
PUBLISH_WANTED_SECONDS: Final = 0.25
GATE_WANTED: Final = 0.5
"""Of the gate's room: beyond, bursts meet refusals."""
AGE_WANTED_SECONDS: Final = 5.0
"""From a report's answer to its effects: a learner who looks may wait so long."""
PATIENCE: Final = 3.0
"""Horizons in which a stream that is late shall catch up. A hint is felt only after the horizon;
correcting faster than e times slower would swing."""


class Meter:
    """What was published since the last beat, and how long callers waited for Kafka."""

    def __init__(self) -> None:
        self.reports = 0
        self.slowest_seconds = 0.0
        self.trail = Trail()

    def note(self, positions: Sequence[Position], seconds: float) -> None:
        """Count a call's reports."""
        self.reports += len(positions)
        self.slowest_seconds = max(self.slowest_seconds, seconds)
        for position in positions:
            self.trail.note(position.partition, position.offset)


class Pulse:
    """Measures one process."""

    def __init__(self, meter: Meter, gate: Gate, pacer: Pacer, applied: Applied) -> None:
        self._meter = meter
        self._gate = gate
        self._pacer = pacer
        self._applied = applied
        self._beaten_at = time.monotonic()
        self._cpu_seconds = time.process_time()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.beat(await self._next_offsets())

    def beat(self, next_offsets: Mapping[int, int] | None) -> None:
        """Tell the pacer of the time since the last beat. None: the stream's state is not known."""
        now, cpu_seconds = time.monotonic(), time.process_time()
        elapsed = max(now - self._beaten_at, 1e-3)
        cpu = (cpu_seconds - self._cpu_seconds) / elapsed
        self._beaten_at, self._cpu_seconds = now, cpu_seconds
        loads = {"ingest": self._ingest(cpu, elapsed)}
        self._meter.trail.mark(now)
        if next_offsets is not None:
            done, age_seconds = self._meter.trail.look(next_offsets, now)
            strain = stream_strain(age_seconds, self._pacer.horizon)
            loads["stream"] = Load(done / elapsed, strain)
        self._pacer.turn(**loads)

    def _ingest(self, cpu: float, elapsed: float) -> Load:
        meter = self._meter
        strain = max(
            cpu / CPU_WANTED,
            meter.slowest_seconds / PUBLISH_WANTED_SECONDS,
            self._gate.filled / GATE_WANTED,
        )
        load = Load(meter.reports / elapsed, strain)
        meter.reports, meter.slowest_seconds = 0, 0.0
        return load

    async def _next_offsets(self) -> Mapping[int, int] | None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await self._applied.next_offsets()
        except (StoreUnavailable, TimeoutError):
            return None


def stream_strain(age_seconds: float, horizon_seconds: float) -> float:
    """Return the strain of a stream that is so late: 1 at AGE_WANTED_SECONDS."""
    if age_seconds <= AGE_WANTED_SECONDS:
        return age_seconds / AGE_WANTED_SECONDS
    return 1 + (age_seconds - AGE_WANTED_SECONDS) / (PATIENCE * horizon_seconds)
