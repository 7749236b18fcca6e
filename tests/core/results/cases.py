"""Results that have a layout of their own."""

import pandas as pd

from affectlens.core.labels import EKMAN7
from affectlens.core.tables import evidence_frame, rows_frame


def averages():
    from affectlens.pipeline.averages import Averages

    row = {"by": "place", "value": "street", **dict.fromkeys(EKMAN7.labels, 1 / 7), "people": 2, "recordings": 1}
    return Averages(pd.DataFrame([row]))


def evaluation():
    from affectlens.evaluation.result import Evaluation
    from affectlens.stats.resample import Estimate

    confusion = pd.DataFrame([[1, 0], [0, 1]], ["a", "b"], ["a", "b"])
    groups = pd.DataFrame({"group": ["x"], "n": [2], "accuracy": [1.0], "mean_recall": [1.0]})
    return Evaluation({"accuracy": Estimate(1.0, 0.5, 1.0, 2, 2)}, confusion, groups, {}, 2)


def report():
    from affectlens.pipeline.results import Result

    return Result("talk.mp4", rows_frame([]), evidence_frame([]), None, (), {"total": 1.0})
