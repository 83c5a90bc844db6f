"""Play a scenario through the public HTTP APIs, in time order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pravah_cli.client import Client, Unanswered
from pravah_cli.scenarios.model import (
    Body,
    Enroll,
    LearnerCourse,
    Report,
    Scenario,
    Step,
    Withdraw,
    waves,
)

REPORTS_PER_REQUEST = 500
VISIBLE_WITHIN_SECONDS = 120

T = TypeVar("T")


@dataclass(slots=True)
class Sent:
    """What the services answered 2xx to, counted by the client."""

    learners: int = 0
    enrolled: int = 0
    progressed: int = 0
    withdrawn: int = 0
    withdrawals_refused: int = 0


class Player:
    """Plays one scenario. `sent` and `done`, the steps answered, may be read while it plays."""

    def __init__(self, client: Client, scenario: Scenario) -> None:
        self.sent = Sent()
        self.done = 0
        self._client = client
        self._scenario = scenario
        self._enrollments: dict[LearnerCourse, str] = {}
        self._people: set[str] = set()
        self._gate = asyncio.Semaphore(32)

    async def play(self) -> Sent:
        """Send everything, wave by wave: a wave begins when the one before is answered.

        Raises:
            Unanswered: a service refused a step; the message says which and why.
        """
        for course_id, course in self._scenario.courses.items():
            await self._client.put_course(course_id, course)
        for kind, wave in waves(self._scenario.steps):
            await self._send(kind, wave)
            self.done += len(wave)
        return self.sent

    async def _send(self, kind: type[Step], wave: Sequence[Step]) -> None:
        if kind is Enroll:
            enrolls = [step for step in wave if isinstance(step, Enroll)]
            # One learner may take up two courses at one instant.
            await self._all(self._introduce, {step.learner_id for step in enrolls} - self._people)
            await self._all(self._enroll, enrolls)
        elif kind is Report:
            reports = [step for step in wave if isinstance(step, Report)]
            await self._all(self._left, [step for step in reports if step.after_withdrawal])
            starts = range(0, len(reports), REPORTS_PER_REQUEST)
            await self._all(
                self._report, [reports[start : start + REPORTS_PER_REQUEST] for start in starts]
            )
        else:
            await self._all(self._withdraw, [step for step in wave if isinstance(step, Withdraw)])

    async def _all(self, call: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Call for each item, some at a time. The first to fail ends the others."""

        async def gated(item: T) -> None:
            async with self._gate:
                await call(item)

        try:
            async with asyncio.TaskGroup() as group:
                for item in items:
                    group.create_task(gated(item))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _introduce(self, learner_id: str) -> None:
        await self._client.put_learner(learner_id, self._scenario.learners[learner_id])
        self._people.add(learner_id)
        self.sent.learners += 1

    async def _enroll(self, step: Enroll) -> None:
        key = (step.learner_id, step.course_id)
        self._enrollments[key] = await self._client.enroll(*key, step.at)
        self.sent.enrolled += 1

    async def _report(self, reports: Sequence[Report]) -> None:
        answer = await self._client.report([_body(step) for step in reports])
        if answer["refused"]:
            raise Unanswered(f"progress refused {answer['refused'][:3]}")
        self.sent.progressed += len(reports)

    async def _withdraw(self, step: Withdraw) -> None:
        if step.after_completion:
            await self._completed(step)
        key = (step.learner_id, step.course_id)
        if await self._client.withdraw(self._enrollments[key], step.at):
            self.sent.withdrawn += 1
        else:
            self.sent.withdrawals_refused += 1

    async def _left(self, step: Report) -> None:
        """Wait until progress knows that the learner left: later reports must not count."""

        async def visible() -> bool:
            found = await self._client.progress(step.learner_id, step.course_id)
            return found is not None and all(
                enrollment["withdrawn_at"] for enrollment in found["enrollments"]
            )

        await _until(visible, f"progress does not show that {step.learner_id} left")

    async def _completed(self, step: Withdraw) -> None:
        """Wait until enrollment knows of the completion: the withdrawal must be refused."""

        async def visible() -> bool:
            found = await self._client.enrollments(step.learner_id)
            return any(
                enrollment["course_id"] == step.course_id and enrollment["completed_at"]
                for enrollment in found
            )

        await _until(visible, f"enrollment does not show that {step.learner_id} completed")


def _body(step: Report) -> Body:
    return {
        "learner_id": step.learner_id,
        "course_id": step.course_id,
        "updates": list(step.updates),
        "attempts": list(step.attempts),
    }


async def _until(condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    deadline = asyncio.get_running_loop().time() + VISIBLE_WITHIN_SECONDS
    while not await condition():
        if asyncio.get_running_loop().time() > deadline:
            raise Unanswered(f"{otherwise} after {VISIBLE_WITHIN_SECONDS} s")
        await asyncio.sleep(0.05)
