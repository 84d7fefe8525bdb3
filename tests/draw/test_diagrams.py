"""The pictures of the repository are those that the tables give today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIAGRAMS = ROOT / "diagrams"


def drawn(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.suffix in (".svg", ".png", ".md", ".html"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_picture_is_fresh(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DIAGRAMS / "make.py", tmp_path], check=True)
    fresh, kept = drawn(tmp_path), drawn(DIAGRAMS)
    assert sorted(kept) == sorted(fresh)
    assert [name for name in fresh if kept[name] != fresh[name]] == [], "run make diagrams"


def test_readme_shows_pictures_that_exist() -> None:
    for page in (ROOT / "README.md", DIAGRAMS / "README.md"):
        shown = [
            part.partition(")")[0] for part in page.read_text(encoding="utf-8").split("](")[1:]
        ]
        files = [name for name in shown if not name.startswith(("http", "#"))]
        assert files
        assert [name for name in files if not (page.parent / name).exists()] == []
