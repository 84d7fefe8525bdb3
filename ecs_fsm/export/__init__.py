"""A lifecycle in the formats of other tools."""
