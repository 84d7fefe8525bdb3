"""What must be there before a sample of Nova's documents is asked for: the scenes of nova_samples.txt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from ecs_fsm.serve.cloud.catalog import read_catalog
from tests.compute import CIRROS, DEBIAN, LONG, PRIVATE, SMALL
from tests.nova_cloud import API, NovaCloud


class Ids(dict[str, str]):
    """Ids of which some are not there yet."""

    def __missing__(self, key: str) -> str:
        return ""


class Stage:
    """A cloud with what a sample needs, the directory of samples, and the microversion."""

    def __init__(self, samples: Path, folder: str, minor: int, user: str, scene: str) -> None:
        self.samples, self.folder, self.minor, self.user = samples, folder, minor, user
        self.nova = NovaCloud(**SETTINGS.get(scene, {}))
        images = self.nova.cloud.resources.of("images")
        for image, word in ((CIRROS, "True"), (DEBIAN, "False")):
            own = {"architecture": "x86_64", "auto_disk_config": word}
            images.change(images.all[image], properties=own)
        self.ids = Ids(other_host="compute-2")
        shown = self.nova.edge.ask(
            "GET",
            "/identity/v3/auth/tokens",
            headers=dict.fromkeys(("X-Auth-Token", "X-Subject-Token"), self.nova.tokens[user]),
        )
        token = shown.json()["token"]
        self.ids |= {"project": token["project"]["id"], "user": token["user"]["id"]}

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        """Send a request of the user."""
        by = {"minor": self.minor, "user": self.user, **more}
        return self.nova.ask(method, f"{API}{path.format_map(self.ids)}", body, **by)

    def need(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Send a request that must be accepted; return its JSON."""
        answer = self.ask(method, path, body, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        return answer.json() if answer.content else None

    def rest(self) -> None:
        """Let everything come to its end."""
        self.nova.cloud.advance(LONG)

    def sample(self, name: str, minor: int | None = None) -> Any:
        """A body as the samples have it, for this microversion or the nearest older one."""
        minor = minor or self.minor
        folder, _, file = name.rpartition("/")
        here = self.samples / (folder or self.folder)
        found = {
            int(path.parent.name[3:]) if path.parent != here else 1: path
            for path in here.rglob(f"{file}.json")
        }
        least = max((n for n in found if n <= minor), default=min(found))
        return self.own(json.loads(found[least].read_text(encoding="utf-8")))

    def own(self, body: Any, key: str = "") -> Any:
        """A body with the ids of this cloud."""
        if isinstance(body, dict):
            return {name: self.own(value, name) for name, value in body.items()}
        if isinstance(body, list):
            return [self.own(value, key) for value in body]
        if key == "flavorRef" and body == "6":
            return "1"
        if key in OWN and body is not None and OWN[key].format_map(self.ids) != "":
            return OWN[key].format_map(self.ids)
        return body

    def action(self, body: object, **more: Any) -> Any:
        """Request an action of the server."""
        return self.need("POST", "/servers/{server}/action", body, **more)


OWN = {
    **{"availability_zone": "nova", "host": "{other_host}", "hypervisor_hostname": "{other_host}"},
    **{"volumeId": "{volume}", "port_id": "{port}", "same_host": "{peer}", "tenant": "{tenant}"},
    **{"server_uuid": "{server}", "ip_address": "10.0.0.77", "networkId": "{network}"},
    **{
        "net_id": "{network}",
        "share_id": "{share}",
        "key_name": "{key}",
        "address": "{address}",
        "fixed_address": "{fixed}",
    },
    **{
        "rescue_image_ref": CIRROS,
        "group": "{group}",
        "user_id": "{user}",
        "volume_id": "{volume}",
    },
    **{"parent_group_id": "{security_group}"},
}
"""What stands here for values of the samples, by the key."""
Scene = Callable[[Stage], None]
SCENES: dict[str, Scene] = {}
SETTINGS: dict[str, dict[str, Any]] = {
    "soft_deleted": {"policy": {"reclaim_instance_interval": 3600.0}},
    "shelved_only": {"policy": {"shelved_offload_time": 1e9}},
}
"""What the cloud of a scene is, if not the usual one."""


def scene(function: Scene) -> Scene:
    """Name a scene by its function."""
    SCENES[function.__name__] = function
    return function


@scene
def empty(stage: Stage) -> None:
    """Nothing."""


@scene
def peer(stage: Stage) -> None:
    """A server on whose host another one may be."""
    body = {"name": "peer", "flavorRef": "1", "imageRef": CIRROS}
    made = stage.need("POST", "/servers", {"server": body}, minor=36)
    stage.rest()
    stage.ids["peer"] = str(made["server"]["id"])


def key(stage: Stage) -> None:
    """A keypair."""
    stage.ids["key"] = "new-key"
    body = {"keypair": {"name": "new-key", "public_key": PUBLIC_KEY}}
    stage.need("POST", "/os-keypairs", body)


PUBLIC_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ Generated-by-Nova"


def create(stage: Stage, **more: object) -> str:
    """A server as the samples of most microversions create it."""
    peer(stage)
    version = 257 if stage.minor >= 57 else 237
    name = f"server-create-req-v{version}" if stage.minor >= 37 else "server-create-req"
    made = stage.need("POST", "/servers", stage.sample(f"servers/{name}", 1) | more)
    stage.rest()
    return str(made["server"]["id"])


@scene
def keyed(stage: Stage) -> None:
    """A server with a keypair at hand."""
    key(stage)
    server(stage)


@scene
def server(stage: Stage) -> None:
    """A server as the samples create it."""
    stage.ids["server"] = create(stage)


@scene
def with_volumes(stage: Stage) -> None:
    """A server with two volumes."""
    server(stage)
    for _ in range(2):
        attach(stage)


def volume(stage: Stage) -> str:
    body = {"volume": {"size": 1}}
    made = stage.nova.ask(
        "POST", f"/volume/v3/{stage.ids['project']}/volumes", body, user=stage.user
    )
    stage.rest()
    return str(made.json()["volume"]["id"])


def attach(stage: Stage, **more: object) -> None:
    stage.ids["volume"] = volume(stage)
    body = {"volumeAttachment": {"volumeId": stage.ids["volume"], **more}}
    stage.need("POST", "/servers/{server}/os-volume_attachments", body)
    stage.rest()


@scene
def with_volume(stage: Stage) -> None:
    """A server with a volume as the samples attach it."""
    server(stage)
    attached(stage)


def attached(stage: Stage) -> None:
    stage.ids["volume"] = volume(stage)
    body = stage.sample("os-volume_attachments/attach-volume-to-server-req")
    stage.need("POST", "/servers/{server}/os-volume_attachments", body)
    stage.rest()


@scene
def with_two_volumes(stage: Stage) -> None:
    """A server with a volume without a tag and one as the samples attach it."""
    server(stage)
    attach(stage)
    attached(stage)


@scene
def with_free_volume(stage: Stage) -> None:
    """A server, and a free volume."""
    server(stage)
    stage.ids["volume"] = volume(stage)


@scene
def to_swap(stage: Stage) -> None:
    """A server with a volume, and a free one."""
    with_volume(stage)
    stage.ids["old"] = stage.ids["volume"]
    stage.ids["volume"] = volume(stage)


@scene
def with_port(stage: Stage) -> None:
    """A server without networks, and a free port."""
    stage.ids["server"] = stage.nova.active(networks="none")
    stage.ids["network"] = PRIVATE
    made = stage.nova.ask(
        "POST", "/network/v2.0/ports", {"port": {"network_id": PRIVATE}}, user=stage.user
    )
    stage.ids["port"] = str(made.json()["port"]["id"])


@scene
def plugged(stage: Stage) -> None:
    """A server with a port as the samples attach it."""
    with_port(stage)
    body = stage.sample("os-attach-interfaces/attach-interfaces-create-req")
    stage.need("POST", "/servers/{server}/os-interface", body)
    stage.rest()


@scene
def stopped(stage: Stage) -> None:
    """A server that was stopped."""
    server(stage)
    done(stage, {"os-stop": None})


def done(stage: Stage, body: object, **more: Any) -> None:
    stage.action(body, **more)
    stage.rest()


def after(name: str, *bodies: object, user: str | None = None) -> None:
    """Name a scene: a server after these actions."""

    def prepare(stage: Stage) -> None:
        keyed(stage)
        for body in bodies:
            done(stage, body, **({"user": user} if user else {}))

    SCENES[name] = prepare


after("paused", {"pause": None})
after("suspended", {"suspend": None})
after("shelved_only", {"shelve": None})
after("shelved", {"shelve": None})
after("resized", {"resize": {"flavorRef": SMALL}})
after("rescued", {"rescue": {"adminPass": "MySecretPass"}})
after("unrescued", {"rescue": None}, {"unrescue": None})
after("locked", {"lock": None})
after("only_stopped", {"os-stop": None})


@scene
def host_is_down(stage: Stage) -> None:
    """A server whose host is down."""
    server(stage)
    number = stage.nova.cloud.instances[stage.ids["server"]].host
    stage.nova.cloud.force_down(number, down=True)
    names = [host.name for host in stage.nova.cloud.hosts]
    stage.ids["other_host"] = names[(number + 1) % len(names)]


@scene
def movable(stage: Stage) -> None:
    """A server, and the name of another host."""
    server(stage)
    number = stage.nova.cloud.instances[stage.ids["server"]].host
    names = [host.name for host in stage.nova.cloud.hosts]
    stage.ids["other_host"] = names[(number + 1) % len(names)]


@scene
def migrating(stage: Stage) -> None:
    """A server whose live migration runs."""
    movable(stage)
    stage.action({"os-migrateLive": live(stage)}, user="admin")
    shown = stage.ask("GET", "/servers/{server}/migrations", user="admin", minor=80).json()
    stage.ids["migration"] = str(shown["migrations"][0]["id"])


def live(stage: Stage) -> dict[str, object]:
    old = {"disk_over_commit": False} if stage.minor < 25 else {}
    return {"host": None, "block_migration": False, **old}


@scene
def moved(stage: Stage) -> None:
    """A server that was migrated live, and then one that was resized."""
    another, stage.ids["server"] = create(stage), create(stage)
    stage.action({"os-migrateLive": live(stage)}, user="admin")
    stage.nova.cloud.advance(2)
    stage.ids["instant"] = stage.nova.cloud.clock.date().strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.nova.cloud.advance(2)
    stage.ids["server"] = another
    stage.action({"resize": {"flavorRef": SMALL}})
    shown = stage.ask("GET", "/os-migrations?limit=1", user="admin", minor=80).json()
    stage.ids["marker"] = str(shown["migrations"][0]["uuid"])


@scene
def seen_actions(stage: Stage) -> None:
    """A server that was stopped, and the id of that request."""
    server(stage)
    stage.ids["instant"] = stage.nova.cloud.clock.date().strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = stage.ask("POST", "/servers/{server}/action", {"os-stop": None})
    stage.ids["request"] = answer.headers["x-openstack-request-id"]
    stage.rest()
    listed = stage.ask("GET", "/servers/{server}/os-instance-actions").json()["instanceActions"]
    stage.ids["oldest"], stage.ids["newest"] = listed[-1]["request_id"], listed[0]["request_id"]


@scene
def deleted(stage: Stage) -> None:
    """A server that was deleted."""
    server(stage)
    stage.need("DELETE", "/servers/{server}")
    stage.rest()
    listed = stage.ask("GET", "/servers/{server}/os-instance-actions").json()["instanceActions"]
    stage.ids["request"] = listed[-1]["request_id"]


@scene
def keypairs(stage: Stage) -> None:
    """A keypair."""
    key(stage)
    stage.ids["key"] = "new-key"


@scene
def two_keypairs(stage: Stage) -> None:
    """Two keypairs."""
    key(stage)
    body = {"keypair": {"name": "newer-key", "public_key": PUBLIC_KEY}}
    stage.need("POST", "/os-keypairs", body)


@scene
def snapshot(stage: Stage) -> None:
    """An image of a server, with metadata."""
    server(stage)
    body = stage.sample("servers/server-action-create-image")
    body["createImage"]["metadata"] = {"os_distro": "ubuntu", "kernel_id": "nokernel", "a": "b"}
    answer = stage.ask("POST", "/servers/{server}/action", body, minor=45)
    stage.ids["image"] = answer.json()["image_id"]
    stage.rest()


@scene
def private_flavor(stage: Stage) -> None:
    """A flavor for some projects, and its access list."""
    body = {"name": "test_flavor", "ram": 1024, "vcpus": 2, "disk": 10, "id": "10"}
    body["os-flavor-access:is_public"] = False
    stage.need("POST", "/flavors", {"flavor": body}, user="admin")
    stage.ids["tenant"] = "e" * 32


@scene
def granted(stage: Stage) -> None:
    """A flavor to which two projects have access."""
    private_flavor(stage)
    stage.ids["tenant"] = "f" * 32
    body = {"addTenantAccess": {"tenant": "f" * 32}}
    stage.need("POST", "/flavors/10/action", body, user="admin")


@scene
def specs(stage: Stage) -> None:
    """A flavor with extra specs."""
    body = stage.sample("flavor-extra-specs/flavor-extra-specs-create-req")
    stage.need("POST", "/flavors/1/os-extra_specs", body, user="admin")
    stage.ids["spec"] = next(iter(body["extra_specs"]))


@scene
def flavors_of_samples(stage: Stage) -> None:
    """The flavors, one with a description and specs."""
    specs(stage)
    if stage.minor >= 55:
        stage.need(
            "PUT", "/flavors/1", {"flavor": {"description": "test description"}}, user="admin"
        )


@scene
def group(stage: Stage) -> None:
    """A server group."""
    body = stage.sample("os-server-groups/server-groups-post-req")
    stage.ids["group"] = stage.need("POST", "/os-server-groups", body)["server_group"]["id"]


@scene
def in_group(stage: Stage) -> None:
    """A server in a group, with two volumes."""
    group(stage)
    hints = {"OS-SCH-HNT:scheduler_hints": {"group": stage.ids["group"]}}
    stage.ids["server"] = create(stage, **hints)


@scene
def with_reason(stage: Stage) -> None:
    """A server that was locked with a reason."""
    server(stage)
    done(stage, {"lock": {"locked_reason": "I don't want to work"}})


@scene
def security_group(stage: Stage) -> None:
    """A security group with a rule."""
    server(stage)
    made = stage.nova.ask(
        "POST", "/network/v2.0/security-groups", {"security_group": {"name": "test"}}
    )
    stage.ids["security_group"] = made.json()["security_group"]["id"]


@scene
def in_security_group(stage: Stage) -> None:
    """A server in a further security group."""
    security_group(stage)
    done(stage, {"addSecurityGroup": {"name": "test"}})


@scene
def tagged(stage: Stage) -> None:
    """A server with tags."""
    server(stage)
    stage.need("PUT", "/servers/{server}/tags", {"tags": ["tag1", "tag2"]})


@scene
def crowded(stage: Stage) -> None:
    """A host with servers, and its ids."""
    server(stage)
    server(stage)
    shown = stage.ask("GET", "/os-hypervisors/detail?with_servers=true", user="admin").json()
    busy = shown["hypervisors"]
    stage.ids["hypervisor"] = str(busy[0]["id"])
    services = stage.ask("GET", "/os-services", user="admin").json()["services"]
    stage.ids["service"] = str(services[0]["id"])
    stage.ids["other_host"] = services[0]["host"]
    for word in ("enable", "disable", "disable-log-reason", "force-down"):
        way = word if stage.minor < 53 else stage.ids["service"]
        stage.ids[word.replace("-reason", "").replace("-", "_")] = way


@scene
def disabled_service(stage: Stage) -> None:
    """Services of which some are disabled."""
    crowded(stage)
    for host in stage.nova.cloud.hosts:
        body = {"disabled_reason": "maintenance", "host": host.name, "binary": "nova-compute"}
        stage.need("PUT", "/os-services/disable-log-reason", body, user="admin", minor=1)


@scene
def shared(stage: Stage) -> None:
    """A stopped server with a share."""
    only = SCENES["only_stopped"]
    only(stage)
    share(stage)
    body = {"share": {"share_id": stage.ids["share"], "tag": "low-tag"}}
    stage.need("POST", "/servers/{server}/shares", body)
    stage.rest()


def share(stage: Stage) -> None:
    stage.ids["share"] = "e8debdc0-447a-4376-a10a-4cd9122d7986"


@scene
def to_share(stage: Stage) -> None:
    """A stopped server, and a share."""
    SCENES["only_stopped"](stage)
    share(stage)


@scene
def floating(stage: Stage) -> None:
    """A server, and a floating address."""
    server(stage)
    public = next(n for n in stage.nova.cloud.ports.networks if n.get("router:external"))
    body = {"floatingip": {"floating_network_id": public["id"]}}
    made = stage.nova.ask("POST", "/network/v2.0/floatingips", body, user=stage.user)
    stage.ids["address"] = made.json()["floatingip"]["floating_ip_address"]
    shown = stage.ask("GET", "/servers/{server}/ips").json()["addresses"]
    stage.ids["fixed"] = shown["private"][0]["addr"]


@scene
def with_floating(stage: Stage) -> None:
    """A server with a floating address."""
    floating(stage)
    done(stage, {"addFloatingIp": {"address": stage.ids["address"]}}, minor=1)


@scene
def with_fixed(stage: Stage) -> None:
    """A server, and its fixed address."""
    server(stage)
    stage.ids["network"] = PRIVATE
    shown = stage.ask("GET", "/servers/{server}").json()["server"]
    stage.ids["address"] = next(iter(shown["addresses"].values()))[0]["addr"]


@scene
def soft_deleted(stage: Stage) -> None:
    """A server that was deleted and can be restored."""
    server(stage)
    stage.need("DELETE", "/servers/{server}")
    stage.nova.cloud.advance(60)


@scene
def own_bare(stage: Stage) -> None:
    """A server as the samples of the same microversion create it."""
    peer(stage)
    key(stage)
    made = stage.need("POST", "/servers", stage.sample("servers/server-create-req"))
    stage.rest()
    stage.ids["server"] = str(made["server"]["id"])


@scene
def own(stage: Stage) -> None:
    """The same with two tags, two volumes, and a flavor with extra specs."""
    specs(stage)
    own_bare(stage)
    if stage.minor >= 26:
        stage.need("PUT", "/servers/{server}/tags", {"tags": ["tag1", "tag2"]})
    attach(stage)
    attach(stage)


@scene
def aggregate(stage: Stage) -> None:
    """An aggregate of no hosts."""
    body = stage.sample("os-aggregates/aggregate-post-req")
    stage.need("POST", "/os-aggregates", body, user="admin")


@scene
def with_host(stage: Stage) -> None:
    """An aggregate of a host."""
    aggregate(stage)
    body = stage.sample("os-aggregates/aggregate-add-host-post-req")
    stage.need("POST", "/os-aggregates/1/action", body, user="admin")


def alone(name: str) -> None:
    """Name a scene: another one without the other server."""

    def prepare(stage: Stage) -> None:
        SCENES[name](stage)
        stage.need("DELETE", "/servers/{peer}")
        stage.rest()

    SCENES[f"{name}_alone"] = prepare


alone("with_volumes")
alone("with_reason")
alone("tagged")
alone("own")
alone("own_bare")


def elsewhere(name: str, **settings: Any) -> None:
    """Name a scene: another one in a cloud with these settings."""
    (word,) = settings
    SCENES[f"{name}_{word}"], SETTINGS[f"{name}_{word}"] = SCENES[name], settings


for before in ("server", "keyed", "in_group", "own", "own_bare"):
    elsewhere(before, instant=True)

OURS = read_catalog()
FAKE = replace(OURS, hosts=tuple(replace(host, hypervisor_type="fake") for host in OURS.hosts))
"""The hosts of Nova's samples, which report no uptime."""
for before in ("empty", "crowded"):
    elsewhere(before, catalog=FAKE)
