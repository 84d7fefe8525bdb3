"""Puts the playground together: the page, Python for browsers, this package and what it needs.

`assemble.py install PARTS` fetches from the registries, once; `assemble.py build PARTS TARGET`
writes the folder that is served. Packages of Python alone are those of this environment; the one
that is compiled comes as a wheel for that Python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import files, requires, version
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMPILED = "msgspec"
PLATFORM = ("--python-version", "3.14", "--abi", "cp314", "--platform")
PLATFORM += ("pyemscripten_2026_0_wasm32",)
ENGINE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
ENGINE += ("pyodide-lock.json",)
PAGE = ("index.html", "page.css", "page.js", "files.mjs", "worker.js", "prompts.py")
MADE = ("memory.bin", "ecs_fsm.zip", "others.zip")
"""What takes a while to make: it is kept for the next time."""
SKIPPED = {".so", ".pyc", ".pyi", ".ts"}
MOMENT = (2020, 1, 1, 0, 0, 0)
"""Stamped on every file, so that the same files make the same bytes."""


def install(parts: Path) -> None:
    """Fetch Python for browsers and the compiled package."""
    parts.mkdir(exist_ok=True)
    shutil.copy(HERE / "package.json", parts)
    npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(parts))
    subprocess.run(npm, check=True)
    for old in parts.glob("*.whl"):
        old.unlink()
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    wanted = f"{COMPILED}=={version(COMPILED)}"
    only = ("--no-deps", "--only-binary", ":all:", "--dest", str(parts), *PLATFORM, wanted)
    subprocess.run([*pip, *only], check=True)


def build(parts: Path, target: Path) -> None:
    """Write the folder that is served."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in PAGE:
        shutil.copy(HERE / name, target)
    for name in ENGINE:
        shutil.copy(parts / "node_modules" / "pyodide" / name, target)
    write(target / "ecs_fsm.zip", [*own(), *compiled(parts)])
    write(target / "others.zip", others())
    snapshot(parts, target)


def snapshot(parts: Path, target: Path) -> None:
    """Compile the packages and write the memory of a Python with them, once for the same files."""
    hashed = sha256()
    for path in (HERE / "snapshot.mjs", HERE / "compile.py", *sorted(target.iterdir())):
        hashed.update(path.read_bytes())
    kept = parts / f"made-{hashed.hexdigest()}"
    if not kept.exists():
        node = Path(sys.prefix) / "bin" / "node"
        subprocess.run((node, HERE / "snapshot.mjs", target), check=True)
        for old in parts.glob("made-*"):
            shutil.rmtree(old)
        making = parts / "making"
        making.mkdir(exist_ok=True)
        for name in MADE:
            shutil.copy(target / name, making)
        making.rename(kept)  # whole, or not there
    for name in MADE:
        shutil.copy(kept / name, target)


def write(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, MOMENT), data, zipfile.ZIP_DEFLATED)


def own() -> Iterator[tuple[str, bytes]]:
    """Yield the files of this package, which reads its data beside its modules."""
    for path in (ROOT / "ecs_fsm").rglob("*"):
        if path.is_file() and path.suffix not in SKIPPED:
            yield str(path.relative_to(ROOT)), path.read_bytes()


def compiled(parts: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the package that is compiled."""
    (wheel,) = parts.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def others() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the packages that stay in their archive."""
    for name in needed():
        for file in files(name) or ():
            if ".." not in file.parts and "tests" not in file.parts and file.suffix not in SKIPPED:
                yield str(file), file.read_binary()


def needed() -> set[str]:
    """Return the names of the packages of Python alone that this one needs without an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: set[str] = set()
    lines = list(project["dependencies"])
    while lines:
        wanted = Requirement(lines.pop())
        there = {"extra": "", "python_version": "3.14", "sys_platform": "emscripten"}
        if wanted.name not in found and (not wanted.marker or wanted.marker.evaluate(there)):
            found.add(wanted.name)
            lines += requires(wanted.name) or ()
    return found - {COMPILED}


def main(action: str, parts: str, target: str = "") -> None:
    """Do one of both."""
    if action == "install":
        install(Path(parts))
    else:
        build(Path(parts), Path(target))


if __name__ == "__main__":
    main(*sys.argv[1:])
