"""Waiters against every run of an operation: what is wrong with a wait loop, and a better one.

>>> from ecs_fsm.waiters import Waiter, infer
>>> waiter = Waiter("rebuild", "ACTIVE", failure="ERROR", from_="stopped/-")
>>> for finding in waiter.findings():
...     print(finding.finding, "at", finding.value, "avoidable:", finding.avoidable)
leaves-early at ACTIVE avoidable: False
false-success at ACTIVE avoidable: False
misses at SHUTOFF avoidable: True
>>> [better] = infer("rebuild", from_="stopped/-")
>>> better.pending, better.target, better.failure
(('REBUILD', 'ACTIVE'), ('SHUTOFF',), ('ERROR',))
"""

from ecs_fsm.waiters.faults import Fault
from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.inference import infer
from ecs_fsm.waiters.runs import Run
from ecs_fsm.waiters.waiter import Waiter

__all__ = ["Fault", "Finding", "Run", "Waiter", "infer"]
