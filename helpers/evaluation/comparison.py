"""Models beside each other: the same folds, the same measures, and how sure their differences are."""

import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_flag, described_kind, first_few, labels_along, no_spread
from helpers.data.simulated import SimulatedMarket
from helpers.equation import require_known
from helpers.evaluation.inference import newey_west
from helpers.evaluation.metrics import information_coefficient
from helpers.evaluation.splitter import WalkForward
from helpers.evaluation.walk_forward import out_of_sample
from helpers.labels import Labelled, factor_names, labelled
from helpers.models.base import FactorModel, factors_of_happened
from helpers.panel import Panel, require_panel
from helpers.tables import Tables

TRUTH = "truth"
COLUMNS = ["score", "standard error", "difference", "standard error of difference", "t"]


class Truth(FactorModel):
    """The model that knows the true β and F of a simulated market: no forecast can be expected to do better.

        r̂_s^(d) = β_s^(d) · F^(d)        as they were drawn; λ is the mean of the true F of the dates before

    A reconstruction can, a little: F that is fitted to the returns of the date explains about n_factors / n_tickers of
    the noise.

    Parameters
    ----------
    market : SimulatedMarket
        Panels that are asked about hold dates of this market, with all of its tickers.

    Examples
    --------
    >>> from helpers.data import simulate_market
    >>> market = simulate_market(n_dates=60, n_tickers=30, n_characteristics=5)
    >>> truth = Truth(market).fit(market.panel[:40])
    >>> bool(np.allclose(truth.reconstruct(market.panel[40:]), market.reconstruction[40:]))
    True
    """

    def __init__(self, market: SimulatedMarket):
        self.market = market

    def __sklearn_clone__(self):
        return Truth(self.market)  # without a copy of the market, which nothing changes

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model itself: there is nothing to learn."""
        self._rows(panel)
        if validation is not None:
            self._rows(panel.joined(validation))
        self.fitted_ = True
        return self

    def betas(self, panel: Panel) -> Labelled:
        """The true β of the panel's dates, (n_dates, n_tickers, n_factors)."""
        return labelled(self.market.betas[self._rows(panel)], panel.dates, panel.tickers, self._names())

    def factors(self, panel: Panel) -> Labelled:
        """The true F, (n_dates, n_factors), in fractions per period; NaN at dates that have not happened."""
        self._rows(panel)
        names = self._names()
        factors = factors_of_happened(panel, len(names), lambda past: self.market.factors[self._rows(past)])
        return labelled(factors, panel.dates, names)

    def _names(self):
        return factor_names(self.market.factors.shape[1])

    def _rows(self, panel):
        require_panel(panel)
        if not isinstance(self.market, SimulatedMarket):
            raise TypeError(
                f"market must be a SimulatedMarket, as of simulate_market(); {described_kind(self.market)} was given."
            )
        whole = self.market.panel
        rows = whole.dates.get_indexer(panel.dates)
        if (rows < 0).any() or not panel.tickers.equals(whole.tickers):
            raise ValueError(
                "The truth is known for the dates and tickers of its own market: pass a part of market.panel."
            )
        return rows


class _ByDate(NamedTuple):
    """A score whose parts are known date by date: Σ_d above / Σ_d below."""

    above: np.ndarray
    below: np.ndarray

    @property
    def value(self) -> float:
        """The ratio of the sums; NaN where there is nothing to divide by."""
        return float(self.above.sum() / self.below.sum()) if self.below.any() else np.nan

    @property
    def moves(self) -> np.ndarray:
        """How far each date moves the ratio, to first order: (above - ratio · below) / (mean of below)."""
        return (self.above - self.value * self.below) / self.below.mean()


MEASURES: dict[str, Callable] = {
    "total R²": lambda tested: _explained(tested, "reconstruction"),
    "leave-one-out R²": lambda tested: _explained(tested, "reconstruction", _left_out(tested)),
    "predictive R²": lambda tested: _explained(tested, "prediction"),
    "IC": lambda tested: information_coefficient(tested.returns, tested.prediction),
}


