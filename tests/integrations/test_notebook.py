"""What a notebook shows of a server and its history, and the notebook that shows it."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
import sys
import sysconfig
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ecs_fsm import ECS, Lifecycle, Server
from ecs_fsm.core.history import History
from ecs_fsm.core.model import Change
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer

NOTEBOOK = Path(__file__).parents[2] / "diagrams" / "examples.ipynb"


def texts(svg: str) -> str:
    return " ".join(ET.fromstring(svg).itertext())  # noqa: S314 what our own engine wrote


class Cells(HTMLParser):
    """The cells of a table, row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.images: list[dict[str, str | None]] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.rows[-1][-1] += data


def test_a_server_shows_itself_as_its_place_in_the_picture_and_nothing_else() -> None:
    server = Server.at("active")
    server.stop()
    shown = server._repr_svg_()
    assert shown.startswith("<svg")
    assert "1 begins: active/- ACTIVE; 2 stop: active/powering-off ACTIVE." in texts(shown)
    assert not hasattr(server, "_repr_html_")  # a notebook would show that instead


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_a_server_shows_itself_wherever_it_rests(lifecycle: Lifecycle) -> None:
    for vm_state in lifecycle.table.vm_states:
        if f"{vm_state}/-" in lifecycle.states:
            server = server_class(lifecycle.name).at(vm_state, history=False)
            assert f"begins: {vm_state}/-" in texts(server._repr_svg_())


def test_the_end_of_a_long_history_is_shown() -> None:
    server = Server.at("active")
    for _ in range(40):
        server.stop()
        server.roll_back()
    assert "40 stop: active/powering-off ACTIVE" not in texts(server._repr_svg_())
    cells = Cells(server.history._repr_html_())
    assert cells.rows[1] == ["41 earlier"]
    assert len(cells.rows) == 42


def test_a_history_shows_itself_as_a_table_and_a_timeline() -> None:
    server = Server.at("active")
    server.stop()
    cells = Cells(server.history._repr_html_())
    assert cells.rows == [
        ["event", "vm_state", "task_state", "status"],
        ["-", "active", "-", "ACTIVE"],
        ["stop", "active", "powering-off", "ACTIVE"],
    ]
    (image,) = cells.images
    assert image["alt"] == "A run in time (ecs): stop"
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")


def test_what_is_remembered_has_a_column_of_its_own() -> None:
    server = NovaServer.at("stopped", boot="image", upload="staged")
    server.shelve(offload="later")
    heading, _, last = Cells(server.history._repr_html_()).rows
    assert heading[-1] == "remembers"
    assert last[-1] == "offload=later,boot=image,upload=staged"


def test_what_stands_in_a_history_is_shown_as_text() -> None:
    state = ECS.state("active")
    change = Change("<script>alert(1)</script>", state.vm_state, None, state.status)
    cells = Cells(History([change])._repr_html_())
    assert cells.rows[1][0] == "<script>alert(1)</script>"
    assert cells.tags & {"script", "img"} == set()


def test_an_empty_history_is_a_table_without_rows() -> None:
    cells = Cells(Server.at("active", history=False).history._repr_html_())
    assert (len(cells.rows), cells.images) == (1, [])


def test_a_history_keeps_its_lifecycle_where_it_is_pickled() -> None:
    server = Server.at("active")
    server.stop()
    again = pickle.loads(pickle.dumps(server.history))  # noqa: S301 our own
    assert again == server.history
    assert again._repr_html_() == server.history._repr_html_()


def test_nothing_but_the_package_is_needed() -> None:
    code = (
        "import sys\nfrom ecs_fsm import Server\nserver = Server.at('active')\n"
        "server._repr_svg_(), server.history._repr_html_()\n"
        "assert not {'IPython', 'nbformat', 'matplotlib', 'textual'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def outputs(path: Path) -> list[list[Any]]:
    """What each cell shows; a kernel sends the text of a cell in any number of pieces."""
    notebook = json.loads(path.read_text("utf-8"))
    found: list[list[Any]] = []
    for cell in notebook["cells"]:
        shown: list[Any] = []
        for output in cell.get("outputs", ()):
            if output["output_type"] != "stream":
                shown.append(output)
            elif shown and shown[-1].get("name") == output["name"]:
                shown[-1]["text"] += "".join(output["text"])
            else:
                shown.append({**output, "text": "".join(output["text"])})
        found.append(shown)
    return found


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("notebook") / NOTEBOOK.name
    shutil.copy(NOTEBOOK, copy)
    execute = Path(sysconfig.get_path("scripts")) / "jupyter-execute"
    command = [str(execute), "--inplace", "--NotebookClient.record_timing=False", str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    return copy


def test_the_notebook_runs_and_shows_what_it_shows_in_the_repository(executed: Path) -> None:
    assert outputs(executed) == outputs(NOTEBOOK), "run make notebook"


def test_the_notebook_shows_pictures_a_table_and_a_refusal(executed: Path) -> None:
    shown = [output for cell in outputs(executed) for output in cell or ()]
    kinds = [kind for output in shown for kind in output.get("data", {})]
    assert kinds.count("image/svg+xml") == 2
    assert kinds.count("text/html") == 1
    text = "".join(part for output in shown for part in output.get("text", ()))
    assert "reboot is refused at active/powering-off" in text
    assert re.search(r"^  right ", text, re.MULTILINE)
    assert not [output for output in shown if output["output_type"] == "error"]
