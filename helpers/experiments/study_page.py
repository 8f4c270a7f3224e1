"""The report of a study: one page that needs no network, with its figures inside, and every table as CSV beside it."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.experiments import study_figures as figures
from helpers.experiments import study_tables as tables
from helpers.experiments.study_data import market
from helpers.experiments.study_file import Study
from helpers.experiments.study_scores import EQUAL, NYSE, VALUE, Tested, tested
from helpers.files import written_whole
from helpers.labels import short

STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid #0072B2; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; font-size: .9rem; }
caption { text-align: left; padding-bottom: .4rem; } th, td { padding: .25rem .6rem; text-align: right; vertical-align: top; white-space: nowrap; }
th[scope=row], thead th:first-child, th[scope=rowgroup] { text-align: left; } thead th { border-bottom: 2px solid #222; }
tbody { border-bottom: 1px solid #999; } td small { display: block; color: #555; font-size: .8rem; line-height: 1.2; }
td.words { text-align: left; white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } img { width: 100%; max-width: 34rem; height: auto; } figcaption, .csv { font-size: .9rem; color: #444; }
a { color: #0072B2; } .missing { border-left: 4px solid #D55E00; padding-left: .8rem; }
"""
GIVEN = {
    "TimeSeriesRegression": "the returns of the given factors; its β is constant",
    "PCAFactors": "returns alone; its β is constant",
    "InstrumentedPCA": "returns and characteristics; β along straight lines, F by the regression of each date",
    "NeuralIPCA": "returns and characteristics; β along curves, F by the regression of each date",
    "ConditionalAutoencoder": "returns, characteristics and portfolios; β along curves, F by fixed weights",
}


def write_report(study: Study, data: Path) -> Path:
    """The path of the page; it and the tables are made from the kept cells, the same bytes each time.

    Parameters
    ----------
    study : Study
    data : Path
        The folder of the prepared data.
    """
    page = _Page(study, data, tested(study, data))
    folder = study.folder / "report"
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    text = page.text()
    for name, table in page.kept.items():
        with written_whole(folder / "csv" / f"{name}.csv") as path:
            table.to_csv(path, float_format="%.8g", lineterminator="\n")
    with written_whole(folder / "index.html") as path:
        path.write_text(text, encoding="utf-8")
    return folder / "index.html"


