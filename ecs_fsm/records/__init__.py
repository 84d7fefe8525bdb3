"""Recordings: observations of servers, read from files."""
