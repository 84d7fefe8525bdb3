"""Servers, flavors and jobs as the cloudservers API shows them.

A server looks as in Nova, with its whole flavor, whose numbers are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.jobs import Job, SubJob
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.compute.views import (
    AnswerKind,
    Fields,
    ViewOptions,
    addresses_of,
    links,
    server_view,
)

MINOR = 26
"""The microversion whose attributes of a server this API has."""


def cloudserver_view(cloud: Cloud, instance: Instance, root: str) -> Fields:
    """Return a server; `root` is the URL of the compute API that its links lead to."""
    flavor = cloud.flavor(instance)
    shown = server_view(cloud, instance, ViewOptions(MINOR, root, True, AnswerKind.SHOW))
    return shown | {
        "flavor": {
            "id": flavor["id"],
            "name": flavor["name"],
            **{size: str(flavor[size]) for size in ("vcpus", "ram", "disk")},
            "gpus": [],
            "asic_accelerators": [],
        },
        "addresses": _addresses(cloud, instance),
        "host_status": "UP" if shown["hostId"] else "",
        "enterprise_project_id": "0",
        "os:scheduler_hints": {},
        "sys_tags": [],
    }


def _addresses(cloud: Cloud, instance: Instance) -> Fields:
    shown: Fields = {}
    for port in cloud.ports.shown(instance):
        network = cloud.ports.networks.get(port["network_id"]) or {"name": port["network_id"]}
        for text, kind in addresses_of(cloud, port):
            address: Fields = {
                "version": "4",
                "addr": text,
                "OS-EXT-IPS:type": kind,
                "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
                "OS-EXT-IPS:port_id": port["id"],
            }
            cast(list[Json], shown.setdefault(network["name"], [])).append(address)
    return shown


def flavor_view(flavor: Item, root: str) -> Fields:
    """Return a flavor of the list: `vcpus` and `disk` are text, `ram` is a number."""
    return {
        "id": flavor["id"],
        "name": flavor["name"],
        "vcpus": str(flavor["vcpus"]),
        "ram": flavor["ram"],
        "disk": str(flavor["disk"]),
        "swap": "",
        "links": links(root, "flavors", flavor["id"]),
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "rxtx_factor": 1.0,
        "rxtx_quota": None,
        "rxtx_cap": None,
        "os-flavor-access:is_public": True,
        "os_extra_specs": {**flavor["extra_specs"]},
        "attachable_quantity": {"free_scsi": 23, "free_blk": 23, "free_disk": 23, "free_nic": 12},
    }


def _time(date: datetime) -> str:
    """Return a date of a job, to the millisecond."""
    return f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03}Z"


def job_view(cloud: Cloud, job: Job) -> Fields:
    """Return a job; one of a batch or a creation shows a part for each server."""
    failed = [part for part in job.parts if part.error]
    status = job.status(cloud.now)
    shown: Fields = {
        "status": status,
        "job_id": job.id,
        "job_type": job.kind.job,
        **_times(cloud, job.begun, job.ended),
        "error_code": None,
        "fail_reason": None,
    }
    if job.ended is not None and failed:
        reason = failed[0].reason or ""
        if len(job.parts) > 1:
            reason = f"{len(failed)} of {len(job.parts)} servers failed, the first: {reason}"
        shown |= {"error_code": failed[0].error, "fail_reason": reason}
    if not job.batch:
        return shown | {"entities": {"server_id": job.parts[0].server_id}}
    parts: list[Json] = [_part(cloud, job, part) for part in job.parts]
    return shown | {"entities": {"sub_jobs_total": len(parts), "sub_jobs": parts}}


def _part(cloud: Cloud, job: Job, part: SubJob) -> Fields:
    return {
        "status": part.status(cloud.now),
        "job_id": part.id,
        "job_type": job.kind.part,
        **_times(cloud, part.begun, part.ended),
        "error_code": part.error,
        "fail_reason": part.reason,
        "entities": {"server_id": part.server_id},
    }


def _times(cloud: Cloud, begun: float, ended: float | None) -> Fields:
    end = None if ended is None else _time(cloud.date(ended))
    return {"begin_time": _time(cloud.date(begun)), "end_time": end}


def numbered(name: str, count: int, taken: Iterator[str]) -> Iterator[str]:
    """Yield the names of `count` servers: `web`, or `web-0001` and so on after those taken."""
    if count == 1:
        yield name
        return
    pattern = re.compile(rf"{re.escape(name)}-(\d{{4,}})", re.ASCII)
    found = (pattern.fullmatch(other) for other in taken)
    last = max((int(match[1]) for match in found if match), default=0)
    for number in range(last + 1, last + count + 1):
        yield f"{name}-{number:04}"


def tags_of(instance: Instance) -> Mapping[str, str]:
    """Return the tags of a server, which are kept as `KEY=VALUE`."""
    return {key: value for key, _, value in (t.partition("=") for t in instance.names("tags"))}
