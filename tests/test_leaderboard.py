"""The leaderboard: scripts of one file that are the course's code, the contract and who breaks it, known truths."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.evaluation.inference import newey_west
from helpers.experiments import contract, leaderboard, scores
from helpers.experiments.entries import ipca, months
from helpers.experiments.flatten import flatten
from helpers.experiments.forbidden import forbidden
from helpers.experiments.made_up import CHARS, DAILY, FEATURES, TRUTH, simulate
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel
from tests.common import assert_refused


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A market of 130 months, ten of which are tested."""
    path = tmp_path_factory.mktemp("market")
    simulate(path, stocks=20, months=130, features=8, seed=1)
    return path


@pytest.fixture(scope="module")
def frames(folder):
    return contract.read_folder(folder)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return leaderboard.build("ipca", tmp_path_factory.mktemp("built") / "ipca.py")[0]


def run(script, folder, room, seconds=300):
    done = contract.run(script, folder, room, seconds)
    assert done.fault is None and not done.noted
    return done.table


# --- One file ---------------------------------------------------------------------------------------------------------


def a_package(root, **modules):
    (root / "house").mkdir()
    for name, text in modules.items():
        (root / "house" / f"{name}.py").write_text(text, encoding="utf-8")


FIRST = '''"""A module."""

import math
from functools import partial

from house.second import HALF, doubled

# Said of LAST.
LAST = doubled(2)
UNUSED = print


def main(x):
    """The answer."""
    return partial(doubled, math.floor(x) + LAST)() * HALF
'''
SECOND = '''from contextlib import suppress

with suppress(ImportError):
    from house.third import doubled

HALF = 0.5
'''
THIRD = '''if True:

    def doubled(x):
        value = 2 * x  # a name inside is none of the module
        return value
'''


def test_a_file_holds_what_is_reached_in_the_order_in_which_it_is_needed_and_runs(tmp_path):
    a_package(tmp_path, first=FIRST, second=SECOND, third=THIRD)
    text = flatten("house.first", "main", tmp_path, "house")
    assert "UNUSED" not in text and "house.third" not in text.replace("# From house.third", "")
    begins = "from __future__ import annotations\n\nimport math\nfrom functools import partial\n"
    assert "# Said of LAST.\nLAST" in text and text.startswith(begins)
    assert text.index("def doubled") < text.index("HALF = ") < text.index("LAST = ") < text.index("def main")
    (tmp_path / "one.py").write_text(text + "print(main(3.5))", encoding="utf-8")
    said = subprocess.run([sys.executable, "-I", tmp_path / "one.py"], capture_output=True, text=True, check=True)
    assert said.stdout == "7.0\n"


CANNOT = {
    "a name of two meanings": ({"first": "from house.second import f\nA = 1\ndef main():\n    return f(A)",
                                "second": "A = 2\ndef f(x):\n    return A"}, "A means two things", "house.second"),
    "an import and a definition": ({"first": "from house.second import f\nimport math\ndef main():\n    return f(math)",
                                    "second": "math = 2\ndef f(x):\n    return math"}, "math means two things"),
    "a line that does something": ({"first": "print(1)\ndef main():\n    return 1"}, "line 1", "binds no name"),
    "another name": ({"first": "from house.second import f as g\ndef main():\n    return g()",
                      "second": "def f():\n    return 1"}, "f of house.second as g"),
    "a module as a whole": ({"first": "from house import second\ndef main():\n    return second.f()",
                             "second": "def f():\n    return 1"}, "house.second as a whole"),
    "an import inside": ({"first": "def main():\n    from house.second import f\n    return f()",
                          "second": "def f():\n    return 1"}, "line 2", "above"),
    "no such name": ({"first": "x = 1"}, "no name 'main'"),
    "no such module": ({"first": "from house.absent import f\ndef main():\n    return f()"}, "no module house.absent"),
}  # fmt: skip


@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_be_one_file_is_refused(case, tmp_path):
    modules, *fragments = CANNOT[case]
    a_package(tmp_path, **modules)
    assert_refused(lambda: flatten("house.first", "main", tmp_path, "house"), ValueError, *fragments)


