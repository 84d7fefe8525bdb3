"""Calls compiled functions without the compiler: its object code is kept for the user.

To import numba and get it ready takes longer than the lives of a million servers. So LLVM's object
code is kept in the user's cache directory, under a digest of everything that it depends on, and
llvmlite alone loads it. Only the first run waits for numba. Where this is not known to work (on
another system than Linux; code that calls what is not known), numba does all, with its own cache.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.errors import require
from ecs_fsm.version import __version__

Argument = int | float | np.uint64 | NDArray[Any] | tuple[Any, ...]
"""What a function takes: a named tuple has such members."""
ENTRY = "entry"
_DIGEST = 64
_NEVER = re.compile(
    r"^declare (?:noalias )?([\w*]+) (@(?:numba_do_raise|numba_gil_\w+|numba_unpickle|"
    r"numba_runtime_build_excinfo_struct|NRT_\w+|Py\w+))\(([^)]*)\).*$",
    re.M,
)
"""What raises an error or frees memory, declared: none of it is reached."""
_KNOWN = re.compile(r"llvm\.|_?Py\w+$|(?:exp|log|pow|sqrt|fabs|floor|mem(?:cpy|move|set))$")
"""What every process has: Python, and the C library's functions."""
_OTHERS_WRITE = 0o022
_LOCK = Lock()


class MachineCode:
    """A compiled function of a module, to be called with arrays, numbers and named tuples.

    It returns a whole number, raises nothing, and makes no array. Arrays must be contiguous.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name
        self._loaded: dict[str, Callable[[object], int]] = {}
        self._by_numba: Callable[..., int] | None = None

    def __call__(self, *arguments: Argument) -> int:
        """Call the function, without the interpreter's lock."""
        call = _Call(arguments)
        with _LOCK:
            if self._by_numba is None and call.text not in self._loaded:
                code = self._code(call) if platform.system() == "Linux" else None
                if code is None:
                    self._by_numba = self._dispatcher()
                else:
                    self._loaded[call.text] = _loaded(code)
        if self._by_numba is not None:
            return int(self._by_numba(*arguments))
        return self._loaded[call.text]((ctypes.c_int64 * len(call.words))(*call.words))

    def _code(self, call: _Call) -> bytes | None:
        """The object code, from the cache or compiled; None where it would need numba."""
        parts = (self._module, self._name, call.text, *_circumstances())
        name = sha256("\n".join(parts).encode()).hexdigest()
        file = cache_directory() / f"{self._name}-{name}.o"
        code = _kept(file)
        if code is None:
            code = self._compiled(call)
            if code is not None:
                _keep(file, code)
        return code

    def _function(self) -> Any:
        require("numba")
        return getattr(import_module(self._module), self._name)

    def _compiled(self, call: _Call) -> bytes | None:
        function, numba = self._function(), import_module("numba")
        names: dict[str, Any] = {"np": np, "at": _array_at(numba), "function": function}
        names |= call.tuples
        exec(call.text, names)  # noqa: S102  # the text is made here, of the kinds of arguments
        word = numba.types.int64
        signature = word(numba.types.CPointer(word))
        made = numba.cfunc(signature, error_model="numpy")(names[ENTRY])
        return _object_code(made.inspect_llvm().replace(made.native_name, ENTRY))

    def _dispatcher(self) -> Callable[..., int]:
        """What numba calls the function by, and keeps in the user's directory."""
        function, numba = self._function(), import_module("numba")
        settings, before = numba.config, numba.config.CACHE_DIR
        directory = import_module("numba.misc.appdirs").user_cache_dir
        settings.CACHE_DIR = before or directory("ecs-fsm", False, __version__)
        try:
            made: Callable[..., int] = numba.njit(cache=True, nogil=True, error_model="numpy")(
                function.py_func
            )
        finally:
            settings.CACHE_DIR = before
        return made


def _kept(file: Path) -> bytes | None:
    """The code in a file, if it is complete and only this user may have written it."""
    try:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            own = status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE
            kept = stream.read() if own and S_ISREG(status.st_mode) else b""
    except OSError:
        return None
    code = kept[_DIGEST:]
    return code if code and sha256(code).hexdigest().encode() == kept[:_DIGEST] else None


