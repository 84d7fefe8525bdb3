"""The clouds, fleets and tests in README and the documents run; `test_documents` has the rest."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import COMMAND, ecs_fsm

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = README + "".join(p.read_text(encoding="utf-8") for p in sorted(ROOT.glob("docs/**/*.md")))


def test_the_demo_of_the_makefile_is_the_first_example() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    first = re.search(r"^\$ (.*)$", README, re.MULTILINE)
    assert first
    assert first[1] in makefile


FLEETS = dict.fromkeys(re.findall(r"^ecs-fsm (fleet .*)$", TEXT, re.MULTILINE))
OBSERVED = "\n".join(
    ["server,seconds,vm_state,task_state"]
    + [
        f"{n},{t},{vm_state},{task}"
        for n in range(40)
        for t, vm_state, task in (
            (0, "active", ""),
            (5 + n, "active", "powering-off"),
            (30 + 2 * n, "stopped", ""),
        )
    ]
)

HOSTS = re.findall(r":caption: hosts.toml\n\n(.*?)```", TEXT, re.DOTALL)[0]


@pytest.mark.parametrize("line", FLEETS)
def test_an_example_of_fleets_runs_with_fewer_servers(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "observed.csv").write_text(OBSERVED, encoding="utf-8")
    (tmp_path / "hosts.toml").write_text(HOSTS, encoding="utf-8")
    fewer = re.sub(r"--servers \d+", "--servers 50", line).replace("--step 1h", "--step 1d")
    fewer += " --duration 100d" if "capacity" in line else ""
    assert ecs_fsm(*shlex.split(fewer)).code == 0
    written = re.findall(r"(?:-o|--plot) (\S+)", line)
    assert [name for name in written if not (tmp_path / name).stat().st_size] == []


def test_readme_has_an_example_of_every_command_of_fleets() -> None:
    assert {line.split()[1] for line in FLEETS} >= {"run", "exact", "contend", "capacity", "fit"}


SERVED = dict.fromkeys(re.findall(r"^ecs-fsm (serve.*)$", TEXT, re.MULTILINE))


@pytest.mark.parametrize("line", SERVED)
def test_an_example_of_a_cloud_listens_and_ends_on_request(line: str, tmp_path: Path) -> None:
    command = [COMMAND, *shlex.split(line), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stdout
        first = running.stdout.readline()
        running.send_signal(signal.SIGTERM)
    assert re.match(r"ecs-fsm serve: http://127\.0\.0\.1:\d+ ", first)
    assert running.returncode == 0


PROGRAMS = [
    *dict.fromkeys(
        b for b in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "def test_" in b
    )
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_test_in_readme_passes(program: str, tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout


def test_readme_has_a_cloud_and_a_test_with_one() -> None:
    assert (len(SERVED) > 1, len(PROGRAMS)) == (True, 1)
