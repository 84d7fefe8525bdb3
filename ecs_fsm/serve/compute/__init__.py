"""The compute API, as Nova has it."""
