"""A learning week whose learners belong to one test, played while a test breaks things."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from standing_platform import Platform

from pravah_cli.scenarios import week
from pravah_cli.scenarios.model import Scenario
from pravah_cli.scenarios.outcome import Observer, Summary
from pravah_cli.scenarios.play import Player
from pravah_cli.scenarios.run import run

TOUCHED_BY_RESENDING = frozenset({"mails", "delivered", "duplicates"})


def week_of(learners: int, *, seed: int = 1) -> Scenario:
    """Return a week with learners that no other test has. Its courses are shared."""
    scenario = week.generate(learners=learners, ends=datetime.now(UTC), seed=seed)
    own = {learner_id: f"week-{uuid4().hex[:10]}" for learner_id in scenario.learners}
    return replace(
        scenario,
        learners={
            own[learner_id]: {**body, "email": f"{own[learner_id]}@learners.example"}
            for learner_id, body in scenario.learners.items()
        },
        steps=[replace(step, learner_id=own[step.learner_id]) for step in scenario.steps],
        completions=frozenset(
            (own[learner_id], course_id) for learner_id, course_id in scenario.completions
        ),
    )


class Playing:
    """A scenario on its way: how far it is, and the summary once all has settled."""

    def __init__(self, scenario: Scenario, platform: Platform) -> None:
        self.sent_share = 0.0
        self._scenario = scenario
        self._changed = asyncio.Event()
        self._summary = asyncio.create_task(run(scenario, platform.surroundings, self._watching))

    def _watching(self, player: Player, _: Observer) -> None:
        self.sent_share = player.done / len(self._scenario.steps)
        self._changed.set()

    async def until_sent(self, share: float) -> None:
        """Return when this share (0-1) of the steps was answered, or all came to an end."""
        while self.sent_share < share and not self._summary.done():
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait({changed, self._summary}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()

    async def summary(self) -> Summary:
        """Return what came of it."""
        return await self._summary


async def play_through(
    scenario: Scenario, platform: Platform, trouble: Callable[[Playing], Awaitable[None]]
) -> Summary:
    """Play the scenario while `trouble` does its worst; return what came of it."""
    playing = Playing(scenario, platform)
    _, summary = await asyncio.gather(trouble(playing), playing.summary())
    return summary


def assert_adds_up(summary: Summary, *, resent: int = 0) -> None:
    """See that everything came once; up to `resent` mails may have come again as themselves."""
    if summary.ok:
        return
    assert summary.duplicates <= resent, summary.problems
    assert summary.mails - summary.duplicates == summary.expected["mails"], summary.problems
    others = [said for said in summary.problems if said.split()[0] not in TOUCHED_BY_RESENDING]
    assert not others