class _Page:
    """The page as it is put together, and the tables that it has shown."""

    def __init__(self, study: Study, data: Path, found: Tested):
        self.study, self.market, self.found = study, market(data), found
        self.kept: dict[str, pd.DataFrame] = {}
        self.n_folds = len(study.split.slices(self.market.panel.dates))
        self.first = next(iter(dict.fromkeys(score.model for score in found.scores)))
        self.places = {name: i for i, name in enumerate(study.models)}
        self.level = f"{100 * study.report['level']:g} %"

    def text(self) -> str:
        """The whole page."""
        sections = [
            self._head(), self._sample(), self._models(), self._missing(), self._r2(), self._portfolios(), self._tangency(),
            self._alphas(), self._importance(), self._sizes(), self._costs(), self._years(),
        ]  # fmt: skip
        title = escape(self.study.title)
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n</head>\n'
            f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
        )

    def _head(self):
        dates, split = self.found.dates, self.study.split
        unit = "calendar years" if split.calendar_years else "dates"
        kind = "growing" if split.expanding else "rolling"
        names = dict.fromkeys(score.model for score in self.found.scores)
        return (
            f"<h1>{escape(self.study.title)}</h1>\n<p>{len(names)} models ({escape(', '.join(names))}) at "
            f"{len(dates)} dates that none of them had seen, {short(dates[0])} to {short(dates[-1])}. Each is fitted anew "
            f"in {self.n_folds} folds: training of {split.n_train} {unit} in the first fold ({kind}), validation of the "
            f"{split.n_validation} after them, then a test of {split.n_test}. Models that have no use for validation "
            "dates learn from them as well.</p>\n"
        )

    def _sample(self):
        lines = "".join(f"<li>{escape(line)}</li>\n" for line in self.market.sample)
        return f"<h2>Who is in the sample</h2>\n<ul>\n{lines}</ul>\n"

    def _models(self):
        table = tables.models_table(self.found, self.study, self.n_folds)
        self.kept["models"] = table
        rows = []
        for name in dict.fromkeys(table.index.get_level_values("model")):
            row = table.loc[name].iloc[0]
            kind = row["class"].rpartition(".")[2]
            said = table.loc[name]["said"].min()
            folds = ", ".join(dict.fromkeys(table.loc[name]["folds"]))
            words = f"{kind}: {GIVEN.get(kind, 'what its class says')}. Set: {row['set']}."
            rows.append((name, (folds, f"{100 * said:.1f} %", words)))
        caption = (
            "What each model was given. “Said”: of how many returns it said something; of the others it counts as having "
            "said 0, so that all models are judged on the same returns."
        )
        body = "".join(_row(name, (_td(a), _td(b), f'<td class="words">{escape(c)}</td>')) for name, (a, b, c) in rows)
        warned = sorted({f"{score.name}: {text}" for score in self.found.scores for text in score.warnings})
        notes = "".join(f"<li>{escape(text)}</li>\n" for text in warned[:10])
        after = f"<p>Warnings of the fits ({len(warned)} in all):</p>\n<ul>\n{notes}</ul>\n" if warned else ""
        return (
            "<h2>The models</h2>\n"
            + _wide(caption, _header(["model", "folds", "said", "what it is"]) + f"<tbody>\n{body}</tbody>\n")
            + self._csv("models")
            + f"<p>Made with {escape('; '.join(sorted(set(table['versions']))))}.</p>\n"
            + after
        )

    def _missing(self):
        told = [f"{cell} is not kept." for cell in self.found.missing[:20]]
        told += [f"{len(self.found.missing) - 20} more cells are not kept."] * (len(self.found.missing) > 20)
        for score in self.found.scores:
            told += [f"{score.name}: no {what}: {why}" for what, why in sorted(score.missing.items())]
        if not told:
            return ""
        lines = "".join(f"<li>{escape(line)}</li>\n" for line in told)
        words = (
            "The numbers below are made from the rest. A model without some folds is judged at fewer dates; its "
            "differences are taken at the dates that both models have. The log says why a cell is missing; the same "
            "command tries it again."
        )
        return f'<h2>What is missing</h2>\n<div class="missing">\n<p>{words}</p>\n<ul>\n{lines}</ul>\n</div>\n'

    def _r2(self):
        text, errors = "", "In brackets standard errors over dates (Newey, West)."
        for number, (what, words) in enumerate(
            (("total", "what the factors of a date explain of its returns"), ("predictive", "what was said before")), 1
        ):
            text += f"<h2>Table {number}. {what.capitalize()} R²</h2>\n"
            for prefix, of in (("", "stocks"), ("managed ", "managed portfolios")):
                table = tables.r2_table(self.found, prefix + what)
                if table.empty:
                    continue
                name = f"{what}_r2_{of.replace(' ', '_')}"
                caption = f"{what.capitalize()} R² of {of}, %: {words}. {errors}{self._set_against()}"
                text += self._by_k(name, table, caption, _percent_cell, _percent_difference)
                text += self._figure(
                    figures.by_number_of_factors(table, f"{what.capitalize()} R² of {of}", "%"),
                    f"{what.capitalize()} R² of {of} by K, %. {_listed(table['value'] * 100)}",
                    "Bars reach two standard errors to each side.",
                )
        return text

    def _portfolios(self):
        text = "<h2>Table 3. Portfolios sorted by what was predicted</h2>\n"
        n = self.study.report["portfolios"]
        for kind in (EQUAL, VALUE, *NYSE.values()):
            table = tables.sharpe_table(self.found, self.study, tables.long_short(kind))
            if table.empty:
                continue
            caption = (
                f"Sharpe ratio of a year of portfolio {n} minus portfolio 1, {kind}. Below it the interval ({self.level}) "
                f"from blocks of dates drawn again.{self._set_against()}"
            )
            name = f"sharpe_{kind.replace(',', '').replace(' ', '_')}"
            text += self._by_k(name, table, caption, _sharpe_cell, _sharpe_difference)
        deciles = tables.deciles_table(self.found, self.study)
        if not deciles.empty:
            self.kept["portfolio_means"] = deciles
            shown = deciles.loc[EQUAL] if EQUAL in deciles.index.get_level_values(0) else deciles.iloc[:0]
            caption = f"Mean return per period of each portfolio, %, equal weights, K = {self._k()}. In brackets standard errors."
            text += self._by_column("portfolio_means", shown, "portfolio", caption, _percent_cell)
        returns = tables.returns_table(self.found, self.study)
        self.kept["long_short_returns"] = returns
        of_equal = {model: returns[model, EQUAL] for model in self.places if (model, EQUAL) in returns}
        if of_equal:
            lines = {model: 100 * series.fillna(0.0).cumsum().to_numpy() for model, series in of_equal.items()}
            title = f"{n} minus 1, returns added up, K = {self._k()}"
            drawn = figures.over_time(returns.index, lines, [self.places[m] for m in lines], title, "%")
            ends = pd.Series({model: values[-1] for model, values in lines.items()})
            text += self._figure(drawn, f"{title}, in percent. At the end: {_listed(ends)}", "Equal weights, before costs.")
            text += self._csv("long_short_returns")
        return text

    def _tangency(self):
        table = tables.sharpe_table(self.found, self.study, lambda score: score.tangency)
        if table.empty:
            return ""
        caption = (
            "Sharpe ratio of a year of the tangency portfolio of each model's factors. Its weights are those of the "
            "factors before the date, as the model of the fold has them, scaled to the same risk; of an ensemble, the mean "
            f"over its members. Below it the interval ({self.level}).{self._set_against()}"
        )
        text = "<h2>Table 4. Tangency portfolios</h2>\n"
        text += self._by_k("sharpe_tangency", table, caption, _sharpe_cell, _sharpe_difference)
        one = table.xs(self._k(), level="K") if self._k() in table.index.get_level_values("K") else table.iloc[:0]
        if len(one):
            drawn = figures.intervals(one, f"Tangency portfolios, K = {self._k()}", "Sharpe ratio of a year")
            text += self._figure(drawn, f"Sharpe ratios, K = {self._k()}. {_listed(one['sharpe'])}", f"Intervals of {self.level}.")
        return text

    def _alphas(self):
        table = tables.alphas_table(self.found, self.study)
        if table.empty:
            return ""
        self.kept["alpha_of_each_portfolio"] = tables.each_alpha(
            self.found, [*self.market.panel.characteristic_names, "constant"]
        )
        n, chance = int(table["portfolios"].iloc[0]), table["by chance"].iloc[0]
        caption = (
            f"How many of {n} managed portfolios have |t(α)| > 3 ({chance:.2g} would by chance), α the mean of x less what "
            f"the model explains of it. Below it the interval ({self.level}) from blocks of dates drawn again; it leans "
            "upwards, since drawing adds noise to each t."
        )
        text = "<h2>Table 5. What is left unexplained</h2>\n"
        text += self._by_k("alphas", table, caption, lambda row: _two(f"{row['count']:.0f}", f"{row['low']:.0f} to {row['high']:.0f}"))
        caption = "Mean |α| of the managed portfolios, % per period. In brackets standard errors."
        own = table[["mean |α|", "standard error of mean |α|"]].set_axis(["value", "standard error"], axis=1)
        return text + self._by_k("", own, caption, _percent_cell) + self._csv("alpha_of_each_portfolio")

    def _importance(self):
        names = list(self.market.panel.characteristic_names)
        table = tables.importance_table(self.found, self.study, names)
        if table.empty:
            return ""
        self.kept["importance"] = table
        wide = 100 * table["value"].unstack("model")[list(dict.fromkeys(table.index.get_level_values("model")))]
        wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False, kind="stable").index]
        title = f"What is lost without it, K = {self._k()}"
        drawn = figures.heat_map(wide.head(40), title, "points of total R²; the darker, the more")
        best = {model: str(wide[model].idxmax()) for model in wide}
        words = "; ".join(f"{model}: most by {name}" for model, name in best.items())
        errors = 100 * table["standard error"].max()
        caption = (
            "By how many points the total R² at the test dates falls when a characteristic is 0 for everybody, the median, "
            f"where β is computed; F stays. Standard errors are in the CSV, at most {errors:.1f} points. Models whose β is not made of "
            "characteristics are not here."
        )
        return "<h2>Which characteristics matter</h2>\n" + self._figure(drawn, f"{title}. {words}.", caption) + self._csv("importance")

    def _sizes(self):
        groups, text = self.study.report["size_groups"], ""
        for what in ("total", "predictive"):
            for g in (1, groups):
                table = tables.r2_table(self.found, f"{what} of group {g}")
                if table.empty:
                    continue
                which = "smallest" if g == 1 else "largest"
                caption = f"{what.capitalize()} R² of the {which} of {groups} groups by market value at each date, %. In brackets standard errors.{self._set_against()}"
                text += self._by_k(f"{what}_r2_{which}", table, caption, _percent_cell, _percent_difference)
        return f"<h2>Small and large</h2>\n{text}" if text else ""

    def _costs(self):
        table = tables.costs_table(self.found, self.study)
        if table.empty:
            return ""
        self.kept["turnover_and_costs"], text = table, "<h2>Turnover and costs</h2>\n"
        for weights in table.index.get_level_values("weights").unique():
            rows = table.loc[weights].xs(self._k(), level="K") if self._k() in table.index.get_level_values("K") else None
            if rows is None or rows.empty:
                continue
            body, costs = "", list(rows.index.get_level_values("cost").unique())
            for model in dict.fromkeys(rows.index.get_level_values("model")):
                own = rows.loc[model]
                first = own.iloc[0]
                cells = [_two(f"{first['turnover']:.2f}", f"({first['standard error']:.2f})")]
                body += _row(model, [*cells, *(_sharpe_cell(own.loc[cost]) for cost in costs)])
            caption = (
                f"Turnover per period of highest minus lowest, {weights}, K = {self._k()} (purchases and sales both count), "
                f"with its standard error, and the Sharpe ratio of a year after a cost of what is traded, with its interval ({self.level})."
            )
            head = _header(["model", "turnover", *(f"cost {100 * cost:g} %" for cost in costs)])
            text += _wide(caption, f"{head}<tbody>\n{body}</tbody>\n")
        return text + self._csv("turnover_and_costs")

    def _years(self):
        table = tables.years_table(self.found, self.study)
        if table.empty:
            return ""
        caption = f"Total R² of stocks in each calendar year, %, K = {self._k()}. In brackets standard errors over the dates of the year."
        text = "<h2>R² through time</h2>\n" + self._by_column("total_r2_by_year", table, "year", caption, _percent_cell)
        wide = 100 * table["value"].unstack("year")
        lines = {model: wide.loc[model].to_numpy() for model in self.places if model in wide.index}
        title = f"Total R² by year, K = {self._k()}"
        drawn = figures.over_time(wide.columns, lines, [self.places[m] for m in lines], title, "%")
        return text + self._figure(drawn, f"{title}, in percent. Means: {_listed(wide.mean(axis=1))}", "Stocks, out of sample.")

    def _k(self):
        return self.study.report["K"]

    def _set_against(self):
        several = len({score.model for score in self.found.scores}) > 1
        return f" The lower part: what is more than {self.first}’s, on the same dates." if several else ""

    def _csv(self, name):
        return f'<p class="csv"><a href="csv/{name}.csv">{name}.csv</a></p>\n'

    def _figure(self, figure, alt, caption):
        return (
            f'<figure>\n<img alt="{escape(alt, quote=True)}" src="data:image/png;base64,{figures.as_png(figure)}">\n'
            f"<figcaption>{escape(caption)}</figcaption>\n</figure>\n"
        )

    def _by_k(self, name, table, caption, cell: Callable, gap: Callable | None = None):
        """A table with a row for each model and a column for each K, and below it the differences, if asked for."""
        counts = sorted(table.index.get_level_values("K").unique())
        models = list(dict.fromkeys(table.index.get_level_values("model")))

        def rows(of, which):
            return "".join(
                _row(m, [of(table.loc[(m, k)]) if (m, k) in table.index else _td("") for k in counts]) for m in which
            )

        body = f"<tbody>\n{rows(cell, models)}</tbody>\n"
        others = [model for model in models if model != self.first]
        if gap is not None and others:
            head = f'<tr><th scope="rowgroup" colspan="{len(counts) + 1}">more than {escape(self.first)}</th></tr>\n'
            body += f"<tbody>\n{head}{rows(gap, others)}</tbody>\n"
        if name:
            self.kept[name] = table
        text = _wide(caption, _header(["model", *(f"K = {k}" for k in counts)]) + body)
        return text + (self._csv(name) if name else "")

    def _by_column(self, name, table, column, caption, cell):
        """A table with a row for each model and a column for each value of a level."""
        values = list(dict.fromkeys(table.index.get_level_values(column)))
        models = list(dict.fromkeys(table.index.get_level_values("model")))
        body = "".join(
            _row(m, [cell(table.loc[(m, v)]) if (m, v) in table.index else _td("") for v in values]) for m in models
        )
        self.kept.setdefault(name, table)
        return _wide(caption, _header(["model", *map(str, values)]) + f"<tbody>\n{body}</tbody>\n") + self._csv(name)


