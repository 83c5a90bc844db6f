"""Enrollment becomes progress, a completion, a certificate, a mail and an inbox message."""

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cohort import BEGAN, Cohort, address_of, quiz_passed
from standing_platform import Platform
from watching import Watch
from weeks import week_of

from pravah_cli.client import Client
from pravah_cli.local.http import get
from pravah_cli.scenarios.model import Enroll
from pravah_cli.scenarios.run import run
from pravah_shared.events import Certified, Completed, Enrolled, Progressed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


def said(answer: Any) -> str:
    """Return an answer's text, with the request that led to it when it is an error."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return str(answer.text)


async def test_enrollment_progress_completion_certificate_mail_inbox(
    cohort: Cohort, watch: Watch, platform: Platform, client: Client
) -> None:
    """Each step of the way is there, once, and the certificate is good for whoever asks."""
    await cohort.appear()
    await cohort.enroll()
    await cohort.finish()
    await cohort.all_came_once()
    learner_id = cohort.learners[0]
    (certified,) = watch.events(Certified, [learner_id])
    async with platform.http() as http:
        verified = await http.get(certified.data.verify_url, headers={"accept": "application/json"})
        assert verified.json()["state"] == "valid", said(verified)
        assert verified.json()["holder_name"] == "आशा शर्मा"
    subjects = [mail.subject for mail in platform.mail_box.to(address_of(learner_id))]
    assert all("लोक सेवा में नैतिकता" in subject for subject in subjects), subjects
    inbox = await client.inbox(learner_id)
    assert {item["workflow"] for item in inbox} == {"enrolled", "certified"}
    (enrollment,) = await client.enrollments(learner_id)
    assert enrollment["status"] == "completed"


async def test_a_completion_waits_for_the_last_required_unit(
    cohort: Cohort, watch: Watch, client: Client
) -> None:
    """Who read the text and did not pass the quiz has no certificate; who did both has."""
    await cohort.appear()
    await cohort.enroll()
    await cohort.read()
    await cohort.pass_quiz(cohort.learners[:1])
    await cohort.all_came_once(finished=cohort.learners[:1])
    found = await client.progress(cohort.learners[1], cohort.course_id)
    assert found is not None
    assert found["enrollments"][0]["passed"] == 1


async def test_one_trace_leads_from_the_request_to_the_mail(
    cohort: Cohort, watch: Watch, platform: Platform
) -> None:
    """The trace id of an HTTP request stands on every record that it led to, and in the mail."""
    (learner_id, *_) = cohort.learners
    enrolling, reporting = secrets.token_hex(16), secrets.token_hex(16)
    await cohort.appear()
    # What the arrival of a course decides continues no request's trace.
    await watch.quiet()
    async with platform.http() as http:
        said(
            await http.post(
                f"{platform.addresses.enrollment}/v1/enrollments",
                json={
                    "learner_id": learner_id,
                    "course_id": cohort.course_id,
                    "enrolled_at": BEGAN.isoformat(),
                },
                headers=_traced(enrolling),
            )
        )
        await cohort.read([learner_id])
        said(
            await http.post(
                f"{platform.addresses.progress}/v1/progress",
                json=quiz_passed(learner_id, cohort.course_id),
                headers=_traced(reporting),
            )
        )
    await cohort.until_mailed(2, [learner_id])
    await watch.quiet()
    followed = {
        kind.__name__: _trace_id(watch.events(kind, [learner_id])[-1].traceparent)
        for kind in (Enrolled, Progressed, Completed, Certified)
    }
    assert followed == {
        "Enrolled": enrolling,
        "Progressed": reporting,
        "Completed": reporting,
        "Certified": reporting,
    }
    box = platform.mail_box
    mails = [box.read(mail) for mail in box.to(address_of(learner_id))]
    assert {_trace_id(mail["traceparent"]) for mail in mails} == {enrolling, reporting}


def _traced(trace_id: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}


def _trace_id(traceparent: str | None) -> str:
    assert traceparent is not None
    return traceparent.split("-")[1]


async def test_a_week_adds_up(platform: Platform) -> None:
    """A generated week with resends, failed attempts and leavers: all equals its own reckoning."""
    summary = await run(week_of(12, seed=7), platform.surroundings, lambda *_: None)
    assert summary.ok, summary.problems
    assert summary.completed > 0


async def test_a_learner_takes_up_two_courses_at_one_instant(platform: Platform) -> None:
    """The learner is known to enrollment before the first of the two is asked for."""
    week = week_of(1)
    (learner_id,) = week.learners
    now = datetime.now(UTC)
    steps = [Enroll(now, learner_id, course_id) for course_id in week.courses]
    both = replace(week, steps=steps, completions=frozenset())
    summary = await run(both, platform.surroundings, lambda *_: None)
    assert summary.ok, summary.problems
    assert summary.enrolled == len(week.courses) >= 2


async def test_every_process_says_how_it_runs(platform: Platform) -> None:
    """Certificate and notification run as Faust apps, progress and enrollment on aiokafka."""
    answers = {
        name: await asyncio.to_thread(get, platform.port(f"{name}-stream"), "/readyz")
        for name in ("enrollment", "progress", "certificate", "notification")
    }
    assert {name: answer.body["runner"] for name, answer in answers.items()} == {
        "enrollment": "aiokafka",
        "progress": "aiokafka",
        "certificate": "faust",
        "notification": "faust",
    }
