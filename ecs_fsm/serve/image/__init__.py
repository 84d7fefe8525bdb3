"""The image service, as Glance has it."""
