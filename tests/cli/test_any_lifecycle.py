"""Every command works for any lifecycle, and speaks of it in its own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecs_fsm import draw
from ecs_fsm.cli import cli
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.draw import VIEWS
from ecs_fsm.lifecycles import NAMES, load, names, server_class
from ecs_fsm.profiles import blank_profile
from ecs_fsm.profiles.loader import parse

OWN = Path(__file__).parents[1] / "own"
FILES = {name: str(OWN / f"{name}.toml") for name in ("pump", "parcel", "node")}
"""One attribute; two attributes of other names; one attribute with thirty states."""
EVERY = [*names(), *FILES.values()]
IDS = [*names(), *FILES]
A4, MARGIN, LEAST = (595.3, 841.9), 20.0, 0.7
"""Paper in points, its margin, and the smallest scale that can be read."""


def answer(*arguments: str, given: str = "") -> str:
    """What a command prints; it neither refuses its input nor fails."""
    result = CliRunner().invoke(cli, arguments, given, standalone_mode=False)
    assert result.exception is None, (arguments, result.exception)
    assert result.return_value in (0, 1), arguments
    return result.output


shown_by = cache(answer)
"""The same of a command that writes no file: several tests look at what it prints."""


def wrong(*arguments: str, given: str = "") -> str:
    result = CliRunner().invoke(cli, arguments, given, standalone_mode=False)
    assert result.exception is not None
    return str(result.exception)


def commands(lifecycle: Lifecycle) -> Iterator[tuple[str, ...]]:
    """Every command, with words of the lifecycle."""
    first = next(iter(lifecycle.creations))
    states = list(lifecycle.states.values())
    state = next(s for s in states if lifecycle.rests(s) and lifecycle.leaving(s))
    parts = [state] if state.one_word else [state.vm_state, state.task_state or "-"]
    operation = next(
        n
        for n, o in lifecycle.operations.items()
        if not o.unseen and any(t.source == state and t.path for t in o.transitions)
    )
    yield from (("table",), ("status", *parts), ("operations",), ("operations", *parts))
    yield from (("explain", word) for word in (first, state, *list(lifecycle.table.statuses)[:2]))
    yield "simulate", first
    yield "simulate", operation, "--from", state
    yield "path", f"(no {lifecycle.table.thing})", states[-1]
    yield from (("cover",), ("infer", operation))
    target = next(iter(lifecycle.table.statuses))
    yield "check", "--operation", operation, "--target", target
    yield "quiz", "--questions", "3"
    yield from (("fleet", "profile", "--template"),)
    for view in VIEWS:
        words: Sequence[str] = {"operation": [operation]}.get(view, [])
        words = [first] if view in ("run", "timeline", "animate") else words
        forms = FORMS if view in ("operation", "lanes") else FORMS[:1]
        yield from (("draw", view, *words, "--format", form, "-o", "-") for form in forms)


FORMS = ("svg", "dot", "mermaid")
JSON = ("table", "status", "operations", "explain", "simulate", "path", "check", "infer")


def visible(text: str) -> str:
    """Return what a reader sees: no tags, and no names of files or of spaces of names."""
    return re.sub(
        r"<(?:style|script).*?</(?:style|script)>|</?[a-z][^>]*>|https?://\S*|"
        r"\b(?:id|class)=\"[^\"]*\"|\b(?:status|task)-(?=\w)|digraph \w+",
        " ",
        text,
        flags=re.S,
    )


@pytest.mark.parametrize("name", EVERY, ids=IDS)
def test_every_command_works(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    for command in commands(lifecycle):
        assert shown_by(*command, "--lifecycle", name)
        if command[0] in JSON:
            json.loads(shown_by(*command, "--json", "--lifecycle", name))


@pytest.mark.parametrize("name", FILES)
def test_nothing_speaks_of_servers_or_in_the_words_of_another_lifecycle(name: str) -> None:
    lifecycle = load(FILES[name])
    others = {
        str(word) for other in NAMES for word in server_class(other).lifecycle.table.vm_states
    }
    others |= {"server", "vm_state", "task_state", "OS-EXT-STS", "task", "status", "statuse"}
    others -= {*lifecycle.triggers, *lifecycle.table.vm_states, *lifecycle.table.statuses}
    foreign = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, others)))})s?\b")
    for command in commands(lifecycle):
        shown = visible(shown_by(*command, "--lifecycle", FILES[name]))
        # The profile of a lifecycle and the word for what needs attention are anybody's.
        found = set(foreign.findall(shown)) - {"error", "building"}
        assert not found, (command, found)


@pytest.mark.parametrize("name", ["pump", "node"])
def test_one_attribute_shows_no_slash_and_no_task(name: str) -> None:
    lifecycle = load(FILES[name])
    words = "|".join(map(re.escape, lifecycle.states))
    slash = re.compile(rf"(?:{words})/|no task|null\b|\[\]string\{{\}}/")
    attribute = lifecycle.table.attributes["status"]
    for command in commands(lifecycle):
        assert not slash.findall(visible(shown_by(*command, "--lifecycle", FILES[name]))), command
        if command[0] in JSON:
            shown = shown_by(*command, "--json", "--lifecycle", FILES[name])
            assert '"status":' not in shown
            assert "task_state" not in shown
    assert json.loads(answer("table", "--json", "--lifecycle", FILES[name]))[0] == {
        attribute: next(iter(lifecycle.states))
    }


def test_a_recording_of_one_attribute_is_explained() -> None:
    pump = FILES["pump"]
    run = answer("simulate", "build", "begin:hold", "scrap", "--json", "--lifecycle", pump)
    explained = answer("replay", "-", "--lifecycle", pump, given=run)
    assert explained.endswith("5 changes, all explained\n")
    rows = "pump,Mode.Name\na,idle\na,warming up\nb,held\na,held\n"
    assert "a  warming up → held" in answer("replay", "-", "--lifecycle", pump, given=rows)
    wanted = "no column of a known meaning"
    assert wanted in wrong("replay", "-", "--lifecycle", pump, given="a,b\n1,2\n")


def test_a_recording_has_the_columns_of_the_table() -> None:
    rows = "X-POST:place,X-POST:move\ncounter,-\ndepot,driving\nlost,-\n"
    told = answer("replay", "-", "--lifecycle", FILES["parcel"], given=rows)
    assert [line.split()[-1] for line in told.splitlines()[1:]] == ["send", "lose", "explained"]


def test_a_pause_is_not_what_an_operation_is_for() -> None:
    made = json.loads(answer("infer", "begin", "--json", "--lifecycle", FILES["pump"]))
    assert made[0]["attribute"] == "Mode.Name"
    assert (made[0]["target"], made[0]["failure"]) == (["pumping"], ["held", "broken"])


def test_where_nothing_is_left_a_waiter_sees_404() -> None:
    (made,) = json.loads(answer("infer", "scrap", "--json", "--lifecycle", FILES["pump"]))
    assert made["target"] == ["<gone>"]


def test_a_lifecycle_can_have_several_creations() -> None:
    pump = FILES["pump"]
    assert "adopt   pumping" in answer("simulate", "adopt", "--lifecycle", pump)
    assert "begin with build or adopt" in wrong("simulate", "end", "--lifecycle", pump)
    assert "no pump" in answer("operations", "--lifecycle", pump)


def test_side_files_are_found_beside_the_lifecycle_or_missed_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "pump.toml"
    file.write_bytes(Path(FILES["pump"]).read_bytes())
    named = ("--lifecycle", str(file))
    assert "pump has no claims" in wrong("prove", *named)
    assert "fleet profile --template" in wrong("fleet", "profile", *named)
    claim = 'name="end"\ntext="It ends."\nkind="never"\nfrom="(gone)"\nto="any"\n'
    (tmp_path / "pump.claims.toml").write_text(f"[[claim]]\n{claim}", encoding="utf-8")
    assert answer("prove", *named).startswith("true: It ends. [end]")
    profile = answer("fleet", "profile", "--template", *named)
    (tmp_path / "pump.profile.toml").write_text(profile, encoding="utf-8")
    assert answer("fleet", "profile", *named) == profile
    assert "Mode.Name" in answer("fleet", "exact", *named)
    assert "pumps by Mode.Name" in answer(
        "fleet", "run", "--servers", "5", "--duration", "1d", *named
    )
    waiter = 'name="mine"\noperation="begin"\ntarget="pumping"\n'
    (tmp_path / "pump.waiters.toml").write_text(f"[[waiter]]\n{waiter}", encoding="utf-8")
    folder = tmp_path / "pump.lessons"
    folder.mkdir()
    step = '[[step]]\ntext="Start."\ndo="begin"\nstate="warming up"\nthen="It starts."\n'
    lesson = f'title="Start it"\nintroduction="Begin."\nfrom="idle"\n{step}'
    (folder / "1-start.toml").write_text(lesson, encoding="utf-8")
    page = tmp_path / "page.html"
    answer("explore", "-o", str(page), *named)
    shown = page.read_text(encoding="utf-8")
    assert '"name":"mine"' in shown.replace(": ", ":")
    assert "Start it" in shown


def test_side_files_can_be_given_by_option(tmp_path: Path) -> None:
    named = ("--lifecycle", FILES["pump"])
    claims, waiters = tmp_path / "any.toml", tmp_path / "loops.toml"
    claim = 'name="end"\ntext="It ends."\nkind="never"\nfrom="(gone)"\nto="any"\n'
    claims.write_text(f"[[claim]]\n{claim}", encoding="utf-8")
    assert answer("prove", "--claims", str(claims), *named).startswith("true: It ends. [end]")
    waiter = 'name="by option"\noperation="begin"\ntarget="pumping"\n'
    waiters.write_text(f"[[waiter]]\n{waiter}", encoding="utf-8")
    folder = tmp_path / "taught"
    folder.mkdir()
    step = '[[step]]\ntext="Start."\ndo="begin"\nstate="warming up"\nthen="It starts."\n'
    lesson = f'title="Start it"\nintroduction="Begin."\nfrom="idle"\n{step}'
    (folder / "start.toml").write_text(lesson, encoding="utf-8")
    page = str(tmp_path / "page.html")
    answer("explore", "-o", page, "--waiters", str(waiters), "--lessons", str(folder), *named)
    shown = Path(page).read_text(encoding="utf-8")
    assert '"name":"by option"' in shown.replace(": ", ":")
    assert "Start it" in shown
    answer("explore", "-o", page, *named)
    assert "by option" not in Path(page).read_text(encoding="utf-8")
    waiters.write_text(f"[[waiter]]\n{waiter.replace('begin', 'star')}", encoding="utf-8")
    told = wrong("explore", "-o", page, "--waiters", str(waiters), *named)
    assert told.startswith(f"{waiters}:3: unknown operation 'star'")
    both = ("--waiters", "-", "--lessons", "-")
    assert "not both" in wrong("explore", "-o", page, *both, *named)


def test_a_path_names_the_file_to_run_it_with() -> None:
    told = answer("path", "idle", "pumping", "--lifecycle", FILES["pump"])
    assert told.endswith(f"ecs-fsm simulate begin --from idle --lifecycle {FILES['pump']}\n")


@pytest.mark.parametrize("name", EVERY, ids=IDS)
def test_the_template_of_a_profile_works_as_it_is(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    profile = parse(lifecycle, blank_profile.text(lifecycle), "template.toml")
    assert {*profile.durations} == {s for s in lifecycle.states.values() if not lifecycle.rests(s)}
    events = {n for n, e in lifecycle.events.items() if e.kind is Kind.FAILURE and e.transitions}
    steps = {
        n
        for n in events
        if any(t.source in profile.durations for t in lifecycle.events[n].transitions)
    }
    assert steps <= {*profile.outcomes}


@pytest.mark.parametrize(
    ("name", "least"),
    [("pump", LEAST), ("ec2", 1.0), ("node", 0.65), ("ironic", 0.6), ("cinder", 0.58)],
)
def test_the_lanes_of_one_attribute_fit_on_one_sheet_of_a4(name: str, least: float) -> None:
    lifecycle = server_class(FILES.get(name, name)).lifecycle
    picture = draw.lanes(lifecycle)
    bounds = [box.bounds for box in picture.boxes if box.bounds]
    size = (max(b.x + b.width / 2 for b in bounds), max(b.y + b.height / 2 for b in bounds))
    short, long = sorted(size)
    room = [(side - 2 * MARGIN) / least for side in A4]
    assert not picture.sheets
    assert short <= room[0]
    assert long <= room[1]
    shown = {box.state for box in picture.boxes}
    assert shown == {None, *lifecycle.states.values()}


def test_the_view_status_lists_states_with_their_meanings() -> None:
    shown = answer("draw", "status", "--format", "svg", "-o", "-", "--lifecycle", FILES["pump"])
    assert "Every state with its meaning" in shown
    for state in load(FILES["pump"]).states.values():
        assert state.vm_state.meaning in shown


@pytest.mark.parametrize(
    ("name", "why"),
    [("pump", "its attributes are Mode.Name"), ("parcel", "label, X-POST:place, X-POST:move")],
)
def test_serve_says_what_it_can_serve(name: str, why: str) -> None:
    told = wrong("serve", "--lifecycle", FILES[name])
    assert why in told
    assert "it can serve ecs" in told
    assert "\n" not in told


@pytest.mark.browser
@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_the_words_of_its_lifecycle(name: str, browser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    lifecycle = load(FILES[name])
    answer("explore", "-o", str(tmp_path / "page.html"), "--lifecycle", FILES[name])
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    page.click(f"[data-name={next(iter(lifecycle.creations))}]")
    if page.get_attribute("#next", "aria-disabled") != "true":
        page.click("#next")
    shown = page.inner_text("body")
    for tab in ("poll", "lessons", "quiz", "share"):
        page.click(f"#tab-{tab}")
        shown += page.inner_text(f"#panel-{tab}")
    shown += "".join(page.eval_on_selector_all("svg title", "all => all.map(e => e.textContent)"))
    names = {called.rpartition(":")[2] for called in lifecycle.table.attributes.values()}
    answered = page.text_content("#answer").removeprefix("200 OK")
    made = lifecycle.server_class().create()
    if list(lifecycle.find(lifecycle.advance, made.state)):
        made.trigger(lifecycle.advance)
    assert json.loads(answered) == {lifecycle.table.thing: made.to_api()}
    assert not complaints
    assert not re.findall(r"server|vm_state|task_state|\b[Tt]asks?\b|\b[Ss]tatus", shown)
    assert all(name in shown for name in names)
    assert f" --lifecycle {name}.toml " in page.input_value("#command")
    if lifecycle.table.one_word:
        assert not re.findall(rf"(?:{'|'.join(lifecycle.table.statuses)})/", shown)
        assert not re.findall(r"(?m)^-$|\t-\t|null", shown)
    page.close()
