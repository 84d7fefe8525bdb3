"""The control API of the emulated cloud, and its live page."""
