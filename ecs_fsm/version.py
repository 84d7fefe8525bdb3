"""The version of the package, where the build reads it without importing anything else."""

__version__ = "0.2.0"
