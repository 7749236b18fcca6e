"""Libraries that would report to their makers, or look for newer files on the network, are told not to before they load.

Each reads its switch from the environment once, when it is imported or first used, so `stay_offline` is called when
``affectlens`` is imported, before anything else. `affectlens assets pull` alone uses the network, and it needs none of them.
"""

from __future__ import annotations

import os
import sys

# What each library takes for "say nothing to anybody". These hold whatever the environment said before.
SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime 1.31 and later
    "ORT_TELEMETRY_DISABLED": "1",  # its name in other builds
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, and transformers through it
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",  # else variables of the environment could have it report what the workbench does
    "DO_NOT_TRACK": "1",
}
# Weights are read from folders that the user names; whoever wants the hub in the same process sets these before.
DEFAULTS = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def stay_offline() -> None:
    """Set the switches; a library that was imported before is told through its own functions where it has any.

    Examples
    --------
    >>> stay_offline()
    >>> os.environ["ORT_DISABLE_TELEMETRY"]
    '1'
    """
    os.environ.update(SWITCHES)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    runtime = sys.modules.get("onnxruntime")  # it read its switch when it loaded
    if runtime is not None and hasattr(runtime, "disable_telemetry_events"):
        runtime.disable_telemetry_events()
