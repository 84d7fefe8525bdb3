"""Which tests run on the Python of browsers, and why others do not."""

from __future__ import annotations

import os
import sys

ROOMS = ("tests/core", "tests/waiters", "tests/analysis")
FILES_LEFT_OUT = (
    # Hypothesis has a compiled part.
    "tests/core/test_properties.py",
    "tests/waiters/test_exactness.py",
    # So have parsers of source, and what reads them needs a system's processes.
    "tests/waiters/scan",
    "tests/waiters/test_loop_writers.py",
    "tests/waiters/test_baseline_and_sarif.py",
    # These drive the emulated cloud, which listens.
    "tests/waiters/test_gallery.py",
)
LEFT_OUT = (
    # No threads there, and no stack of a coroutine to switch.
    "threads",
    "coroutine",
    "awaited",
    "nothing_waits",
    # No processes either.
    "lifecycle_named_last",
    "hash_seed",
    "nothing_heavy",
    "while_one_waits",
    # Long searches: they would take most of the time.
    "nova",
    "every_edge",
    "infer_makes_passes",
    "pairs",
    "only_passes_through",
    "keeps_to_its_limits",
    "apis_own_model",
    "first_edition",
    "make_every_one",
    "begun_elsewhere",
    "every_outcome_of_every_node",
)


def run() -> int:
    """Run them, and return pytest's exit code."""
    import pytest

    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    skipped = [f"--ignore={name}" for name in FILES_LEFT_OUT]
    named = f"not ({' or '.join(LEFT_OUT)})"
    options = (
        "--override-ini=addopts=--quiet --strict-markers",  # without options of plug-ins
        "-p",
        "no:cacheprovider",
        "--tb=short",
        "--assert=plain",
        "-m",
        "not timed",
        "-k",
        named,
    )
    return int(pytest.main([*ROOMS, *skipped, *options, *sys.argv[1:]]))
