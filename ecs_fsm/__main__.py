"""`python -m ecs_fsm` is the command `ecs-fsm`."""

from ecs_fsm.cli import main

main()
