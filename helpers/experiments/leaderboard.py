"""The public leaderboard of Jensen, Kelly, Pedersen: scripts for it, made of the course's code, tried and scored here.

    python -m helpers.experiments.leaderboard build ipca mine.py          or neural, ca2: one file that obeys the rules
    python -m helpers.experiments.leaderboard simulate folder             three small made-up files, and the truth
    python -m helpers.experiments.leaderboard check mine.py folder        whether the contract is kept
    python -m helpers.experiments.leaderboard score mine.py folder        its Sharpe ratio beside the best possible one

`simulate` takes --full, or --stocks, --months, --features, --seed; `check` takes --truncations, --shuffles, --seconds.
"""

import argparse
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from helpers.checks import as_choice
from helpers.experiments import contract, scores
from helpers.experiments.flatten import ROOT, flatten
from helpers.experiments.forbidden import forbidden
from helpers.experiments.made_up import FULL, SMALL, simulate
from helpers.files import written_whole

MODELS = ("ipca", "neural", "ca2")
HERE = "python -m helpers.experiments.leaderboard"
# Where numpy, pandas, scipy and scikit-learn are not enough. TensorFlow, because the course's numbers come from it, and
# alone, because it brings Keras, whose version is said beside its own.
PINNED = {"neural": ("tensorflow-cpu", "keras"), "ca2": ("tensorflow-cpu", "keras")}

__all__ = ["build", "check", "main", "score", "simulate"]
check = contract.check


def build(model: str, path: str | Path) -> list[Path]:
    """The paths of the files that were written: the script, and beside it what it requires, if it requires anything.

    The script is the entry in `helpers.experiments.entries`, with all of the course that it reaches, word for word.

    Parameters
    ----------
    model : {"ipca", "neural", "ca2"}
    path : str or path
        Of the script, which ends in .py. A file of this name is replaced once the new one is whole.
    """
    as_choice("model", model, MODELS)
    path = Path(path).expanduser()
    if path.suffix != ".py" or not path.parent.is_dir():
        raise ValueError(f"{path} must end in .py and lie in a folder that exists. Name another, or make the folder.")
    pins = _pins(model)
    text = _header(model, pins) + flatten(f"helpers.experiments.entries.{model}", "main")
    bad = forbidden(text)
    if bad or len(text.encode()) >= contract.MOST_SOURCE:
        broken = ", ".join(bad) or "it is too long"
        raise ValueError(f"The script of {model} breaks the rules: {broken}. Change its code.")
    made = [path]
    if pins:
        made.append(path.with_suffix(".requirements.txt"))
        with written_whole(made[1]) as unfinished:
            unfinished.write_text("\n".join(pins) + "\n", encoding="utf-8")
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return made


def score(script: str | Path, folder: str | Path, seconds: float | None = None, recipe: bool = True) -> pd.DataFrame:
    """The Sharpe ratio that the script's weights earn in a folder that `simulate` made, as `scores.score` gives it.

    Parameters
    ----------
    script, folder : str or path
    seconds : float, optional
        That the script may take: a day if left out.
    recipe : bool
        Whether the organisers' recipe is computed, too.
    """
    script, folder = Path(script).expanduser(), Path(folder).expanduser()
    if not script.is_file():
        raise ValueError(f"There is no script {script}. Make one: {HERE} build ipca {script}")
    contract.read_folder(folder)
    if not (folder / scores.TRUTH).is_file():
        raise ValueError(f"{folder} has no {scores.TRUTH}: only of made-up files it is known. Make some: simulate.")
    with TemporaryDirectory() as room:
        done = contract.run(script, folder, Path(room), contract.A_DAY if seconds is None else seconds)
    if done.fault:
        raise ValueError(f"{script}: {done.fault}")
    return scores.score(done.table, folder, recipe)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog=HERE, description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of = {name: commands.add_parser(name) for name in ("build", "check", "simulate", "score")}
    of["build"].add_argument("model", choices=MODELS)
    of["build"].add_argument("out", type=Path, help="the script")
    for name in ("check", "score"):
        of[name].add_argument("script", type=Path)
    for name in ("check", "simulate", "score"):
        of[name].add_argument("folder", type=Path)
    for name in ("check", "score"):
        of[name].add_argument("--seconds", type=float, help="that a run may take (default: 60 for a small file, a day)")
    for option in ("truncations", "shuffles"):
        of["check"].add_argument(f"--{option}", type=int, default=10, help="how many (default 10)")
    of["score"].add_argument("--no-recipe", action="store_true", help="leave out the organisers' recipe, which is slow")
    of["simulate"].add_argument("--full", action="store_true", help=f"as large as the organisers' file: {FULL}")
    for option in SMALL:
        of["simulate"].add_argument(f"--{option}", type=int, help=f"default {SMALL[option]}")
    of["simulate"].add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    try:
        kept = _done(chosen)
    except (OSError, ValueError) as error:
        of[chosen.command].error(str(error))
    except KeyboardInterrupt:
        sys.exit("Stopped. Nothing half-written is left.")
    if not kept:
        sys.exit(1)


def _done(chosen):
    """Does what was asked for and prints what came of it; whether all is well."""
    if chosen.command == "build":
        print(*build(chosen.model, chosen.out), sep="\n")
    elif chosen.command == "simulate":
        sizes = FULL if chosen.full else SMALL
        sizes = {option: usual if getattr(chosen, option) is None else getattr(chosen, option)
                 for option, usual in sizes.items()}  # fmt: skip
        print(*simulate(chosen.folder, **sizes, seed=chosen.seed), sep="\n")
    elif chosen.command == "score":
        table = score(chosen.script, chosen.folder, chosen.seconds, not chosen.no_recipe)
        print(table.round(2).to_string())
    else:
        found = check(chosen.script, chosen.folder, chosen.truncations, chosen.shuffles, chosen.seconds)
        print(*found, sep="\n")
        return all(finding.kept is not False for finding in found)
    return True


def _pins(model):
    """The lines of the requirements, at the versions with which the course was tested here."""
    pins = []
    for name in PINNED.get(model, ()):
        for package in (name, name.removesuffix("-cpu")):  # the same package under two names, see pyproject.toml
            with suppress(PackageNotFoundError):
                pins.append(f"{name}=={version(package)}")
                break
        else:
            raise ValueError(f"{name} is not installed here, so it is not known which version to ask for. Install it.")
    return pins


def _header(model, pins):
    says = (ROOT / "helpers" / "experiments" / "entries" / f"{model}.py").read_text(encoding="utf-8")
    says = says.split('"""')[1].strip()
    with suppress(PackageNotFoundError):
        number = version("factor-models-course")
        return _comment(says, f"version {number}", model, pins)
    return _comment(says, "not installed, run from its folder", model, pins)


def _comment(says, edition, model, pins):
    needs = ", ".join(pins) if pins else "numpy, pandas, scipy, which are there"
    return (
        f'"""{says}\n"""\n\n'
        f"# Made of the course on factor models ({edition}) by: {HERE} build {model}\n"
        "# Do not change it here: change the course, and make it again.\n"
        f"# Requires: {needs}. License: MIT.\n\n"
    )


if __name__ == "__main__":
    main()
