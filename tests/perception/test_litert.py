import zipfile

import numpy as np
import pytest

from affectlens.core.errors import ModelError
from affectlens.perception.litert import LiteRtNetwork, graphs_of
from tests.conftest import asset_path


def test_runs_do_not_depend_on_each_other(rng):
    graph = graphs_of(asset_path("face-landmarker"), "face_blendshapes")[0]
    net = LiteRtNetwork(graph, 1)
    (output,) = net.outputs
    points = [rng.random((1, 146, 2)).astype(np.float32) for _ in range(2)]

    def answer(x):
        net.run(x)
        return net.tensor(output)

    first, second = answer(points[0]), answer(points[1])
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(answer(points[0]), first)
    np.testing.assert_array_equal(net.tensor(net.outputs[output]), first)


def test_what_is_no_graph_is_named(tmp_path):
    (tmp_path / "net.tflite").write_bytes(b"no graph at all" * 9)
    with pytest.raises(ModelError, match="net.tflite: not readable as a LiteRT model"):
        LiteRtNetwork(tmp_path / "net.tflite")
    with pytest.raises(ModelError, match="the graph: not readable"):
        LiteRtNetwork(b"no graph at all" * 9)
    with zipfile.ZipFile(tmp_path / "a.task", "w") as archive:
        archive.writestr("other.tflite", b"")
    with pytest.raises(ModelError, match="pose_detector were expected"):
        graphs_of(tmp_path / "a.task", "pose_detector")
