"""The wheel in fresh environments: the demo without extras, and the first command of each extra."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_BYTES = 40_000_000
WAITER = "import openstack\n"
FIRST = {
    "": ["simulate", "create", "stop", "resize:fail@resize_finish", "rebuild", "delete"],
    "pdf": ["draw", "operation", "stop", "-o", "stop.pdf"],
    "png": ["draw", "operation", "stop", "-o", "stop.png"],
    "gif": ["draw", "animate", "create", "-o", "stop.gif"],
    "fleet": ["fleet", "exact"],
    "dask": ["fleet", "exact"],
    "play": ["play", "--help"],
    "scan": ["check", "waiter.py"],
    "serve": ["serve", "--help"],
    "watch": ["watch", "--help"],
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.parametrize("extra", FIRST)
def test_the_wheel_works_in_a_fresh_environment(
    extra: str, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    place = tmp_path / "venv"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    packages = next(place.glob("lib/*/site-packages"))
    before = size(packages)
    what = f"{wheel}[{extra}]" if extra else str(wheel)
    subprocess.run([python, "-m", "pip", "install", "--quiet", what], check=True)
    (tmp_path / "waiter.py").write_text(WAITER, encoding="utf-8")
    for command in ([place / "bin" / "ecs-fsm"], [python, "-m", "ecs_fsm"]):
        done = subprocess.run(
            [*command, *FIRST[extra]], check=False, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
    if not extra:
        assert size(packages) - before <= MOST_BYTES


def size(folder: Path) -> int:
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
