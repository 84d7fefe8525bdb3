"""A release: the wheel and the source distribution hold what they should and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
MOST_BYTES = 1_200_000
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.d.ts")
"""What Python compiles, and types of scripts, which only the checker reads."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and a source distribution of the present files."""
    clean, folder = tmp_path_factory.mktemp("clean"), tmp_path_factory.mktemp("release")
    shutil.copytree(ROOT / "ecs_fsm", clean / "ecs_fsm", ignore=NOT_SHIPPED)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clean)
    where = {"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "owner/project"}
    environment = {**os.environ, **where}
    subprocess.run(["/bin/sh", "-c", naming()], check=True, cwd=clean, env=environment)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(clean)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def naming() -> str:
    """The step of the release that writes where the repository is."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["build"]["steps"]
    (found,) = (step["run"] for step in steps if "GITHUB_REPOSITORY" in step.get("run", ""))
    return str(found)


def packaged() -> set[str]:
    """The files of the package as they stand in the repository."""
    files = [path for path in (ROOT / "ecs_fsm").rglob("*") if path.is_file()]
    kept = [f for f in files if "__pycache__" not in f.parts and not f.name.endswith(".d.ts")]
    return {str(file.relative_to(ROOT)) for file in kept}


def test_the_wheel_holds_the_package_its_licence_and_nothing_else(release: Path) -> None:
    (wheel,) = release.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (about,) = (archive.read(n).decode() for n in names if n.endswith(".dist-info/METADATA"))
    assert {name for name in names if ".dist-info/" not in name} == packaged()
    assert "ecs_fsm/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size <= MOST_BYTES
    assert "Project-URL: Source, https://git.example/owner/project\n" in about
    assert "Project-URL: Issues, https://git.example/owner/project/issues\n" in about


def test_the_source_distribution_holds_the_package(release: Path) -> None:
    (source,) = release.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert packaged() | {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_the_index_would_take_them(release: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, release.iterdir())]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
