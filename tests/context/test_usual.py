"""The store under use by several processes, old and foreign files, a full disk; the averages and the test of difference."""

import sqlite3
import subprocess
import sys
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from affectlens.context.place import parse_time, place_of, recorded_at
from affectlens.context.store import MIGRATIONS, Store, Unit
from affectlens.context.usual import (
    STRENGTH,
    Context,
    averages,
    differs,
    distance,
    jensen_shannon,
    narrowest,
    part_of_day,
    usual,
)
from affectlens.core.errors import OutputError, UsageError

LABELS = ("anger", "happiness", "neutral")


def _unit(person, *p):
    return Unit(person, 5, LABELS, tuple(p))


def _units(rng, n, place="office", hour=9.0, alpha=(2, 3, 8), each=1):
    p = rng.dirichlet(alpha, n)
    frame = pd.DataFrame(p, columns=[f"p_{c}" for c in LABELS])
    return frame.assign(
        fingerprint=[f"{place}{hour}{i // each}" for i in range(n)], place=place, hour=hour, weekday=1.0, person=0
    )


def test_put_replaces_and_reads_back(tmp_path):
    store = Store(tmp_path / "s.db")
    store.put("a", "office", True, datetime(2024, 5, 17, 14, 30), [_unit(0, 0.1, 0.2, 0.7), _unit(1, 0.3, 0.3, 0.4)])
    store.put("b", "", None, None, [_unit(0, 0.5, 0.25, 0.25)])
    store.put("a", "street", False, datetime(2024, 5, 18, 3), [_unit(0, 0.2, 0.2, 0.6)])
    u = Store(tmp_path / "s.db").units()
    assert len(u) == 2
    a = u[u.fingerprint == "a"].iloc[0]
    assert (a.place, a.indoor, a.hour, a.weekday, a.p_neutral) == ("street", False, 3, 5, 0.6)
    assert np.isnan(u[u.fingerprint == "b"].hour.iloc[0])
    assert list(store.units(without="a").fingerprint) == ["b"]
    assert Store(tmp_path / "e.db").units().empty


def test_older_newer_and_foreign_files(tmp_path):
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as db:
        db.executescript(MIGRATIONS[0])
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO recording VALUES ('x', 'office', NULL, '2024')")
        db.execute("INSERT INTO person VALUES ('x', 0, 3, '[\"anger\"]', '[1.0]')")
    u = Store(old).units()
    assert len(u) == 1 and u.indoor.isna().all()
    with sqlite3.connect(old) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="newer"):
        Store(old)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(OutputError, match="something else"):
        Store(other)
    (tmp_path / "text.db").write_text("this is no database at all, but a long text " * 50)
    with pytest.raises(OutputError, match="not a store"):
        Store(tmp_path / "text.db")
    with pytest.raises(OutputError, match="folder is not there"):
        Store(tmp_path / "no" / "s.db")


def test_locked_store_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("affectlens.context.store._WAIT", 0.1)
    store = Store(tmp_path / "s.db")
    store.put("a", "office", True, None, [_unit(0, 0.1, 0.2, 0.7)])
    with sqlite3.connect(tmp_path / "s.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="try again"):
            store.put("b", "office", True, None, [_unit(0, 0.1, 0.2, 0.7)])
        assert len(store.units()) == 1  # reading goes on
        other.execute("ROLLBACK")
    store.put("b", "office", True, None, [_unit(0, 0.1, 0.2, 0.7)])
    assert len(store.units()) == 2


def test_full_disk_loses_nothing(tmp_path):
    store = Store(tmp_path / "s.db")
    store.put("a", "office", True, None, [_unit(0, 0.1, 0.2, 0.7)])

    class Full(Store):
        def _do(self, work):
            def limited(db):
                db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
                return work(db)

            return super()._do(limited)

    many = [_unit(i, 0.1, 0.2, 0.7) for i in range(2000)]
    with pytest.raises(OutputError, match="full"):
        Full(tmp_path / "s.db").put("b", "office", True, None, many)
    assert list(store.units().fingerprint) == ["a"]


def test_two_processes_share_a_store(tmp_path):
    code = (
        "import sys; from affectlens.context.store import Store, Unit\n"
        "for i in range(25): Store(sys.argv[1]).put(f'{sys.argv[2]}{i}', 'office', True, None, "
        "[Unit(0, 1, ('anger', 'happiness', 'neutral'), (0.2, 0.2, 0.6))])"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "s.db"), name]) for name in "ab"]
    assert [r.wait() for r in runs] == [0, 0]
    assert len(Store(tmp_path / "s.db").units()) == 50


