"""Servers that compete: like those that do not where there is room, like M/M/c where there is not."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from PIL import Image

from ecs_fsm import ECS, Lifecycle, fleet
from ecs_fsm.draw.styles import COLOURS, Theme
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.comparison import check, check_contention
from ecs_fsm.fleet.contention import contend
from ecs_fsm.fleet.formula_check import check_queues
from ecs_fsm.fleet.plot import plot
from ecs_fsm.fleet.what_if import of_queues
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import built_in, built_in_text, changed, parse
from ecs_fsm.profiles.profile import Profile
from tests.command import ecs_fsm


def roomy(lifecycle: Lifecycle) -> Profile:
    profile = built_in(lifecycle)
    names = [resource.name for resource in profile.resources]
    assert names
    return changed(profile, [f"resources.{name}.capacity=1000000" for name in names])


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_with_room_for_all_it_is_a_run(lifecycle: Lifecycle) -> None:
    profile = roomy(lifecycle)
    found = contend(profile, servers=60, duration="10d", seed=3)
    alone = fleet.run(profile, servers=60, duration="10d", seed=3)
    assert alone.changes > 1000
    for field, mine, other in zip(
        alone.tally._fields, alone.tally, found.result.tally, strict=True
    ):
        assert mine.tolist() == other.tolist(), field
    assert all(queue.waits.max() < 1e-6 for queue in found.queues)


def test_it_is_a_run_without_resources() -> None:
    text = built_in_text(ECS).partition("[resources")[0]
    profile = parse(ECS, text, "mine.toml")
    found = contend(profile, servers=30, duration="5d", seed=3)
    alone = fleet.run(profile, servers=30, duration="5d", seed=3)
    assert found.queues == ()
    assert found.result.as_dict() == alone.as_dict()


MMC = """
[arrivals]
kind = "poisson"
every = {every}
[durations]
{steps}
[resources.place]
capacity = {capacity}
steps = ["scheduling"]
"""


def erlang_c(load: float, servers: int) -> float:
    """The probability that an arrival waits in M/M/c."""
    terms = [load**n / math.factorial(n) for n in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


@pytest.mark.parametrize(
    ("capacity", "time", "formula"),
    [
        (1, '"2s"', "M/G/1"),
        (1, '{ distribution = "constant", mean = 2 }', "M/G/1"),
        (1, '{ distribution = "lognormal", mean = 2, sd = 1 }', "M/G/1"),
        (3, '"6s"', "M/M/3"),
        (3, '{ distribution = "constant", mean = 6 }', None),
    ],
)
def test_waits_are_held_against_formulas(capacity: int, time: str, formula: str | None) -> None:
    working = [s for s in ECS.states.values() if not ECS.rests(s)]
    steps = "\n".join(f'"{s}" = {time if s == "building/scheduling" else 0}' for s in working)
    text = MMC.format(every=3, steps=steps, capacity=capacity)
    found = contend(parse(ECS, text, "mmc.toml"), servers=1, duration=25_000, step=400, seed=3)
    checked = check_queues(found)
    assert checked.disagreements == ()
    waits = [c for c in checked.comparisons if "mean wait" in c.what]
    if formula is None:
        assert waits == []
        assert "times on 3 places are not exponential" in str(checked.left_out)
        return
    assert [c.what for c in waits] == [f"place: mean wait ({formula})"]
    queue = found.queues[0]
    wrong = replace(found, queues=(replace(queue, waits=queue.waits * 8),))
    assert [c.what for c in check_queues(wrong).disagreements] == [waits[0].what]


def busy(*names: str) -> str:
    """The times of steps: 2 seconds for these, none for others."""
    working = [s for s in ECS.states.values() if not ECS.rests(s)]
    return "\n".join(f'"{s}" = {2 if s in names else 0}' for s in working)


@pytest.mark.parametrize(("room", "compared"), [(1_000_000, True), (1, False)])
def test_waits_behind_another_resource_are_compared_if_none_are_there(
    room: int, compared: bool
) -> None:
    steps = busy("building/scheduling", "building/networking")
    text = MMC.format(every=3, steps=steps, capacity=room)
    text += '[resources.behind]\ncapacity = 1\nsteps = ["networking"]\n'
    found = contend(parse(ECS, text, "two.toml"), servers=1, duration=12_000, step=400, seed=3)
    checked = check_queues(found)
    assert ("behind: mean wait (M/G/1)" in [c.what for c in checked.comparisons]) is compared
    waits = "no formula for waits for behind: servers may wait for another resource before"
    assert (waits in str(checked.left_out)) is not compared


def test_a_queue_that_nothing_used_has_a_length_and_no_wait() -> None:
    text = MMC.format(every=3, steps=busy("building/scheduling"), capacity=1)
    found = contend(parse(ECS, text, "mmc.toml"), servers=1, duration=600, step=30, seed=3)
    (queue,) = found.queues
    assert queue.waits.size
    for waits, names in (
        (queue.waits, ["mean_wait", "mean_queue"]),
        (queue.waits[:0], ["mean_queue"]),
    ):
        figures = of_queues((replace(queue, waits=waits),))
        assert [*figures] == [f"resources.place.{name}" for name in names]


@pytest.mark.parametrize("capacity", [1, 3])
def test_one_kind_of_job_waits_as_in_m_m_c(capacity: int) -> None:
    every, service = 1.0, 0.7 * capacity
    working = [s for s in ECS.states.values() if not ECS.rests(s)]
    steps = "\n".join(f'"{s}" = {service if s == "building/scheduling" else 0}' for s in working)
    text = MMC.format(every=every, steps=steps, capacity=capacity)
    found = contend(parse(ECS, text, "mmc.toml"), servers=1, duration=12_000, step=100, seed=11)
    (queue,) = found.queues
    waits = erlang_c(service / every, capacity)
    mean = waits * service / (capacity - service / every)
    # Neighbours wait together, so that these means vary more than as many numbers would.
    assert len(queue.waits) == pytest.approx(12_000, rel=0.03)
    assert (queue.waits > 0).mean() == pytest.approx(waits, rel=0.08)
    assert queue.waits.mean() == pytest.approx(mean, rel=0.15)
    assert queue.length == pytest.approx(mean / every, rel=0.15)
    assert queue.busy == pytest.approx(0.7, rel=0.05)


def test_a_narrow_place_makes_servers_wait() -> None:
    profile = changed(built_in(ECS), ["resources.scheduler.capacity=1"])
    found = contend(profile, servers=100, duration="1d", seed=1)
    queue = next(q for q in found.queues if q.resource.name == "scheduler")
    assert queue.lengths[0] == 99
    assert queue.waits.max() > 100
    alone = fleet.run(profile, servers=100, duration="1d", seed=1)
    assert found.result.requests()["create"].mean > alone.requests()["create"].mean + 100


def test_where_nothing_waits_everything_is_compared() -> None:
    profile = roomy(ECS)
    found = contend(profile, servers=300, duration="5d", step="1d", seed=3)
    checked = check_contention(found)
    assert checked == check(fleet.run(profile, servers=300, duration="5d", step="1d", seed=3))
    assert (checked.disagreements, checked.left_out) == ((), None)


def test_where_servers_wait_how_requests_end_is_compared() -> None:
    profile = changed(built_in(ECS), ["resources.scheduler.capacity=1"])
    found = contend(profile, servers=1000, duration="5d", seed=1)
    checked = check_contention(found)
    assert checked.disagreements == ()
    assert checked.left_out is not None
    assert "servers waited for scheduler" in checked.left_out
    kinds = {c.what.rpartition(": ")[2] for c in checked.comparisons}
    assert kinds == {"rests", "ends in error", "changes", "sd of changes"}
    other = compile_profile(changed(profile, ["fail.scheduling=0.05"]))
    wrong = replace(found, result=replace(found.result, compiled=other))
    disagreements = check_contention(wrong).disagreements
    assert any(c.what == "create at (no server): ends in error" for c in disagreements)


def test_nothing_is_compared_after_an_interrupted_contention() -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    found = contend(built_in(ECS), servers=50, duration="1d", seed=1, progress=stop)
    checked = check_contention(found)
    assert checked.comparisons == ()
    assert checked.left_out is not None
    assert "interrupted" in checked.left_out


def test_the_command_compares_what_has_an_exact_answer() -> None:
    answer = ecs_fsm("fleet", "contend", *SIZES, "--check")
    assert answer.code == 0
    assert "shares over time and events are not compared: servers waited for" in answer.out
    assert "all agree" in answer.out
    told = json.loads(ecs_fsm("fleet", "contend", *SIZES, "--check", "--json").out)
    assert told["check"]["agrees"] is True
    assert "resources" in told


SIZES = ("--servers", "100", "--duration", "2d", "--seed", "7")


def test_the_command_reports_queues() -> None:
    answer = ecs_fsm("fleet", "contend", *SIZES)
    assert answer.code == 0
    assert "waiting for resources" in answer.out
    told = json.loads(ecs_fsm("fleet", "contend", *SIZES, "--json").out)
    assert told["resources"]["scheduler"]["uses"] >= 100
    assert len(told["resources"]["scheduler"]["lengths"]) == len(told["times"])


def test_without_resources_the_command_says_that_nothing_waits() -> None:
    answer = ecs_fsm("fleet", "contend", *SIZES, "--lifecycle", "ec2")
    assert (answer.code, "no resources in the profile" in answer.out) == (0, True)
    assert "waiting for resources" not in answer.out


def test_counts_of_servers_that_compete_are_written_to_parquet(tmp_path: Path) -> None:
    file = tmp_path / "counts.parquet"
    words = ("--servers", "40", "--duration", "1h", "--step", "10m", "--seed", "3")
    assert ecs_fsm("fleet", "contend", *words, "-o", str(file)).code == 0
    table = pq.read_table(file)
    assert table.column_names == ["seconds", "status", "vm_state", "task_state", "servers"]
    at_the_end = [r["servers"] for r in table.to_pylist() if r["seconds"] == 3600]
    assert sum(at_the_end) == 40


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("command", ["run", "contend"])
def test_plots_say_everything_in_words_and_hatches(command: str, tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"
    assert ecs_fsm("fleet", command, *SIZES, "--plot", str(file)).code == 0
    text = file.read_text(encoding="utf-8")
    words = "".join(ElementTree.fromstring(text).itertext())  # noqa: S314  # we drew it
    for word in (
        "ACTIVE",
        "SHUTOFF",
        "BUILD",
        "mean 2",
        "seconds until rest",
        "grey: simulated, line: exact",
    ):
        assert word in words
    assert "<pattern" in text
    tones = COLOURS[Theme.LIGHT].tones
    for state in ("active", "stopped"):
        assert tones[ECS.state(state).status.tone].fill in text
    wide, high = (
        float(str(ElementTree.fromstring(text).get(side)).removesuffix("pt"))  # noqa: S314 ours
        for side in ("width", "height")
    )
    assert wide / high == pytest.approx(16 / 9, rel=0.01)
    assert ("queue lengths" in words) == (command == "contend")


def test_a_plot_of_many_operations_is_as_wide_as_a_slide_and_covers_no_legend(
    tmp_path: Path,
) -> None:
    for words in (("run", "--lifecycle", "nova"), ("contend",)):
        file = tmp_path / "plot.png"
        assert ecs_fsm("fleet", *words, *SIZES, "--plot", str(file)).code == 0
        with Image.open(file) as image:
            assert image.size == (1600, 900), words
    file = file.with_suffix(".svg")
    assert ecs_fsm("fleet", "contend", *SIZES, "--plot", str(file)).code == 0
    tree = ElementTree.parse(file)  # noqa: S314  # we drew it
    legends = 0
    for axes in (g for g in tree.iter(f"{SVG}g") if g.get("id", "").startswith("axes_")):
        for legend in (g for g in axes.iter(f"{SVG}g") if g.get("id", "").startswith("legend_")):
            legends += 1
            assert right_of(legend) <= right_of(axes)
    assert legends == 2


def right_of(group: ElementTree.Element) -> float:
    """The right end of the first shape of a group: the ground of a panel or of a legend."""
    shape = next(group.iter(f"{SVG}path")).get("d", "")
    return max(float(x) for x in re.findall(r"[ML] ([\d.]+) ", shape))


EDGES = """
extends = "built-in"
[durations]
"building/spawning" = { distribution = "lognormal", mean = "60s", sd = "30s" }
migrating = { distribution = "constant", mean = "40s" }
reboot_started = { distribution = "constant", mean = "20s" }
"""


def test_a_plot_sums_up_times_that_jump_and_has_a_curve_for_each(tmp_path: Path) -> None:
    profile = parse(ECS, EDGES, "edges.toml")
    result = fleet.run(profile, servers=300, duration="5d", seed=1)
    plot(result, str(tmp_path / "plot.svg"))
    tree = ElementTree.parse(tmp_path / "plot.svg")  # noqa: S314  # we drew it
    words = list(tree.getroot().itertext())
    shown = [w.strip() for w in words if w.strip()]
    drawn = [name for name, after in pairwise(shown) if after.startswith("mean ")]
    ways = [w for w in words if w in {"% finished by then", "how often"}]
    assert dict(zip(drawn, ways, strict=True)) == {
        name: "% finished by then" if name == "live_migrate" else "how often"
        for name, wait in result.requests().items()
        if wait.mean > 0
    }
    axes = [g for g in tree.iter(f"{SVG}g") if g.get("id", "").startswith("axes_")][1:]
    curves = [[g for g in a.iter(f"{SVG}g") if g.get("id", "").startswith("line2d_")] for a in axes]
    black = [
        [
            p
            for g in c
            for p in g.findall(f"{SVG}path")
            if "stroke: #000000" in p.get("style", "") and p.get("clip-path")
        ]
        for c in curves
    ]
    assert sum(len(paths) for paths in black) == len(drawn)
    assert max(map(len, black)) == 1


def test_the_same_result_is_the_same_plot(tmp_path: Path) -> None:
    result = fleet.run(built_in(ECS), servers=50, duration="1d", seed=1)
    for name in ("one.svg", "two.svg"):
        plot(result, str(tmp_path / name))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_plot_of_an_unknown_kind_is_refused_at_once() -> None:
    answer = ecs_fsm("fleet", "run", *SIZES, "--plot", "plot.bmp")
    assert (answer.code, answer.out) == (2, "")
    assert "svg, png, pdf" in answer.err


def test_a_change_of_steps_that_wait_for_places_is_shown_before_and_after() -> None:
    words = ("fleet", "contend", "--servers", "9", "--duration", "10m", "--step", "10m")
    code, out, err = ecs_fsm(*words, "--what-if", "fail.spawning=0.5", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert {"before", "after", "differences"} <= {*answer}
    assert answer["before"] != answer["after"]
