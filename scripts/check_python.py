"""Stop early, in words, where this Python cannot carry the project."""

import sys

if sys.version_info < (3, 11):
    sys.exit(f"affectlens needs Python 3.11 or later; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 test")
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit("Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv")