def test_average_by_hand(rng):
    frame = pd.DataFrame({"p_anger": [1.0, 0], "p_happiness": [0.0, 1], "p_neutral": [0.0, 0], "fingerprint": ["a", "b"],
                          "place": ["office", "street"], "hour": [9.0, 22], "weekday": [0.0, 1]})  # fmt: skip
    every = usual(frame, Context(), LABELS, rng)
    np.testing.assert_allclose(every.mean, (5 / 3 + np.array([1, 1, 0])) / 7)
    office = usual(frame, Context("office"), LABELS, rng)
    np.testing.assert_allclose(office.mean, (5 * every.mean + np.array([1, 0, 0])) / 6)
    assert (office.people, office.recordings) == (1, 1)
    assert (every.interval[0] <= every.mean + 1e-9).all() and (every.mean <= every.interval[1] + 1e-9).all()
    nobody = usual(frame.iloc[:0], Context("office"), LABELS, rng)
    np.testing.assert_allclose(nobody.mean, 1 / 3)
    assert nobody.people == 0


def test_averages_of_every_context(rng):
    frame = pd.concat([_units(rng, 30), _units(rng, 20, "street", 22.0)], ignore_index=True)
    table = averages(frame, LABELS, rng)
    assert list(table.by) == ["all", "place", "place", "part of the day", "part of the day", "hour", "hour", "weekday"]
    assert table.people[0] == 50
    np.testing.assert_allclose(table[list(LABELS)].sum(axis=1), 1)


def test_difference_holds_its_level_and_has_power(rng):
    level, power = 0, 0
    for _ in range(200):
        frame = _units(rng, 40)
        level += differs(rng.dirichlet((2, 3, 8)), frame, Context("office", "morning"), LABELS, rng).p <= 0.05
        power += differs(rng.dirichlet((8, 3, 2)), frame, Context("office", "morning"), LABELS, rng).p <= 0.05
    assert level / 200 <= 0.09 and power / 200 >= 0.6


def test_difference_falls_back_to_wider_contexts(rng):
    frame = pd.concat([_units(rng, 10), _units(rng, 15, hour=15.0), _units(rng, 30, "street")], ignore_index=True)
    here = np.array([0.9, 0.05, 0.05])
    found = differs(here, frame, Context("office", "morning"), LABELS, rng)
    assert found.usual.context == Context("office") and found.label == "anger" and found.by > 0.5 and found.p <= 0.05
    assert differs(here, frame, Context("zoo", "night"), LABELS, rng).usual.context == Context()
    few = differs(here, frame.iloc[:5], Context("office"), LABELS, rng)
    assert np.isnan(few.p) and few.usual.people == 5
    assert np.isnan(differs(here, frame.iloc[:0], Context(), LABELS, rng).p)


def test_divergence_and_words():
    assert jensen_shannon(np.array([1.0, 0]), np.array([0.0, 1])) == pytest.approx(1)
    assert jensen_shannon(np.array([0.3, 0.7]), np.array([0.3, 0.7])) == pytest.approx(0, abs=1e-12)
    assert [part_of_day(h) for h in (0, 6, 12.5, 23, np.nan)] == ["night", "morning", "afternoon", "evening", ""]
    assert str(Context("waiting_room", "night")) == "at a waiting room at night" and str(Context()) == "anywhere"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("office_meeting.mp4", "office"), ("Train-Station 3.jpg", "station"), ("office on the street.mp4", ""), ("IMG_0042.jpg", ""),
        ("waiting room.mov", "waiting_room"), ("officer.mp4", ""), ("cafe.mp4", "coffee_shop"), ("shopping mall.mp4", "shopping_mall"),
    ],
)  # fmt: skip
def test_place_from_names(tmp_path, name, kind):
    assert place_of(tmp_path / "x" / name).kind == kind


