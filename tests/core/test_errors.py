"""What is installed with is what the package itself was installed from."""

from __future__ import annotations

import json
from importlib import metadata

import pytest

from ecs_fsm.core.errors import installing

EDITABLE = {"url": "file:///home/me/my%20clone", "dir_info": {"editable": True}}
FOLDER = {"url": "file:///home/me/clone", "dir_info": {}}
ARCHIVE = {"url": "https://example.org/ecs_fsm.whl", "archive_info": {}}


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (EDITABLE, "pip install -e '/home/me/my clone[pdf]'"),
        (FOLDER, "pip install '/home/me/clone[pdf]'"),
        (ARCHIVE, "pip install 'ecs-fsm[pdf]'"),
        (None, "pip install 'ecs-fsm[pdf]'"),
    ],
    ids=["editable", "folder", "archive", "index"],
)
def test_an_extra_is_installed_from_where_the_package_came(
    origin: object, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(origin) if origin else None
    monkeypatch.setattr(metadata.PathDistribution, "read_text", lambda self, name: text)
    assert installing("pdf") == command


def test_a_package_that_is_not_installed_has_the_command_of_the_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert installing("pdf") == "pip install 'ecs-fsm[pdf]'"
