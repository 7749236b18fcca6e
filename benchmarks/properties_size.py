"""A large table: 1,000,000 rows of 300 properties, one of which moves one class; time, memory and what is found.

Rows, properties and people (none by default) are ``PROPERTIES_ROWS``, ``PROPERTIES_COLUMNS`` and ``PROPERTIES_PEOPLE`` where
those are set.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from affectlens.audits.properties.statistics import audit_properties

ROWS = int(os.environ.get("PROPERTIES_ROWS", "1000000"))
COLUMNS = int(os.environ.get("PROPERTIES_COLUMNS", "300"))
PEOPLE = int(os.environ.get("PROPERTIES_PEOPLE", "0"))
CLASSES = ["a", "b", "c"]


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """One audit; all outputs follow the planted property, since probabilities sum to one."""
    rng = np.random.default_rng(0)
    keys = pd.Index([f"i{i}" for i in range(ROWS)])
    label = rng.integers(0, 3, ROWS)
    table = pd.DataFrame({f"p{j}": rng.normal(size=ROWS).astype(np.float32) for j in range(COLUMNS)}, index=keys)
    z = rng.normal(size=(ROWS, 3)) + 2 * np.eye(3)[label]
    z[:, 0] += 0.1 * table.p0
    p = np.exp(z)
    predicted = pd.DataFrame(p / p.sum(axis=1, keepdims=True), index=keys, columns=CLASSES)
    began = time.perf_counter()
    truth = pd.Series(np.array(CLASSES)[label], index=keys)
    person = pd.Series([f"person {i}" for i in rng.integers(0, PEOPLE, ROWS)], index=keys) if PEOPLE else None
    found = audit_properties(table, dict.fromkeys(table, "continuous"), predicted, truth, rng, people=person)
    minutes = (time.perf_counter() - began) / 60
    size = f"{ROWS:,} rows, {COLUMNS} properties" + (f", {PEOPLE} people" if PEOPLE else "")
    yield (f"audit of {size}", f"{minutes:.1f} min", "", None)
    yield (f"audit of {size}: peak memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB", "", None)
    wrong = int(((found.tests.property != "p0") & (found.tests.p_holm <= 0.05)).sum())
    right = int(((found.tests.property == "p0") & (found.tests.p_holm <= 0.05)).sum())
    held = right == 4 and wrong == 0 if ROWS >= 1_000_000 and not PEOPLE else None  # it is too weak for a small table
    yield (f"audit of {size}: planted of {len(CLASSES) + 1}; others", f"{right}; {wrong}", "4; 0 of the whole table", held)
