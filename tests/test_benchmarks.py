"""The benchmark runs, at a size that takes no time, so that it cannot rot; how fast anything was is not asserted."""

import numpy as np
import pytest

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models.ipca import InstrumentedPCA
from tests.benchmarks import (
    ensembles,
    fold,
    gpu,
    ipca,
    local_optima,
    neural_ipca,
    neural_ipca_variants,
    recursive,
    regressions,
    scale,
    sparse,
)


def test_the_benchmark_of_the_regressions_runs_and_prints_every_route():
    report = regressions.measure(n_dates=30, n_tickers=60, rounds=1)
    for words in (
        "Time series: 60 tickers x 30 dates",
        "Cross-sections",
        "scikit-learn",
        "statsmodels",
        "FamaMacBeth",
        "bare",
    ):
        assert words in report
    assert report.count("at least 100") == report.count("at least 40") == 1 and "import helpers" in report
    assert report.count("within 1.3 x bare") == 3 and "threads of BLAS" in report


def test_the_benchmark_notices_a_route_with_other_numbers():
    routes = regressions.time_series_routes(n_dates=30, n_tickers=5)
    with pytest.raises(AssertionError, match="wrong"):
        regressions.check_same_numbers({**routes, "wrong": lambda: 2 * routes["helpers"]()})


def test_the_benchmark_of_ipca_runs_and_its_routes_reach_the_same_fit():
    report = ipca.measure(n_dates=30, n_tickers=25, n_characteristics=5, n_factors=2, rounds=1)
    title = "IPCA: 25 tickers x 30 dates, 5 characteristics, 2 factors"
    for words in (title, "the ipca package", "alternating", "Z'Z"):
        assert words in report
    assert report.count("at least 150") == 1


def test_the_benchmark_of_ipca_notices_a_route_with_a_better_fit():
    with pytest.raises(AssertionError, match="package"):
        ipca.check_no_better({"helpers": 0.5, "the ipca package": 0.51})


def test_the_benchmark_of_the_ensembles_runs_and_its_routes_do_the_same_job():
    report = ensembles.measure(
        n_dates=6,
        n_tickers=20,
        n_characteristics=4,
        n_members=2,
        hidden_units=(4,),
        batch_size=40,
        epochs=2,
        rounds=1,
        tolerance=0.5,
    )
    title = "2 members, hidden units (4,), 4 characteristics, 2 epochs of 3 batches"
    for words in (title, "Keras fits", "bare", "Compiling"):
        assert words in report
    assert report.count("at least 20") == report.count("within 2 x bare") == 1


def test_the_benchmark_of_neural_ipca_runs_and_its_routes_do_the_same_job():
    report = neural_ipca.measure(
        n_dates=6,
        n_tickers=20,
        n_characteristics=4,
        n_members=2,
        hidden_units=(4,),
        batch_size=3,
        epochs=2,
        rounds=1,
        tolerance=0.02,
    )
    title = "2 members of 4 strengths, hidden units (4,), 4 characteristics, 2 epochs of 2 batches of 3 dates"
    for words in (title, "JAX fits", "bare", "Compiling"):
        assert words in report


def test_the_benchmark_of_the_variants_runs_and_repeats_no_fit_that_is_in_its_file(tmp_path):
    markets = [("linear", seed, simulate_market("linear", 18, 20, 4, seed=seed).panel) for seed in (0, 1)]
    variants = {
        "plain": (neural_ipca_variants.NeuralIPCA, (0.01,)),
        "both": (neural_ipca_variants.WarmStartWeightByWeight, (0.01, 0.02)),
    }
    size = {"n_factors": 1, "hidden_units": (4,), "n_members": 2, "epochs": 2}
    report = neural_ipca_variants.measure(markets, tmp_path / "fits.csv", variants, **size)
    title, columns, plain, both = report.splitlines()
    assert title == "linear, 2 markets" and "left out" in columns and plain.split()[-2:] == ["2", "2"]
    assert both.count(" ± ") == 3 and both.startswith("both")
    assert len((tmp_path / "fits.csv").read_text().splitlines()) == 1 + 2 * 2
    assert neural_ipca_variants.measure(markets, tmp_path / "fits.csv", variants, **size) == report