@pytest.mark.parametrize("model", leaderboard.MODELS)
def test_a_built_script_is_one_file_within_the_rules(model, tmp_path):
    paths = leaderboard.build(model, tmp_path / "mine.py")
    text = paths[0].read_text(encoding="utf-8")
    assert forbidden(text) == [] and len(text) < 100_000 and "import helpers" not in text and "from helpers" not in text
    assert f"leaderboard build {model}" in text and "License: MIT" in text
    pins = [path.read_text(encoding="utf-8").split() for path in paths[1:]]
    outside = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    if model == "ipca":
        assert pins == [] and outside <= sys.stdlib_module_names | {"numpy", "pandas", "scipy"}
    else:
        assert outside <= sys.stdlib_module_names | {"numpy", "pandas", "scipy", "sklearn", "keras"}
        assert [pin.partition("==")[0] for pin in pins[0]] == ["tensorflow-cpu", "keras"]


def test_the_script_gives_the_weights_of_the_entry(script, folder, frames, tmp_path):
    built, entry = run(script, folder, tmp_path), ipca.main(*frames)
    assert list(built) == ["id", "eom", "w"] and built[["id", "eom"]].equals(entry[["id", "eom"]])
    np.testing.assert_allclose(built["w"], entry["w"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("model", ["neural", "ca2"])
def test_the_script_of_a_network_gives_the_weights_of_the_entry(model, folder, frames, tmp_path, monkeypatch):
    path, long, short = tmp_path / "mine.py", "EPOCHS, SEED, LEARNING_RATE = 50", "EPOCHS, SEED, LEARNING_RATE = 2"
    leaderboard.build(model, path)
    text = path.read_text(encoding="utf-8")
    assert long in text
    path.write_text(text.replace(long, short), encoding="utf-8")
    built = run(path, folder, tmp_path)
    entry = import_module(f"helpers.experiments.entries.{model}")
    monkeypatch.setattr("helpers.experiments.entries.trained.EPOCHS", 2)
    weights = entry.main(*frames)
    assert contract.moved(weights, built) is None and weights["w"].abs().max() > 1e-3
    past = frames[0][frames[0]["eom"] <= weights["eom"].unique()[4]]
    early = entry.main(past.sample(frac=1, random_state=0), frames[1].iloc[::-1], frames[2])
    assert contract.moved(weights[weights["eom"].isin(early["eom"])], early) is None


# --- The entry --------------------------------------------------------------------------------------------------------


def test_ranks_are_those_of_pandas_with_ties_shared_and_the_unknown_in_the_middle(frames):
    last = frames[0][frames[0]["eom"] == frames[0]["eom"].max()]
    values = np.array(last.loc[:, "char_001":"char_008"], dtype=float)
    values[:, 0] = np.round(values[:, 0] / np.nanstd(values[:, 0]))
    values[:3, 1], values[4, 1], values[:, 2], values[:, 3] = np.nan, np.inf, 7.0, np.nan
    known = np.where(np.isfinite(values), values, np.nan)
    expected = np.array((pd.DataFrame(known).rank(pct=True) - 0.5).fillna(0.0))
    expected[:, 2] = 0.0  # all alike: no stock is told from another
    np.testing.assert_allclose(months.ranks(values), expected, atol=1e-7)


def test_the_entry_is_instrumented_pca_on_the_window_before_the_month(frames):
    weights = ipca.main(*frames)
    all_months = list(months.months_of(*frames[:2]))
    last, past = all_months[-1], all_months[-1 - months.WINDOW : -1]
    n = max(len(month.z) for month in past)
    z, r = np.full((len(past), n, 8), np.nan), np.full((len(past), n), np.nan)
    for d, month in enumerate(past):
        z[d, : len(month.z)], r[d, : len(month.z)] = month.z, month.returns
    model = InstrumentedPCA(5, ridge=ipca.GAMMA_RIDGE, n_starts=60).fit(Panel(returns=r, characteristics=z))
    betas = last.z @ model.gamma_
    factors = np.asarray(model.factors(Panel(returns=r, characteristics=z)))
    by_hand = betas @ np.linalg.solve(
        betas.T @ betas, np.linalg.solve(np.cov(factors.T), factors.mean(axis=0))
    )
    np.testing.assert_allclose(weights["w"].to_numpy()[-len(betas) :], by_hand, rtol=0.02, atol=2e-3)


def test_the_entry_is_the_organisers_recipe(frames):
    entry = months.weighed(*frames[:2], ipca.InstrumentedWeights(n_factors=2, ridge=1e-9))
    plain = scores.recipe_weights(*frames[:2], n_factors=2, rounds=5000, tolerance=1e-10)
    both = entry.merge(plain, on=["id", "eom"])
    assert len(both) == len(entry) == len(plain)
    np.testing.assert_allclose(both["w_x"], both["w_y"], rtol=1e-3, atol=1e-3)


def test_a_feature_that_nobody_has_counts_for_nothing_and_stops_nothing(frames):
    chars, features, daily = frames
    weights = ipca.main(chars, features, daily)
    more = chars.assign(nobody=np.nan, all_alike=3.0)
    names = pd.DataFrame({"features": [*features["features"], "nobody", "all_alike"]})
    np.testing.assert_allclose(ipca.main(more, names, daily)["w"], weights["w"], rtol=1e-7)
    assert_refused(lambda: ipca.main(chars, names, daily), ValueError, "no column of chars")


def test_with_little_behind_a_month_its_stocks_weigh_alike(frames):
    chars = frames[0].assign(ctff_test=True)
    weights = ipca.main(chars[chars["eom"] <= chars["eom"].unique()[30]], *frames[1:])
    alike = weights.groupby("eom")["w"].nunique() == 1
    assert list(alike) == [True] * 24 + [False] * 7 and len(weights) == (chars["eom"] <= alike.index[-1]).sum()


# --- The contract -----------------------------------------------------------------------------------------------------

FAIR = """
import numpy as np
import pandas as pd

def main(chars, features, daily_ret):
    names = sorted(features["features"])
    chars = chars.sort_values(["eom", "id"])
    z = chars.groupby("eom")[names].rank(pct=True).fillna(0.5) - 0.5
    scale, how = 1.0, 0
    LEARNED
    test = chars["ctff_test"].to_numpy(bool)
    w = scale * z.to_numpy()[:, how]
    table = chars.loc[test, ["id", "eom"]].assign(w=w[test])
    GIVEN
    return table
"""


def cheat(here="pass", there="pass", before=""):
    return before + FAIR.replace("LEARNED", here).replace("GIVEN", there)


CHEATS = {
    "a scaler over the whole sample": (cheat("scale = 1 / chars[names[0]].std()"), "future"),
    "ranks over time": (cheat("z = chars[names].rank(pct=True).fillna(0.5)"), "future"),
    "a choice made on all dates": (
        cheat("how = int(np.abs(z.mul(chars['ret_exc_lead1m'].fillna(0), axis=0).mean()).to_numpy().argmax())\n"
              "    scale = 1 + z.mul(chars['ret_exc_lead1m'].fillna(0), axis=0).mean().to_numpy()[how]"), "future"),
    "its own target": (cheat("z = chars[['ret_exc_lead1m']].fillna(0.0)"), "own target"),
    "the order of rows": (
        cheat("z = pd.DataFrame({0: np.arange(len(chars)) % 7})").replace('chars.sort_values(["eom", "id"])', "chars"),
        "order"),
    "the order of features": (cheat().replace("sorted(features", "list(features"), "order"),
    "a random number without a seed": (cheat("scale = np.random.default_rng().random()"), "twice"),
    "rows left out": (cheat(there="table = table[table['w'] > 0]"), "rows"),
    "a row repeated": (cheat(there="table = pd.concat([table, table.iloc[:1]])"), "repeats"),
    "a missing weight": (cheat(there="table.iloc[0, 2] = np.nan"), "missing"),
    "another column": (cheat(there="table['x'] = 1.0"), "columns"),
    "id as a float": (cheat(there="table['id'] = table['id'].astype(float)"), "types"),
    "eom as text": (cheat(there="table['eom'] = table['eom'].astype(str)"), "types"),
    "eval": (cheat("scale = eval('2.0')"), "source"),
    "a word put together": (cheat("scale = getattr(np, 'ev' + 'al', 1.0)"), "source"),
    "eval found where nobody reads": (
        cheat("known = next(v for v in vars(np).values() if isinstance(v, dict) and 'len' in v)\n"
              "    scale = known[''.join(chr(c) for c in (101, 118, 97, 108))]('2.0')"), "forbidden"),
    "a file opened": (cheat("scale = len(open('/etc/passwd').read())"), "source"),
    "a file opened by a library": (
        cheat("scale = len(np.lib.npyio.DataSource(None).open('/etc/passwd').read())"), "forbidden"),
    "a socket": (cheat(before="import socket\n"), "source"),
    "no main": ("x = 1\n", "runs"),
    "an error": (cheat("raise KeyError('mvel1')"), "runs"),
    "an end": (cheat("raise SystemExit(0)"), "runs"),
    "no table": (cheat(there="table = 3"), "runs"),
    "no Python": ("def main(:\n", "source"),
}  # fmt: skip


@pytest.mark.parametrize("case", CHEATS)
def test_each_cheat_is_found_by_the_rule_meant_for_it(case, folder, tmp_path):
    text, rule = CHEATS[case]
    path = tmp_path / "cheat.py"
    path.write_text(text, encoding="utf-8")
    found = contract.check(path, folder, truncations=1, shuffles=1)
    broken = [finding.rule for finding in found if finding.kept is False]
    assert broken == [rule], "\n".join(map(str, found))
    assert len(next(finding.says for finding in found if finding.kept is False)) > 10


def test_a_fair_script_keeps_every_rule_and_may_print(folder, tmp_path, capsys):
    path = tmp_path / "fair.py"
    path.write_text(cheat(there="print('x' * 100_000)"), encoding="utf-8")
    leaderboard.main(["check", str(path), str(folder), "--truncations", "2", "--shuffles", "1"])
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 13 and all(line.startswith("ok ") for line in said)


def test_the_built_script_keeps_every_rule(script, folder):
    assert all(finding.kept for finding in contract.check(script, folder, truncations=3, shuffles=1))


def test_a_script_that_hangs_is_stopped_with_all_that_it_began(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "LOADING", 2)
    path = tmp_path / "slow.py"
    path.write_text(cheat("import time; time.sleep(600)"), encoding="utf-8")
    found = contract.check(path, folder, seconds=0.1)
    assert [finding.rule for finding in found] == ["source", "runs", "forbidden"] and "0.1 seconds" in found[1].says


def test_text_that_is_not_utf8_or_too_long_is_told(folder, tmp_path):
    path = tmp_path / "bytes.py"
    for content, fragment in ((b"x = '\xff'\n", "UTF-8"), (b"#" * contract.MOST_SOURCE, "bytes")):
        path.write_bytes(content)
        (finding,) = contract.check(path, folder)
        assert finding.kept is False and fragment in finding.says


def test_weights_move_when_they_differ_by_more_than_the_rules_allow():
    table = pd.DataFrame({"id": [1, 2], "eom": pd.Timestamp("2000-01-31"), "w": [1.0, 0.0]})
    assert contract.moved(table, table.assign(w=[1 + 9e-6, 9e-9]).iloc[::-1]) is None
    assert "id 1, 2000-01-31" in contract.moved(table, table.assign(w=[1 + 2e-5, 0.0]))
    assert "id 2" in contract.moved(table, table.assign(w=[1.0, 2e-8]))
    assert "only once" in contract.moved(table, table.iloc[:1])


# --- Made-up files ----------------------------------------------------------------------------------------------------


def test_made_up_files_have_the_schema_and_its_troubles(folder, frames):
    chars, features, daily = frames
    names = [f"char_{j:03d}" for j in range(1, 9)]
    assert list(chars) == ["id", "eom", "eom_ret", "ret_exc_lead1m", "ctff_test", "excntry", "sic", *names]
    assert list(features["features"]) == names and list(daily) == ["id", "date", "ret_exc"]
    assert chars["id"].dtype == "int64" and chars["ctff_test"].dtype == bool
    assert not chars.duplicated(["id", "eom"]).any()
    assert (chars["eom"] + pd.offsets.MonthEnd(1) == chars["eom_ret"]).all() and chars["eom"].nunique() == 130
    assert chars.loc[chars["ctff_test"], "eom"].nunique() == 10
    born = chars.groupby("id")["eom"].min()
    assert (born == chars["eom"].max()).any()
    early = chars["eom"] < chars["eom"].unique()[130 // 3]
    assert chars.loc[early, names[-1]].isna().all() and not chars.loc[~early, names[-1]].isna().all()
    assert not chars["sic"].between(6000, 6999).any() and chars["ret_exc_lead1m"].isna().any()
    of_days = daily.groupby(["id", daily["date"] + pd.offsets.MonthEnd(0)])["ret_exc"].sum()
    monthly = chars.dropna(subset="ret_exc_lead1m").set_index(["id", "eom_ret"])["ret_exc_lead1m"]
    pd.testing.assert_series_equal(of_days, monthly.sort_index(), check_names=False, check_index=False)


def test_returns_are_drawn_from_the_truth(tmp_path):
    simulate(tmp_path, stocks=100, months=200, features=8, seed=2)
    both = pd.read_parquet(tmp_path / CHARS).merge(pd.read_parquet(tmp_path / TRUTH), on=["id", "eom"])
    betas = both.filter(like="beta_").to_numpy()
    np.testing.assert_allclose(both["mean"], betas @ scores.LAMBDAS, atol=1e-15)
    z = (both["ret_exc_lead1m"] - both["mean"]) / np.sqrt(both["variance"] + (betas**2).sum(axis=1))
    assert abs(z.mean()) < 0.2 and abs(z.std() - 1) < 0.1


def test_the_same_seed_gives_the_same_files_and_another_gives_others(folder, tmp_path):
    texts = []
    for seed in (1, 2):
        simulate(tmp_path, stocks=20, months=130, features=8, seed=seed)
        texts.append([(tmp_path / name).read_bytes() for name in (CHARS, DAILY, TRUTH)])
    assert texts[0] == [(folder / name).read_bytes() for name in (CHARS, DAILY, TRUTH)] != texts[1]


# --- Scores -----------------------------------------------------------------------------------------------------------


def test_the_best_weights_are_those_of_the_whole_covariance_matrix(folder, frames):
    first = frames[0].loc[frames[0]["ctff_test"], "eom"].min()
    best, truth = scores.best_weights(folder, first), pd.read_parquet(folder / TRUTH)
    month = truth[truth["eom"] == first]
    betas = month.filter(like="beta_").to_numpy()
    whole = np.linalg.solve(betas @ betas.T + np.diag(month["variance"]), month["mean"])
    np.testing.assert_allclose(best.loc[best["eom"] == first, "w"], whole)


def test_scores_are_those_of_a_hand(folder, frames):
    tested = frames[0][frames[0]["ctff_test"]]
    weights = tested[["id", "eom"]].assign(w=np.random.default_rng(0).normal(size=len(tested)))
    table = scores.score(weights.sample(frac=1, random_state=0), folder)
    assert list(table.index) == [scores.BEST, "these weights", scores.RECIPE, scores.EQUAL]
    earned = (weights["w"] * tested["ret_exc_lead1m"].fillna(0)).groupby(tested["eom"]).sum()
    even = tested["ret_exc_lead1m"].fillna(0).groupby(tested["eom"]).mean()
    ratios = [returns.mean() / returns.std() for returns in (earned, even)]
    assert table.loc["these weights", "sharpe"] == pytest.approx(ratios[0] * 12**0.5)
    assert table.loc[scores.EQUAL, "difference"] == pytest.approx((ratios[0] - ratios[1]) * 12**0.5)
    assert table.loc["these weights", "difference_se"] == 0 and set(table["months"]) == {10}
    z = (earned - earned.mean()) / earned.std()
    assert table.loc["these weights", "se"] == pytest.approx(newey_west((z - ratios[0] / 2 * z**2) * 12**0.5)[1])


def test_the_standard_error_of_a_sharpe_ratio_is_that_of_lo_for_normal_returns():
    r = pd.Series(np.random.default_rng(0).normal(0.3, 1, 200_000))
    ratio = r.mean() / r.std()
    by_formula = np.sqrt((1 + ratio**2 / 2) / len(r)) * np.sqrt(12)
    assert newey_west(scores._pulls(r), 0)[1] == pytest.approx(by_formula, rel=0.01)


# --- The command ------------------------------------------------------------------------------------------------------

REFUSED = {
    "no such script": (["check", "no.py", "FOLDER"], "no script no.py", "build ipca"),
    "no files": (["check", "SCRIPT", "EMPTY"], "lacks ctff_chars.parquet, ctff_features.parquet", "simulate"),
    "no truth": (["score", "SCRIPT", "UNTRUE"], "no truth.parquet", "simulate"),
    "a script that crashes": (["score", "CRASH", "FOLDER"], "main ended with ZeroDivisionError", "line 2"),
    "an unknown model": (["build", "ca9", "out.py"], "ca9", "ca2"),
    "no folder for it": (["build", "ipca", "none/out.py"], "none/out.py", "make the folder"),
    "no script's name": (["build", "ipca", "out.txt"], "end in .py"),
    "too few months": (["simulate", "new", "--months", "120"], "months must be at least 121", "120"),
    "no truncations": (["check", "SCRIPT", "FOLDER", "--truncations", "-1"], "truncations must be at least 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_gets_one_sentence_and_leaves_nothing(case, script, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    places = {"SCRIPT": script, "FOLDER": folder, "EMPTY": tmp_path / "empty", "UNTRUE": tmp_path / "untrue"}
    for name in ("EMPTY", "UNTRUE"):
        places[name].mkdir()
    for name in (CHARS, FEATURES, DAILY):
        (places["UNTRUE"] / name).write_bytes((folder / name).read_bytes())
    places["CRASH"] = tmp_path / "crash.py"
    places["CRASH"].write_text("def main(chars, features, daily_ret):\n    return 1 / 0\n", encoding="utf-8")
    there = sorted(tmp_path.rglob("*"))
    arguments, *fragments = REFUSED[case]
    with pytest.raises(SystemExit) as end:
        leaderboard.main([str(places.get(argument, argument)) for argument in arguments])
    said = capsys.readouterr().err
    assert end.value.code == 2 and all(fragment in " ".join(said.split()) for fragment in fragments), said
    assert sorted(tmp_path.rglob("*")) == there


def test_a_simulation_that_is_stopped_leaves_no_file(tmp_path, monkeypatch):
    def stopped(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("helpers.experiments.made_up._Market._betas", stopped)
    with pytest.raises(SystemExit):
        leaderboard.main(["simulate", str(tmp_path / "new")])
    assert list((tmp_path / "new").iterdir()) == []


def test_the_commands_work_one_after_the_other(tmp_path, capsys):
    leaderboard.main(["simulate", str(tmp_path), "--stocks", "12", "--months", "124", "--features", "8", "--seed", "3"])
    leaderboard.main(["build", "ipca", str(tmp_path / "mine.py")])
    said = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert said == [CHARS, FEATURES, DAILY, TRUTH, "mine.py"]
    leaderboard.main(["score", str(tmp_path / "mine.py"), str(tmp_path), "--no-recipe"])
    said = capsys.readouterr().out
    assert "best possible" in said and "these weights" in said and "1/N" in said and scores.RECIPE not in said


SECOND_OPINION = """
import sys
import pandas as pd
from eapctf.ctf.validate import validate
report = validate(sys.argv[1], pd.read_parquet(sys.argv[2]), sys.argv[3])
print(len(report.auto_checks), report.passed, report)
"""


def test_another_program_finds_no_fault_with_the_script(script, folder, frames, tmp_path):
    ipca.main(*frames).to_parquet(tmp_path / "weights.parquet")
    # In a process of its own: what it loads changes how many threads the linear algebra of this one has.
    command = [sys.executable, "-W", "ignore", "-c", SECOND_OPINION, script, tmp_path / "weights.parquet", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("14 True"), done.stdout + done.stderr
