"""What the API takes and refuses, on the real store and broker."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pravah_progress.settings import ProgressSettings
from pravah_progress.store.courses import MongoCourses
from pravah_shared.events import Progressed
from pravah_shared.http.testing import Example, walk_matrix

from .conftest import Api
from .facts import course, day
from .reports import body, published

pytestmark = pytest.mark.stack

WRITER = {"scopes": ["progress:write"]}


async def test_a_report_is_in_kafka_before_the_answer(
    api: Api, progress_settings: ProgressSettings
) -> None:
    """202 with a token and a hint when to come again; the store need not know the course."""
    answer = await api.call("POST", "/v1/progress", body=body())
    assert answer.status_code == 202
    said = answer.json()
    assert said["accepted"] == 2
    assert 30 <= said["flush_after_seconds"] < 36
    (fact,) = await published(progress_settings, "progressed", 1)
    assert isinstance(fact, Progressed)
    assert fact.updates[0].spent_seconds == 60


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"updates": [{"unit_id": "video", "status": 3, "at": day(1).isoformat()}]}, "status"),
        (
            {
                "updates": [
                    {
                        "unit_id": "video",
                        "status": 1,
                        "spent_seconds": -1,
                        "at": day(1).isoformat(),
                    }
                ]
            },
            "updates[0].spent_seconds",
        ),
        (
            {
                "attempts": [
                    {
                        "unit_id": "test",
                        "attempt_id": "a",
                        "score": 120,
                        "at": day(1).isoformat(),
                    }
                ]
            },
            "attempts[0]",
        ),
        ({"updates": [{"unit_id": "video", "status": 1, "at": "2024-01-01T00:00:00"}]}, "at"),
        ({"learner_id": "a|b"}, "learner_id"),
        ({"updates": [], "attempts": []}, "body"),
    ],
)
async def test_a_wrong_report_is_refused_by_field(api: Api, wrong: Any, field: str) -> None:
    """422 with the field, what is wrong with it, and what to send instead."""
    answer = await api.call("POST", "/v1/progress", body=body(**wrong))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"].endswith(field)
    assert error["remedy"]


async def test_unknown_units_of_a_known_course_are_refused(api: Api) -> None:
    """By the field, also when the course came to be known a moment ago."""
    await api.store.courses.put([course()])
    wrong = body(attempts=[{"unit_id": "tset", "attempt_id": "a", "at": day(1).isoformat()}])
    answer = await api.call("POST", "/v1/progress", body=wrong)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "attempts[0].unit_id"
    assert "ethics" in error["remedy"]


async def test_a_unit_of_a_version_that_just_came_is_taken(api: Api) -> None:
    """What is known here may be seconds old; before refusing, the store is asked."""
    await api.store.courses.put([course()])
    assert (await api.call("POST", "/v1/progress", body=body())).status_code == 202
    new = course(2, (*course().units, course().units[0].model_copy(update={"unit_id": "new"})))
    another_worker = MongoCourses(api.app.state.parts.store.courses._collection)
    await another_worker.put([new])
    more = body(updates=[{"unit_id": "new", "status": 2, "at": day(1).isoformat()}])
    assert (await api.call("POST", "/v1/progress", body=more)).status_code == 202


async def test_future_times_are_clamped_or_refused(
    api: Api, progress_settings: ProgressSettings
) -> None:
    """A clock that is off by less than a day counts as now; beyond, nothing can be made of it."""
    ahead = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    far = (datetime.now(UTC) + timedelta(days=2)).isoformat()

    def at(moment: str) -> dict[str, Any]:
        return body(updates=[{"unit_id": "video", "status": 2, "at": moment}], attempts=[])

    assert (await api.call("POST", "/v1/progress", body=at(ahead))).status_code == 202
    refused = await api.call("POST", "/v1/progress", body=at(far))
    assert refused.json()["errors"][0]["field"] == "updates[0].at"
    (fact,) = await published(progress_settings, "progressed", 1)
    assert fact.updates[0].at == fact.received_at


async def test_one_bad_report_of_many_is_refused_by_index(
    api: Api, progress_settings: ProgressSettings
) -> None:
    """The others are taken, each with its token."""
    reports = [body(learner_id=f"l{n}") for n in range(20)]
    reports[7] = body(learner_id="l7", updates=[{"unit_id": "video", "status": 9, "at": "x"}])
    reports[9] = "no report"  # type: ignore[call-overload]
    answer = await api.call(
        "POST", "/v1/progress/batch", body={"reports": reports}, role="system", of_token=WRITER
    )
    assert answer.status_code == 207
    said = answer.json()
    assert said["accepted"] == 18
    assert [one["index"] for one in said["refused"]] == [7, 9]
    assert said["refused"][0]["status"] == 422
    assert said["refused"][0]["errors"][0]["field"].startswith("updates[0]")
    assert [index for index, token in enumerate(said["tokens"]) if token is None] == [7, 9]
    assert len(await published(progress_settings, "progressed", 18)) == 18


async def test_a_batch_of_a_thousand_is_taken_and_one_more_is_not(api: Api) -> None:
    """202 when all are taken; more than the limit is refused as a whole, with the remedy."""
    small = {"learner_id": "l", "course_id": "c"} | {
        "updates": [{"unit_id": "u", "status": 1, "at": day(1).isoformat()}]
    }
    answer = await api.call("POST", "/v1/progress/batch", body={"reports": [small] * 1000})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1000
    answer = await api.call("POST", "/v1/progress/batch", body={"reports": [small] * 1001})
    assert answer.status_code == 422
    assert "1000" in answer.json()["errors"][0]["remedy"]


async def test_a_learner_reports_only_their_own(api: Api) -> None:
    """Alone and in a batch: another learner's report is refused, their own is taken."""
    own = {"role": "learner", "of_token": {"learner_id": "asha"}}
    assert (await api.call("POST", "/v1/progress", body=body(), **own)).status_code == 202
    others = body(learner_id="vikram")
    assert (await api.call("POST", "/v1/progress", body=others, **own)).status_code == 403
    answer = await api.call("POST", "/v1/progress/batch", body={"reports": [body(), others]}, **own)
    assert answer.status_code == 207
    assert [(one["index"], one["status"]) for one in answer.json()["refused"]] == [(1, 403)]


