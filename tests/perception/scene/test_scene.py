import json

import numpy as np
import pytest
import torch

from affectlens.context.pairs import PAIRS, PairClassifier, pairs_of
from affectlens.context.place import Place, infer_place
from affectlens.context.place_table import KINDS, SURFACES
from affectlens.core.errors import ModelError
from affectlens.models.shipped.places365 import Places365, ResNet, prepare
from affectlens.perception.scene.appearance import ADJECTIVES, MEASURES, adjectives, measure
from affectlens.perception.scene.objects import Thing

PERSON = Thing("person", 0.9, (0.0, 0.0, 60.0, 80.0))


def flat(colour, size=(80, 120)):
    return np.full((*size, 3), colour, np.uint8)


def test_light_and_colour_by_hand():
    grey = measure(flat((119, 119, 119)))
    assert grey["brightness"] == pytest.approx(50, abs=0.6) and grey["contrast"] == pytest.approx(0, abs=1e-3)
    assert grey["colourfulness"] == pytest.approx(0, abs=1e-6) and grey["detail"] == 0
    assert measure(flat((255, 160, 60)))["warmth"] > 40 and measure(flat((60, 120, 255)))["warmth"] < -40
    # Hasler and Süsstrunk of a flat colour: 0.3 times the length of (r - g, (r + g) / 2 - b).
    assert measure(flat((200, 100, 50)))["colourfulness"] == pytest.approx(0.3 * np.hypot(100, 100))


