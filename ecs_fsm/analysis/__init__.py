"""Model checking of a lifecycle: shortest paths, scenarios that cover everything, claims.

All of it searches the state graph (`ecs_fsm.core.graph`); the runs that it finds are given as the
words that `ecs_fsm.core.scenario` takes.
"""