def test_place_and_time_given(tmp_path):
    p = place_of(tmp_path / "street.mp4", "Waiting Room")
    assert (p.kind, p.indoor, p.source) == ("waiting_room", True, "given")
    assert place_of(tmp_path / "a.mp4", "spaceship").indoor is None
    with pytest.raises(UsageError, match="kind of place"):
        place_of(tmp_path / "a.mp4", "§$%")
    assert parse_time("2024:05:17 14:30:00") == parse_time("2024-05-17T14:30:00Z") == datetime(2024, 5, 17, 14, 30)
    with pytest.raises(UsageError, match="not a time"):
        parse_time("yesterday")
    from PIL import Image

    image = Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif.get_ifd(0x8769)[0x9003] = "2023:01:02 03:04:05"
    image.save(tmp_path / "a.jpg", exif=exif)
    assert recorded_at(tmp_path / "a.jpg", "image") == (datetime(2023, 1, 2, 3, 4, 5), "EXIF")
    image.save(tmp_path / "b.jpg")
    assert recorded_at(tmp_path / "b.jpg", "image")[0] is None
    assert recorded_at(tmp_path / "b.jpg", "image", "2020-01-01")[0] == datetime(2020, 1, 1)


def _alike(n, place, hour, p, first=0):
    """``n`` people of the same distribution, each of their own recording."""
    frame = pd.DataFrame([p] * n, columns=[f"p_{c}" for c in LABELS])
    return frame.assign(fingerprint=[f"r{first + i}" for i in range(n)], place=place, hour=hour, weekday=2.0, person=0)


@pytest.mark.parametrize(("n", "expected"), [(19, Context("office", "morning")), (18, Context("office"))])
def test_nineteen_others_are_enough_and_eighteen_are_not(n, expected, rng):
    frame = pd.concat([_alike(n, "office", 9.0, (0.1, 0.2, 0.7)), _alike(1, "office", 20.0, (0.1, 0.2, 0.7), 90)])
    assert narrowest(frame, Context("office", "morning"), LABELS) == expected
    found = differs(np.array([0.8, 0.1, 0.1]), frame, Context("office", "morning"), LABELS, rng)
    assert found.usual.context == expected and found.usual.people == 19 and found.p == pytest.approx(1 / 20)
    alone = differs(np.array([0.8, 0.1, 0.1]), frame.iloc[:18], Context("office", "morning"), LABELS, rng)
    assert alone.usual.context == Context() and np.isnan(alone.p)


def test_with_too_few_everywhere_all_places_are_compared_with(rng):
    frame = _alike(18, "office", 9.0, (0.1, 0.2, 0.7))
    assert narrowest(frame, Context("office", "morning"), LABELS) == Context()


def test_people_of_whom_a_class_is_not_known_are_left_out(rng):
    frame = _alike(20, "office", 9.0, (0.1, 0.2, 0.7))
    frame.loc[3, "p_anger"] = np.nan
    assert usual(frame, Context(), LABELS, rng).people == 19
    assert usual(frame.drop(columns="p_anger"), Context(), LABELS, rng).people == 0


def test_the_interval_is_that_of_a_bootstrap_over_recordings(rng):
    """Two recordings of one person each: a draw holds one twice, the other twice, or both, with 1/4, 1/4, 1/2."""
    frame = pd.concat([_alike(1, "office", 9.0, (1, 0, 0)), _alike(1, "office", 9.0, (0, 0, 1), 1)])
    u = usual(frame, Context(), LABELS, rng)
    np.testing.assert_allclose(u.interval[:, 0], [5 / 3 / 7, (5 / 3 + 2) / 7])
    alone = usual(frame.iloc[:1], Context(), LABELS, rng)
    np.testing.assert_allclose(alone.interval, [alone.mean, alone.mean])  # one recording says nothing of others
    # People of one recording are drawn together.
    together = usual(frame.assign(fingerprint="r"), Context(), LABELS, rng)
    np.testing.assert_allclose(together.interval, [together.mean, together.mean])


