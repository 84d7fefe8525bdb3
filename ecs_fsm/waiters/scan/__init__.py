"""Finds the wait loops in people's source code: Go, Python, shell and Ansible."""
