"""What a lifecycle is: its table, its state graph, the machine and the servers that follow it.

Its modules are internal. What users need of them is exported by `ecs_fsm` (`Lifecycle`,
`BaseServer`, the errors) and by `ecs_fsm.lifecycles` (what a table is written with).
"""
