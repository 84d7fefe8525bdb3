"""Finds a Chromium, or installs one, and writes down where it is: `make` calls it once.

An installed browser comes first, then Debian's where this user may install it, then one that a
package of the npm registry holds. What judges the page beside it, axe-core, comes from there too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Error, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
INSTALLED = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
PACKAGED = "@sparticuz/chromium@153.0.0"
HERE = Path(__file__).parent
NPM = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix")


class Found(TypedDict):
    """A browser: where it is, and what must be set for it."""

    path: str
    environment: dict[str, str]


def runs(found: Found) -> bool:
    """Whether that is a browser which can be started."""
    env: dict[str, str | float | bool] = {**os.environ, **found["environment"]}
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found["path"], args=FLAGS, env=env)
            browser.new_page().goto("about:blank")
            browser.close()
        except Error:
            return False
    return True


def installed() -> Found | None:
    """A browser of this machine."""
    paths = (shutil.which(name) for name in INSTALLED)
    there = (Found(path=path, environment={}) for path in paths if path)
    return next((found for found in there if runs(found)), None)


def from_debian() -> Found | None:
    """Debian's, if this user may install it."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        done = subprocess.run(["apt-get", "-qq", *words], env=env, capture_output=True, check=False)
        if done.returncode != 0:
            return None
    return installed()


def from_npm(folder: Path) -> Found | None:
    """One that a package holds, with the libraries that it needs."""
    if subprocess.run([*NPM, str(folder), PACKAGED], check=False).returncode != 0:
        return None
    unpacked = folder / "unpacked"
    unpacked.mkdir(exist_ok=True)
    entry = folder / "node_modules" / "@sparticuz" / "chromium" / "build" / "index.js"
    done = subprocess.run(
        ["node", str(HERE / "unpack.mjs"), entry.as_uri()],
        env={**os.environ, "TMPDIR": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        return None
    found: Found = json.loads(done.stdout)
    return found if runs(found) else None


def main(folder: Path) -> int:
    """Install into a folder; what is found stands in its `browser.json`."""
    folder.mkdir(exist_ok=True)
    shutil.copy(HERE / "package.json", folder)
    subprocess.run([*NPM, str(folder)], check=True)
    found = installed() or from_debian() or from_npm(folder)
    if found is None:
        print(
            "No browser: install Chromium (apt-get install chromium) so that the explorer's page "
            "can be tried in it; make test-core is everything else.",
            file=sys.stderr,
        )
        return 1
    (folder / "browser.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
