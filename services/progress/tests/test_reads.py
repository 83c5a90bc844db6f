"""What the API shows and explains, on the real store, broker and stream."""

from datetime import datetime

import pytest

from pravah_cli.testing.waiting import eventually
from pravah_progress.settings import ProgressSettings
from pravah_shared.events import Completed

from .conftest import Api
from .facts import course, day, enrolled
from .reports import body, published

pytestmark = pytest.mark.stack

ONE = "/v1/learners/asha/courses/ethics"


@pytest.mark.usefixtures("stream")
async def test_a_client_reads_its_own_write(api: Api, progress_settings: ProgressSettings) -> None:
    """With the token of the answer the progress shows it, decided; the completion is published."""
    await api.publish(course(), enrolled())
    token = (await api.call("POST", "/v1/progress", body=body())).json()["token"]
    shown = await api.call("GET", f"{ONE}/progress", params={"token": token, "wait": "20"})
    assert shown.status_code == 200
    said = shown.json()
    assert said["up_to_date"] is True
    found = await published(progress_settings, "completed", 2)
    assert [type(one).__name__ for one in found] == ["Started", "Completed"]
    assert found[1] == Completed(
        enrollment_id="e-None-1",
        learner_id="asha",
        course_id="ethics",
        term=1,
        completed_at=day(1),
        course_version=1,
        score_percent=80,
        learning_seconds=60,
    )
    (term,) = (await api.call("GET", f"{ONE}/progress")).json()["enrollments"]
    assert datetime.fromisoformat(term["completed_at"]) == day(1)
    assert (term["passed"], term["required"]) == (2, 2)


async def test_after_the_wait_the_answer_is_what_is_known(api: Api) -> None:
    """No stream runs: the client is told that its write is not in, instead of waiting on."""
    token = (await api.call("POST", "/v1/progress", body=body())).json()["token"]
    late = {"token": token, "wait": "0.1"}
    missing = await api.call("GET", f"{ONE}/progress", params=late)
    assert missing.status_code == 404
    assert "not merged yet" in missing.json()["detail"]
    assert (await api.call("GET", f"{ONE}/progress", params={"token": "x"})).status_code == 422


@pytest.mark.usefixtures("stream")
async def test_an_mdo_admin_sees_learners_enrolled_by_their_mdo(api: Api) -> None:
    """By the enrollment's MDO; another one's, and a learner without enrollment, are refused."""
    await api.publish(enrolled(mdo_id="bihar"))

    async def known() -> bool:
        return (await api.call("GET", f"{ONE}/progress")).status_code == 200

    await eventually(known, 20, "the enrollment is merged")
    for path in (f"{ONE}/progress", f"{ONE}/explain", "/v1/learners/asha/progress"):
        for mdo, status in (("bihar", 200), ("kerala", 403)):
            token = {"mdo_id": mdo}
            answer = await api.call("GET", path, role="mdo_admin", of_token=token)
            assert answer.status_code == status, (path, mdo)
    for wrong in ("a$b.", None):
        answer = await api.call(
            "GET", "/v1/learners/asha/progress", role="mdo_admin", of_token={"mdo_id": wrong}
        )
        assert answer.status_code == 403
    token = {"mdo_id": "bihar"}
    unknown = "/v1/learners/nobody/courses/ethics/progress"
    answer = await api.call("GET", unknown, role="mdo_admin", of_token=token)
    assert answer.status_code == 403


