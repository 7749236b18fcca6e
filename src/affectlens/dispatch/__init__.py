"""One list of items, several ways to get through it: in this process, in worker processes, on Ray, and in shards.

Nothing here knows what an item is: a task opens what it needs once in every worker, and is then given one item after the other.
"""

from affectlens.dispatch.order import Shard, longest_first
from affectlens.dispatch.running import Running, ShareDoneError, chosen, current_running, running
from affectlens.dispatch.task import Crash, Task
from affectlens.dispatch.ways import dispatched

__all__ = [
    "Crash",
    "Running",
    "Shard",
    "ShareDoneError",
    "Task",
    "chosen",
    "current_running",
    "dispatched",
    "longest_first",
    "running",
]
