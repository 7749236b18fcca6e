import pytest

from affectlens.media.clock import Timeline


def placed(packets, **settings):
    """Times of (track, stamp, duration) and the notes."""
    notes = []
    timeline = Timeline(notes.append, **settings)
    return [round(stamp + timeline.place(track, stamp, length), 6) for track, stamp, length in packets], notes


def video(*stamps, length=1.0):
    return [("video", stamp, length) for stamp in stamps]


def test_gaps_and_late_starts_stay():
    got, notes = placed([("audio", 1.4, 1.0), *video(2.9, 3.9, 93_600.0)])
    assert got == [1.4, 2.9, 3.9, 93_600.0] and not notes


def test_stamps_that_start_again_go_on_each_time():
    got, notes = placed(video(5, 6, 7, 5, 6, 5, 6, 7))
    assert got == [5, 6, 7, 8, 9, 10, 11, 12] and len(notes) == 2


def test_tracks_keep_their_distance_after_a_join():
    # Sound lies 0.2 s before the picture in both parts, and ends early in the first.
    part = [("audio", 0.8, 1.0), *video(1.0, 2.0, 3.0), ("audio", 1.8, 1.0)]
    got, notes = placed(part + part)
    assert got[5:] == [4.0, 4.2, 5.2, 6.2, 5.0] and len(notes) == 1


@pytest.mark.parametrize("first", ["audio", "video"])
def test_leftovers_of_the_old_part_stay_in_it(first):
    other = "video" if first == "audio" else "audio"
    one = [(t, s, 1.0) for s in (0.0, 1.0, 2.0, 3.0) for t in ("video", "audio")]
    two = [(first, 0.0, 1.0), (other, 4.0, 1.0), (other, 0.0, 1.0), (first, 1.0, 1.0), (other, 1.0, 1.0)]
    got, notes = placed(one + two)
    assert got[8:] == [4.0, 4.0, 4.0, 5.0, 5.0] and len(notes) == 1


def test_a_track_that_ended_early_joins_the_new_part():
    one = [("audio", 0.0, 1.0), *video(*range(10))]
    two = [*video(0), ("audio", 1.5, 1.0), *video(1, 2)]
    got, _ = placed(one + two)
    assert got[-3] == 11.5  # though 1.5 s alone would look like going on


def test_one_stray_stamp_does_not_move_the_rest():
    got, _ = placed(video(100, 101, 0, 103, 104))
    assert got == [100, 101, 102, 103, 104]


def test_a_gap_longer_than_the_first_part_stays_after_a_join():
    got, _ = placed(video(0, 1, 0, 1, 50, 51))
    assert got == [0, 1, 2, 3, 52, 53]


def test_a_leap_is_another_clock_only_where_clocks_may_leap():
    stamps = video(0, 1, 95_000, 95_001)
    assert placed(stamps, leaps=True)[0] == [0, 1, 2, 3]
    assert placed(stamps)[0] == [0, 1, 95_000, 95_001]
    assert placed(video(0, 1, 21, 22), leaps=True)[0] == [0, 1, 21, 22]
