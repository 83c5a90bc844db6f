"""A learning week whose learners belong to one test."""

from dataclasses import replace
from uuid import uuid4

from pravah_cli.scenarios.model import Scenario


def with_ids(scenario: Scenario, name: str) -> Scenario:
    """Return the scenario with learners that no other test has. Its courses are shared."""
    own = {learner_id: f"{name}-{uuid4().hex[:10]}" for learner_id in scenario.learners}
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
