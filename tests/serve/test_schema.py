"""The server keeps what its own document promises, for every request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing import try_anything
from tests.serving import served_apart

SECONDS = 3


@pytest.mark.parametrize("lifecycle", ["ecs", "nova"])
def test_every_answer_is_one_of_the_api_document(lifecycle: str, tmp_path: Path) -> None:
    with served_apart("--lifecycle", lifecycle, "--seed", "7") as cloud:
        tried = try_anything(cloud, tmp_path, SECONDS)
        cloud.end()
        log = cloud.log.all()
    assert tried.well, tried.report
    assert "Traceback" not in log
    assert log.count("\n") > 30
