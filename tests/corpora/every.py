"""Tiny trees of all corpora."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.corpora.dialogue_trees import bandai_tree, dialogue_trees
from tests.corpora.trees import speech_trees
from tests.corpora.visual_trees import visual_trees


def every_tree(tmp_path: Path, seconds: float = 0.6) -> dict[str, Path]:
    """Every corpus in its official layout, tiny, by its name."""
    rng = np.random.default_rng(7)
    pixels = [" ".join(map(str, rng.integers(0, 255, 48 * 48))) for _ in range(6)]
    usage = ["Training", "Training", "PublicTest", "PublicTest", "PrivateTest", "PrivateTest"]
    fer = tmp_path / "fer"
    fer.mkdir()
    pd.DataFrame({"emotion": [0, 3, 6, 4, 5, 1], "pixels": pixels, "Usage": usage}).to_csv(fer / "fer2013.csv", index=False)
    go = tmp_path / "go"
    go.mkdir()
    (go / "ekman_labels.txt").write_text("anger\ndisgust\nfear\njoy\nneutral\nsadness\nsurprise\n")
    for split in ("train", "dev", "test"):
        (go / f"ekman_{split}.tsv").write_text(f"so glad\t3\t{split}1\nwhat? no\t0,6\t{split}2\n", encoding="utf-8")
    meld = tmp_path / "meld"
    meld.mkdir()
    head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    body = '1,"You\x92re here",Anna,joy,positive,0,0,1,1,"0","1"\n2,Go.,Ben,anger,negative,0,1,1,1,"0","1"\n'
    for split in ("train", "dev", "test"):
        (meld / f"{split}_sent_emo.csv").write_text(head + body, encoding="utf-8")
    folder = tmp_path / "folder"
    for split in ("train", "test"):
        for label in ("happy", "Sad"):
            (folder / split / label).mkdir(parents=True)
            Image.fromarray(rng.integers(0, 255, (30, 20, 3), dtype=np.uint8)).save(folder / split / label / "1.png")
    table = folder / "list.csv"
    pd.DataFrame({"file": ["train/happy/1.png", "absent.png"], "label": ["joy", "anger"], "group": ["p1", "p2"]}).to_csv(
        table, index=False
    )
    speech = speech_trees(tmp_path / "speech", seconds)
    return {
        "fer2013": fer,
        "goemotions": go,
        "meld": meld,
        "folder": folder,
        "csv": table,
        **speech,
        "bandai": bandai_tree(tmp_path),
        **dialogue_trees(tmp_path),
        **visual_trees(tmp_path),
    }
