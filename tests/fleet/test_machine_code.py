"""Code that is kept for the user: by whom it was written, whether it is whole, and without it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecs_fsm.core.errors import installing
from ecs_fsm.fleet import machine_code
from ecs_fsm.fleet.machine_code import MachineCode
from ecs_fsm.version import __version__
from tests.command import installed

RUN = ("fleet", "run", "--servers", "200", "--duration", "2d", "--step", "1h", "--seed", "7")
WEIGHTS = [1.0, 2.0, 2.0, 4 / 3]
"""Erlang's weights of 0 to 3 servers at load 2: 2**n / n!."""
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="code is kept on Linux")


def weights(code: MachineCode) -> list[float]:
    """Erlang's weights by compiled code."""
    found, one = np.zeros(4), np.ones(1, np.int64)
    code(np.array([2.0]), one.reshape(1, 1), one, np.array([4]), found, np.zeros(1, np.int64))
    return [float(weight) for weight in found]


def recursion() -> MachineCode:
    """The function, as a new process has it: nothing is loaded."""
    return MachineCode("ecs_fsm.fleet.placing", "recursion")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a first call kept its code; its compiler is called by nothing else."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert weights(recursion()) == pytest.approx(WEIGHTS)
    (file,) = (tmp_path / "cache").iterdir()
    return file


@pytest.fixture
def compilations(kept: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that are compiled from now on; their code is what was kept."""
    code, names = kept.read_bytes()[64:], list[str]()

    def compiled(self: Any, call: object) -> bytes:
        names.append(self._name)
        return code

    monkeypatch.setattr(MachineCode, "_compiled", compiled)
    return names


@needs_linux
def test_kept_code_is_used_and_only_its_owner_can_write_it(
    kept: Path, compilations: list[str]
) -> None:
    assert weights(recursion()) == pytest.approx(WEIGHTS)
    assert compilations == []
    assert kept.stat().st_mode & 0o077 == 0

    kept.chmod(0o620)
    assert weights(recursion()) == pytest.approx(WEIGHTS)
    assert compilations == ["recursion"]
    assert kept.stat().st_mode & 0o077 == 0


@needs_linux
def test_half_a_file_and_changed_code_are_written_anew(kept: Path, compilations: list[str]) -> None:
    whole = kept.read_bytes()
    for broken in (b"", whole[:40], whole[:64], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        kept.write_bytes(broken)
        assert weights(recursion()) == pytest.approx(WEIGHTS)
        assert kept.read_bytes() == whole
    assert len(compilations) == 5
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


@needs_linux
def test_code_of_another_user_is_not_loaded(
    kept: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = kept.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert weights(recursion()) == pytest.approx(WEIGHTS)
    assert compilations == ["recursion"]


@needs_linux
@pytest.mark.parametrize("name", ["get_host_cpu_name", "get_default_triple"])
def test_another_processor_has_other_code(
    name: str, kept: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_code, "_circumstances", machine_code._circumstances.__wrapped__)
    before = machine_code._circumstances()
    with monkeypatch.context() as patched:
        patched.setattr(f"llvmlite.binding.{name}", lambda: "another")
        assert machine_code._circumstances() != before


@needs_linux
def test_without_a_place_to_write_code_is_compiled_each_time(
    kept: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kept / "no directory"))
    assert weights(recursion()) == pytest.approx(WEIGHTS)
    assert compilations == ["recursion"]


def test_where_code_is_not_kept_numba_calls_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert weights(recursion()) == pytest.approx(WEIGHTS)
    assert list(tmp_path.glob("*.o")) == []


def test_code_that_calls_what_is_not_known_is_not_kept() -> None:
    known = "declare double @exp(double)\n"
    assert machine_code._object_code(known)
    for other in ("__svml_exp4", "numba_ldexp", "NRT_MemInfo_alloc_safe"):
        assert machine_code._object_code(f"{known}declare double @{other}(double)\n") is None


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    for missing in ("numba", "llvmlite"):
        (tmp_path / f"{missing}.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
        answer = installed(*RUN, PYTHONPATH=path, NUMBA_CACHE_DIR=str(tmp_path / "empty"))
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == (
            f"ecs-fsm: this needs {missing}, which is not installed: {installing('fleet')}\n"
        )


def test_code_is_kept_in_the_cache_directory_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert machine_code.cache_directory() == tmp_path / "ecs-fsm" / __version__
