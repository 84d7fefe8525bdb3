"""The lifecycle in a terminal: a server to lead through it, the lessons and the quiz.

What happens is decided in `ecs_fsm.play.session`, which knows no terminal; the screens show it with
Textual, the extra `ecs-fsm[play]`.
"""
