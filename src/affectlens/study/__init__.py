"""Studies: participants, conditions, stimuli and raters in one file, from recordings to tests over people and a report.

Examples
--------
>>> from affectlens import study
>>> result = study.run("study.yaml")  # doctest: +SKIP
>>> result.tests, result.flow, result.report  # doctest: +SKIP
"""

from affectlens.study.begin import init
from affectlens.study.carry import run
from affectlens.study.layout import Study, read_study
from affectlens.study.problems import check
from affectlens.study.result import StudyResult, report

__all__ = ["Study", "StudyResult", "check", "init", "read_study", "report", "run"]
