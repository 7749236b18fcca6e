"""The threads of a run."""

import torch

from affectlens.core.options import Options
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
    torch.set_num_threads(2)
    seen, before = [], torch.get_num_threads()

    def counting(options):
        modality = Counting(options)
        modality.name = "gait"  # recorded motion is read
        modality.seen = seen
        return [modality]

    monkeypatch.setattr("affectlens.pipeline.engine.build", counting)
    Engine(Options(threads=before + 2)).run(write_bvh(walker(seconds=1.0), tmp_path / "walk.bvh"), explaining=False)
    assert seen == [1] and torch.get_num_threads() == before
