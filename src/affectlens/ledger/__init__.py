"""What was done, by whom and what is left, kept in files that several processes and machines may share.

A piece of work has a key: what it reads, the options that matter, the weights, the versions. A process claims it before it
begins, so that no other does the same; results take their names when they are whole; each input has a record of what it came
to. All of it is plain files that appear by an atomic rename or link, so that it holds on folders that machines share.
"""

from affectlens.ledger.claims import Claim, Claims, Holder, Timing
from affectlens.ledger.keys import key_of_work
from affectlens.ledger.records import DONE, FAILED, Item, Plan, Records
from affectlens.ledger.status import CLAIMED, OPEN, Counts, Ledger, ledger_of

__all__ = [
    "CLAIMED",
    "DONE",
    "FAILED",
    "OPEN",
    "Claim",
    "Claims",
    "Counts",
    "Holder",
    "Item",
    "Ledger",
    "Plan",
    "Records",
    "Timing",
    "key_of_work",
    "ledger_of",
]
