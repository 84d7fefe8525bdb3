"""The HTTP edge: requests within bounds, and responses as each API spells them."""
