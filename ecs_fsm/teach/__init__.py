"""Teaching material made from a lifecycle: lessons to play through and questions to answer.

Lessons are data, checked against the table. Questions, answers and explanations are derived from
the table, so they agree with it.
"""
