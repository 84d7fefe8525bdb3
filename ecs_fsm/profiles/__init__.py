"""Profiles: how long steps take, how often they fail, and what users request."""
