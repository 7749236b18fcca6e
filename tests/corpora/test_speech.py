import numpy as np
import pytest

from affectlens.core.errors import CorpusError, MediaError
from affectlens.core.labels import IEMOCAP4
from affectlens.corpora.base import corpora, open_corpus
from affectlens.corpora.speech.base import read_clip
from tests.corpora.trees import FIRST, FOUR, NAMES, speech_trees


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return speech_trees(tmp_path_factory.mktemp("speech"))


def test_every_speech_corpus_has_a_tree(trees):
    assert set(trees) == {c.name for c in corpora() if c.modality == "voice"} == set(FOUR) == set(FIRST)


@pytest.mark.parametrize("name", sorted(FOUR))
def test_labels_speakers_and_signals(trees, name):
    source = open_corpus(name, trees[name])
    table = source.table("four")
    assert len(table) == FOUR[name] and set(table.label) <= set(IEMOCAP4.labels)
    if name in NAMES:
        assert len(source.table("all")) == len(NAMES[name])
    first = source.table("all").iloc[0]
    assert (first.label, first.speaker, first.gender) == FIRST[name]
    good = next(i for i in source.items("four") if i.data is not None)
    assert good.data.dtype == np.float32 and good.group == good.meta["speaker"] and 0.5 < len(good.data) / 16000 <= 1.5


def test_details(trees):
    turns = open_corpus("iemocap", trees["iemocap"]).table("all").set_index("key")
    assert turns.loc["Ses01F_impro01_F001"].label == "excitement" and turns.loc["Ses01F_impro01_F001"].valence == 4.5
    parts = open_corpus("audformat", trees["audformat"])
    lengths = [len(i.data) for i in parts.items("all")]
    assert lengths == [11200, 12800, 24000]  # an empty end is the file's end
    assert not (open_corpus("ravdess", trees["ravdess"]).table("four").label == "calmness").any()


def test_half_copied_folders_keep_their_rows(trees, tmp_path):
    import shutil

    copy = tmp_path / "iemocap"
    shutil.copytree(trees["iemocap"], copy)
    gone = copy / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    gone.unlink()
    (gone.parent / "Ses01F_impro01_M002.wav").write_bytes(b"")
    items = {i.key[-4:]: i for i in open_corpus("iemocap", copy).items("four")}
    assert items["F000"].data is None and "half copied" in items["F000"].problem
    assert items["M002"].data is None and items["M002"].problem
    assert items["F001"].data is not None
    with pytest.raises(CorpusError, match="no clip of RAVDESS"):
        open_corpus("ravdess", trees["emodb"])
    with pytest.raises(MediaError, match="no audio"):
        read_clip(trees["emodb"] / "wav/03a01Fa.wav", 5.0, 6.0)


def test_odd_sampling_rates_come_out_at_16_khz(tmp_path):
    from tests.corpora.trees import write_wav

    for rate in (8000, 44100, 192000):
        write_wav(tmp_path / f"{rate}.wav", 1.0, rate)
        assert abs(len(read_clip(tmp_path / f"{rate}.wav")) - 16000) < 200


def test_real_corpora_have_their_published_sizes(shared):
    counts = {n: len(open_corpus(n, shared / "speech" / n).table("four")) for n in ("emodb", "ravdess", "urdu", "nemo")}
    assert counts == {"emodb": 339, "ravdess": 672, "urdu": 400, "nemo": 540}
