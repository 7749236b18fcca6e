"""Contract suites for what others add: each raises one error that lists in plain words what is wrong.

They are to affectlens what ``check_estimator`` is to scikit-learn. A suite is a table of small checks by name (``CHECKS`` in
its module, each with a docstring that says what it asks for); ``leave_out`` takes names of checks that are not wanted.

>>> from affectlens.checks import check_explainer
>>> check_explainer("hirescam")
"""

from affectlens.checks.base import CheckError
from affectlens.checks.concept import check_concept
from affectlens.checks.corpus import check_corpus
from affectlens.checks.exchange import check_exchange
from affectlens.checks.explainer import check_explainer
from affectlens.checks.exporter import check_exporter
from affectlens.checks.intervention import check_intervention
from affectlens.checks.modality import check_modality
from affectlens.checks.model import check_model
from affectlens.checks.property import check_property

__all__ = [
    "CheckError",
    "check_concept",
    "check_corpus",
    "check_exchange",
    "check_explainer",
    "check_exporter",
    "check_intervention",
    "check_modality",
    "check_model",
    "check_property",
]
