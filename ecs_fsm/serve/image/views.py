"""Images as the image service shows them."""

from __future__ import annotations

from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.resources import OWNER


def image_view(image: Image) -> dict[str, object]:
    """Return an image; its properties stand beside its fields, which take precedence."""
    container, disk = image.formats
    return {
        **image.properties,
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "size": image.size,
        "virtual_size": None,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "container_format": container,
        "disk_format": disk,
        "checksum": None,
        "os_hash_algo": None,
        "os_hash_value": None,
        "os_hidden": False,
        "owner": image.owner or OWNER,
        "protected": False,
        "tags": [*image.tags],
        "created_at": image.created,
        "updated_at": image.updated or image.created,
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }
