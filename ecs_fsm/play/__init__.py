"""The lifecycle in a terminal: the events of one server, the lessons and the quiz.

`ecs_fsm.play.session` holds the state and does not depend on a terminal; the screens show it with
Textual, the extra `ecs-fsm[play]`.
"""
