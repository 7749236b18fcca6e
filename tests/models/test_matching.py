"""Rows of tables and items of corpora are matched one to one, by the longest ending of their paths that only they have."""

import itertools

import pytest

from affectlens.models.adapters.predictions.matching import NO_ROW, match

KEYS = [f"{split}/{label}/{n:03}.jpg" for split in ("train", "test") for label in ("happy", "sad") for n in range(3)]
FORMS = {
    "as they are": lambda key: key,
    "with folders before": lambda key: f"/data/faces/{key}",
    "Windows": lambda key: "D:\\Faces\\" + key.replace("/", "\\"),
    "relative": lambda key: f"./{key}",
    "other letters": lambda key: key.upper(),
    "no suffix": lambda key: key.removesuffix(".jpg"),
    "another suffix": lambda key: key.replace(".jpg", ".png"),
    "both slashes": lambda key: "faces\\" + key,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("keys", [KEYS, [k.removesuffix(".jpg") for k in KEYS]], ids=["suffix", "no suffix"])
def test_every_form_of_a_path_finds_its_item(form, keys):
    names = [FORMS[form](k) for k in KEYS]
    found = match(keys, names[::-1])
    assert found.pairs == dict(zip(keys, names, strict=True)) and not (found.reasons or found.spare or found.apart)


def test_part_of_a_table_never_answers_for_other_folders():
    """Whichever rows are there, an item has its own row or none."""
    for n in (1, 2, 5):
        for some in itertools.islice(itertools.combinations(KEYS, n), 60):
            found = match(KEYS, [f"/x/{k}" for k in some])
            assert found.pairs == {k: f"/x/{k}" for k in some}
            assert set(found.reasons.values()) == {NO_ROW}  # rows of other items are not what theirs could be


def test_names_without_folders_do_where_no_two_files_share_them():
    keys = ["happy/1.jpg", "sad/2.jpg", "sad/3.jpg", "fear/3.jpg"]
    found = match(keys, ["1.jpg", "2.jpg", "3.jpg", "9.jpg"])
    assert found.pairs == {"happy/1.jpg": "1.jpg", "sad/2.jpg": "2.jpg"} and found.spare == ["3.jpg", "9.jpg"]
    assert found.reasons["sad/3.jpg"] == "the table names 3.jpg, which could be of sad/3.jpg or fear/3.jpg"


def test_two_rows_for_one_item_are_not_chosen_from():
    found = match(["1.jpg"], ["/a/1.jpg", "/b/1.jpg"])
    assert not found.pairs and found.reasons["1.jpg"] == "several rows of the table could be of it: /a/1.jpg or /b/1.jpg"
    assert match(["1.jpg", "1.png"], ["x/1.png", "x/1.jpg"]).pairs == {"1.jpg": "x/1.jpg", "1.png": "x/1.png"}
    assert match(["1.jpg", "1.png"], ["x/1.png"]).pairs == {"1.png": "x/1.png"}


def test_folders_that_differ():
    assert match(["happy/1.jpg"], ["sad/1.jpg"]).reasons == {
        "happy/1.jpg": "the table has sad/1.jpg, in a folder of another class"
    }
    found = match(["wav/03a01Fa"], ["/home/me/emodb_flac/03a01Fa.flac"])
    assert found.apart == ["wav/03a01Fa"] and len(found.pairs) == 1


def test_accents_in_either_form_and_keys_of_segments():
    assert match(["Colère/1.wav"], ["x/Cole\u0300re/1.wav"]).pairs
    keys = ["a.wav#0.1-0.7", "a.wav#0.104-0.9"]
    assert match(keys, ["/x/a.wav#0.104-0.9"]).pairs == {keys[1]: "/x/a.wav#0.104-0.9"}


def test_many_files_of_one_name_take_no_longer_than_others():
    keys = [f"person{i}/001.jpg" for i in range(5000)]
    assert len(match(keys, [f"/data/{k}" for k in keys]).pairs) == 5000