def test_of_many_recordings_the_interval_is_that_of_the_normal_limit(rng):
    p = np.linspace(0, 1, 400)
    many = pd.concat([_alike(1, "", np.nan, (v, 0, 1 - v), i) for i, v in enumerate(p)])
    u = usual(many, Context(), LABELS, rng, draws=4000)
    error = p.std() / np.sqrt(400)
    np.testing.assert_allclose(u.interval[:, 0] - u.mean[0], [-1.96 * error, 1.96 * error], rtol=0.1)


def test_the_rank_is_that_of_a_loop_that_leaves_each_out(rng):
    """Of many people the rank is known to one in forty; each is held against the rest, not against themselves."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.dirichlet((1, 1, 2), 39)
        units = pd.DataFrame(x, columns=[f"p_{c}" for c in LABELS]).assign(
            fingerprint=range(39), place=["office"] * 30 + ["street"] * 9, hour=np.nan, weekday=np.nan, person=0
        )
        here = rng.dirichlet((1, 1, 2))
        everyone, office = np.vstack([x, here]), np.r_[np.ones(30), np.zeros(9), 1].astype(bool)
        far = []
        for i in np.flatnonzero(office):
            rest = np.arange(40) != i
            wide = (STRENGTH / 3 + everyone[rest].sum(0)) / (STRENGTH + 39)
            mean = (STRENGTH * wide + everyone[rest & office].sum(0)) / (STRENGTH + 30)
            far.append(jensen_shannon(everyone[i], mean))
        expected = np.mean(np.array(far) >= far[-1] - 1e-12)
        assert differs(here, units, Context("office"), LABELS, rng).p == pytest.approx(expected)


def test_what_differs_most_and_by_how_much(rng):
    frame = _alike(100, "", np.nan, (0.2, 0.3, 0.5))
    mean = (STRENGTH / 3 + 100 * np.array([0.2, 0.3, 0.5])) / (STRENGTH + 100)
    found = distance(np.array([0.25, 0.65, 0.1]), frame, Context(), LABELS, rng)
    assert found.label == "neutral" and found.by == pytest.approx(0.1 - mean[2]) and np.isnan(found.p)
    assert found.divergence == pytest.approx(jensen_shannon(np.array([0.25, 0.65, 0.1]), mean))


def test_divergence_is_the_square_of_scipys_distance(rng):
    from scipy.spatial.distance import jensenshannon

    for a, b in zip(rng.dirichlet(np.ones(5), 10), rng.dirichlet(np.ones(5), 10), strict=True):
        a[0] = 0
        a /= a.sum()
        assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2) ** 2)


def test_averages_of_every_context_hold_their_own_people(rng):
    morning, night = _alike(30, "office", 9.0, (0.1, 0.2, 0.7)), _alike(20, "street", 2.0, (0.7, 0.2, 0.1), 50)
    night = night.assign(weekday=6.0)
    unknown = _alike(5, "", np.nan, (0.2, 0.6, 0.2), 90).assign(weekday=np.nan)
    table = averages(pd.concat([morning, night, unknown], ignore_index=True), LABELS, rng).set_index(["by", "value"])
    assert table.people.to_dict() == {
        ("all", ""): 55, ("place", "office"): 30, ("place", "street"): 20, ("part of the day", "night"): 20,
        ("part of the day", "morning"): 30, ("hour", "02"): 20, ("hour", "09"): 30, ("weekday", "Wednesday"): 30,
        ("weekday", "Sunday"): 20,
    }  # fmt: skip
    assert (table.recordings == table.people).all()
    assert (table["neutral, low"] <= table.neutral + 1e-12).all() and (table.neutral <= table["neutral, high"] + 1e-12).all()
    everyone = table.loc[("all", "")]
    assert everyone["neutral, high"] - everyone["neutral, low"] > 0.05
    assert table.neutral["hour", "09"] > 0.6 > 0.2 > table.neutral["hour", "02"]
    nobody = averages(pd.concat([morning, night]).iloc[:0], LABELS, rng)
    assert list(nobody.by) == ["all"] and nobody.people[0] == 0


@pytest.mark.parametrize(("hour", "part"), [(0, "night"), (5.99, "night"), (6, "morning"), (11.9, "morning"), (12, "afternoon"),
                                            (17.9, "afternoon"), (18, "evening"), (23.9, "evening")])  # fmt: skip
def test_parts_of_the_day_begin_every_six_hours(hour, part):
    assert part_of_day(hour) == part
