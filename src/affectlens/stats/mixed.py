"""Mixed models of values of people in conditions, by statsmodels, with degrees of freedom for few people."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from affectlens.core.environment.extras import helpful
from affectlens.core.errors import UsageError


@dataclass(frozen=True)
class Mixed:
    """A mixed model.

    Attributes
    ----------
    table : DataFrame
        A row a term: term, value, low, high (95 %), t, freedom, p_value.
    formula : str
        As statsmodels takes it.
    people, rows : int
        What it was fitted to.
    between_people, residual : float
        Variances.
    note : str
        What the fit says of itself; empty where nothing was wrong.
    """

    table: pd.DataFrame
    formula: str
    people: int
    rows: int
    between_people: float
    residual: float
    note: str


def mixed_model(frame: pd.DataFrame, value: str, within: str = "", between: str = "", person: str = "participant") -> Mixed:
    """A linear mixed model with an intercept for each person.

    Each person's values in a condition are averaged before, so that many events of one person are no more people. Wald's z,
    which statsmodels gives, finds too much with few people: Student's t is taken instead (within people with
    (people − groups)(conditions − 1) degrees of freedom, between them with people − groups).

    Parameters
    ----------
    frame : DataFrame
        A row a value.
    value : str
        The column of values.
    within, between : str
        Columns of conditions within people and of groups of people; at least one.
    person : str
        The column of people.

    Returns
    -------
    Mixed
        Of restricted maximum likelihood; terms compare with the first condition and group in alphabetical order.

    Raises
    ------
    UsageError
        Neither conditions nor groups, too few people, or statsmodels is not installed.
    """  # noqa: DOC502
    factors = [name for name in (within, between) if name]
    if not factors:
        raise UsageError("a mixed model needs conditions within people or groups of people")
    with helpful():
        import statsmodels.formula.api as smf
    data = frame[[person, value, *factors]].dropna().groupby([person, *factors], as_index=False, observed=True)[value].mean()
    people = data[person].nunique()
    levels = {name: data[name].nunique() for name in factors}
    if people < 3 or min(levels.values()) < 2:
        told = ", ".join(f"{count} of {name}" for name, count in levels.items())
        raise UsageError(f"a mixed model of {people} people with {told}; at least 3 people and 2 of each were expected")
    formula = "value ~ " + " * ".join(f"C({name})" for name in factors)
    columns = {value: "value", **{name: f"factor{number}" for number, name in enumerate(factors)}, person: "person"}
    plain = data.rename(columns=columns)
    terms = " * ".join(f"C(factor{number})" for number in range(len(factors)))
    scale = float(plain["value"].std()) or 1.0
    plain["value"] /= scale  # the optimiser stops too early where values are small
    fit, note, spread = None, "", float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of its ways; what came of them is in the note
        if within:
            try:
                model = smf.mixedlm(f"value ~ {terms}", plain, groups=plain["person"])
                fit = model.fit(reml=True)
                fit = fit if fit.converged else model.fit(reml=True, method="powell")
            except np.linalg.LinAlgError:  # at the boundary, where people do not differ
                fit = None
            if fit is None or float(np.asarray(fit.cov_re)[0, 0]) < 1e-6 * float(fit.scale):
                fit, note, spread = None, "no variance between people: a model without their intercepts", 0.0
            else:
                spread = float(np.asarray(fit.cov_re)[0, 0]) * scale**2
                note = "" if fit.converged else "did not converge"
        if fit is None:  # also of groups alone, where a person has one value and there is no variance within people
            fit = smf.ols(f"value ~ {terms}", plain).fit()
    fixed, errors = getattr(fit, "fe_params", fit.params) * scale, getattr(fit, "bse_fe", fit.bse) * scale
    rest = float(fit.scale) * scale**2
    rows = []
    for term in fixed.index:
        freedom = _freedom(str(term), people, levels, within, between)
        t = float(fixed[term] / errors[term])
        half = float(student.ppf(0.975, freedom) * errors[term])
        rows.append({
            "term": _named(str(term), factors), "value": float(fixed[term]), "low": float(fixed[term] - half),
            "high": float(fixed[term] + half), "t": t, "freedom": freedom, "p_value": float(2 * student.sf(abs(t), freedom)),
        })  # fmt: skip
    return Mixed(pd.DataFrame(rows), formula, people, len(plain), spread, rest, note)


def _freedom(term: str, people: int, levels: dict[str, int], within: str, between: str) -> int:
    groups = levels.get(between, 1)
    inside = within and "C(factor0)" in term
    if inside:
        return max(1, (people - groups) * (levels[within] - 1))
    return max(1, people - groups)


def _named(term: str, factors: list[str]) -> str:
    for number, name in enumerate(factors):
        term = term.replace(f"C(factor{number})[T.", f"{name}[")
    return "intercept" if term == "Intercept" else term.replace(":", " × ")
