"""The tables of a study's report: small functions from scores by date to frames, each number with its uncertainty."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers.evaluation.inference import bootstrap_interval, newey_west, pricing_errors
from helpers.experiments.study_file import Study
from helpers.experiments.study_scores import EQUAL, NYSE, VALUE, ByDate, Scores, Tested, difference, ratio

R2_COLUMNS = ["value", "standard error", "difference", "standard error of difference", "t", "dates"]
SHARPE_COLUMNS = ["sharpe", "low", "high", "difference", "difference low", "difference high", "dates"]
ONE_SD = 0.6827  # the share of a normal distribution within one standard deviation
MONTHS = 12  # in a year, where the file does not say how many dates are one
LARGE_T, BEYOND = 3.0, 0.0027  # and the share of a normal distribution that lies beyond it, on either side


def r2_table(found: Tested, what: str) -> pd.DataFrame:
    """An R² of each model and K, a fraction, and how it differs from that of the first model with the same K.

    Parameters
    ----------
    found : Tested
    what : str
        Such as "total", "predictive", "managed total" or "total of group 1".

    Returns
    -------
    DataFrame
        Indexed by model and K; the standard errors are over dates (Newey, West). t is the difference in standard
        errors.
    """
    rows = {}
    for score in found.scores:
        if what not in score.parts:
            continue
        parts, first = score.parts[what], _first(found, score)
        gap = (np.nan, np.nan)
        if first is not None and first is not score and what in first.parts:
            gap = difference(parts, first.parts[what])
        dates = int((~np.isnan(parts.above)).sum())
        rows[score.model, score.n_factors] = (*ratio(parts), *gap, gap[0] / gap[1] if gap[1] else np.nan, dates)
    return _table(rows, ["model", "K"], R2_COLUMNS)


def sharpe_table(found: Tested, study: Study, of: Callable[[Scores], np.ndarray | None]) -> pd.DataFrame:
    """The Sharpe ratio of a year of one series of each model and K, and its difference from that of the first model.

    Parameters
    ----------
    found : Tested
    study : Study
    of : function of Scores
        The returns by date, NaN at dates that are not there; None where there is no such portfolio.

    Returns
    -------
    DataFrame
        Indexed by model and K, with intervals from blocks of dates drawn again (Politis, Romano).
    """
    rows = {}
    for score in found.scores:
        series = of(score)
        if series is None or (~np.isnan(series)).sum() < 3:
            continue
        other = _first(found, score)
        others = None if other is None or other is score else of(other)
        rows[score.model, score.n_factors] = _sharpe_row(study, series, others)
    return _table(rows, ["model", "K"], SHARPE_COLUMNS)


def long_short(kind: str) -> Callable[[Scores], np.ndarray | None]:
    """The function that takes the highest minus the lowest portfolio of this kind from the scores of a model.

    Parameters
    ----------
    kind : str
        Such as "equal weights".
    """
    return lambda score: score.returns[kind][-1] - score.returns[kind][0] if kind in score.returns else None


def deciles_table(found: Tested, study: Study) -> pd.DataFrame:
    """The mean return per period of each sorted portfolio, with its standard error (Newey, West), for the one K.

    Parameters
    ----------
    found : Tested
    study : Study

    Returns
    -------
    DataFrame
        Indexed by weights, model and portfolio (1 the lowest).
    """
    rows = {}
    for kind in (EQUAL, VALUE, *NYSE.values()):
        for score in _of_one_k(found, study):
            for p, series in enumerate(score.returns.get(kind, ()), start=1):
                rows[kind, score.model, p] = newey_west(series)
    return _table(rows, ["weights", "model", "portfolio"], ["mean", "standard error"])


def alphas_table(found: Tested, study: Study) -> pd.DataFrame:
    """How many managed portfolios have an |α| of more than three standard errors, and how large α is, by model and K.

    Parameters
    ----------
    found : Tested
    study : Study

    Returns
    -------
    DataFrame
        Indexed by model and K: the count with an interval, and the mean of |α| with a standard error, both from blocks
        of dates drawn again, and what the mean would be if every α were 0; the number of portfolios, and how many of
        them chance alone would give.
    """
    rows = {}
    for score in found.scores:
        errors = score.errors[~np.isnan(score.errors).any(axis=1)]
        if errors.shape[1] and len(errors) > 3:
            draws, n = {"n_draws": study.report["draws"]}, errors.shape[1]
            of_count = bootstrap_interval(_count_large, errors, level=study.report["level"], **draws)
            low, high = bootstrap_interval(_mean_size, errors, level=ONE_SD, **draws)
            by_luck = np.sqrt(2 / np.pi) * newey_west(errors)[1].mean()  # the mean of a normal number's size
            sizes = _mean_size(errors), (high - low) / 2, by_luck
            numbers = (_count_large(errors), *of_count, *sizes, n, BEYOND * n)
            rows[score.model, score.n_factors] = numbers
    columns = ["count", "low", "high", "mean |α|", "standard error of mean |α|", "mean |α| by chance"]
    columns += ["portfolios", "by chance"]
    return _table(rows, ["model", "K"], columns)


def each_alpha(found: Tested, names: list[str]) -> pd.DataFrame:
    """The α of each managed portfolio, with standard error and t, by model and K.

    Parameters
    ----------
    found : Tested
    names : list of str
        Of the portfolios.
    """
    tables = {}
    for score in found.scores:
        errors = score.errors[~np.isnan(score.errors).any(axis=1)]
        if errors.shape[1] and len(errors) > 1:
            table = pricing_errors(errors, np.zeros(errors.shape), n_lags=None)
            tables[score.model, score.n_factors] = table.set_axis(pd.Index(names, name="portfolio"))
    return pd.concat(tables, names=["model", "K"]) if tables else pd.DataFrame()


def importance_table(found: Tested, study: Study, names: list[str]) -> pd.DataFrame:
    """How much total R² falls when one characteristic is 0 everywhere, by characteristic and model, for the one K.

    Parameters
    ----------
    found : Tested
    study : Study
    names : list of str
        Of the characteristics.

    Returns
    -------
    DataFrame
        Indexed by model and characteristic; standard errors over dates.
    """
    rows = {}
    for score in _of_one_k(found, study):
        if not np.isnan(score.importance).all():
            for j, name in enumerate(names):
                rows[score.model, name] = ratio(ByDate(score.importance[:, j], score.parts["total"].below))
    return _table(rows, ["model", "characteristic"], ["value", "standard error"])


def costs_table(found: Tested, study: Study) -> pd.DataFrame:
    """Turnover of the highest minus the lowest portfolio, and its Sharpe ratio after costs, by weights, model and K.

    Parameters
    ----------
    found : Tested
    study : Study

    Returns
    -------
    DataFrame
        Indexed by weights, model, K and cost: the mean turnover per period with its standard error (purchases and sales
        both count), and the Sharpe ratio with its interval.
    """
    rows = {}
    for weights in (EQUAL, VALUE):
        for score in found.scores:
            if weights not in score.traded or (~np.isnan(score.traded[weights])).sum() < 3:
                continue
            traded, earned = score.traded[weights], long_short(weights)(score)
            mean, error = newey_west(traded)
            for cost in (0.0, *study.report["costs"]):
                # What is traded after a date is paid at that date; after the last nothing is.
                net = earned - cost * np.nan_to_num(traded)
                sharpe, low, high, *_ = _sharpe_row(study, net, None)
                rows[weights, score.model, score.n_factors, cost] = (mean, error, sharpe, low, high)
    columns = ["turnover", "standard error", "sharpe", "low", "high"]
    return _table(rows, ["weights", "model", "K", "cost"], columns)


def years_table(found: Tested, study: Study) -> pd.DataFrame:
    """The total R² of each calendar year of tests, for the one K, with standard errors over its dates.

    Parameters
    ----------
    found : Tested
    study : Study
    """
    rows = {}
    for score in _of_one_k(found, study):
        for year in found.dates.year.unique():
            rows[score.model, int(year)] = ratio(score.parts["total"].of(found.dates.year == year))
    return _table(rows, ["model", "year"], ["value", "standard error"])


def returns_table(found: Tested, study: Study) -> pd.DataFrame:
    """The returns by date of the highest minus the lowest portfolio, a column for each model and weights.

    Parameters
    ----------
    found : Tested
    study : Study
    """
    columns = {
        (score.model, kind): long_short(kind)(score)
        for score in _of_one_k(found, study)
        for kind in (EQUAL, VALUE, *NYSE.values())
        if kind in score.returns
    }
    return pd.DataFrame(columns, index=found.dates.rename("date"))


def models_table(found: Tested, study: Study, n_folds: int) -> pd.DataFrame:
    """What each model is, what was set, how many of its folds are kept, and of how many returns it said something.

    Parameters
    ----------
    found : Tested
    study : Study
    n_folds : int
    """
    rows = {}
    for score in found.scores:
        given = study.models[score.model].parameters
        words = ", ".join(f"{key} = {value!r}" for key, value in given.items()) or "the defaults"
        kept = f"{len(score.folds)} of {n_folds}"
        rows[score.model, score.n_factors] = (score.about["class"], words, kept, score.said, score.about["versions"])
    return _table(rows, ["model", "K"], ["class", "set", "folds", "said", "versions"])


def _of_one_k(found, study):
    return [score for score in found.scores if score.n_factors == study.report["K"]]


def _first(found, score):
    """The first model of the study with as many factors, which the others are set against; None if it has no such."""
    model = found.scores[0].model
    return next((o for o in found.scores if (o.model, o.n_factors) == (model, score.n_factors)), None)


def _table(rows, names, columns):
    index = (
        pd.MultiIndex.from_tuples(rows, names=names)
        if rows
        else pd.MultiIndex.from_arrays([[]] * len(names), names=names)
    )
    return pd.DataFrame(list(rows.values()), index, columns)


def _sharpe_row(study, series, others):
    years, draws = study.report["periods_per_year"] or MONTHS, study.report["draws"]

    def sharpe(values):
        return np.sqrt(years) * values.mean() / values.std(ddof=1)

    def gap(both):
        return sharpe(both[:, 0]) - sharpe(both[:, 1])

    how = {"n_draws": draws, "level": study.report["level"]}
    known = series[~np.isnan(series)]
    row = (sharpe(known), *bootstrap_interval(sharpe, known, **how))
    if others is None:
        return *row, np.nan, np.nan, np.nan, len(known)
    both = np.column_stack([series, others])
    both = both[~np.isnan(both).any(axis=1)]
    if len(both) < 3 or np.allclose(*both.T):
        return *row, np.nan, np.nan, np.nan, len(known)
    return *row, gap(both), *bootstrap_interval(gap, both, **how), len(known)


def _count_large(errors):
    """How many columns have a mean of more than three of its standard errors (Newey, West)."""
    means, spread = newey_west(errors)
    return float((np.abs(means) > LARGE_T * np.where(spread > 0, spread, np.inf)).sum())


def _mean_size(errors):
    return float(np.abs(errors.mean(axis=0)).mean())
