"""Sources of a test written to a folder, and what the scanner finds there."""

from __future__ import annotations

import textwrap
from pathlib import Path

from ecs_fsm import Lifecycle
from ecs_fsm.waiters.scan.configuration import Scan, scan_paths
from ecs_fsm.waiters.scan.verdict import Verdict, judge
from ecs_fsm.waiters.scan.wait import Wait

FIXTURES = Path(__file__).parent / "fixtures"


def fixtures(folder: Path) -> Path:
    """Write the fixtures under their own names: kept as .txt, nothing imports them by accident."""
    for file in sorted(FIXTURES.glob("*.txt")):
        (folder / file.stem).write_bytes(file.read_bytes())
    return folder


def scanned(folder: Path, **files: str) -> Scan:
    """Scan files given as `name__extension="text"`."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(textwrap.dedent(text), encoding="utf-8")
    return scan_paths([str(folder)])


def only(folder: Path, **files: str) -> Wait:
    """The one wait of some files."""
    (wait,) = scanned(folder, **files).waits
    return wait


def judged(folder: Path, lifecycle: Lifecycle | None = None, **files: str) -> Verdict:
    """The files judged."""
    return judge(scanned(folder, **files), lifecycle)
