"""A project as a whole: which files are read, comments that decide, helpers, and hostile input."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from ecs_fsm.core.errors import InvalidInput, MissingExtra
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.waiters.scan import source_files
from ecs_fsm.waiters.scan.configuration import scan_paths
from tests.command import ecs_fsm
from tests.waiters.scan.scanning import judged, only, scanned

OFF = """
import openstack

def off(conn, server):
    conn.compute.stop_server(server)
    conn.compute.wait_for_server(server, status="SHUTOFF")
"""
UNKNOWN = """
import openstack

def ready(conn, server):
    # ecs-fsm: operation=rebuild from=stopped/-
    conn.compute.wait_for_server(server)
"""


def test_a_comment_decides_operation_and_start(tmp_path: Path) -> None:
    verdict = judged(tmp_path, a__py=UNKNOWN)
    (wait,) = verdict.waits
    assert wait.reason is None
    assert wait.wait.operations == ("rebuild",)
    assert {placed.finding.from_ for placed in wait.findings} == {"stopped/-"}
    assert verdict.unused == ()


def test_a_comment_chooses_the_lifecycle(tmp_path: Path) -> None:
    (wait,) = judged(tmp_path, a__py=OFF + "    # ecs-fsm: lifecycle=ecs\n").waits
    assert wait.waiters[0].lifecycle.name == "nova"
    text = OFF.replace(
        "    conn.compute.wait", "    # ecs-fsm: lifecycle=ecs\n    conn.compute.wait"
    )
    (wait,) = judged(tmp_path, a__py=text).waits
    assert wait.waiters[0].lifecycle.name == "ecs"


def test_an_operation_that_the_lifecycle_lacks_is_not_judged(tmp_path: Path) -> None:
    text = UNKNOWN.replace("rebuild from=stopped/-", "shelve lifecycle=ecs")
    (wait,) = judged(tmp_path, a__py=text).waits
    assert wait.reason is not None
    assert "shelve" in wait.reason
    assert wait.findings == ()


def test_a_start_that_the_operation_refuses_is_not_judged(tmp_path: Path) -> None:
    (wait,) = judged(tmp_path, a__py=UNKNOWN.replace("stopped/-", "paused/-")).waits
    assert wait.reason is not None
    assert "refused" in wait.reason


def test_an_ignore_hides_its_kind_and_needs_a_reason(tmp_path: Path) -> None:
    text = OFF.replace(
        "    conn.compute.wait",
        "    # ecs-fsm: ignore hangs -- it has a time limit\n    conn.compute.wait",
    )
    kinds = {p.finding.kind for w in judged(tmp_path, NOVA, a__py=OFF).waits for p in w.findings}
    left = judged(tmp_path, NOVA, a__py=text)
    assert kinds - {p.finding.kind for w in left.waits for p in w.findings} == {"hangs"}
    assert left.unused == ()
    bare = judged(tmp_path, NOVA, a__py=text.replace(" -- it has a time limit", ""))
    assert bare.problems == (
        "a.py:6: ignore gives no reason; expected operation=NAME, from=VM/TASK, lifecycle=NAME or "
        "ignore KIND -- reason",
    )


def test_a_comment_that_hides_or_decides_nothing_is_reported(tmp_path: Path) -> None:
    text = "# ecs-fsm: ignore misses -- old\nx = 1\n\n\n\n# ecs-fsm: operation=stop\ny = 2\n"
    assert judged(tmp_path, a__py=text).unused == (
        "a.py:1: hides no finding; remove the comment",
        "a.py:6: no wait begins here; remove the comment",
    )


def test_a_comment_sign_inside_a_text_starts_no_comment(tmp_path: Path) -> None:
    assert judged(tmp_path, a__py='x = "# ecs-fsm: ignore misses -- no"\n').unused == ()


def test_a_helper_of_a_project_can_be_declared(tmp_path: Path) -> None:
    call = "def off(nova, vm):\n    nova.servers.stop(vm)\n    until_it_is(vm, 'SHUTOFF')\n"
    assert scanned(tmp_path, a__py=call).waits == []
    declared = """
    [[tool.ecs-fsm.helper]]
    function = "until_it_is"
    parameters = ["vm", "status"]
    server = "vm"
    target_from = "status"
    """
    wait = only(tmp_path, a__py=call, pyproject__toml=declared)
    assert (wait.operations, wait.target) == (("stop",), ("SHUTOFF",))


def test_a_wrong_declaration_names_its_file(tmp_path: Path) -> None:
    (tmp_path / ".ecs-fsm.toml").write_text('[[helper]]\nfunctoin = "x"\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"\.ecs-fsm\.toml: unknown key 'functoin'"):
        scan_paths([str(tmp_path)])


def test_a_project_file_that_does_not_read_is_not_ours_to_judge(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="import openstack\ndef f(conn, vm):\n    conn.compute.stop_server(vm)\n"
        "    conn.compute.wait_for_server(vm, status='SHUTOFF')\n",
        pyproject__toml="[tool.other\n",
    )
    assert (wait.operations, wait.target) == (("stop",), ("SHUTOFF",))


def test_a_helper_of_another_file_counts_where_its_server_is_known(tmp_path: Path) -> None:
    scan = scanned(
        tmp_path,
        base__py="""
        import time

        class Base:
            def wait_until(self, server, status):
                while self.nova.servers.get(server.id).status != status:
                    time.sleep(1)
        """,
        child__py="""
        class Child(Base):
            def off(self, server):
                self.nova.servers.stop(server)
                self.wait_until(server, "SHUTOFF")
        """,
    )
    assert [(w.file, w.line) for w in scan.waits if w.operations] == [("child.py", 5)]


def test_a_method_for_one_status_is_not_taken_for_the_known_function_of_its_name(
    tmp_path: Path,
) -> None:
    scan = scanned(
        tmp_path,
        base__py="""
        import time

        class Base:
            def wait_for_server(self, server):
                while self.nova.servers.get(server.id).status != "SHUTOFF":
                    time.sleep(1)
        """,
        child__py="""
        class Child:
            def on(self, server):
                self.nova.servers.start(server)
                self.wait_for_server(server)
        """,
    )
    found = [(w.file, [*w.target]) for w in scan.waits if w.operations]
    assert found == [("child.py", ["ACTIVE"])]


def test_ignored_vendored_and_excluded_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build.py\n/made/\n!kept.py\n", encoding="utf-8")
    for name in ("build.py", "made/a.py", "vendor/a.py", "tests/a.py", "kept.py", ".hidden/a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(OFF, encoding="utf-8")
    found = scan_paths([str(tmp_path)], ["tests/"])
    assert [wait.file for wait in found.waits] == ["kept.py"]


def test_files_that_cannot_be_read_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    deep = "x = " + "(" * 5_000 + "wait_for_server" + ")" * 5_000
    scan = scanned(
        tmp_path,
        broken__py="def server(:\n    sleep\n",
        deep__py=deep,
        deep__yml="- until: " + "[" * 5_000 + "\n  os_server_info:\n",
        good__py=OFF,
    )
    assert [wait.file for wait in scan.waits] == ["good.py"]
    assert [problem.split(":")[0] for problem in scan.problems] == [
        "broken.py",
        "deep.py",
        "deep.yml",
    ]


def test_binary_and_badly_encoded_files_are_named_or_passed_over(tmp_path: Path) -> None:
    for name in ("a.py", "b.go", "c.sh", "d.yml"):
        (tmp_path / name).write_bytes(
            b"\xff\xfe\x00 sleep wait_for_server openstack servers until:"
        )
    scan = scan_paths([str(tmp_path)])
    assert scan.waits == []
    assert {problem.split(":")[0] for problem in scan.problems} <= {"a.py", "d.yml"}


@pytest.mark.parametrize("word", ["go", "sh"])
def test_deep_nesting_ends(tmp_path: Path, word: str) -> None:
    texts = {
        "go": 'package a\nimport "x/compute/v2/servers"\nfunc f() { '
        + "if a { " * 3_000
        + "b := retry.StateChangeConf{}"
        + "}" * 3_001,
        "sh": "if a; then\n" * 3_000 + "openstack server show\n" + "fi\n" * 3_000,
    }
    (tmp_path / f"deep.{word}").write_text(texts[word], encoding="utf-8")
    assert scan_paths([str(tmp_path)]).waits == []


def test_a_file_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "MOST_BYTES", 100)
    scan = scanned(tmp_path, large__py=OFF)
    assert scan.waits == []
    assert scan.problems == [f"large.py: {len(OFF)} bytes, more than 100; not read"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(OFF, encoding="utf-8")
    os.symlink(tmp_path, tmp_path / "again")
    os.symlink(tmp_path / "a.py", tmp_path / "b.py")
    assert [wait.file for wait in scan_paths([str(tmp_path)]).waits] == ["a.py"]


def test_nothing_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    code = f"open({str(mark)!r}, 'w').close()\n"
    (tmp_path / "a.py").write_text(code + OFF + code, encoding="utf-8")
    (tmp_path / "b.sh").write_text(f"touch {mark}\nopenstack server stop x\n", encoding="utf-8")
    (tmp_path / "c.yml").write_text(
        f"- until: !!python/object/apply:os.system ['touch {mark}']\n  os_server_info:\n",
        encoding="utf-8",
    )
    assert len(scan_paths([str(tmp_path)]).waits) >= 1
    assert not mark.exists()


def test_strict_fails_at_what_could_not_be_judged(tmp_path: Path) -> None:
    text = UNKNOWN.replace("    # ecs-fsm: operation=rebuild from=stopped/-\n", "")
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    assert ecs_fsm("check", str(tmp_path)).code == 0
    done = ecs_fsm("check", str(tmp_path), "--strict")
    assert done.code == 1
    assert "a.py:5: ready: not judged: no request for this server" in done.out
    assert done.out.endswith(
        "0 waiters judged, 1 not judged, 0 waits for other things passed over\n"
    )


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["nowhere/a.py"], "nowhere/a.py"),
        ([".", "--operation", "stop"], "leave out the PATH"),
        ([".", "waiters.toml"], "check TOML files and source separately"),
        ([".", "--format", "junit", "--toml"], "mutually exclusive"),
        ([".", "--write-baseline"], "needs --baseline FILE"),
        ([".", "--lifecycle", "azure"], "azure"),
        (["--operation", "stop", "--target", "SHUTOFF", "--strict"], "for scans"),
    ],
)
def test_bad_words_get_one_clear_line(words: list[str], wrong: str) -> None:
    done = ecs_fsm("check", *words)
    assert done.code == 2
    assert wrong in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("last", [True, False])
def test_a_file_of_waiters_among_source_is_named(tmp_path: Path, last: bool) -> None:
    source, waiters = tmp_path / "a.py", tmp_path / "w.toml"
    source.touch()
    waiters.touch()
    paths = [str(source), str(waiters)]
    _, _, err = ecs_fsm("check", *(paths if last else paths[::-1]))
    assert err.startswith(f"ecs-fsm: {waiters} is not source to scan")


def test_json_goes_to_standard_output_and_notes_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(OFF, encoding="utf-8")
    (tmp_path / "b.py").write_text("def server(:\n sleep", encoding="utf-8")
    done = ecs_fsm("check", str(tmp_path), "--format", "json")
    assert len(json.loads(done.out)["waiters"]) == 1
    assert done.err.startswith("note: b.py: does not parse")


@pytest.mark.parametrize("library", ["tree_sitter_go", "yaml", "pathspec"])
def test_a_missing_library_is_named_with_the_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf"needs {library}: .*\[scan\]'"):
        scan_paths([str(tmp_path)])


def test_five_thousand_files_are_scanned_in_time(tmp_path: Path) -> None:
    other = "".join(f"def value_{n}(instance):\n    return instance[{n}]\n" for n in range(100))
    for number in range(5_000):
        folder = tmp_path / f"part{number // 100}"
        folder.mkdir(exist_ok=True)
        text = OFF + other if number % 20 == 0 else other
        (folder / f"f{number}.py").write_text(text, encoding="utf-8")
    began = time.process_time()
    scan = scan_paths([str(tmp_path)])
    assert time.process_time() - began < 10
    assert len(scan.waits) == 250
