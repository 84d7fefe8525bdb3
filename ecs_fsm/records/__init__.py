"""Recordings: what somebody saw of servers, read from files."""
