"""The keys of a profile, each with its meaning, its unit and an example: for help, docs, errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class ProfileKey(NamedTuple):
    """One key: the table it stands in, what it means, its unit, and a line that has it."""

    name: str
    table: str
    meaning: str
    unit: str
    example: str


DURATIONS = "[durations] and every"
PLACES = "[hosts] and [flavors.NAME]"
KEYS = (
    ProfileKey("kind", "[arrivals]", "fixed (all at the beginning), poisson (more later) or none "
               "(all at rest)", "", 'kind = "poisson"'),
    ProfileKey("every", "[arrivals]", "with poisson: mean time between two arrivals", "time",
               'every = "5m"'),
    ProfileKey("state", "[arrivals]", "with none: where servers are at the beginning", "",
               'state = "VM_STATE/-"'),
    ProfileKey("STEP", "[durations]", "a mean alone: exponential", "time", 'STEP = "60s"'),
    ProfileKey("distribution", DURATIONS, "exponential, lognormal, weibull, gamma, constant, "
               "empirical", "", 'STEP = { distribution = "constant", mean = "60s" }'),
    ProfileKey("mean", DURATIONS, "mean of all but empirical", "time",
               'STEP = { distribution = "exponential", mean = "60s" }'),
    ProfileKey("sd", DURATIONS, "standard deviation of a lognormal", "time",
               'STEP = { distribution = "lognormal", mean = "60s", sd = "30s" }'),
    ProfileKey("shape", DURATIONS, "shape of a gamma or weibull", "number above 0",
               'STEP = { distribution = "gamma", mean = "20s", shape = 4 }'),
    ProfileKey("file", DURATIONS, "times of an empirical, in a text file beside the profile",
               "times", 'STEP = { distribution = "empirical", file = "times.txt" }'),
    ProfileKey("every", '[requests."STATE"]', "time at rest until a request", "time",
               'every = "24h"'),
    ProfileKey("mix", '[requests."STATE"]', "share of each request", "adds up to 1",
               "mix = { OPERATION = 0.9, OTHER = 0.1 }"),
    ProfileKey("every", "[stuck]", "time until a hung server gets a request", "time",
               'every = "1h"'),
    ProfileKey("ask", "[stuck]", "requests, of which the first that is accepted is made", "",
               'ask = ["OPERATION", "OTHER"]'),
    ProfileKey("STEP", "[EVENT], [hang]", "how often a step ends with the event, or hangs",
               "probability", "STEP = 0.004"),
    ProfileKey("FACT", "[facts]", "share of each value", "adds up to 1",
               "FACT = { VALUE = 0.6, OTHER = 0.4 }"),
    ProfileKey("capacity", "[resources.NAME]", "steps at a time on each host", "whole number",
               "capacity = 10"),
    ProfileKey("hosts", "[resources.NAME]", "hosts, 1 by default", "whole number", "hosts = 20"),
    ProfileKey("steps", "[resources.NAME]", "steps that hold a place", "", 'steps = ["STEP"]'),
    ProfileKey("count", "[hosts]", "hosts, all alike", "whole number", "count = 20"),
    ProfileKey("vcpus", PLACES, "vCPUs of a host; of a server", "whole number", "vcpus = 32"),
    ProfileKey("ram", PLACES, "the same of RAM; a host without it has no limit", "MiB",
               "ram = 131072"),
    ProfileKey("disk", PLACES, "the same of disk", "GiB", "disk = 2000"),
    ProfileKey("overcommit", "[hosts]", "what servers can take, relative to what there is",
               "ratios, 1 by default", "overcommit = { vcpus = 4, ram = 1.5 }"),
    ProfileKey("zones", "[hosts]", "zones, which hosts are in by turns; a server stays in one",
               "whole number", "zones = 3"),
    ProfileKey("fails_every", "[hosts]", "time until a host fails", "time", 'fails_every = "90d"'),
    ProfileKey("down_for", "[hosts]", "time until it returns", "time", 'down_for = "4h"'),
    ProfileKey("evacuate_after", "[hosts]", "time until its servers are evacuated, if users can "
               "request that; they wait for the host without it", "time", 'evacuate_after = "5m"'),
    ProfileKey("share", "[flavors.NAME]", "share of creations", "adds up to 1", "share = 0.25"),
    ProfileKey("strategy", "[placement]", "spread (by default) or pack, as Nova's weighers do", "",
               'strategy = "pack"'),
    ProfileKey("anti_affinity", "[placement]", "share of servers in groups that share no host",
               "probability", "anti_affinity = 0.1"),
    ProfileKey("group", "[placement]", "servers in such a group, 2 by default", "whole number",
               "group = 3"),
    ProfileKey("resize_to_same_host", "[placement]", "whether a resize may stay on its host, false "
               "by default", "", "resize_to_same_host = true"),
    ProfileKey("interval", "[replay]", "time between rows of a record without times", "time",
               'interval = "1m"'),
)  # fmt: skip


def right_form(key: Sequence[str]) -> str:
    """Return an example of the key that a path such as arrivals.every ends with, or ""."""
    if len(key) < 2:
        return ""
    where = f"[{key[0]}"
    named = [row for row in KEYS if row.name == key[-1]]
    found = next((row for row in named if row.table.startswith(where)), None) or (
        named[0] if named else None
    )
    if found is None and key[0] == "durations":
        found = next(row for row in KEYS if row.table == "[durations]")
    return found.example if found else ""


def with_form(key: Sequence[str], message: str) -> str:
    """Return a message about a key with an example of the right form."""
    form = "" if message.startswith("unknown") else right_form(key)
    return f"{message}; example: {form}" if form else message


def help_text() -> str:
    """Return the keys as lines for the help of a command."""
    lines = ["\b", "Keys (times: seconds, or 500ms, 90s, 2m, 24h, 30d):"]
    for row in KEYS:
        unit = f" ({row.unit})" if row.unit else ""
        lines += [f"  {row.name} in {row.table}: {row.meaning}{unit}", f"      {row.example}"]
    return "\n".join(lines)