def _keep(file: Path, code: bytes) -> None:
    """Write a file that only this user can write, complete or not at all, if it can be written."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=file.parent)
        try:
            with open(handle, "wb") as stream:
                stream.write(sha256(code).hexdigest().encode() + code)
            Path(beside).replace(file)
        finally:
            Path(beside).unlink(missing_ok=True)
    except OSError:
        pass  # it is compiled anew next time


class _Call:
    """Arguments as 64-bit words, and the text of a function that makes the arguments of words."""

    def __init__(self, arguments: tuple[Argument, ...]) -> None:
        self.words: list[int] = []
        self.tuples: dict[str, type] = {}
        made = ", ".join(self._of(argument) for argument in arguments)
        self.text = f"def {ENTRY}(w):\n    return np.int64(function({made}))\n"

    def _of(self, value: Argument) -> str:
        place = len(self.words)
        if isinstance(value, np.ndarray):
            if not value.flags.c_contiguous:
                raise TypeError("expected contiguous arrays")
            self.words += [value.ctypes.data, *value.shape]
            shape = "".join(f"w[{place + 1 + n}], " for n in range(value.ndim))
            return f"at(w[{place}], ({shape}), np.{value.dtype.name})"
        if isinstance(value, tuple):
            self.tuples[type(value).__name__] = type(value)
            return f"{type(value).__name__}({', '.join(self._of(member) for member in value)})"
        if isinstance(value, float):
            self.words.append(int(np.float64(value).view(np.int64)))
            return f"np.int64(w[{place}]).view(np.float64)"
        self.words.append(int(value))
        kind = "np.uint64" if isinstance(value, np.uint64) else type(value).__name__
        return f"{kind}(w[{place}])"


def _array_at(numba: Any) -> Any:
    """What makes an array of an address, a shape and a kind of number, in compiled code."""

    def pointer(context: Any, address: Any, kind: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

        return numba.types.CPointer(kind.dtype)(address, kind), generated

    to, carray = import_module("numba.extending").intrinsic(pointer), numba.carray

    def at(address: int, shape: tuple[int, ...], kind: Any) -> Any:
        return carray(to(address, kind), shape)

    return numba.njit(inline="always")(at)


@cache
def _circumstances() -> tuple[str, ...]:
    """Everything that object code depends on, beside the function and the kinds of arguments."""
    here = Path(__file__).parent
    files = sorted(path for room in (here, here.parent / "profiles") for path in room.glob("*.py"))
    sources = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    try:
        compiler = version("numba")
    except PackageNotFoundError:
        compiler = ""
    python = platform.python_implementation(), platform.python_version()
    machine = llvm.get_default_triple(), llvm.get_host_cpu_name()
    features = llvm.get_host_cpu_features().flatten()
    return __version__, sources, compiler, version("llvmlite"), *python, *machine, features


def cache_directory() -> Path:
    """Return the folder of the user, of this version of the package, in which code is kept."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "ecs-fsm" / __version__


def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def _object_code(text: str) -> bytes | None:
    """The object code of LLVM's own language; None if it calls what a process may not have.

    What raises errors would need numba when it is loaded, and is never reached: it becomes a trap.
    Code that makes arrays would reach some of it.
    """
    if "@NRT_MemInfo_alloc" in text or "@NRT_Allocate" in text:
        return None
    trap = r"define internal \1 \2(\3) {\n  call void @llvm.trap()\n  unreachable\n}"
    module = llvm.parse_assembly(_NEVER.sub(trap, text) + "\ndeclare void @llvm.trap()\n")
    symbols = (*module.functions, *module.global_variables)
    if not all(_KNOWN.match(one.name) for one in symbols if one.is_declaration):
        return None
    return bytes(_target_machine().emit_object(module))


_ENGINES: list[Any] = []
"""What holds the loaded code, which would else be freed."""


def _loaded(code: bytes) -> Callable[[object], int]:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _ENGINES.append(engine)
    address = engine.get_function_address(ENTRY)
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(address)
