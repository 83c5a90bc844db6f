"""Ratios, tables and the reading of CPU time: what needs no measurement."""

import pytest
from bench import page
from bench.effort import QUICK
from bench.machine import Machine, cpu_ticks
from bench.results import COLUMNS, Fact, Line, Pair, Rate, Result, Target

NOISY = (Pair(50, 100), Pair(10, 20), Pair(900, 1000))
STAT = "4711 (python -m (b) x) S 1 2 3 4 5 6 7 8 9 10 150 25 7 7 20 0 3 0 999 0 0"


def test_the_ratio_is_the_median_of_the_turns_ratios() -> None:
    """A turn in which the whole machine was slow counts like any other."""
    assert Result("n", "u", NOISY).ratio == 0.5


@pytest.mark.parametrize(
    ("line", "baseline", "ratio"),
    [(Result("n", "u", NOISY), 100, 0.5), (Fact("n", "u", 50, 100), 100, 0.5)],
)
def test_an_entry_has_exactly_the_promised_fields(
    line: Line, baseline: float, ratio: float
) -> None:
    """Other tools read results.json."""
    assert line.as_json() == {
        "name": "n",
        "value": 50,
        "unit": "u",
        "baseline": baseline,
        "ratio": ratio,
        "target": None,
        "holds": None,
    }


def test_an_entry_without_a_baseline_has_no_ratio() -> None:
    """There is nothing to compare with."""
    entry = Fact("n", "u", 3, target=Target(2, "value", at_most=True)).as_json()
    assert (entry["baseline"], entry["ratio"], entry["target"]) == (None, None, 2)
    assert entry["holds"] is False


@pytest.mark.parametrize(
    ("target", "holds"),
    [
        (None, None),
        (0.5, True),
        (0.51, False),
        (Target(50, "value"), True),
        (Target(51, "value"), False),
        (Target(50, "value", at_most=True), True),
        (Target(49, "value", at_most=True), False),
        (Target(0.5, at_most=True), True),
        (Target(0.49, at_most=True), False),
    ],
)
def test_a_target_is_a_bound_on_ratio_or_value_from_either_side(
    *, target: Target | float | None, holds: bool | None
) -> None:
    """Without a target nothing is claimed."""
    assert Result("n", "u", NOISY, target).holds is holds


def test_a_quick_look_claims_nothing() -> None:
    """Its figure is of another size than the target's."""
    target = Target(1, "value", at_most=True)
    assert Fact("n", "u", 0, target=target).holds is True
    assert Fact("n", "u", 0, target=target, known=False).holds is None


@pytest.mark.parametrize("pair", [(0, 1), (1, 0), (-1, 1)])
def test_a_turn_that_measured_nothing_is_refused(pair: tuple[float, float]) -> None:
    """A ratio of nothing would look like a figure."""
    with pytest.raises(ValueError, match="longer"):
        Pair(*pair)


def test_a_rate_tells_the_clock_and_the_cpu_apart() -> None:
    """Waiting is in the one and not in the other."""
    rate = Rate(events=1000, seconds=4, cpu_seconds=2)
    assert (rate.per_second, rate.per_cpu_second) == (250, 500)


def test_the_table_has_a_cell_for_each_column() -> None:
    """A missing cell would move all others."""
    rows = [Result("n", "u", NOISY, 2).row(), Fact("n", "u", 1).row()]
    assert {len(row) for row in rows} == {len(COLUMNS)}
    lines = page.markdown(COLUMNS, rows).splitlines()
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
    assert lines[2] == "| n | 50.0 | 100 | u | 0.50 | 0.50 - 0.90 | ≥ 2 | no |  |"


def test_cpu_time_is_user_and_system_whatever_the_programs_name() -> None:
    """The name is free text: it may hold blanks and brackets."""
    assert cpu_ticks(STAT) == 175


def test_a_table_replaces_its_older_self_and_nothing_else() -> None:
    """The document around it is written by people, and another table is another run's."""
    machine = Machine(2, 8.0, "a processor", 0.1, "parts", "2025-01-01")
    fresh = page.section("a table", machine, QUICK, " --scale")
    begin = page.BEGIN.format(name="scale", arguments="--scale ")
    other = page.BEGIN.format(name="table", arguments="")
    document = f"before\n{other}\nkept\n{begin}\nan older one\n<!-- end of scale -->\nafter\n"
    once = page.updated(document, "scale", fresh)
    assert page.updated(once, "scale", fresh) == once
    assert once.startswith(f"before\n{other}\nkept\n")
    assert once.endswith("\nafter\n")
    assert "older" not in once
    assert "python -m bench --scale --quick" in once


def test_a_document_without_markers_is_left_alone() -> None:
    """Better no table than one in the wrong place."""
    with pytest.raises(ValueError, match="markers"):
        page.updated("text", "table", "table")