@pytest.mark.usefixtures("stream")
async def test_a_learners_courses_come_in_pages(api: Api) -> None:
    """All of them, each once, without a cap."""
    reports = [body(course_id=f"c{n}") for n in range(5)]
    answer = await api.call("POST", "/v1/progress/batch", body={"reports": reports})
    token = answer.json()["tokens"][4]
    shown = "/v1/learners/asha/courses/c4/progress"
    await api.call("GET", shown, params={"token": token, "wait": "20"})
    found: list[str] = []
    params = {"limit": "2"}
    while True:
        page = (await api.call("GET", "/v1/learners/asha/progress", params=params)).json()
        found += [item["course_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert found == [f"c{n}" for n in range(5)]


@pytest.mark.parametrize("cursor", ["W10", "WzFd", "WyJhIiwxXQ"])
async def test_a_cursor_of_no_list_is_refused(api: Api, cursor: str) -> None:
    """Else an empty one showed an mdo_admin of another MDO an empty list instead of 403."""
    path, token = "/v1/learners/asha/progress", {"mdo_id": "kerala"}
    foreign = {"role": "mdo_admin", "of_token": token}
    assert (await api.call("GET", path, **foreign)).status_code == 403
    answer = await api.call("GET", path, params={"cursor": cursor}, **foreign)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "?cursor"


@pytest.mark.usefixtures("stream")
async def test_explain_names_what_is_missing_in_the_learners_language(api: Api) -> None:
    """By title; for a learner of whom nothing is known, the reasons why."""
    await api.publish(course(), enrolled())
    partly = body(attempts=[])
    token = (await api.call("POST", "/v1/progress", body=partly)).json()["token"]
    await api.call("GET", f"{ONE}/progress", params={"token": token, "wait": "20"})

    async def explained() -> bool:
        said = (await api.call("GET", f"{ONE}/explain", headers=hindi)).json()
        named = [unit["title"] for one in said["enrollments"] for unit in one["missing"]]
        return (said["language"], named) == ("hi", ["परीक्षा"])

    hindi = {"Accept-Language": "hi"}
    await eventually(explained, 20, "the missing unit is named")
    nothing = (await api.call("GET", "/v1/learners/nobody/courses/none/explain")).json()
    assert [reason["code"] for reason in nothing["reasons"]] == ["course_unknown", "not_enrolled"]
    assert nothing["language"] == "en"
    traced = (await api.call("GET", "/trace/asha/ethics")).json()
    assert traced["known"] is True
    assert traced["explanation"]["enrollments"][0]["reasons"][0]["code"] == "units_missing"
    assert (await api.call("GET", "/trace/nobody/ethics")).json()["known"] is False


@pytest.mark.usefixtures("stream")
async def test_a_courses_learners_are_counted(api: Api) -> None:
    """By how far they have come; an mdo_admin is refused, for they are of all MDOs."""
    path = "/v1/courses/ethics/counts"
    assert (await api.call("GET", path)).status_code == 404
    other = enrolled().model_copy(update={"learner_id": "bina"})
    await api.publish(course(), enrolled(), other)
    await api.call("POST", "/v1/progress", body=body())

    async def counted() -> bool:
        answer = await api.call("GET", path, role="publisher")
        return answer.status_code == 200 and answer.json() == {
            "course_id": "ethics",
            "enrolled": 2,
            "started": 1,
            "completed": 1,
            "settled": True,
        }

    await eventually(counted, 40, "all are counted")
    assert (await api.call("GET", path, role="mdo_admin")).status_code == 403
    assert (await api.call("GET", path, role="learner")).status_code == 403


@pytest.mark.usefixtures("stream")
async def test_a_programme_is_completed_and_explained_by_its_courses(api: Api) -> None:
    """Through the real stream: first what is missing, then the completion."""
    held = ({"course_id": "ethics"},)
    plan = course(units=(), kind="programme", courses=held).model_copy(update={"course_id": "plan"})
    in_plan = enrolled().model_copy(update={"course_id": "plan"})
    await api.publish(course(), enrolled(), plan, in_plan)
    path = "/v1/learners/asha/courses/plan"

    async def missing() -> bool:
        said = (await api.call("GET", f"{path}/explain", headers={"Accept-Language": "hi"})).json()
        found = [one["title"] for term in said["enrollments"] for one in term["missing_courses"]]
        return found == ["नैतिकता"]

    await eventually(missing, 40, "the missing course is named")
    await api.call("POST", "/v1/progress", body=body())

    async def completed() -> bool:
        (term,) = (await api.call("GET", f"{path}/progress")).json()["enrollments"]
        return term["completed_at"] is not None and (term["passed"], term["required"]) == (1, 1)

    await eventually(completed, 40, "the programme is complete")
    listed = (await api.call("GET", "/v1/learners/asha/progress")).json()["items"]
    assert [(one["course_id"], one["enrollments"][0]["passed"]) for one in listed] == [
        ("ethics", 2),
        ("plan", 1),
    ]
