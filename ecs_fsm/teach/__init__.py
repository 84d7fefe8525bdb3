"""Teaching material made from a lifecycle: lessons to play through and questions to answer.

Lessons are data that is checked against the table; questions, answers and explanations are derived
from it, so that none of them can say anything that the table does not.
"""
