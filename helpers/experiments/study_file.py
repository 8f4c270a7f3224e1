"""What a study file says, checked before anything is run: data, models, K, folds, report."""

import difflib
import inspect
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from helpers.checks import described_kind, first_few
from helpers.evaluation.splitter import WalkForward
from helpers.models.base import FactorModel

# The models of the paper's tables by their names there, and how its empirical part sets them: a constant beside the
# characteristics, managed portfolios as what the Factor network reads, and stocks that come and go.
PRESETS: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType(
    {
        "FF": ("TimeSeriesRegression", {"min_observations": 24, "unseen": "leave out"}),
        "PCA": ("PCAFactors", {"min_observations": 24, "unseen": "leave out"}),
        "IPCA": ("InstrumentedPCA", {"constant": True}),
        **{
            name: ("ConditionalAutoencoder", {"hidden_units": hidden, "factor_inputs": "managed"})
            for name, hidden in (("CA0", ()), ("CA1", (32,)), ("CA2", (32, 16)), ("CA3", (32, 16, 8)))
        },
        "NeuralIPCA": ("NeuralIPCA", {}),
    }
)
# Where the course's own models are; those with networks load TensorFlow, and only when they are asked for.
MODULES: Mapping[str, str] = MappingProxyType(
    {
        "TimeSeriesRegression": "regression",
        "CrossSectionalRegression": "regression",
        "PCAFactors": "pca",
        "InstrumentedPCA": "ipca",
        "NeuralIPCA": "neural_ipca",
        "ConditionalAutoencoder": "autoencoder",
    }
)
TEXT, WHOLE, NUMBER, FLAG = (str,), (int,), (int, float), (bool,)
TEXTS, WHOLES, NUMBERS = [str], [int], [int, float]  # lists of these
DAY = (str, int, date)
WORDS = {
    DAY: "a date such as 1987-01-31",
    TEXT: "text",
    WHOLE: "a whole number",
    NUMBER: "a number",
    FLAG: "true or false",
}

# Of each table of the file, its keys: the kind of value, and what counts where the key is left out.
TOP = {"title": (TEXT, ""), "folder": (TEXT, ""), "K": (WHOLES, [1, 2, 3, 4, 5, 6]), "seed": (WHOLE, 0)}
TOP |= {"warm": (FLAG, False)}
READER = {  # what is handed on to read_panel as it is
    **dict.fromkeys(
        ("layout", "returns_layout", "more_layout", "date", "ticker", "returns", "date_format"), (TEXT, None)
    ),
    **dict.fromkeys(("start", "end"), (DAY, None)),
    **dict.fromkeys(("characteristics", "exclude", "missing_values"), (TEXTS, None)),
    "percent": (FLAG, None),
    "lag": (WHOLE, None),
    "dtype": (TEXT, None),
}
DATA = {
    "path": (TEXT, ...),
    "returns_path": (TEXT, None),
    "more_path": (TEXT, None),
    **READER,
    "rank": (TEXT, "median"),
    "size": (TEXT, None),
    "exchange": (TEXT, None),
    "nyse": ((str, int), 1),
    "select": ("table", {}),
    "factors": (TEXT, None),
    "factors_layout": (TEXT, None),
    "risk_free": (TEXT, None),
}
SPLIT = {"train": (WHOLE, ...), "validation": (WHOLE, 0), "refit_every": (WHOLE, 1), "unit": (TEXT, "years")}
SPLIT |= {"expanding": (FLAG, True), "purge": (WHOLE, 0), "embargo": (WHOLE, 0)}
REPORT = {
    "K": (WHOLE, None),  # that of the tables which show one
    "portfolios": (WHOLE, 10),
    "size_groups": (WHOLE, 3),
    "costs": (NUMBERS, [0.001, 0.003]),
    "periods_per_year": (NUMBER, None),  # 12 where dates are months
    "draws": (WHOLE, 1000),
    "level": (NUMBER, 0.95),
    "importance": (FLAG, True),
}


@dataclass(frozen=True)
class ModelOfStudy:
    """A model of a study: its class, the parameters that the file gives, and its numbers of factors."""

    kind: str
    parameters: Mapping[str, Any]
    n_factors: tuple[int, ...]


