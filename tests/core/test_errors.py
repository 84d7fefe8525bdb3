"""What is missing is installed from where the package itself came."""

from __future__ import annotations

import json
from importlib import metadata
from typing import NamedTuple

import pytest

from ecs_fsm.core.errors import installing

EDITABLE = {"url": "file:///home/me/my%20clone", "dir_info": {"editable": True}}
FOLDER = {"url": "file:///home/me/clone", "dir_info": {}}
ARCHIVE = {"url": "https://example.org/ecs_fsm.whl", "archive_info": {}}


class Installed(NamedTuple):
    """A distribution whose only file says where it came from."""

    origin: object

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return json.dumps(self.origin) if self.origin else None


@pytest.mark.parametrize(
    ("origins", "command"),
    [
        ([EDITABLE], "pip install -e '/home/me/my clone[pdf]'"),
        ([FOLDER], "pip install '/home/me/clone[pdf]'"),
        ([None, FOLDER], "pip install '/home/me/clone[pdf]'"),
        ([ARCHIVE], "pip install 'ecs-fsm[pdf]'"),
        ([None], "pip install 'ecs-fsm[pdf]'"),
        ([], "pip install 'ecs-fsm[pdf]'"),
    ],
    ids=["editable", "folder", "in the folder", "archive", "index", "not installed"],
)
def test_an_extra_is_installed_from_where_the_package_came(
    origins: list[object], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> list[Installed]:
        assert name == "ecs-fsm"
        return [Installed(origin) for origin in origins]

    monkeypatch.setattr(metadata, "distributions", found)
    assert installing("pdf") == command
