"""The benchmark runs, at a size that takes no time, so that it cannot rot; how fast anything was is not asserted."""

import pytest

from tests.benchmarks import regressions


def test_the_benchmark_of_the_regressions_runs_and_prints_every_route():
    report = regressions.measure(n_dates=30, n_tickers=25, rounds=1)
    for words in (
        "Time series: 25 tickers x 30 dates",
        "Cross-sections",
        "scikit-learn",
        "statsmodels",
        "FamaMacBeth",
        "bare",
    ):
        assert words in report
    assert report.count("at least 100") == report.count("at least 40") == 1 and "import helpers" in report


def test_the_benchmark_notices_a_route_with_other_numbers():
    routes = regressions.time_series_routes(n_dates=30, n_tickers=5)
    with pytest.raises(AssertionError, match="wrong"):
        regressions.check_same_numbers({**routes, "wrong": lambda: 2 * routes["helpers"]()})