def _percent_cell(row):
    value, error = 100 * row.iloc[0], 100 * row["standard error"]
    return _two(_number(value), f"({_number(error)})")


def _percent_difference(row):
    if np.isnan(row["difference"]):
        return _td("")
    return _two(f"{100 * row['difference']:+z.2f}", f"({_number(100 * row['standard error of difference'])})")


def _sharpe_cell(row):
    return _two(f"{row['sharpe']:z.2f}", f"{row['low']:z.2f} to {row['high']:z.2f}")


def _sharpe_difference(row):
    if np.isnan(row["difference"]):
        return _td("")
    return _two(f"{row['difference']:+z.2f}", f"{row['difference low']:z.2f} to {row['difference high']:z.2f}")


def _number(value):
    return "" if np.isnan(value) else f"{value:z.2f}"


def _two(number, below):
    return f"<td>{number} <small>{below}</small></td>"


def _td(text):
    return f"<td>{escape(text)}</td>"


def _row(name, cells):
    return f'<tr><th scope="row">{escape(str(name))}</th>{"".join(cells)}</tr>\n'


def _header(names):
    return "<thead>\n<tr>" + "".join(f'<th scope="col">{escape(name)}</th>' for name in names) + "</tr>\n</thead>\n"


def _wide(caption, inside):
    label = escape(caption.partition(".")[0], quote=True)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{label}">\n<table>\n<caption>{escape(caption)}</caption>\n'
        f"{inside}</table>\n</div>\n"
    )


def _listed(values):
    """Numbers in a sentence, for those who do not see the picture."""
    if isinstance(values.index, pd.MultiIndex):
        by_model = values.groupby(level="model", sort=False)
        return "; ".join(f"{name}: {', '.join(f'{v:z.1f}' for v in own)}" for name, own in by_model) + "."
    return "; ".join(f"{name} {value:z.1f}" for name, value in values.items()) + "."
