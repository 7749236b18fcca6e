"""What is printed: scores in lines, and nothing cut where nobody looks at a terminal."""

import os
import subprocess
import sys

import pytest

from affectlens.cli.train import line
from affectlens.corpora.base import corpora

NAN = float("nan")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"score": "mean_recall", "value": 0.75312, "low": 0.7061, "high": 0.781}, "UAR 0.753 (0.706 to 0.781)"),
        ({"protocol": "within", "target": "mean", "score": "UA", "value": 0.75, "low": NAN, "high": NAN}, "within, mean: UAR 0.750"),
        ({"fold": "test", "seed": "0", "epochs": 12.0, "accuracy": 0.79391, "low": NAN, "high": NAN},
         "test, 0: epochs 12, accuracy 0.794"),
        ({"fold": "all", "seed": "mean", "epochs": NAN, "accuracy": 1.0, "low": 0.9, "high": 1.0},
         "all, mean: accuracy 1.000 (0.900 to 1.000)"),
    ],
)  # fmt: skip
def test_a_row_of_scores_is_a_line(row, said):
    assert line(dict(row)) == said


def test_nothing_is_cut_in_a_pipe():
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    command = [sys.executable, "-m", "affectlens.cli.main"]
    listed = subprocess.run([*command, "corpus", "ls"], capture_output=True, text=True, env=environment, check=True).stdout
    assert all(corpus.name in listed and corpus.home in listed for corpus in corpora()) and "…" not in listed
    card = subprocess.run(
        [*command, "models", "card", "speech"], capture_output=True, text=True, env=environment, check=True
    ).stdout
    assert card.count("|") > 40 and "…" not in card.replace("NAME=PATH …", "").replace(" …", "")
