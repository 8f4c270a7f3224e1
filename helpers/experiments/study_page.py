"""The report of a study: one page that needs no network, with its figures inside, and every table as CSV beside it."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import pandas as pd

from helpers.experiments import study_figures as figures
from helpers.experiments import study_html as html
from helpers.experiments import study_tables as tables
from helpers.experiments.study_data import market
from helpers.experiments.study_file import Study
from helpers.experiments.study_scores import EQUAL, NYSE, VALUE, Tested, scores_of
from helpers.files import written_whole
from helpers.labels import short

GIVEN = {
    "TimeSeriesRegression": "the returns of the given factors; its β is constant",
    "PCAFactors": "returns alone; its β is constant",
    "InstrumentedPCA": "returns and characteristics; β along straight lines, F by the regression of each date",
    "NeuralIPCA": "returns and characteristics; β along curves, F by the regression of each date",
    "ConditionalAutoencoder": "returns, characteristics and portfolios; β along curves, F by fixed weights",
}
MOST_LISTED, MOST_ROWS = 20, 40  # of cells that are missing, and of characteristics in the picture
NUMBERED = {"total": 1, "predictive": 2}
R2 = (
    (
        "total", "stocks",
        "what the factors of a date explain of its returns. F is made of the same returns, and catches a part of their "
        "noise, about K / N where it is solved for: a model without merit lies above 0",
    ),
    (
        "leave-one-out", "stocks",
        "the same, F of each stock made without its own return, so that models which solve for F can be compared with "
        "those that are given it",
    ),
    ("total", "managed portfolios", "what the factors of a date explain of them; F is made of the same returns"),
    ("predictive", "stocks", "what was said before"),
    ("predictive", "managed portfolios", "what was said before"),
)  # fmt: skip
IN_BRACKETS = "In brackets standard errors over dates (Newey, West)."


def write_report(study: Study, data: Path) -> Path:
    """The path of the page; it and the tables are made from the kept cells, the same bytes each time.

    Parameters
    ----------
    study : Study
    data : Path
        The folder of the prepared data.
    """
    page = _Page(study, data, scores_of(study, data))
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
        self.models = list(dict.fromkeys(score.model for score in found.scores))
        self.places = {name: i for i, name in enumerate(study.models)}
        self.root = f"× √{study.report['periods_per_year'] or tables.MONTHS:g}"
        self.level, self.k = f"{100 * study.report['level']:g} %", study.report["K"]
        self.beside = f" The lower part: what is more than {self.models[0]}’s, on the same dates." * (
            len(self.models) > 1
        )

    def text(self) -> str:
        """The whole page."""
        sections = [
            self._head(), self._sample(), self._models(), self._missing(), self._r2(), self._portfolios(),
            self._tangency(), self._alphas(), self._importance(), self._sizes(), self._costs(), self._years(),
        ]  # fmt: skip
        title = escape(self.study.title)
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<style>{html.STYLE}</style>\n</head>\n<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
        )

    def _head(self):
        dates, split = self.found.dates, self.study.split
        unit, kind = "calendar years" if split.calendar_years else "dates", "growing" if split.expanding else "rolling"
        return (
            f"<h1>{escape(self.study.title)}</h1>\n<p>{len(self.models)} models ({escape(', '.join(self.models))}) at "
            f"{len(dates)} dates that none of them had seen, {short(dates[0])} to {short(dates[-1])}. Each is fitted "
            f"anew in {self.n_folds} folds: training of {split.n_train} {unit} in the first fold ({kind}), validation "
            f"of the {split.n_validation} after them, then a test of {split.n_test}. Models that have no use for "
            "validation dates learn from them as well.</p>\n"
        )

    def _sample(self):
        return f"<h2>Who is in the sample</h2>\n{_list(self.market.sample)}"

    def _models(self):
        table = tables.models_table(self.found, self.study, self.n_folds)
        self.kept["models"], cells = table, {}
        for name in self.models:
            own = table.loc[name]
            kind = own["class"].iloc[0].rpartition(".")[2]
            words = f"{kind}: {GIVEN.get(kind, 'what its class says')}. Set: {own['set'].iloc[0]}."
            folds, said = ", ".join(dict.fromkeys(own["folds"])), f"{100 * own['said'].min():.1f} %"
            cells[name] = [html.plain_cell(folds), html.plain_cell(said), html.plain_cell(words, words=True)]
        caption = (
            "What each model was given. “Said”: of how many returns it said something; of the others it counts as "
            "having said 0, so that all models are judged on the same returns."
        )
        text = html.table(caption, ["model", "folds", "said"], html.rows(cells), words="what it is")
        text += self._csv("models") + f"<p>Made with {escape('; '.join(sorted(set(table['versions']))))}.</p>\n"
        warned = sorted({f"{score.name}: {words}" for score in self.found.scores for words in score.warnings})
        if warned:
            text += f"<p>Warnings of the fits ({len(warned)} in all):</p>\n{_list(warned[:MOST_LISTED])}"
        return f"<h2>The models</h2>\n{text}"

    def _missing(self):
        told = [f"{cell} is not kept." for cell in self.found.missing[:MOST_LISTED]]
        rest = len(self.found.missing) - MOST_LISTED
        told += [f"{rest} more cells are not kept."] * (rest > 0)
        who: dict[tuple[str, str], list[str]] = {}
        for score in self.found.scores:
            for cause in score.missing.items():
                who.setdefault(cause, []).append(score.name)
        told += [f"No {what}: {why} ({'; '.join(names)})." for (what, why), names in sorted(who.items())]
        if not told:
            return ""
        words = (
            "The numbers below are made from the rest. A model without some folds is judged at fewer dates; its "
            "differences are taken at the dates that both models have. The log says why a cell is missing; the same "
            "command tries it again."
        )
        return f'<h2>What is missing</h2>\n<div class="missing">\n<p>{words}</p>\n{_list(told)}</div>\n'

    def _r2(self):
        text = ""
        for what, of, words in R2:
            name = f"{what.capitalize()} R²"
            if of == "stocks" and what in NUMBERED:
                text += f"<h2>Table {NUMBERED[what]}. {name}</h2>\n"
            table = tables.r2_table(self.found, what if of == "stocks" else f"managed {what}")
            if not table.empty:
                caption = f"{name} of {of}, %: {words}. {IN_BRACKETS}{self.beside}"
                file = f"{what.replace('-', '_')}_r2_{of.replace(' ', '_')}"
                text += self._by_k(file, table, caption, html.percent_cell, html.percent_difference)
                text += self._figure(
                    figures.by_number_of_factors(table, f"{name} of {of}", "%"),
                    f"{name} of {of} by K, in percent. {html.listed(table['value'] * 100)}",
                    "Bars reach two standard errors to each side.",
                )
        return text

    def _portfolios(self):
        text, n = "<h2>Table 3. Portfolios sorted by what was predicted</h2>\n", self.study.report["portfolios"]
        for kind in (EQUAL, VALUE, *NYSE.values()):
            table = tables.sharpe_table(self.found, self.study, tables.long_short(kind))
            if table.empty:
                continue
            caption = (
                f"Sharpe ratio of a year ({self.root}) of portfolio {n} minus portfolio 1, {kind}. A stock that is "
                "held and has no return at a date earns 0 there. Below it the interval "
                f"({self.level}) from blocks of dates drawn again.{self.beside}"
            )
            name = f"sharpe_{kind.replace(',', '').replace(' ', '_')}"
            text += self._by_k(name, table, caption, html.sharpe_cell, html.sharpe_difference)
        deciles = tables.deciles_table(self.found, self.study)
        if not deciles.empty:
            self.kept["portfolio_means"] = deciles
            caption = f"Mean return per period of each portfolio, %, equal weights, K = {self.k}. {IN_BRACKETS}"
            text += self._by_column("portfolio_means", deciles.loc[EQUAL], "portfolio", caption)
        returns = tables.returns_table(self.found, self.study)
        lines = {
            model: 100 * returns[model, EQUAL].fillna(0.0).cumsum().to_numpy()
            for model in self.models
            if (model, EQUAL) in returns
        }
        if lines:
            self.kept["long_short_returns"] = returns
            title = f"{n} minus 1, returns added up, K = {self.k}"
            drawn = figures.over_time(returns.index, lines, [self.places[m] for m in lines], title, "%")
            ends = html.listed(pd.Series({model: values[-1] for model, values in lines.items()}))
            text += self._figure(drawn, f"{title}, in percent. At the end: {ends}", "Equal weights, before costs.")
            text += self._csv("long_short_returns")
        return text

    def _tangency(self):
        table = tables.sharpe_table(self.found, self.study, lambda score: score.tangency)
        if table.empty:
            return ""
        caption = (
            f"Sharpe ratio of a year ({self.root}) of the tangency portfolio of each model's factors. Its weights are "
            "those of the factors before the date, as the model of the fold has them, scaled to the same risk; of an "
            f"ensemble, the mean over its members. Below it the interval ({self.level}).{self.beside}"
        )
        text = "<h2>Table 4. Tangency portfolios</h2>\n"
        text += self._by_k("sharpe_tangency", table, caption, html.sharpe_cell, html.sharpe_difference)
        one = self._of_one_k(table)
        if len(one):
            title = f"Tangency portfolios, K = {self.k}"
            drawn = figures.intervals(one, title, "Sharpe ratio of a year")
            text += self._figure(drawn, f"{title}. {html.listed(one['sharpe'])}", f"Intervals of {self.level}.")
        return text

    def _alphas(self):
        table = tables.alphas_table(self.found, self.study)
        if table.empty:
            return ""
        names = [*self.market.panel.characteristic_names, "constant"]
        self.kept["alpha_of_each_portfolio"] = tables.each_alpha(self.found, names)
        caption = (
            f"How many of {len(names)} managed portfolios have |t(α)| > 3 ({table['by chance'].iloc[0]:.2g} would by "
            "chance), α the mean of x less what the model explains of it. Below it the interval "
            f"({self.level}) of the count in blocks of dates drawn again. Drawing adds noise to each t, so this "
            "interval lies too high, and may leave out the count itself. t is of Newey and West."
        )
        text = "<h2>Table 5. What is left unexplained</h2>\n"
        text += self._by_k("alphas", table, caption, html.count_cell)
        own = table[["mean |α|", "standard error of mean |α|"]].set_axis(["value", "standard error"], axis=1)
        caption = (
            "Mean |α| of the managed portfolios, % per period, with standard errors from the same blocks. It is not to "
            "be compared with 0: the next table says what it would be if every α were 0."
        )
        text += self._by_k("", own, caption, html.percent_cell)
        luck = table[["mean |α| by chance"]].set_axis(["value"], axis=1)
        caption = "Mean |α| by chance, % per period: 0.8 of the mean standard error of α."
        text += self._by_k("", luck, caption, lambda row: html.plain_cell(f"{100 * row['value']:.2f}"))
        return text + self._csv("alpha_of_each_portfolio")

    def _importance(self):
        table = tables.importance_table(self.found, self.study, list(self.market.panel.characteristic_names))
        if table.empty:
            return ""
        self.kept["importance"] = table
        by_model = 100 * table["value"].unstack("model")
        by_model = by_model[[name for name in self.models if name in by_model]]
        by_model = by_model.loc[by_model.mean(axis=1).sort_values(ascending=False, kind="stable").index]
        title = f"What is lost without it, K = {self.k}"
        drawn = figures.heat_map(by_model.head(MOST_ROWS), title, "points of total R²; the darker, the more")
        most = "; ".join(f"{model}: most by {by_model[model].idxmax()}" for model in by_model)
        caption = (
            "By how many points the total R² at the test dates falls when a characteristic is 0 for everybody"
            f"{', the median,' * (self.study.data['rank'] == 'median')} where β is computed; F stays. Standard errors "
            f"are in the CSV, at most {100 * table['standard error'].max():.1f} points. Models whose β is not made of "
            "characteristics are not here."
        )
        text = self._figure(drawn, f"{title}. {most}.", caption)
        return f"<h2>Which characteristics matter</h2>\n{text}{self._csv('importance')}"

    def _sizes(self):
        groups, text = self.study.report["size_groups"], ""
        for what in ("total", "predictive"):
            for g, which in ((1, "smallest"), (groups, "largest")):
                table = tables.r2_table(self.found, f"{what} of group {g}")
                if not table.empty:
                    caption = (
                        f"{what.capitalize()} R² of the {which} of {groups} groups by market value at each date, %. "
                        f"{IN_BRACKETS}{self.beside}"
                    )
                    name = f"{what}_r2_{which}"
                    text += self._by_k(name, table, caption, html.percent_cell, html.percent_difference)
        return f"<h2>Small and large</h2>\n{text}" if text else ""

    def _costs(self):
        table = tables.costs_table(self.found, self.study)
        if table.empty:
            return ""
        self.kept["turnover_and_costs"], text = table, "<h2>Turnover and costs</h2>\n"
        for weights in table.index.get_level_values("weights").unique():
            entries = self._of_one_k(table.loc[weights])
            costs, cells = list(entries.index.get_level_values("cost").unique()), {}
            for model in dict.fromkeys(entries.index.get_level_values("model")):
                own = entries.loc[model]
                first = own.iloc[0]
                cells[model] = [html.two_lines(f"{first['turnover']:.2f}", f"({first['standard error']:.2f})")]
                cells[model] += [html.sharpe_cell(own.loc[cost]) for cost in costs]
            caption = (
                f"Turnover per period of highest minus lowest, {weights}, K = {self.k} (purchases and sales both "
                "count, the first purchase does not), with its standard error, and the Sharpe ratio of a year after a "
                f"cost of what is traded, with its interval ({self.level})."
            )
            names = ["model", "turnover", *(f"cost {100 * cost:g} %" for cost in costs)]
            text += html.table(caption, names, html.rows(cells)) if cells else ""
        return text + self._csv("turnover_and_costs")

    def _years(self):
        table = tables.years_table(self.found, self.study)
        if table.empty:
            return ""
        caption = f"Total R² of stocks in each calendar year, %, K = {self.k}. {IN_BRACKETS}"
        text = "<h2>R² through time</h2>\n" + self._by_column("total_r2_by_year", table, "year", caption)
        by_year = 100 * table["value"].unstack("year")
        lines = {model: by_year.loc[model].to_numpy() for model in self.models if model in by_year.index}
        title = f"Total R² by year, K = {self.k}"
        drawn = figures.over_time(by_year.columns, lines, [self.places[m] for m in lines], title, "%")
        means = html.listed(by_year.mean(axis=1))
        return text + self._figure(drawn, f"{title}, in percent. Means: {means}", "Stocks, out of sample.")

    def _of_one_k(self, table):
        """The rows of the K that is shown, none if there are none."""
        there = table.index.get_level_values("K") == self.k
        return table[there].droplevel("K")

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
        body = html.rows(_cells(table, "K", counts, cell))
        others = table[table.index.get_level_values("model") != self.models[0]]
        if gap is not None and len(others):
            title = f"more than {self.models[0]}"
            body += html.rows(_cells(others, "K", counts, gap), title, width=len(counts) + 1)
        if name:
            self.kept[name] = table
        text = html.table(caption, ["model", *(f"K = {k}" for k in counts)], body)
        return text + (self._csv(name) if name else "")

    def _by_column(self, name, table, column, caption):
        """A table with a row for each model and a column for each value of a level."""
        values = list(dict.fromkeys(table.index.get_level_values(column)))
        self.kept.setdefault(name, table)
        body = html.rows(_cells(table, column, values, html.percent_cell))
        return html.table(caption, ["model", *map(str, values)], body) + self._csv(name)


def _cells(table, column, values, cell):
    """By model, a cell for each value of the column, an empty one where there is no such row."""
    return {
        model: [cell(table.loc[(model, v)]) if (model, v) in table.index else html.plain_cell("") for v in values]
        for model in dict.fromkeys(table.index.get_level_values("model"))
    }


def _list(sentences):
    return "<ul>\n" + "".join(f"<li>{escape(sentence)}</li>\n" for sentence in sentences) + "</ul>\n"
