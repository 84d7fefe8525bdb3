"""Wait loops checked against every run of an operation, and the best loop for one.

>>> from ecs_fsm.waiters import Waiter, infer
>>> waiter = Waiter("rebuild", "ACTIVE", failure="ERROR", from_="stopped/-")
>>> for finding in waiter.findings():
...     print(finding.kind, "at", finding.value, "avoidable:", finding.avoidable)
leaves-early at ACTIVE avoidable: False
false-success at ACTIVE avoidable: False
misses at SHUTOFF avoidable: True
>>> [better] = infer("rebuild", from_="stopped/-")
>>> better.pending, better.target, better.failure
(('REBUILD', 'ACTIVE'), ('SHUTOFF',), ('ERROR',))
"""

from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.inference import infer
from ecs_fsm.waiters.judge import FindingKind
from ecs_fsm.waiters.runs import OperationRun
from ecs_fsm.waiters.waiter import Waiter

__all__ = ["Finding", "FindingKind", "OperationRun", "Waiter", "infer"]