@dataclass(frozen=True)
class Study:
    """What a study file says, checked.

    Parameters
    ----------
    home : Path
        The folder that the paths of the file begin in.
    folder : Path
        Where all is kept.
    title : str
    data, report : dict
        The tables of these names, every key filled in.
    models : dict of str to ModelOfStudy
        By their names in the report, in the order of the file.
    split : WalkForward
    seed : int
        Of every model that has a seed and is given none of its own.
    warm : bool
        Whether a fold begins where the fold before has ended, with models that know how to (`warm_start`).
    """

    home: Path
    folder: Path
    title: str
    data: Mapping[str, Any]
    models: Mapping[str, ModelOfStudy]
    split: WalkForward
    seed: int
    warm: bool
    report: Mapping[str, Any]

    @classmethod
    def from_toml(cls, path: str | Path) -> "Study":
        """The study that a TOML file describes.

        Parameters
        ----------
        path : path
            Paths in the file begin in its folder. What is kept goes to `folder`, or beside the file to a folder of the
            file's name with _kept at its end.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no TOML, a key is unknown or missing, or a value is not what it should be; the key is named.
        """
        path = Path(path).expanduser()
        if path.is_dir() or not path.exists():
            raise FileNotFoundError(
                f"There is no study file {path}. Write one, or see a ready one by --example FOLDER."
            )
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no TOML file: {error}.") from None
        return cls.from_table(table, path.resolve().parent, path.stem)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], home: str | Path, name: str = "study") -> "Study":
        """The study that a dict describes, with the tables and keys of a study file.

        Parameters
        ----------
        table : dict
        home : path
            The folder that its paths begin in.
        name : str
            Of the study, if it has no title.
        """
        home = Path(home).resolve()
        parts = {part: _a_table(table, part) for part in ("data", "models", "split", "report")}
        top = _checked("the file", {k: v for k, v in table.items() if k not in parts}, TOP, parts)
        data, split = _checked("[data]", parts["data"], DATA), _checked("[split]", parts["split"], SPLIT)
        _one_of("[data] rank", data["rank"], ("median", "none"))
        _one_of("[split] unit", split["unit"], ("years", "dates"))
        paths = {key: _found(home, key, data[key]) for key in ("path", "returns_path", "more_path", "factors")}
        if data["risk_free"] and not data["factors"]:
            raise ValueError("[data] risk_free names a column of the file of factors, and there is no factors = '…'.")
        every = _factor_counts("K", top["K"])
        models = {name: _model(name, entry, every, home) for name, entry in parts["models"].items()}
        if not models:
            raise ValueError("[models] names no model. Add one, such as [models.IPCA].")
        _require_own_names(models)
        report = _checked("[report]", parts["report"], REPORT)
        asked = sorted({k for model in models.values() for k in model.n_factors})
        report["K"] = report["K"] or next(k for k in (5, every[-1], asked[-1]) if k in asked)
        _one_of("[report] K", report["K"], asked)
        if not 0 < report["level"] < 1:
            raise ValueError(f"[report] level must be between 0 and 1, such as 0.95; {report['level']:g} was given.")
        walk = WalkForward(
            split["train"],
            split["validation"],
            split["refit_every"],
            split["purge"],
            split["embargo"],
            split["expanding"],
            calendar_years=split["unit"] == "years",
        )
        walk._checked()
        return cls(
            home=home,
            folder=home / (top["folder"] or f"{name}_kept"),
            title=top["title"] or name,
            data=data | paths,
            models=models,
            split=walk,
            seed=top["seed"],
            warm=top["warm"],
            report=report,
        )

    def class_of(self, name: str) -> type[FactorModel]:
        """The class of one of the models."""
        return model_class(self.models[name].kind, self.home)

    def model(self, name: str, n_factors: int) -> FactorModel:
        """One of the models, unfitted, with this number of factors."""
        cls = self.class_of(name)
        parameters = dict(self.models[name].parameters)
        known = parameters_of(cls)
        if "n_factors" in known:
            parameters["n_factors"] = n_factors
        if "seed" in known:
            parameters.setdefault("seed", self.seed)
        if self.warm and "warm_start" in known:
            parameters["warm_start"] = True
        return cls(**parameters)


def model_class(kind: str, home: Path) -> type[FactorModel]:
    """The class that a study file names: one of the course's, or "package.module:Class".

    Parameters
    ----------
    kind : str
    home : Path
        Modules in this folder are found, too.

    Raises
    ------
    ValueError
        If there is no such class, or it is no FactorModel.
    """
    if ":" not in kind:
        if kind not in MODULES:
            near = _nearest(kind, (*PRESETS, *MODULES))
            raise ValueError(
                f"There is no model {kind!r}.{near} A class of your own is named by its module: class = 'module:Class'."
            )
        found = getattr(import_module(f"helpers.models.{MODULES[kind]}"), kind)
    else:
        module, _, name = kind.partition(":")
        if str(home) not in sys.path:
            sys.path.append(str(home))
        try:
            found = getattr(import_module(module), name)
        except ImportError as error:
            raise ValueError(
                f"class = {kind!r}: the module {module!r} cannot be imported ({error}). It must lie in {home}, or be "
                "installed."
            ) from error
        except AttributeError:
            raise ValueError(f"class = {kind!r}: the module {module!r} has no {name!r}.") from None
    if not (isinstance(found, type) and issubclass(found, FactorModel)):
        raise ValueError(f"class = {kind!r} is no FactorModel, but {described_kind(found)}.")
    return found


