"""A simulated cloud behind the APIs that real clients speak, with failures on demand.

It needs the extra `ecs-fsm[serve]`.
"""
