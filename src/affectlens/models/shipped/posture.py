"""The shipped posture model: one skeleton to four classes, and the joints that are not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from affectlens.models.base import register_model
from affectlens.models.nets.posture import PostureNet, PostureNetConfig
from affectlens.models.readers import skeleton_of
from affectlens.models.shipped.loaded import TrainedModel
from affectlens.perception.body.joints import bone_directions


@register_model("posture")
class PostureModel(TrainedModel):
    """Skeletons ``(n, 18, 3)`` to logits ``(n, 4)``.

    Skeletons are as ``perception.body.posture.upright`` gives them; missing joints are NaN.
    """

    kind = reads = "posture"
    network, shape = PostureNet, PostureNetConfig

    def read(self, item: Any) -> np.ndarray:
        """One upright skeleton ``(18, 3)``: of a skeleton or picture, or from the middle of a motion."""
        return skeleton_of(item)

    def directions(self, inputs: np.ndarray) -> np.ndarray:
        """What typicality compares: directions are free of a body's proportions, of which training has seen few.

        Returns
        -------
        numpy.ndarray
            Unit vectors along the bones ``(n, 51)``, those of missing joints as they are rebuilt. (The deep features tell a
            sitting body from walking ones no better than chance.)
        """
        return bone_directions(np.where(np.isfinite(inputs), inputs, self.rebuild(inputs)))

    def rebuild(self, inputs: np.ndarray) -> np.ndarray:
        """All joints ``(n, 18, 3)``, also those that are missing: a guess, not a measurement."""
        return self.run(self.net.rebuild, inputs)
