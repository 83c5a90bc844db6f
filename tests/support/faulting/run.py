"""One run: learners learn, faults come one after the other, and then everything is counted."""

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watching import Watch

from faulting.downstream import Downstream
from faulting.faults import FAULTS, NoWork, Scene
from faulting.history import RECOVER_SECONDS
from faulting.invariants import (
    accepted_have_effects,
    consumed_adds_up,
    effects_are_distinct,
    outbox_is_empty,
    passed_without_effect,
    reckoned,
)
from faulting.load import Load
from faulting.noise import Noise
from faulting.plan import Plan
from faulting.reckoning import Reckoning
from faulting.sampling import Sampler, sampling
from faulting.testbed import GUEST, Testbed, open_testbed
from faulting.verdict import Verdict

CALM_LAG = 40
"""Under load a batch or two are always on their way; this little is no backlog."""
LEAST_SECONDS = 35.0
"""Learners learn at least so long: of shorter lives memory says nothing."""
FAULT_SECONDS = 150.0
SETTLE_SECONDS = 120.0
TRIES = 3
"""A process may be caught with nothing to do; the fault is then made again."""
HEAD_POISON = 6

Tell = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """A deployment under load, with its sampler and its account."""

    bed: Testbed
    sampler: Sampler
    load: Load
    noise: Noise
    plan: Plan
    tell: Tell
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Tell what happened, and when."""
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        self.tell(f"  {minutes:02d}:{seconds:02d}  {text}")

    async def break_things(self) -> None:
        """Make the plan's faults, one after the other, each after the last one's backlog."""
        chance = random.Random(self.plan.seed + 1)
        scene = Scene(self.bed, self.sampler, self.noise, chance, self.plan.outage_seconds)
        ends = time.monotonic() + 60 * self.plan.minutes
        for name in self.plan.order():
            if self.plan.minutes and time.monotonic() > ends:
                break
            await self._break(name, scene)
        await asyncio.sleep(max(0.0, LEAST_SECONDS - (time.monotonic() - self.began)))

    async def _break(self, name: str, scene: Scene) -> None:
        for left in reversed(range(TRIES)):
            try:
                async with asyncio.timeout(FAULT_SECONDS + 2 * scene.outage_seconds):
                    said = await FAULTS[name](scene)
            except NoWork as error:
                if not left:
                    raise
                self.say(f"{name}: {error}; once more")
                await self._all_run()
            else:
                break
        await self._recovered(name, said)

    async def _recovered(self, name: str, said: str) -> None:
        began = time.monotonic()

        try:
            async with asyncio.timeout(RECOVER_SECONDS):
                while await self.sampler.lag() >= CALM_LAG:
                    pass
        except TimeoutError:
            self.sampler.history.stuck.append(f"{name}: a backlog after {RECOVER_SECONDS:.0f} s")
        seconds = time.monotonic() - began
        self.sampler.history.recoveries.append((name, seconds))
        self.say(f"{name}: {said}; recovered in {seconds:.1f} s")
        await self._all_run()

    async def _all_run(self) -> None:
        """See that only what was killed has died; start it again."""
        dead = self.bed.platform.launches().keys() - self.bed.platform.running.keys() - {GUEST}
        for name in dead:
            self.sampler.history.stuck.append(f"{name} ended by itself")
            await self.bed.start(name)

    async def settle(self) -> None:
        """Wait until all is handled and published, or too long."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while await self.sampler.lag() or await self.sampler.waiting():
                    pass
            if self.plan.whole:
                async with Watch(self.bed.platform, from_start=True) as watch:
                    await watch.quiet(SETTLE_SECONDS)
        except TimeoutError as error:
            said = str(error) or "not everything handled"
            self.sampler.history.stuck.append(f"{said} after {SETTLE_SECONDS:.0f} s")

    async def verdicts(self) -> list[Verdict]:
        """Judge every invariant by what topics and store hold now, and by what was seen."""
        snapshot = await self.sampler.snapshot()
        history = self.sampler.history
        passed = list(snapshot.book.below(snapshot.committed))
        lag = sum(1 for _ in snapshot.book.all_inputs()) - len(passed)
        found = [
            accepted_have_effects(self.load.accepted, snapshot),
            effects_are_distinct(snapshot),
            history.progress_never_regressed(snapshot.documents),
            outbox_is_empty(snapshot),
            consumed_adds_up(snapshot),
            history.offsets_stayed_behind(passed_without_effect(passed, snapshot, Reckoning())),
            history.lag_recovered(lag),
            history.memory_is_flat(),
        ]
        if self.plan.whole:
            reckoning = reckoned(snapshot.book.all_inputs())
            enrolled = {(*key, term) for key, terms in reckoning.terms.items() for term in terms}
            downstream = await Downstream.of(self.bed)
            found.insert(3, downstream.one_of_each(enrolled, reckoning.all_completed()))
        return found


async def play(run: Run) -> None:
    """Have learners learn while things break, and let everything settle."""
    stop = asyncio.Event()
    learning = asyncio.create_task(run.load.run(stop))
    breaking = asyncio.create_task(run.break_things())
    try:
        await asyncio.wait({learning, breaking}, return_when=asyncio.FIRST_COMPLETED)
        if breaking.done():
            breaking.result()
        stop.set()
        await learning
    finally:
        breaking.cancel()
        learning.cancel()
        await asyncio.gather(breaking, learning, return_exceptions=True)
    run.say(f"{run.load.learners} learners sent, waiting for what must come of it")
    await run.settle()


async def judge(plan: Plan, state: Path, tell: Tell) -> Sequence[Verdict]:
    """Make a run by the plan; return the verdicts. Logs stay in `state`."""
    how_long = f"for {plan.minutes:g} minutes" if plan.minutes else "once each"
    tell(f"seed {plan.seed}: {len(plan.faults)} faults, {how_long}")
    async with open_testbed(state, whole=plan.whole, started=False, durable=True) as bed:
        chance = random.Random(plan.seed + 2)
        noise = Noise(bed.platform.settings, chance)
        await noise.poison(HEAD_POISON)  # at the head: what every worker meets first
        await bed.start()
        async with sampling(bed) as sampler, bed.platform.client() as client:
            run = Run(bed, sampler, Load(client, chance), noise, plan, tell)
            await run.load.begin()
            await play(run)
            verdicts = await run.verdicts()
        logs = bed.platform.config.state_dir / "logs"
        await asyncio.to_thread(shutil.copytree, logs, state / "logs", dirs_exist_ok=True)
        return verdicts