def parameters_of(cls: type[FactorModel]) -> list[str]:
    """The names of the parameters that a model's constructor takes."""
    return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]


def _model(name, entry, every, home):
    if not isinstance(entry, Mapping):
        raise ValueError(f"[models] {name} must be a table, such as [models.{name}]; {entry!r} was given.")
    entry = dict(entry)
    kind, counts = entry.pop("class", name), entry.pop("K", None)
    if not isinstance(kind, str):
        raise ValueError(f"[models.{name}] class must be text; {kind!r} was given.")
    n_factors = every if counts is None else _factor_counts(f"[models.{name}] K", counts)
    kind, preset = PRESETS.get(kind, (kind, {}))
    try:
        known = parameters_of(model_class(kind, home))
    except ValueError as error:
        raise ValueError(f"[models.{name}]: {error}") from None
    for key in entry:
        if key not in known or key in ("n_factors", "warm_start"):
            said = {"n_factors": "K says it", "warm_start": "warm = true, at the top, says it"}.get(key)
            near = f" ({said})" if said else _nearest(key, [*known, "class", "K"])
            raise ValueError(f"[models.{name}] has the key {key!r}, which {kind} does not take.{near}")
    return ModelOfStudy(kind, preset | entry, n_factors)


def _factor_counts(name, counts):
    """Numbers of factors: whole, at least 1, ascending, none twice."""
    good = isinstance(counts, list) and counts and all(type(k) is int and k > 0 for k in counts)
    if not good or len(set(counts)) < len(counts):
        raise ValueError(f"{name} must be a list of different whole numbers from 1 on, such as [1, 2]; got {counts!r}.")
    return tuple(sorted(counts))


def _a_table(table, name):
    part = table.get(name, {})
    if not isinstance(part, Mapping):
        raise ValueError(f"{name} must be a table, [{name}]; {part!r} was given.")
    if not part and name in ("data", "split", "models"):
        raise ValueError(f"The study has no [{name}]. See a ready file by --example FOLDER.")
    return part


def _checked(where, table, known, tables=()):
    """The table with every known key; an unknown one, or a value of another kind, is refused by its name."""
    for key, value in table.items():
        if key not in known:
            place = "The study file" if where == "the file" else where
            raise ValueError(f"{place} has the key {key!r}, which no study knows.{_nearest(key, [*known, *tables])}")
        _require_kind(f"{key}" if where == "the file" else f"{where} {key}", value, known[key][0])
    missing = [key for key, (_, usual) in known.items() if usual is ... and key not in table]
    if missing:
        raise ValueError(f"{where} needs the key {missing[0]!r}, and has it not.")
    return {key: table.get(key, usual) for key, (_, usual) in known.items()}


def _require_kind(name, value, kind):
    def fits(one, kinds):
        return isinstance(one, tuple(kinds)) and (not isinstance(one, bool) or bool in kinds)

    if kind == "table":
        good, words = (
            isinstance(value, Mapping) and all(isinstance(v, list) for v in value.values()),
            "a table of lists",
        )
    elif isinstance(kind, list):
        good, words = isinstance(value, list) and all(fits(one, kind) for one in value), "a list"
        words += f", each of them {WORDS.get(tuple(kind), 'a number')}"
    else:
        good, words = fits(value, kind), WORDS.get(kind, "text or a whole number")
    if not good:
        raise ValueError(f"{name} must be {words}; {value!r} was given.")
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, int | float) and number < 0 for number in numbers):
        raise ValueError(f"{name} must not be below 0; {value!r} was given.")


def _nearest(key, known):
    near = difflib.get_close_matches(key, known, 1, 0.5)
    return f" Did you mean {near[0]!r}?" if near else f" Known are {first_few(known, 30)}."


def _one_of(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; {value!r} was given.")


def _found(home, key, name):
    if name is None:
        return None
    path = home / Path(name).expanduser()
    if not path.is_file():
        raise ValueError(f"[data] {key} = {name!r}: there is no file {path}.")
    return path


def name_in_files(name: str) -> str:
    """The name of a model as folders have it."""
    return re.sub(r"[^\w.+-]+", "_", name)


def _require_own_names(models):
    names = {}
    for name in models:
        other = names.setdefault(name_in_files(name).lower(), name)
        if other != name:
            raise ValueError(f"The models {other!r} and {name!r} would share a folder. Give one of them another name.")
