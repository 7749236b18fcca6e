"""Parts of a pass on disk, by hand."""

from __future__ import annotations

import json
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.base import Plan
from affectlens.audits.parts import Batch, Parts, digest
from affectlens.core.errors import UsageError

COLUMNS = {"items": ("key", "why", "sha256"), "values": ("key", "value"), "more": ("key", "value")}


def parts(folder, settings=None, data=None, **more):
    return Parts(folder, settings or {"seed": 0}, data or {"corpus": "c"}, COLUMNS, **more)


def batch(*keys, why="", value=1.0):
    items = [{"key": k, "why": why, "sha256": digest(k)} for k in keys]
    return Batch(items, {"values": [{"key": k, "value": value} for k in keys if not why]})


def test_what_is_written_is_read_again(tmp_path):
    made = parts(tmp_path)
    assert made.items.empty and list(made.items) == list(COLUMNS["items"]) and made.table("more").empty
    made.update(batch("a", "b"))
    made.update(batch("c", why="broken"))
    made.update(Batch())
    assert len(list(tmp_path.glob("items-*.parquet"))) == 2  # nothing found is no part
    for one in (made, parts(tmp_path)):
        assert one.done == {"a", "b", "c"} and one.missed == {"c": "broken"} and list(one.items.key) == ["a", "b", "c"]
        assert one.table("values").to_dict("list") == {"key": ["a", "b"], "value": [1.0, 1.0]}
        assert list(one.table("more")) == ["key", "value"] and one.table("values", key="b").key.tolist() == ["b"]


def test_an_item_counts_once_where_it_came_first(tmp_path):
    one, other = parts(tmp_path / "a"), parts(tmp_path / "b", data={"corpus": "d"})
    one.update(batch("a", "b"))
    other.update(batch("b", "c", value=2.0))
    other.update(batch("d", "d", value=3.0))
    merged = one.merge(other)
    assert merged is one and list(one.items.key) == ["a", "b", "c", "d"]
    values = one.table("values").groupby("key").value.first()
    assert values.to_dict() == {"a": 1, "b": 1, "c": 2, "d": 3}
    assert one.merge(other).done == {"a", "b", "c", "d"} and len(one.items) == 4  # a second time adds nothing


def test_the_digest_is_of_what_was_read_whatever_the_order(tmp_path):
    one, other = parts(tmp_path / "a"), parts(tmp_path / "b")
    one.update(batch("a", "b"))
    other.update(batch("b"))
    other.update(batch("a"))
    assert one.sha256 == other.sha256 and len(one.sha256) == 64
    other.update(batch("c"))
    assert one.sha256 != other.sha256


def test_a_file_that_is_no_stamp_is_named(tmp_path):
    parts(tmp_path).update(batch("a"))
    for text in ("{", "{}", '{"settings": {"seed": 0}}', "[]"):
        (tmp_path / "settings.json").write_text(text)
        with pytest.raises(UsageError, match=r"settings\.json: not readable .* remove its folder to begin again"):
            parts(tmp_path)


def test_what_differs_is_listed(tmp_path):
    parts(tmp_path, {"seed": 0, "old": 1}).update(batch("a"))
    with pytest.raises(
        UsageError, match=r"other settings \(seed: 0 before, 1 now; old: 1 before, None now; new: None before, 2 now\)"
    ):
        parts(tmp_path, {"seed": 1, "new": 2})
    with pytest.raises(UsageError, match=r"other data \(corpus: 'c' before, 'd' now\)"):
        parts(tmp_path, {"seed": 0, "old": 1}, {"corpus": "d"})
    stamp = json.loads((tmp_path / "settings.json").read_text())
    versions = stamp.pop("versions")
    assert stamp == {"settings": {"seed": 0, "old": 1}, "data": {"corpus": "c"}}
    assert versions == {"affectlens": version("affectlens"), "method": 1}


def test_what_another_version_made_is_not_used(tmp_path):
    parts(tmp_path).update(batch("a"))
    with pytest.raises(UsageError, match=r"other versions \(method: 1 before, 2 now\)"):
        parts(tmp_path, method=2)
    stamp = json.loads((tmp_path / "settings.json").read_text())
    del stamp["versions"]  # as the first release wrote it
    (tmp_path / "settings.json").write_text(json.dumps(stamp))
    with pytest.raises(UsageError, match=r"other versions \(affectlens: None before"):
        parts(tmp_path)


def test_an_item_that_holds_something_else_is_looked_at_again(tmp_path):
    before = {"a": "1", "b": "1"}
    parts(tmp_path, contents=before).update(batch("a", "b"))
    again = parts(tmp_path, contents={"a": "1", "b": "2"})
    assert again.done == {"a"} and again.changed == {"b"} and again.table("values").key.tolist() == ["a"]
    again.update(batch("b", value=2.0))
    for one in (again, parts(tmp_path, contents={"a": "1", "b": "2"})):
        assert one.done == {"a", "b"} and dict(one.table("values")[["key", "value"]].to_numpy()) == {"a": 1.0, "b": 2.0}
    assert parts(tmp_path, contents={"a": "1", "b": "2"}).changed == set()
    for order in ("ab", "ba"):
        arranged = parts(tmp_path, contents={"a": "1", "b": "2"}, order=order)
        assert "".join(arranged.items.key) == "".join(arranged.table("values").key) == order
    back = parts(tmp_path, contents=before)
    assert back.done == {"a", "b"} and back.table("values").value.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["items", "values", "more"])
