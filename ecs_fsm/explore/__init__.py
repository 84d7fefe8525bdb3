"""The explorer: one page of HTML, without a network, in which a reader runs a lifecycle.

The page holds the table as JSON, the lanes as a picture, and an interpreter that knows neither.
"""

from __future__ import annotations

from ecs_fsm.explore.explorer import Content, content, explorer

__all__ = ["Content", "content", "explorer"]