def test_sharp_pictures_are_sharper_and_size_does_not_matter():
    rng = np.random.default_rng(0)
    noise = np.kron(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    import cv2

    soft = cv2.GaussianBlur(noise, (0, 0), 12)
    assert measure(noise)["sharpness"] > measure(soft)["sharpness"] + 1
    twice = cv2.resize(noise, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    assert measure(twice)["sharpness"] == pytest.approx(measure(noise)["sharpness"], abs=0.15)


def test_surfaces():
    outdoors = flat((90, 150, 235))
    outdoors[40:] = (60, 140, 50)
    found = measure(outdoors)
    assert found["sky"] > 0.9 and found["greenery"] == pytest.approx(0.5, abs=0.05) and found["snow"] == 0
    wall = measure(flat((245, 245, 245)))
    assert wall["sky"] == 0  # pale above pale is a wall as well as a sky


def test_people_do_not_count_as_surroundings():
    image = flat((30, 30, 30))
    image[:80, :60] = 250
    assert measure(image, [PERSON])["brightness"] == pytest.approx(measure(flat((30, 30, 30)))["brightness"], abs=0.5)
    filled = measure(image, [Thing("person", 0.9, (0, 0, 120, 80))])
    assert np.isnan(filled["brightness"]) and filled["people"] == 1


def test_every_word_has_a_known_measure_and_tells_its_threshold():
    names = {m.name for m in MEASURES}
    assert all(a[0] in names for a in ADJECTIVES.values()) and all(s[0] in names for s in SURFACES.values())
    words = adjectives({**dict.fromkeys(names, float("nan")), "brightness": 20.0, "people": 0.0})
    assert words == {"dark": "brightness 20, at most 28", "empty": "people 0, at most 0"}


def test_places_follow_the_table_and_abstain():
    nothing = dict.fromkeys((m.name for m in MEASURES), 0.0)
    place, posterior = infer_place({"toilet": 0.9, "sink": 0.8}, nothing)
    assert place.kind == "bathroom" and place.indoor and place.sure > 0.6
    assert sum(posterior.values()) == pytest.approx(1) and max(posterior, key=posterior.get) == "bathroom"
    assert infer_place({}, nothing)[0].kind == "" and infer_place({"person": 0.9}, nothing)[0].indoor is None
    street, _ = infer_place({"car": 0.9, "bus": 0.8, "traffic light": 0.9}, nothing)
    assert street.kind == "street" and street.indoor is False
    # A thing that is hardly seen says hardly anything.
    assert infer_place({"toilet": 0.01}, nothing)[0].kind == ""
    assert sum(k.prior for k in KINDS.values()) == pytest.approx(1, abs=0.12)


def test_one_thing_by_hand():
    """The posterior of two kinds against each other, from their priors and the share of the thing."""
    nothing = {name: float("nan") for name, _ in SURFACES.values()}
    _, p = infer_place({"book": 1.0}, nothing)
    ratio = KINDS["library"].prior * 0.9 / (KINDS["bedroom"].prior * 0.15)
    assert p["library"] / p["bedroom"] == pytest.approx(ratio)


def test_pairs_need_their_noun_and_their_measure():
    image = flat((15, 15, 15))
    outdoors = Place("street", False, "given")
    told = {p.text: p for p in pairs_of(image, [], outdoors)}
    assert set(told) == {"dark_street", "empty_street"} and "at most 28" in told["dark_street"].why
    # Cars are nobody, yet a street with cars is not empty.
    assert "empty_street" not in {p.text for p in pairs_of(image, [Thing("car", 0.9, (1, 1, 30, 30))], outdoors)}
    assert {p.text for p in pairs_of(image, [], Place("bedroom", True, "given"))} == {"dark_room", "empty_room"}
    assert pairs_of(image, [], Place("", None, "nothing tells the place")) == []


def test_only_published_pairs(shared):
    folder = shared / "scene" / "concepts"
    held = {"D": set(json.loads((folder / "deepsentibank_2089_anp_classes.json").read_text())),
            "M": set((folder / "mvso_english_4342_anp.txt").read_text().split())}  # fmt: skip
    for noun, adjective, text, vocabularies in PAIRS:
        assert vocabularies and all(text in held[v] for v in vocabularies)
        assert adjective in ADJECTIVES
        assert noun in KINDS or noun in SURFACES or noun in ("room", "person", "bench", "chair", "boat", "bird", "cake", "bed")


def test_a_classifier_of_pairs_needs_its_files(tmp_path):
    with pytest.raises(ModelError, match="classes"):
        PairClassifier(tmp_path)


@pytest.mark.parametrize("depth", [18, 50])
def test_official_checkpoints_of_places365_load(tmp_path, depth):
    net = ResNet(depth).eval()
    state = {f"module.{k}": v for k, v in net.state_dict().items()}
    # The published layout: names and shapes of the residual networks that the checkpoints hold.
    assert state["module.conv1.weight"].shape == (64, 3, 7, 7) and state["module.fc.weight"].shape[0] == 365
    assert (
        f"module.layer4.1.bn{3 if depth == 50 else 2}.running_var" in state and "module.layer2.0.downsample.0.weight" in state
    )
    torch.save({"arch": f"resnet{depth}", "epoch": 90, "state_dict": state}, tmp_path / f"resnet{depth}_places365.pth.tar")
    with pytest.raises(ModelError, match="categories"):
        Places365(tmp_path)
    names = [f"/a/place_{i} {i}" for i in range(365)]
    (tmp_path / "categories_places365.txt").write_text("\n".join(names))
    (tmp_path / "IO_places365.txt").write_text("\n".join(f"/a/place_{i} {1 + i % 2}" for i in range(365)))
    found, indoors = Places365(tmp_path)(flat((90, 120, 60), (300, 400)))
    with torch.inference_mode():
        p = net(torch.from_numpy(prepare(flat((90, 120, 60), (300, 400)))[None])).softmax(1)[0].numpy()
    assert found["place_7"] == pytest.approx(float(p[7]), abs=1e-6)
    assert indoors == pytest.approx(float(p[0::2].sum()), abs=1e-5)


def test_pictures_are_prepared_as_published():
    x = prepare(flat((124, 116, 104), (300, 500)))
    assert x.shape == (3, 224, 224)
    np.testing.assert_allclose(x[:, 0, 0], (np.array([124, 116, 104]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
                               atol=1e-5)  # fmt: skip


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "resnet18_places365.pth.tar").write_bytes(b"none")
    for name in ("categories_places365.txt", "IO_places365.txt"):
        (tmp_path / name).write_text("/a/b 0\n")
    with pytest.raises(ModelError, match="cannot be read as a checkpoint"):
        Places365(tmp_path)
