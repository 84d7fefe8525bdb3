"""The page as a text: what it holds, how large it is, and that no word of a table is in its scripts."""

from __future__ import annotations

import json
import re
import tomllib
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm import ECS, InvalidInput, Lifecycle, draw
from ecs_fsm.draw.merged import aside, merged
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.draw.views.lanes import with_notes
from ecs_fsm.explore import Content, content, explorer
from ecs_fsm.explore.explorer import MOST_CHARACTERS, MOST_LESSONS, SCRIPTS, as_data, examples
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.serve.control.page import made
from ecs_fsm.web.exported import exported
from tests.command import ecs_fsm, installed
from tests.lesson_samples import EVIL, HOSTILE, LESSONS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ecs_fsm" / "explore"
LIFECYCLES = pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=["ecs", "nova"])
LARGEST = {"ecs": 300_000, "nova": 700_000}


class ParsedPage(HTMLParser):
    """A page as its elements, with the text of those that hold no markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(("", {}, ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text + data

    def data(self, name: str) -> Any:
        (found,) = [text for _, a, text in self.found if a.get("id") == name]
        return json.loads(found)


def rows_of(lifecycle: Lifecycle) -> list[tuple[str, ...]]:
    """The names in the rows of the lanes, with what the system does like a request."""
    lanes = [with_notes(lane) for lane in lanes_of(lifecycle)]
    rows = [row for lane in lanes for row in merged(aside(lane.rows, lane.rest)[0])]
    return [(*row.row.names, *row.also) for row in rows]


@cache
def read(lifecycle: Lifecycle) -> ParsedPage:
    """The page of a lifecycle with nothing taught."""
    return ParsedPage(explorer(lifecycle))


@LIFECYCLES
def test_the_page_is_small_and_the_same_every_time(lifecycle: Lifecycle) -> None:
    taught = content(lifecycle)
    page = explorer(lifecycle, taught)
    assert len(page.encode()) < LARGEST[lifecycle.name]
    assert page == explorer(lifecycle, taught)


@LIFECYCLES
def test_the_page_needs_nothing_from_elsewhere_and_its_policy_allows_nothing(
    lifecycle: Lifecycle,
) -> None:
    found = read(lifecycle).found
    links = {"src", "href", "action", "style", "srcset", "data"}
    assert [
        (t, a) for t, a, _ in found if links & set(a) or any(n.startswith("on") for n in a)
    ] == []
    (policy,) = [str(a["content"]) for t, a, _ in found if a.get("http-equiv")]
    scripts = [text for t, a, text in found if t == "script" and not a.get("type")]
    styles = [text for t, _, text in found if t == "style"]
    hashed = {
        kind: " ".join(f"'sha256-{b64encode(sha256(t.encode()).digest()).decode()}'" for t in texts)
        for kind, texts in (("script", scripts), ("style", styles))
    }
    assert policy == (
        f"default-src 'none'; script-src {hashed['script']}; style-src {hashed['style']}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@LIFECYCLES
def test_the_picture_has_every_state_once_and_only_transitions_that_there_are(
    lifecycle: Lifecycle,
) -> None:
    found = read(lifecycle).found
    own = [
        int(str(a["data-state"]))
        for _, a, _ in found
        if "data-state" in a and "again" not in str(a.get("class")).split()
    ]
    assert sorted(own) == list(range(len(lifecycle.states)))
    numbers = {n for _, a, _ in found for n in str(a.get("data-transitions") or "").split(",") if n}
    drawn = {t for arrow in draw.lanes(lifecycle).arrows for t in arrow.transitions}
    assert {lifecycle.transitions[int(n)] for n in numbers} == drawn
    names = {int(str(a["data-trigger"])) for _, a, _ in found if a.get("data-trigger")}
    requested = {name for names in rows_of(lifecycle) for name in names}
    assert {[*lifecycle.triggers][n] for n in names} == requested


@LIFECYCLES
def test_the_styles_know_what_the_picture_is_made_of(lifecycle: Lifecycle) -> None:
    for page in (ParsedPage(explorer(lifecycle)), ParsedPage(made(lifecycle)[0])):
        drawn = {"g", "text", "path", "rect", "circle", "tspan"}
        classes = {
            c for t, a, _ in page.found if t in drawn for c in str(a.get("class", "")).split()
        }
        styles = "".join(text for tag, _, text in page.found if tag == "style")
        plain = {name for name in classes if not re.search(rf"\.{name}\b(?!-)", styles)}
        assert plain <= {"sys", "mark-returns"}


@pytest.mark.parametrize(("name", "subject"), [("nova", "a server"), ("ironic", "an Ironic node")])
def test_page_and_picture_name_what_they_are_about(name: str, subject: str) -> None:
    found = read(server_class(name).lifecycle).found
    named = {a.get("id"): text for tag, a, text in found if tag in ("title", "h1")}
    assert named["board-title"] == f"The lifecycle of {subject}"
    assert named[None].strip() == f"The lifecycle of {subject}"


@LIFECYCLES
def test_a_legend_has_marks(lifecycle: Lifecycle) -> None:
    begun = [(tag, a.get("class")) for tag, a, _ in read(lifecycle).found if tag]
    first = [inner for (_, name), (inner, _) in pairwise(begun) if name == "legend"]
    assert set(first) == {"li"}


@LIFECYCLES
def test_the_data_has_every_word_with_its_meaning(lifecycle: Lifecycle) -> None:
    data = read(lifecycle).data("lifecycle-data")
    table = lifecycle.table
    for name in ("vm_states", "task_states", "statuses"):
        meanings = {word[0]: word[1] for word in data[name]}
        assert meanings == {word.value: word.meaning for word in getattr(table, name)}
    assert [t["name"] for t in data["triggers"]] == [*lifecycle.triggers]
    assert len(data["transitions"]) == len(lifecycle.transitions)
    assert len(data["reasons"]) == len(set(data["reasons"]))


def test_the_scripts_read_all_of_the_data() -> None:
    data = read(NOVA).data("lifecycle-data")
    keys = {*data, *data["facts"][0], *data["triggers"][0]}
    code = "".join((FOLDER / "script" / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    assert [key for key in sorted(keys) if not re.search(rf"\.{key}\b", code)] == []


def test_every_script_is_in_the_page_and_within_reason() -> None:
    names = sorted(path.stem for path in (FOLDER / "script").glob("*.js"))
    assert sorted(SCRIPTS) == names
    long = {n: len((FOLDER / "script" / f"{n}.js").read_text("utf-8").splitlines()) for n in names}
    assert {name: lines for name, lines in long.items() if lines > 250} == {}


STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_word_of_a_table_stands_in_a_script(name: str) -> None:
    text = (FOLDER / "script" / f"{name}.js").read_text("utf-8")
    code = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    words: set[str] = set()
    for lifecycle in (ECS, NOVA):
        table = lifecycle.table
        words |= {*lifecycle.triggers, *table.vm_states, *table.task_states, *table.statuses}
        words |= {*lifecycle.states, *(fact.name for fact in table.facts)}
    literals = {plain or template for plain, template in STRING.findall(code)}
    assert literals & words == set()
    unmistakable = [w for w in words if re.search(r"[-_/]", w)]
    assert [w for w in unmistakable if re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", code)] == []


def test_what_comes_from_a_lesson_cannot_end_its_element() -> None:
    page = ParsedPage(explorer(ECS, HOSTILE))
    assert page.data("content-data")["lessons"][0]["title"] == EVIL
    assert [a for t, a, _ in page.found if t == "img"] == []


@pytest.mark.parametrize(
    "lessons",
    [[{**LESSONS[0], "title": "x" * 1_000_000}], [LESSONS[0]] * 101, [{"name": "n", "steps": [{"text": "x" * 5000}]}]],
    ids=["a megabyte", "a hundred and one", "deep inside"],
)  # fmt: skip
def test_lessons_that_are_too_much_are_refused(lessons: list[dict[str, object]]) -> None:
    with pytest.raises(InvalidInput, match="at most"):
        as_data(ECS, Content(lessons))


def test_a_text_of_four_thousand_letters_and_a_hundred_lessons_are_taken() -> None:
    lesson = {**LESSONS[0], "title": "x" * MOST_CHARACTERS}
    assert MOST_CHARACTERS == 4000
    assert as_data(ECS, Content([lesson] * MOST_LESSONS))["lessons"] == [lesson] * 100


def test_a_hundred_waiters_are_taken_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "waiters.toml"
    waiter = '[[waiter]]\nname = "{}"\noperation = "confirm_resize"\ntarget = ["ACTIVE"]\n'
    hundred = "".join(waiter.format(number) for number in range(100))
    file.write_text(hundred, encoding="utf-8")
    assert len(content(NOVA, waiters=str(file)).waiters or ()) == 100
    file.write_text(hundred + waiter, encoding="utf-8")
    with pytest.raises(InvalidInput, match="101 waiters; expected at most 100"):
        content(NOVA, waiters=str(file))


def test_the_tabs_count_lessons_and_questions_if_there_are_any() -> None:
    counted = Content(LESSONS, [{}] * 7)
    for taught, numbers in ((counted, (f"{len(LESSONS)}", "7")), (Content(), ("", ""))):
        page = explorer(ECS, taught)
        for name, number in zip(("Lessons", "Quiz"), numbers, strict=True):
            assert f">{name} {number}</button>" in page


def test_the_command_writes_the_page_and_prints_the_name_that_it_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ecs_fsm("explore") == (0, "lifecycle.html\n", "")
    assert ecs_fsm("explore", "--lifecycle", "nova", "-o", "nova.html") == (0, "", "")
    assert "(nova)" in (tmp_path / "nova.html").read_text("utf-8")
    assert "(ecs)" in (tmp_path / "lifecycle.html").read_text("utf-8")


def test_the_command_opens_the_page(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    file = tmp_path / "page.html"
    done = installed("explore", "-o", str(file), "--open", BROWSER=str(browser))
    assert done == (0, "", "")
    assert (tmp_path / "opened").read_text("utf-8").strip() == file.as_uri()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "no/such/folder/x.html"], "no/such/folder/x.html"),
        (["--lifecycle", "novae"], "unknown lifecycle 'novae'"),
        (["more"], "unexpected extra argument"),
    ],
    ids=["no folder", "no lifecycle", "a word too many"],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: list[str], said: str) -> None:
    code, out, err = ecs_fsm("explore", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_the_loops_of_the_gallery_come_first_each_with_the_finding_that_it_shows() -> None:
    loops = tomllib.loads((ROOT / "diagrams" / "findings.toml").read_text("utf-8"))["loop"]
    for lifecycle in (ECS, NOVA):
        own = [loop for loop in loops if loop.get("lifecycle", "nova") == lifecycle.name]
        shown: list[Any] = list(examples(lifecycle)[: len(own)])
        assert own
        for loop, waiter in zip(own, shown, strict=True):
            assert waiter["name"] == f"{loop['project']}: {loop['operation']}"
            assert waiter["pending"] == loop.get("pending")
            assert (waiter["target"], waiter["failure"]) == (
                loop["target"],
                loop.get("failure", []),
            )
            assert loop["finding"] in {finding["finding"] for finding in waiter["findings"]}
            assert len(waiter["better"]["findings"]) < len(waiter["findings"])


def test_an_event_of_a_finding_has_the_facts_that_can_be_given_with_it() -> None:
    shown: Any = as_data(NOVA, content(NOVA))
    events = [
        (name, facts)
        for waiter in shown["waiters"]
        for finding in waiter["findings"]
        for name, facts in finding["events"]
    ]
    assert ("shelve", {"offload": "now"}) in events
    assert all({*facts} <= {*NOVA.triggers[name].given} for name, facts in events)
    assert len(shown["lessons"]) > 10


def test_the_page_of_the_repository_is_what_the_table_gives_now() -> None:
    kept = (ROOT / "diagrams" / "lifecycle.html").read_text(encoding="utf-8")
    assert explorer(ECS, content(ECS)) == kept, "run make diagrams"


@pytest.mark.parametrize("name", ["parcel", "pump"])
def test_what_a_page_knows_of_a_small_lifecycle_is_what_was_read_once(name: str) -> None:
    own = ROOT / "tests" / "own"
    data = exported(server_class(str(own / f"{name}.toml")).lifecycle)
    kept = json.loads((own / "exports" / f"{name}.page.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(data)) == kept
