"""The threads of a run."""

import torch

from affectlens.core.options import Options, torch_threads
from affectlens.modalities.base import Modality
from affectlens.pipeline.engine import Engine
from tests.perception.body.walker import walker, write_bvh


class Counting(Modality):
    """Notes how many threads torch has while a recording is worked on."""

    name = "counting"
    seen: list[int]

    def finish(self, clip, findings):
        self.seen.append(torch.get_num_threads())
        return [], []


def test_networks_of_a_run_have_one_thread_so_that_numbers_do_not_depend_on_it_and_leave_those_of_the_process(
    tmp_path, monkeypatch
):
    before, seen = 2, []

    def counting(options):
        modality = Counting(options)
        modality.name = "gait"  # recorded motion is read
        modality.seen = seen
        return [modality]

    monkeypatch.setattr("affectlens.pipeline.engine.build", counting)
    monkeypatch.delenv("OMP_THREAD_LIMIT", raising=False)  # nothing here computes with so many
    with torch_threads(before):  # left as it was found: the tests that follow have one thread
        Engine(Options(threads=before + 2)).run(write_bvh(walker(seconds=1.0), tmp_path / "walk.bvh"), explaining=False)
        assert seen == [1] and torch.get_num_threads() == before
