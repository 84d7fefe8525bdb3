"""Tests of the package on the Python of browsers, which is also a later one."""
