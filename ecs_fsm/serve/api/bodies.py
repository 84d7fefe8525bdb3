"""What the bodies of all services have in common: keys that nobody knows are ignored."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A JSON object of which only the named keys are read."""

    model_config = ConfigDict(extra="ignore")
