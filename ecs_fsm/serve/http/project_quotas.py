"""What projects may have of each resource: what the catalog says, or an administrator has set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecs_fsm.serve.http.context import RequestContext


def quotas_of(context: RequestContext, project_id: str) -> dict[str, int]:
    """Return the quotas of a project, as the catalog and administrators have them."""
    own = context.cloud.resources.of("quotas").get(project_id)
    return {**context.cloud.catalog.quotas, **(own["limits"] if own else {})}


def set_quotas(
    context: RequestContext, project_id: str, limits: Mapping[str, int], gone: Sequence[str] = ()
) -> None:
    """Set quotas of a project; those that are `gone` become those of all projects."""
    shelf = context.cloud.resources.of("quotas")
    old = shelf.get(project_id)
    known = {n: most for n, most in (old["limits"] if old else {}).items() if n not in gone}
    shelf.put({"id": project_id, "limits": {**known, **limits}})
    context.cloud.resources.commit()
