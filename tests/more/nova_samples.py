"""Nova's documentation samples against a served cloud: which answers have the same shape.

`python -m tests.more.nova_samples DIRECTORY`, where DIRECTORY is the folder `doc/api_samples` of
Nova's source, writes nova_samples.json. A row of nova_samples.txt says how to get a sample: the
name of the sample, the request, and the scene before it. A name without `-resp` that is sent as a
body has no answer; its request must be accepted.

An answer agrees with a sample if it has the same keys, and its values have the same types and forms
(a UUID, a date with or without microseconds, a URL of the same path); words that the API fixes, such
as a status or the name of an event, must be the same.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.parse
from collections.abc import Iterator, Sized
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from tests.more.nova_scenes import SCENES, Stage
from tests.nova_cloud import API

HERE = Path(__file__)
ROWS, FOUND = HERE.with_suffix(".txt"), HERE.with_suffix(".json")
HEX = "[0-9a-f]"
FORMS = {
    "uuid": rf"{HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}",
    "project": rf"{HEX}{{32}}",
    "hash of a host": rf"{HEX}{{56}}",
    "request": rf"req-{HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}",
    "reservation": r"r-\w{8}",
    "date": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "date with microseconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}",
    "date with a zone": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d",
    "IPv4": r"\d{1,3}(\.\d{1,3}){3}",
    "IPv6": rf"(?=.*:){HEX}*(:{HEX}*){{2,7}}",
    "hardware address": rf"{HEX}{{2}}(:{HEX}{{2}}){{5}}",
    "device": r"/dev/[a-z]+",
    "empty": "",
}
FREE = {"metadata", "extra_specs", "properties", "scheduler_hints", "addresses", "hosts"}
"""Keys of objects whose keys are chosen by users."""
FREE_LISTS = {"tags", "rules"}
"""Keys of lists that may be empty."""
FIXED = {
    *("event", "action", "message", "result", "rel", "OS-DCF:diskConfig", "policy"),
    *("OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-STS:power_state", "port_state"),
    *("code", "protocol", "type", "binary", "version", "deleted", "rxtx_factor", "host_status"),
}
"""Keys whose values must be the same."""
FIXED_PLACES = re.compile(r"\.servers?(\[\])?\.status|\.image\.status|\.shares?\[?\]?\.status")
NAMES = {
    "OS-EXT-SRV-ATTR:host",
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
    "host",
    "hosts",
    "host_name",
    "tag",
    "user_id",
    "project_id",
}
"""Keys whose values are any names."""
PREFIX = re.compile(r"^/((compute|image)/)?(v\d[\d.]*)?/?([0-9a-f]{32}/)?")


NAMED = re.compile("(flavors|images|servers|os-keypairs|migrations|os-simple-tenant-usage)/[^/]+")


def shape(text: str) -> str:
    """The form of a text."""
    if re.match(r"\w+://", text):
        return "URL"
    return next((name for name, form in FORMS.items() if re.fullmatch(form, text)), "text")


def place(url: str) -> str:
    """The path of a URL behind version and project, its ids by their forms."""
    return NAMED.sub(r"\1/id", PREFIX.sub("", urllib.parse.urlparse(url).path))


def differences(sample: Any, answer: Any, at: str = "") -> Iterator[str]:
    """What of an answer differs from a sample, each with its place."""
    key = at.rpartition(".")[2].rstrip("[]")
    if isinstance(sample, dict) and isinstance(answer, dict):
        if key in FREE and not at.endswith("]"):
            if sample and answer:
                yield from _of_lists([*sample.values()], [*answer.values()], at)
            return
        for name in sample.keys() - answer.keys():
            yield f"{at}.{name} is missing"
        for name in answer.keys() - sample.keys():
            yield f"{at}.{name} is more"
        for name in sample.keys() & answer.keys():
            yield from differences(sample[name], answer[name], f"{at}.{name}")
    elif isinstance(sample, list) and isinstance(answer, list):
        yield from _of_lists(sample, answer, at)
    elif key in NAMES and sample and answer:
        return
    elif isinstance(sample, str) and isinstance(answer, str):
        yield from _of_texts(sample, answer, at, key)
    elif isinstance(sample, float) and isinstance(answer, int) and not isinstance(answer, bool):
        return
    elif type(sample) is not type(answer) or (key in FIXED and sample != answer):
        yield f"{at} is {answer!r:.60}, in the sample {sample!r:.60}"


def _of_texts(sample: str, answer: str, at: str, key: str) -> Iterator[str]:
    wanted, got = shape(sample), shape(answer)
    if wanted == got == "URL" and "docs.openstack.org" not in sample:
        wanted, got = place(sample), place(answer)
    if wanted not in (got, "text") or (wanted == "text" and got == "empty"):
        yield f"{at} is {got} ({answer[:60]}), in the sample {wanted} ({sample[:60]})"
    elif (key in FIXED or FIXED_PLACES.fullmatch(at)) and sample != answer:
        yield f"{at} is {answer!r}, in the sample {sample!r}"


def _of_lists(sample: list[Any], answer: list[Any], at: str) -> Iterator[str]:
    """Each element must be like one of the sample, and for each of the sample there must be one."""
    if bool(sample) != bool(answer) and at.rpartition(".")[2] in FREE_LISTS:
        return
    if bool(sample) != bool(answer):
        yield f"{at} has {len(answer)} elements, in the sample {len(sample)}"
    elif sample:
        for one in answer:
            every = [[*differences(other, one, f"{at}[]")] for other in sample]
            yield from min(every, key=len)
        for other in sample:
            every = [[*differences(other, one, f"{at}[]")] for one in answer]
            yield from min(every, key=len)


class Row(NamedTuple):
    """How to get a sample since a microversion: the request, and the scene before it."""

    since: int
    method: str
    path: str
    scene: str
    body: str | None


def rows() -> dict[str, list[Row]]:
    """The rows by the names of their samples."""
    found: dict[str, list[Row]] = {}
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, method, path, *more = line.split()
            scene, body = [*(more or ["server"]), ""][:2]
            name, _, since = name.partition("@")
            row = Row(int(since or 1), method, path, scene, body or None)
            found.setdefault(name, []).append(row)
    return found


class Sample(NamedTuple):
    """A sample: its folder, microversion, name and content."""

    folder: str
    minor: int
    name: str
    content: Any

    @property
    def key(self) -> str:
        """Its name in the files of this module."""
        return f"{self.folder}/{self.name}"

    def __str__(self) -> str:
        version = f"v2.{self.minor}/" if self.minor > 1 else ""
        return f"{self.folder}/{version}{self.name}"


def samples(directory: Path) -> Iterator[Sample]:
    """All samples of a directory."""
    for path in sorted(directory.rglob("*.json")):
        folder, *version, file = path.relative_to(directory).parts
        minor = int(version[0][3:]) if version else 1
        content = json.loads(path.read_text(encoding="utf-8"))
        yield Sample(folder, minor, file.removesuffix(".json"), content)


REFUSED = [""] * 100
"""What makes a refusal differ more than any answer."""


def tried(directory: Path, sample: Sample, row: Row, scene: str, user: str) -> list[str]:
    """What differs if a user asks for a sample."""
    stage = Stage(directory, sample.folder, sample.minor, user, scene)
    try:
        SCENES[scene](stage)
    except AssertionError as refused:
        return [f"the scene {scene} is refused: {refused}", *REFUSED]
    is_body = row.body == "body"
    body = None
    if is_body:
        body = stage.own(sample.content)
    elif row.method in ("POST", "PUT"):
        body = stage.sample(row.body or sample.name.replace("-resp", "-req"))
    path = row.path.format_map(stage.ids)
    path = path.removeprefix("@") if path.startswith("@") else f"{API}{path}"
    answer = stage.nova.ask(row.method, path, body, minor=sample.minor, user=user)
    if not answer.is_success:
        return [f"{row.method} {path}: {answer.status_code} {answer.text[:150]}", *REFUSED]
    if is_body:
        return []
    if not answer.content:
        return ["the answer is empty"]
    return sorted({*differences(sample.content, answer.json())})


class Measured(NamedTuple):
    """Samples that are answered the same, and those that are not, with what differs.

    `excepted` are those whose differences are all named in nova_samples.txt, with the reasons;
    `absent` those for which there is no request here.
    """

    same: list[str]
    excepted: dict[str, str]
    different: dict[str, list[str]]
    absent: list[str]


def exceptions() -> list[tuple[str, str, str]]:
    """Patterns of samples and of what differs in them, with the reasons."""
    lines = ROWS.read_text(encoding="utf-8").splitlines()
    cells = [line.removeprefix("!").split(" ~ ") for line in lines if line.startswith("!")]
    return [(sample.strip(), what.strip(), why.strip()) for sample, what, why in cells]


def measure(directory: Path, only: str = "") -> Measured:
    """Ask for every sample of a directory whose name has a text in it."""
    found = Measured([], {}, {}, [])
    known, named = rows(), exceptions()
    for sample in samples(directory):
        if only not in str(sample):
            continue
        fitting = [row for row in known.get(sample.key, ()) if row.since <= sample.minor]
        if not fitting:
            if not sample.name.endswith("-req"):
                found.absent.append(str(sample))
            continue
        best = nearest(directory, sample, fitting[-1])
        if not best:
            found.same.append(str(sample))
            continue
        reasons = [
            next(
                (why for name, what, why in named if _fits(sample, name) and re.search(what, line)),
                "",
            )
            for line in best
        ]
        if all(reasons):
            found.excepted[str(sample)] = " ".join(dict.fromkeys(reasons))
        else:
            found.different[str(sample)] = best
    return found


def _fits(sample: Sample, name: str) -> bool:
    return bool(re.fullmatch(name, str(sample)))


def nearest(directory: Path, sample: Sample, row: Row) -> list[str]:
    """What differs for the user and the scene that come nearest to the sample."""
    best: list[str] | None = None
    for scene in row.scene.split("|"):
        for user in ("admin", "demo"):
            found = tried(directory, sample, row, scene, user)
            best = found if best is None else min(best, found, key=len)
            if not best:
                return best
    return [line for line in best or () if line]


EVERYDAY = [
    "servers",
    "server-*",
    "servers-*",
    "flavor*",
    "images",
    "limits",
    "os-quota-sets",
    "os-attach-interfaces",
    "os-volume_attachments",
    "os-server-groups",
    "os-security-groups",
    "os-hypervisors",
    "os-services",
    "os-availability-zone",
    "os-instance-actions",
    "os-keypairs",
    "os-admin-actions",
    "os-console-output",
    "os-create-backup",
    "os-deferred-delete",
    "os-evacuate",
    "os-lock-server",
    "os-migrate-server",
    "os-pause-server",
    "os-multiple-create",
    "os-rescue",
    "os-shelve",
    "os-suspend-server",
    "os-server-tags",
    "os-remote-consoles",
]
"""The folders of what every client and most tests use."""


def is_everyday(name: str) -> bool:
    """Whether a sample is of what every client and most tests use."""
    return any(fnmatch(name.partition("/")[0], folder) for folder in EVERYDAY)


def document(found: Measured) -> dict[str, object]:
    """What is kept: the dated result."""
    everyday = [
        name for name in (*found.same, *found.excepted, *found.different) if is_everyday(name)
    ]
    agree = [name for name in found.same if is_everyday(name)]
    otherwise = [name for name, why in found.excepted.items() if why.startswith("Nova itself")]
    served = len(found.same) + len(found.excepted) + len(found.different)
    return {
        "date": str(date.today()),
        "samples of what is served": served,
        "answered the same": len(found.same),
        "everyday samples of what is served": len(everyday),
        "everyday samples answered the same": len(agree),
        "everyday samples that Nova itself answers otherwise": len(
            [*filter(is_everyday, otherwise)]
        ),
        "excepted": found.excepted,
        "different": found.different,
        "same": found.same,
        "not served": found.absent,
    }


if __name__ == "__main__":
    result = measure(Path(sys.argv[1]), *sys.argv[2:])
    if len(sys.argv) == 2:
        FOUND.write_text(json.dumps(document(result), indent=1) + "\n", encoding="utf-8")
    for name, lines in result.different.items():
        print(name, *lines, sep="\n    ")
    parts: tuple[Sized, ...] = result
    print(*(f"{len(part)} {name}" for name, part in zip(Measured._fields, parts, strict=True)))
