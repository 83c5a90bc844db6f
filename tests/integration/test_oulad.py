"""Real data: two presentations of OULAD through `pravah feed oulad` (tests/data/oulad/README.md).

Its expected.json was computed apart from this project. While it is fed, the progress stream is
killed every few seconds; `make faults ARGS="--oulad DIR"` does the same with all presentations.
"""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from cohort import address_of
from faulting.feeding import Killer, failpoints_of, killing, pravah
from standing_platform import Platform
from watching import Watch

from pravah_cli.scenarios import oulad
from pravah_cli.scenarios.model import Enroll, Report, Scenario, Withdraw
from pravah_shared.mongo import Database

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1200)]

HERE = Path(__file__).parents[1] / "data" / "oulad"
EXPECTED = json.loads((HERE / "expected.json").read_text())["courses"]
SEED = 1


def total(field: str) -> int:
    """Add up a figure over both presentations."""
    return sum(course[field] for course in EXPECTED)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Return the data set as the command reads it."""
    return oulad.load(HERE)


@pytest.fixture(scope="module")
def killer(whole_platform: Platform) -> Killer:
    """Return what kills the stream of progress during the feed."""
    whole_platform.start()
    failpoints = failpoints_of(whole_platform.config.state_dir)
    return Killer(whole_platform, failpoints, random.Random(SEED))


@pytest.fixture(scope="module")
def fed(whole_platform: Platform, killer: Killer) -> dict[str, Any]:
    """Feed the data set once under kills; return the command's summary."""

    async def feed() -> tuple[int, Any]:
        async with killing(killer):
            return await pravah(whole_platform, "feed", "oulad", str(HERE))

    code, summary = asyncio.run(feed())
    assert code == 0, summary["problems"]
    assert isinstance(summary, dict)
    return summary


def test_the_stream_died_while_it_was_fed(fed: dict[str, Any], killer: Killer) -> None:
    """At failpoints of its loop and from outside; what follows holds all the same."""
    assert killer.deaths.total() >= 3, killer.deaths


def test_the_figures_are_the_data_sets_own(fed: dict[str, Any]) -> None:
    """1,997 enrollments, 997 completed and certified, 3 withdrawals refused, no dead letter."""
    figures = ("enrolled", "completed", "certified", "withdrawals_refused", "dead_letters")
    assert {name: fed[name] for name in figures} == {
        "enrolled": total("enrolments"),
        "completed": total("completions_in_time_order"),
        "certified": total("completions_in_time_order"),
        "withdrawals_refused": total("withdrawals_after_completion"),
        "dead_letters": 0,
    }
    assert fed["duplicates"] == 0


def test_ignoring_withdrawals_would_show(fed: dict[str, Any]) -> None:
    """Two learners passed everything, but had left before: they complete nothing."""
    assert fed["completed"] == total("completed_all_units_passed") - 2


async def test_the_ledger_holds_each_message_once(
    fed: dict[str, Any], scenario: Scenario, watch: Watch, platform: Platform
) -> None:
    """(Enrolled + certified) x 2 channels, every one of them sent; a mail for each e-mail entry."""
    await watch.quiet()
    occasions = total("enrolments") + total("completions_in_time_order")
    settings = platform.settings
    database = Database.connect(settings.mongo_uri, f"{platform.name}_notification")
    try:
        ledger = database.collection("ledger")
        ours = {"course_id": {"$in": list(scenario.courses)}}
        assert await ledger.count(ours) == 2 * occasions
        assert await ledger.count({**ours, "state": "sent"}) == 2 * occasions
    finally:
        await database.close()
    addresses = {address_of(learner_id) for learner_id in scenario.learners}
    mails = [mail for mail in platform.mail_box.all() if addresses.intersection(mail.recipients)]
    assert len(mails) == len({mail.message_id for mail in mails}) == occasions


async def test_explain_names_the_missing_assessments(
    fed: dict[str, Any], scenario: Scenario, platform: Platform
) -> None:
    """Of learners who stayed and did not finish: exactly the assessments they have not passed."""
    for learner_id, course_id in unfinished(scenario)[:3]:
        code, story = await pravah(platform, "explain", learner_id, course_id)
        assert (code, story["first_missing"]) == (1, "completion")
        (step,) = (step for step in story["steps"] if step["name"] == "completion")
        named = [
            line.removeprefix("missing: ").partition(" (")[0]
            for line in step["said"]
            if line.startswith("missing: ")
        ]
        assert sorted(named) == sorted(missing(scenario, learner_id, course_id))


async def test_explain_finds_nothing_missing_for_one_who_finished(
    fed: dict[str, Any], scenario: Scenario, platform: Platform
) -> None:
    """Enrolled, progress, completion, certificate and messages are all there."""
    learner_id, course_id = min(scenario.completions)
    code, story = await pravah(platform, "explain", learner_id, course_id)
    assert (code, story["first_missing"]) == (0, None)


def unfinished(scenario: Scenario) -> list[tuple[str, str]]:
    """Return who stayed to the end and passed something, but not everything."""
    left = {(step.learner_id, step.course_id) for step in scenario.steps if type(step) is Withdraw}
    came = {(step.learner_id, step.course_id) for step in scenario.steps if type(step) is Enroll}
    tried = {(step.learner_id, step.course_id) for step in scenario.steps if type(step) is Report}
    return sorted((came & tried) - left - scenario.completions)


def missing(scenario: Scenario, learner_id: str, course_id: str) -> list[str]:
    """Return the titles of the required assessments that were never marked with 40 or more."""
    passed = {
        attempt["unit_id"]
        for step in scenario.steps
        if isinstance(step, Report) and (step.learner_id, step.course_id) == (learner_id, course_id)
        for attempt in step.attempts
        if attempt.get("score", -1) >= 40
    }
    return [
        unit["title"]["en"]
        for unit in scenario.courses[course_id]["units"]
        if not unit["optional"] and unit["unit_id"] not in passed
    ]