@pytest.mark.parametrize("damage", ["torn", "empty", "one bit", "gone"])
def test_a_damaged_part_is_not_used_and_costs_its_own_items_only(tmp_path, caplog, name, damage):
    made = parts(tmp_path)
    for key in "abc":
        made.update(batch(key))
    file = tmp_path / f"{name}-00001.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    kept = {"torn": bytes(content[:100]), "empty": b"", "one bit": bytes(content)}
    file.unlink() if damage == "gone" else file.write_bytes(kept[damage])
    again = parts(tmp_path)
    assert again.done == {"a", "c"} and "part-00001.json" in caplog.text and "looked at again" in caplog.text
    again.update(batch("b", value=7.0))
    for one in (again, parts(tmp_path)):
        assert one.done == {"a", "b", "c"} and sorted(one.table("values").value) == [1.0, 1.0, 7.0]


def test_a_part_that_was_broken_off_is_not_counted_and_not_written_over(tmp_path):
    made = parts(tmp_path)
    made.update(batch("a"))
    made.update(batch("b"))
    (tmp_path / "part-00000.json").unlink()  # as if it had been killed before the last file
    again = parts(tmp_path)
    assert again.done == {"b"}
    again.update(batch("a", value=5.0))
    assert (tmp_path / "part-00002.json").exists() and sorted(parts(tmp_path).table("values").value) == [1.0, 5.0]


def test_batches_are_put_together():
    one = Batch([{"key": "a"}], {"x": [{"key": "a"}]})
    one.extend(Batch([{"key": "b"}], {"x": [{"key": "b"}], "y": [{"key": "b"}]}))
    assert one == Batch([{"key": "a"}, {"key": "b"}], {"x": [{"key": "a"}, {"key": "b"}], "y": [{"key": "b"}]})


def test_digests_tell_data_apart():
    x = np.arange(6).reshape(2, 3)
    assert digest(x) == digest(np.asfortranarray(x)) != digest(x.T) and digest(b"ab") == digest("ab") != digest("ba")
    assert len({digest("a"), digest("a", "b"), digest("a", "b", "c"), digest("a", "bc"), digest("ab")}) == 5
    assert digest(None, "joy") == "" and len(digest("")) == 64


def test_a_plan_counts_what_is_left():
    plan = Plan("objects", 10, 4, "pictures")
    assert plan.left == 6 and str(plan) == "objects: 10 pictures, 4 looked at before, 6 to do"


def test_another_column_may_hold_the_key(tmp_path):
    made = Parts(tmp_path, {}, {}, {"items": ("key", "why", "sha256"), "rows": ("image", "v")}, key="image")
    made.update(Batch([{"key": "a", "why": "", "sha256": ""}], {"rows": [{"image": "a", "v": 1}, {"image": "z", "v": 2}]}))
    pd.testing.assert_frame_equal(made.table("rows"), pd.DataFrame({"image": ["a"], "v": [1]}))  # of no item that is known


def test_another_run_is_opened_only_where_one_is(tmp_path):
    one = parts(tmp_path / "one" / "parts")
    with pytest.raises(
        UsageError, match=r"two: no run of this audit keeps its parts there \(parts/settings.json was expected\)"
    ):
        one.opened(tmp_path / "two")
    parts(tmp_path / "two" / "parts", data={"corpus": "d"}).update(batch("b"))
    other = one.opened(tmp_path / "two")
    assert other.done == {"b"} and other.stamp["data"] == {"corpus": "d"} and other.key == "key"
    parts(tmp_path / "three" / "parts", {"seed": 1}).update(batch("c"))
    with pytest.raises(UsageError, match=r"other settings \(seed: 0 before, 1 now\)|other settings \(seed: 1 before, 0 now\)"):
        one.opened(tmp_path / "three")
    with pytest.raises(UsageError, match="other settings"):
        one.merge(parts(tmp_path / "three" / "parts", {"seed": 1}))


def test_rows_are_numbered_anew_over_all_parts(tmp_path):
    made = parts(tmp_path)
    for key in "abc":
        made.update(batch(key))
    assert made.items.index.tolist() == made.table("values").index.tolist() == [0, 1, 2]
    assert [f.name for f in sorted(tmp_path.glob("values-*"))] == [f"values-0000{i}.parquet" for i in range(3)]
    again = parts(tmp_path)
    again.update(batch("d"))  # goes on with the next number
    assert sorted(again.done) == [*"abcd"] and len(list(tmp_path.glob("items-*"))) == 4


def test_a_name_of_a_table_that_its_folder_shares(tmp_path):
    """Only the file's own name is changed to find the rows, and only once."""
    made = Parts(tmp_path / "items", {}, {}, {"items": ("key", "why", "sha256"), "items-more": ("key", "v")})
    made.update(Batch([{"key": "a", "why": "", "sha256": ""}], {"items-more": [{"key": "a", "v": 1}]}))
    assert made.table("items-more").v.tolist() == [1]