def test_a_network_of_the_variants_starts_at_the_fit_of_ipca_but_for_small_random_weights(monkeypatch):
    panel = simulate_market("nonlinear", 12, 20, 4).panel
    linear = total_r2(panel.returns, InstrumentedPCA(1).fit(panel).reconstruct(panel))
    # So slow that the weights stay as they are.
    model = neural_ipca_variants.WarmStart(1, (4, 3), 3, l1=0.01, learning_rate=1e-12, epochs=1)

    def explained():
        return [total_r2(panel.returns, member.reconstruct(panel)) for member in model.fit(panel).members_]

    near = explained()
    assert near == pytest.approx([linear] * 3, abs=0.03) and len(set(near)) == 3
    monkeypatch.setattr(neural_ipca_variants, "SMALL", 0.0)
    assert explained() == pytest.approx([linear] * 3, abs=1e-5)


def test_the_penalty_of_the_variants_counts_weights_in_every_kernel():
    shape = neural_ipca_variants.ShapeByWeights(1, 9, 0, (4,), 3, False)
    first, later = np.zeros((9, 1, 4), "float32"), np.zeros((4, 1, 3), "float32")
    first[:4], later[0] = 5.0, -2.0
    assert float(shape.size([first, later])[0]) == pytest.approx(np.sqrt(16) + np.sqrt(3), rel=1e-5)


def test_the_benchmark_of_local_optima_counts_the_fits_that_a_choice_of_starts_misses():
    panels = [("noise", 2, panel) for _, k, panel in local_optima.small_panels(1) if k == 2][:4]
    report = local_optima.measure(panels, 20).splitlines()
    assert [line.split()[-3] for line in report[1:]] == ["4"] * 3
    missed = [int(line.split()[-2]) for line in report[1:]]
    assert missed[0] >= missed[1] >= missed[2]


def test_the_benchmark_of_the_ensembles_notices_a_route_that_does_another_job():
    with pytest.raises(AssertionError, match="validation error"):
        ensembles.check_same_job([0.7, 0.72], [0.9, 0.92], tolerance=0.1)


def test_the_benchmark_of_scale_runs_from_the_file_to_two_fitted_models():
    report = scale.measure(n_tickers=60, n_dates=40, n_characteristics=6, format="parquet", epochs=2)
    fits = "IPCA, K = 3: total R²", "CA2, K = 3: total R²"
    for words in ("read: 40 dates", "6 characteristics", "rank", *fits, "target"):
        assert words in report


def test_the_benchmark_of_a_sparse_panel_runs_compact_and_as_one_array(monkeypatch):
    monkeypatch.setattr(sparse, "N_CHARS", 5)
    stages = {name: stage for name, stage in sparse.STAGES.items() if not name.startswith("Neural")}
    monkeypatch.setattr(sparse, "STAGES", stages)
    compact, dense = (sparse.made_up(80, 70, 5, compact=compact) for compact in (True, False))
    assert 0.2 < np.isfinite(compact.returns).mean() < 0.8
    for name, stage in stages.items():
        one, other = (np.asarray(getattr(stage(panel), "gamma_", 0)) for panel in (compact, dense))
        assert np.allclose(one, other, atol=1e-5), name
    seconds, gigabytes, size = sparse.stage("rank", 80, 70, compact=True)
    assert seconds > 0 and gigabytes >= 0 and 0 < size < 0.01


def test_the_benchmark_of_a_gpu_runs_on_what_is_there_and_names_it(monkeypatch):
    monkeypatch.setattr(gpu, "made_up", lambda *sizes: sparse.made_up(*sizes, n_chars=8))
    report = gpu.measure(60, 60, n_members=1)
    what, _, neural, autoencoder = report.splitlines()
    assert what.startswith(f"{gpu.device()[0]}: 60 tickers x 60 dates")
    assert neural.startswith("NeuralIPCA") and autoencoder.startswith("CA3")


def test_the_benchmark_of_a_fold_runs_cold_and_warm():
    how = {"n_members": 1, "epochs": 1}
    report = fold.measure(40, 6, train=24, validate=12, names=["IPCA", "CA0", "NeuralIPCA"], **how)
    lines = [line.split() for line in report.splitlines()]
    assert [line[:2] for line in lines[2:-1]] == [
        [name, start] for name in ("IPCA", "CA0", "NeuralIPCA") for start in ("cold", "warm")
    ]
    assert "30 cold folds of these" in report and "at most 6" in report


def test_the_benchmark_of_recursive_fits_runs_and_warm_fits_are_the_cold_ones():
    report = recursive.measure(n_tickers=40, n_dates=40, n_characteristics=5, n_factors=2, n_refits=8, n_cold=2)
    assert "8 refits" in report and "bare products" in report and "at most 1.5" in report