@pytest.mark.parametrize("more", [["mdo_admin"], ["system"]])
async def test_a_second_role_opens_no_other_learner(api: Api, more: list[str]) -> None:
    """An administrator, or a system without the scope, who also learns reports only their own."""
    both = {"learner_id": "asha", "mdo_id": "bihar", "claims": {"roles": ["learner", *more]}}
    for learner, status in (("asha", 202), ("vikram", 403)):
        answer = await api.call(
            "POST",
            "/v1/progress",
            body=body(learner_id=learner),
            role="learner",
            of_token=both,
        )
        assert answer.status_code == status


async def test_every_cell_of_the_access_matrix(api: Api) -> None:
    """Each route refuses the wrong role and another learner's data."""

    def batch(learner: str) -> Example:
        # A batch refuses by item: as a whole it comes through, so its own is asked for.
        return Example(body={"reports": [body(learner_id=learner)]})

    await walk_matrix(
        api.app,
        api.issuer,
        examples={
            ("POST", "/v1/progress"): lambda learner: Example(body=body(learner_id=learner)),
            ("POST", "/v1/progress/batch"): batch,
        },
        shared={("POST", "/v1/progress/batch")},
    )


async def test_reports_are_taken_while_the_store_is_away(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka has them: without the store no course is known, and the report is kept."""
    from pravah_shared.errors import StoreUnavailable

    async def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(api.store.courses, "get", away)
    assert (await api.call("POST", "/v1/progress", body=body())).status_code == 202


async def test_requests_at_once_share_batches(api: Api) -> None:
    """Concurrent requests do not wait for one another: a hundred take about as long as one."""
    answers = await asyncio.gather(
        *(api.call("POST", "/v1/progress", body=body(learner_id=f"l{n}")) for n in range(100))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["token"] for answer in answers}) == 100
