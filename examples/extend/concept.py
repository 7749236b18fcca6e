"""A concept of dialogues, for the audit of concepts: what somebody says is said again.

AFFECTLENS_PLUGINS=concept.py affectlens audit concepts --list
"""

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import concept


@concept("echo", "dialogue", "the first word is the last word of the utterance before", "text")
def echo(rows: pd.DataFrame) -> np.ndarray:
    """1, 0, or NaN for the first utterance of a dialogue."""
    words = rows.text.str.lower().str.findall(r"\w+")
    first, last = words.str[0], words.str[-1].groupby(rows.dialogue).shift()
    opening = rows.groupby("dialogue").cumcount() == 0
    return np.where(opening, np.nan, (first == last).astype(float))
