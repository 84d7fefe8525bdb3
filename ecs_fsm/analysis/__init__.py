"""Walks over a lifecycle's state graph: shortest ways, scenarios that touch everything, claims.

A walk is a node to begin at and the events that happen one after the other from there. What is
found is told as the words that `ecs_fsm.core.scenario` takes, wherever there are such words.
"""