def compare(
    models: Mapping[str, FactorModel] | Sequence[FactorModel],
    data: Panel | SimulatedMarket | Iterable[Panel | SimulatedMarket],
    splitter: WalkForward,
    measures: str | Sequence[str] | Mapping[str, Callable] = ("total R²", "predictive R²", "IC"),
    baseline: str | None = None,
    folder: str | Path | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Each model's score out of sample, and how far and how surely it differs from that of the first model.

        score = measure of `out_of_sample`        difference = score - score of the baseline on the same returns

    Of one market, a standard error is over its dates (Newey, West): a score is a ratio of two sums over dates, a / b,
    which each date moves, to first order, by (a_d - score · b_d) / mean(b); for a difference, the moves of the two
    scores are subtracted date by date. Of several markets the score is the mean over them, a standard error is that of
    this mean, and differences are taken market by market. Paired differences are far more certain than the scores
    themselves: what makes a market hard to explain is hard for every model.

    Parameters
    ----------
    models : dict of name to FactorModel, or sequence of FactorModel
        A sequence is named by what the models print.
    data : Panel or SimulatedMarket, or several of them
        Every model sees the same folds of each. Where all are simulated markets, the row "truth" says what β and F as
        they were drawn would score.
    splitter : WalkForward
    measures : {"total R²", "leave-one-out R²", "predictive R²", "IC"}, several, or dict of name to function of an
        OutOfSample
        "leave-one-out R²" is that of `FactorModel.leave_one_out`: F that is solved for is not credited with the noise
        that it has caught. A function returns one number, NaN where there is none, or one number for each test date,
        whose mean is the score and whose NaN are left out.
    baseline : str, optional
        The model that the others are set against; the first if left out.
    folder : path, optional
        Where finished folds are kept, as in `out_of_sample`: the same call goes on from there.
    progress : bool
        Whether progress bars are shown.

    Returns
    -------
    DataFrame
        Indexed by (measure, model), with the columns `score`, `standard error`, `difference`, `standard error of
        difference` and `t`, the difference in standard errors. Scores are fractions: 0.01 is one percent. There is no
        standard error, NaN, of a measure that is one number on one market.

    Raises
    ------
    TypeError, ValueError
        If a model is none, two have one name, the baseline or a measure does not exist, or a model does not fit the
        data. An error of a model or of a measure keeps its type, and gains a note that names it.

    Examples
    --------
    >>> from helpers import PCAFactors, TimeSeriesRegression, WalkForward, load_industries
    >>> walk = WalkForward(n_train=240, n_test=120)
    >>> table = compare({"PCA": PCAFactors(3), "given factors": TimeSeriesRegression()}, load_industries(), walk)
    >>> bool(table.loc[("total R²", "PCA"), "score"] > 0.5)
    True

    References
    ----------
    Diebold, Mariano (1995) compare forecasts by the mean of paired differences.
    """
    named, markets, chosen = _named(models), _several(data), _chosen(measures)
    simulated = all(isinstance(market, SimulatedMarket) for market in markets)
    if simulated and TRUTH in named:
        raise ValueError(f"No model can be named {TRUTH!r}: that row is the market's own. Give it another name.")
    names = [*named, TRUTH] if simulated else list(named)
    reference = names[0] if baseline is None else as_choice("baseline", baseline, names)
    walk = {"splitter": splitter, "folder": folder, "progress": as_flag("progress", progress)}
    found = [_scored(named, market, chosen, simulated, walk) for market in markets]
    rows = {}
    for measure, name in itertools.product(chosen, names):
        own, others = ([scores[each, measure] for scores in found] for each in (name, reference))
        rows[measure, name] = (*_score(own), *((np.nan,) * 3 if name == reference else _difference(own, others)))
    return pd.DataFrame(rows.values(), pd.MultiIndex.from_tuples(rows.keys(), names=["measure", "model"]), COLUMNS)


def _scored(models, market, measures, simulated, walk):
    """By model and measure, what it scores on one market: a number, or its parts by date."""
    panel = market.panel if isinstance(market, SimulatedMarket) else market
    scores = {}
    for name, model in (models | ({TRUTH: Truth(market)} if simulated else {})).items():
        note = f"This was the model {name!r}."
        try:
            tested = out_of_sample(model, panel, **(walk | {"folder": None} if isinstance(model, Truth) else walk))
            for measure, function in measures.items():
                note = f"This was the measure {measure!r} of the model {name!r}."
                scores[name, measure] = _as_score(measure, function(tested), tested.dates)
        except Exception as error:
            error.add_note(note)
            raise
    return scores


def _as_score(measure, value, dates):
    """What a measure said: parts by date, or one number."""
    if isinstance(value, _ByDate):
        return value
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiub" or numbers.shape not in ((), (len(dates),)):
        raise TypeError(
            f"measures[{measure!r}] must return one number, or one for each of the {len(dates)} test dates; "
            f"{described_kind(value)} of shape {numbers.shape} came back."
        )
    if not numbers.ndim:
        return float(numbers)
    tables, labels = Tables(), labels_along(value, 0)
    tables.takes_in("the test", {"n_dates": dates})
    if labels is not None and not labels.equals(pd.RangeIndex(len(dates))):  # which would only count the entries
        tables.takes_in(f"measures[{measure!r}]", {"n_dates": labels})
    known = ~np.isnan(numbers)
    return _ByDate(np.where(known, numbers, 0.0), known.astype(float))


def _left_out(tested):
    """What the model of each fold says of each return by F of all other tickers, (n_dates, n_tickers)."""
    folds = [np.flatnonzero(tested.fold == k) for k in range(len(tested.models))]
    panels = [tested.panel[rows[0] : rows[-1] + 1] for rows in folds]
    return np.concatenate([model.leave_one_out(panel) for model, panel in zip(tested.models, panels, strict=True)])


def _explained(tested, what, said=None):
    """An R² by date: Σ_s r² - Σ_s (r - r̂)², and Σ_s r²."""
    known = ~np.isnan(tested.returns)
    r = np.where(known, tested.returns, 0.0).astype(float)
    said = np.asarray(getattr(tested, what) if said is None else said)
    require_known(tested.returns, said, what)
    errors = np.where(known, r - said, 0.0)
    return _ByDate((r**2 - errors**2).sum(axis=1), (r**2).sum(axis=1))


def _score(own):
    """The score of a model and its standard error, from what it scores on each market."""
    values = np.array([_value(score) for score in own])
    return _mean(values), _over_markets(values, values) if len(own) > 1 else _over_dates(own)


def _difference(own, others):
    """The mean difference from the baseline, market by market, its standard error, and their ratio."""
    values = np.array([_value(score) for score in own])
    differences = values - [_value(other) for other in others]
    several, difference = len(own) > 1, _mean(differences)
    error = _over_markets(differences, values) if several else _over_dates([*own, *others])
    return difference, error, difference / error if error > 0 else np.nan


def _value(score):
    return score.value if isinstance(score, _ByDate) else score


def _mean(values):
    known = values[~np.isnan(values)]
    return known.mean() if len(known) else np.nan


def _over_markets(values, scores):
    """The standard error of a mean of independent values, 0 if they differ by rounding; of one alone there is none."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return np.nan
    return 0.0 if no_spread(values, of=scores) else known.std(ddof=1) / np.sqrt(len(known))


def _over_dates(scores):
    """The standard error of a score with parts by date, or of the difference of two, over dates that count in one."""
    if not all(isinstance(score, _ByDate) and score.below.any() for score in scores):
        return np.nan
    counted = np.any([score.below > 0 for score in scores], axis=0)
    if counted.sum() < 2:
        return np.nan
    parts = [_ByDate(score.above[counted], score.below[counted]) for score in scores]
    moves = parts[0].moves if len(parts) == 1 else parts[0].moves - parts[1].moves
    return 0.0 if no_spread(moves, of=parts[0].moves) else newey_west(moves)[1]


def _named(models):
    if not isinstance(models, Mapping):
        if isinstance(models, (str, FactorModel)) or not isinstance(models, Sequence):
            raise TypeError(
                f"models must be a dict of names to models, or a list of models; {described_kind(models)} was given. "
                "Of one model: compare([model], ...)."
            )
        pairs = [(repr(model), model) for model in models]
        models = dict(pairs)
        if len(models) < len(pairs):
            raise ValueError("Two of the models print alike. Name them: compare({'one': ..., 'other': ...}, ...).")
    if not models:
        raise ValueError("models is empty: name at least one.")
    for name, model in models.items():
        if not isinstance(model, FactorModel):
            raise TypeError(
                f"models[{name!r}] must be a FactorModel, such as PCAFactors(3); {described_kind(model)} was given."
            )
    return dict(models)


def _several(data):
    if isinstance(data, (Panel, SimulatedMarket)):
        return [data]
    if isinstance(data, (str, Mapping)) or not isinstance(data, Iterable):
        raise TypeError(f"data must be a Panel, a SimulatedMarket or a list of them; {described_kind(data)} was given.")
    markets = list(data)
    if not markets:
        raise ValueError("data is empty: pass at least one Panel or SimulatedMarket.")
    for market in markets:
        if not isinstance(market, (Panel, SimulatedMarket)):
            raise TypeError(f"data must hold panels or simulated markets; {described_kind(market)} is among them.")
    return markets


def _chosen(measures):
    if isinstance(measures, Mapping):
        wrong = [name for name, function in measures.items() if not callable(function)]
        if wrong:
            raise TypeError(f"measures[{wrong[0]!r}] must be a function of an OutOfSample that returns a number.")
        chosen = dict(measures)
    elif isinstance(measures, Iterable):
        names = [measures] if isinstance(measures, str) else list(measures)
        unknown = [name for name in names if not isinstance(name, Hashable) or name not in MEASURES]
        if unknown:
            raise ValueError(
                f"measures must be some of {', '.join(map(repr, MEASURES))}, or a dict of names to functions; "
                f"{first_few(map(repr, unknown))} was given."
            )
        chosen = {name: MEASURES[name] for name in names}
    else:
        raise TypeError(
            f"measures must be names, or a dict of names to functions; {described_kind(measures)} was given."
        )
    if not chosen:
        raise ValueError("measures is empty: name at least one.")
    return chosen
