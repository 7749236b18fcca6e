"""An intervention on faces, for the audit of properties: the picture in steps of fewer grey levels.

AFFECTLENS_PLUGINS=intervention.py affectlens audit properties --model face --corpus fer2013=FILE --interventions posterise
"""

import numpy as np

from affectlens.explainers.interventions.registry import register_intervention


@register_intervention("posterise", "face", doses=(0.0, 2.0, 4.0, 6.0), unit="bits lost", says="fewer grey levels")
def posterise(picture: np.ndarray, dose: float) -> np.ndarray:
    """Grey levels rounded down to multiples of ``2 ** dose``."""
    step = 2 ** int(dose)
    return (picture // step * step).astype(picture.dtype)
