"""The playground: its options and what a notebook stores of it; then, in a real browser, its numbers and its page.

The numbers of the JavaScript are compared with those of the course's own networks in double precision, and of numpy.
"""

import base64
import functools
import re
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.playground import page, playground
from helpers.playground.widget import FACTORS, HIDDEN_UNITS, NOISES, SCRIPT, STRENGTHS, TRUTHS, WAYS
from tests.common import assert_refused
from tests.pictures import contrast

SOURCE = SCRIPT.read_text(encoding="utf-8")
MOST_BYTES, MOST_LINES = 300_000, 1060

# --- Without a browser ------------------------------------------------------------------------------------------------


def test_it_is_one_small_file_that_asks_for_nothing_else():
    assert len(SOURCE.encode()) < MOST_BYTES
    assert len(SOURCE.splitlines()) <= MOST_LINES
    # No address, no import, and none of the ways in which a script fetches.
    ways = r"\w+://(?! module)|\bimport\s*\(|^import |fetch\(|XMLHttp|WebSocket|@import|url\("
    assert re.findall(ways, SOURCE, re.MULTILINE) == [] and "</script" not in SOURCE


def test_options_are_handed_over_under_the_names_of_the_script():
    assert playground().options == {
        "truth": ["valley", "product"], "noise": 0.1, "hidden": 8, "nFactors": 2, "factors": "regression", "l1": 0.0,
        "seed": 0,
    }  # fmt: skip
    other = playground("sign", np.float64(0.05), hidden_units=np.int64(16), factors="managed", seed=7).options
    assert (other["truth"], other["noise"], other["hidden"], other["factors"], other["seed"]) == (
        ["sign"], 0.05, 16, "managed", 7,
    )  # fmt: skip


@pytest.mark.parametrize("options, error, words", [
    ({"truth": "cliff"}, ValueError, ["truth", "'valley'", "'cliff'"]),
    ({"truth": ["valley", "valley", "valley"]}, ValueError, ["one or two", "3 were given"]),
    ({"truth": []}, ValueError, ["one or two", "0 were given"]),
    ({"truth": 3}, TypeError, ["truth", "int"]),
    ({"noise": 0.3}, ValueError, ["noise", "0.05", "0.3"]),
    ({"noise": "none"}, TypeError, ["noise", "number"]),
    ({"hidden_units": 5}, ValueError, ["hidden_units", "16", "5"]),
    ({"hidden_units": 8.0}, TypeError, ["hidden_units", "whole number"]),
    ({"n_factors": 4}, ValueError, ["n_factors", "1, 2, 3"]),
    ({"factors": "weights"}, ValueError, ["factors", "'portfolios'"]),
    ({"l1": -1}, ValueError, ["l1", "at least 0"]),
    ({"l1": 0.5}, ValueError, ["l1", "0.001"]),
    ({"seed": 0.5}, TypeError, ["seed", "whole number"]),
    ({"seed": 2**32}, ValueError, ["seed", "between"]),
])  # fmt: skip
def test_other_options_are_refused_with_what_there_is(options, error, words):
    assert_refused(lambda: playground(**options), error, *words)
    assert_refused(lambda: page(**options), error, *words)


def test_a_notebook_stores_a_picture_and_a_sentence_always_the_same():
    (one, _), (other, _) = (playground()._repr_mimebundle_() for _ in range(2))
    assert "application/vnd.jupyter.widget-view+json" in one
    assert one["image/png"] == other["image/png"] and base64.b64decode(one["image/png"]).startswith(b"\x89PNG")
    assert one["text/plain"] == repr(playground())
    assert one["text/plain"].endswith("to find β (valley and product). Run this cell to play.")
    assert playground("sign")._repr_mimebundle_()[0]["image/png"] != one["image/png"]


def test_a_page_of_its_own_holds_the_script_and_the_options():
    text = page(truth="product", hidden_units=4)
    assert SOURCE in text and '"truth": ["product"]' in text and '"hidden": 4' in text
    assert text.startswith("<!DOCTYPE html>") and "<title>" in text and 'lang="en"' in text


# --- In a browser -----------------------------------------------------------------------------------------------------

HOST = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Test</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head><body><main id="here"></main>
<script type="module">
import * as P from "./playground.js";
window.P = P;
window.mounted = options => {
    window.handle?.remove();
    window.handle = P.mount(document.querySelector("#here"), options);
};
window.mounted({});
</script></body></html>"""
FLOATS = """
const each = (o, f) => Object.fromEntries(Object.entries(o).map(([name, value]) => [name, f(value)]));
const floats = o => each(o, v => Array.isArray(v) ? Float64Array.from(v) : v);
const lists = o => each(o, v => v instanceof Float64Array ? [...v] : v);
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a plain page that imports the script, served from a folder that holds these two files."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text(HOST, encoding="utf-8")
    (folder / "playground.js").write_text(SOURCE, encoding="utf-8")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class Browsed:
    """A page that is open, what it asked for, and what went wrong in it."""

    def __init__(self, chromium, address, width=1280, **context):
        self.context = chromium.new_context(viewport={"width": width, "height": 900}, **context)
        self.context.set_default_timeout(60_000)
        self.page, self.requests, self.errors = self.context.new_page(), [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.goto(address)
        self.page.locator("[data-do=play]").wait_for()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()

    def numbers(self, code, argument=None):
        """What a function gives in the page; typed arrays come and go as lists, in double precision."""
        return self.page.evaluate(f"argument => {{ {FLOATS} return ({code})(argument); }}", argument)

    def steps(self):
        return int(self.page.locator("[data-name=step]").inner_text())

    def until_step(self, step):
        self.page.wait_for_function(f"window.handle.trainer.step >= {step}")


@pytest.fixture(scope="module")
def opened(chromium, site):
    """One page for all tests that ask it for numbers alone."""
    with Browsed(chromium, site) as browsed:
        yield browsed
        assert browsed.errors == []
        assert [url for url in browsed.requests if not url.startswith(site)] == []


# --- Its numbers ------------------------------------------------------------------------------------------------------


def some_data(n_dates=7, n_tickers=9, n_inputs=3, seed=0):
    random = np.random.default_rng(seed)
    return {
        "z": random.uniform(-1, 1, (n_dates, n_tickers, 2)),
        "x": random.normal(0, 1, (n_dates, n_inputs)),
        "y": random.normal(0, 1, (n_dates, n_tickers)),
    }


def some_weights(hidden, n_factors, way, n_inputs=3, seed=1):
    random = np.random.default_rng(seed)
    shapes = {"W1": (2, hidden), "b1": (hidden,)} if hidden else {}
    shapes["W2"] = (hidden or 2, n_factors)
    shapes |= {"b2": (n_factors,)} if hidden else {}
    shapes |= {"A": (n_inputs, n_factors)} if way != "regression" else {}
    return {name: random.normal(0, 0.7, shape) for name, shape in shapes.items()}


def in_javascript(data):
    n_dates, n_tickers, _ = data["z"].shape
    arrays = {name: values.ravel().tolist() for name, values in data.items()}
    return {"nDates": n_dates, "nTickers": n_tickers, "nInputs": data["x"].shape[1], **arrays}


def gradient_of_keras(weights, data, hidden, n_factors, way, l1):
    """Loss and gradient by the course's own stack of networks, one member, in double precision."""
    from helpers.models.backend import keras, with_gradient
    from helpers.models.layers import network
    from helpers.models.solved import SolvedShape
    from helpers.models.stacked import Shape

    solved = way == "regression"
    inputs, n_tickers = 0 if solved else data["x"].shape[1], data["z"].shape[1]
    usual = keras.config.floatx(), keras.config.dtype_policy()  # the policy of layers is the float of when it was asked
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    network.cache_clear()
    try:
        kind = SolvedShape if solved else Shape
        shape = kind(1, 2, inputs, (hidden,) if hidden else (), n_factors, batch_normalization=False)
        names = {"layer_0": "1" if hidden else "2", "layer_1": "2"}
        order = []  # our names, in Keras' order
        for variable in network(shape).trainable_variables:
            layer, kind_of_weight = variable.path.split("/")[:2]
            order.append(("W" if kind_of_weight == "kernel" else "b") + names[layer] if layer in names else "A")
        tensors = [
            keras.ops.convert_to_tensor(w[:, None] if w.ndim == 2 else w[None])
            for w in (weights[name] for name in order)
        ]
        z, y = data["z"], data["y"]
        if solved:
            batch = (z, y, np.ones_like(y))
        else:
            batch = (z.reshape(-1, 2), np.repeat(data["x"], n_tickers, axis=0), y.ravel())
        batch = tuple(map(keras.ops.convert_to_tensor, batch))
        first = "W1" if hidden else "W2"
        kernels = sorted((name for name in order if name[0] != "b"), key=lambda name: name != first)

        def loss(weights):
            error, _ = shape.training_error(weights, [], batch)
            size = shape.size([weights[order.index(name)] for name in kernels])
            return keras.ops.sum(error + l1 * size), error

        slopes, _ = with_gradient(loss)(tensors)
        value = float(loss(tensors)[0])
        return value, {name: np.asarray(s).reshape(weights[name].shape) for name, s in zip(order, slopes, strict=True)}
    finally:
        keras.config.set_floatx(usual[0])
        keras.config.set_dtype_policy(usual[1])
        network.cache_clear()


@pytest.mark.extra
@pytest.mark.parametrize("l1", [0.0, 0.03])
@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize("n_factors", [1, 2, 3])
@pytest.mark.parametrize("way", ["regression", "portfolios"])
def test_gradients_are_those_of_keras(opened, way, n_factors, hidden, l1):
    data, weights = some_data(), some_weights(hidden, n_factors, way)
    model = {"hidden": hidden, "nFactors": n_factors, "factors": way, "l1": l1}
    flat = {name: values.ravel().tolist() for name, values in weights.items()}
    code = """({ model, weights, data }) => {
        const { loss, slopes } = P.gradient({ ...model, weights: floats(weights) }, floats(data));
        return { loss, slopes: lists(slopes) };
    }"""
    ours = opened.numbers(code, {"model": model, "weights": flat, "data": in_javascript(data)})
    loss, slopes = gradient_of_keras(weights, data, hidden, n_factors, way, l1)
    assert ours["loss"] == pytest.approx(loss, rel=1e-8)
    assert ours["slopes"].keys() == slopes.keys() == weights.keys()
    largest = max(np.abs(slope).max() for slope in slopes.values())
    for name, slope in slopes.items():
        np.testing.assert_allclose(ours["slopes"][name], slope.ravel(), rtol=1e-5, atol=1e-9 * largest, err_msg=name)


def solved_by_numpy(betas, y):
    """F of each date: with a thousandth of the mean β'β over dates, and a millionth of the trace, on β'β."""
    squares = np.einsum("dsk,dsl->dkl", betas, betas)
    trace = np.trace(squares, axis1=1, axis2=2)[:, None, None]
    ridged = squares + 1e-3 * squares.mean(axis=0) + (1e-6 * trace + 1e-12) * np.eye(betas.shape[2])
    return np.linalg.solve(ridged, np.einsum("dsk,ds->dk", betas, y)[..., None])[..., 0]


@pytest.mark.extra
@pytest.mark.parametrize("n_factors", [1, 2, 3])
def test_the_regression_is_that_of_numpy(opened, n_factors):
    data = some_data(n_dates=12, n_tickers=40)
    betas = np.random.default_rng(2).normal(0, 1, (12, 40, n_factors))
    code = """({ betas, data, k }) => [...P.regression(Float64Array.from(betas), floats(data), k).factors]"""
    ours = opened.numbers(code, {"betas": betas.ravel().tolist(), "data": in_javascript(data), "k": n_factors})
    theirs = solved_by_numpy(betas, data["y"])
    np.testing.assert_allclose(np.reshape(ours, theirs.shape), theirs, rtol=1e-10)


@pytest.mark.extra
def test_steps_of_adam_are_those_of_numpy(opened):
    weights, slopes = np.random.default_rng(3).normal(0, 1, (2, 5))
    code = """({ w, g }) => {
        const weights = { A: Float64Array.from(w) }, moments = P.freshMoments({ weights });
        return [1, 2, 3].map(n => { P.adamStep(weights, { A: Float64Array.from(g, x => x * n) }, moments, 0.01);
            return [...weights.A]; });
    }"""
    ours = opened.numbers(code, {"w": weights.tolist(), "g": slopes.tolist()})
    first = second = np.zeros(5)
    for t in (1, 2, 3):
        first, second = 0.9 * first + 0.1 * t * slopes, 0.999 * second + 0.001 * (t * slopes) ** 2
        unbiased, spread = first / (1 - 0.9**t), np.sqrt(second / (1 - 0.999**t))
        weights = weights - 0.01 * unbiased / (spread + 1e-8 / np.sqrt(1 - 0.999**t))
        np.testing.assert_allclose(ours[t - 1], weights, rtol=1e-12)


def market(opened, **options):
    """A market of the page, its arrays in numpy's shapes."""
    made = opened.numbers("options => lists(P.makeMarket(options))", options)
    d, n, k = made["nDates"], made["nTickers"], made["nTrue"]
    shapes = {"z": (d, n, 2), "x": (d, made["nInputs"]), "y": (d, n), "betas": (d, n, k), "factors": (d, k)}
    return {name: np.reshape(made[name], shape) for name, shape in shapes.items()}


@pytest.mark.extra
def test_a_market_is_the_same_for_the_same_seed_and_knows_its_truth(opened):
    one, again, other = market(opened, seed=5), market(opened, seed=5), market(opened, seed=6)
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["y"] != other["y"]).all()
    c1, c2 = one["z"][..., 0], one["z"][..., 1]
    truths = np.stack([TRUTHS["valley"](c1, c2, 0), TRUTHS["product"](c1, c2, 1)], axis=-1)
    np.testing.assert_allclose(one["betas"], truths, rtol=1e-14)
    assert np.abs(np.sort(c1, axis=1) - (2 * np.arange(1, 61) / 61 - 1)).max() < 1e-15  # ranks, at every date
    assert np.mean([np.corrcoef(c1[d], c1[d - 1])[0, 1] for d in range(1, 60)]) > 0.85  # that persist
    noise = one["y"] - np.einsum("dsk,dk->ds", one["betas"], one["factors"])
    assert 0.95 < noise.std() < 1.05  # in units of 10 %
    assert all(np.corrcoef(one["x"][:, k], one["factors"][:, k])[0, 1] > 0.98 for k in range(2))


@pytest.mark.extra
@pytest.mark.parametrize("name", TRUTHS)
def test_truth_and_noise_change_nothing_else_and_the_formulas_are_those_of_python(opened, name):
    plain, changed = market(opened), market(opened, truth=[name, name], noise=0)
    assert (plain["z"] == changed["z"]).all() and (plain["factors"] == changed["factors"]).all()
    c1, c2 = plain["z"][..., 0], plain["z"][..., 1]
    for k in range(2):
        np.testing.assert_allclose(changed["betas"][..., k], TRUTHS[name](c1, c2, k), rtol=1e-14)
    np.testing.assert_allclose(
        changed["y"], np.einsum("dsk,dk->ds", changed["betas"], changed["factors"]), rtol=1e-12, atol=1e-14
    )


@pytest.mark.extra
def test_random_numbers_are_uniform_normal_and_known(opened):
    """The first of mulberry32 are those that its author's C code gives for the seed 1."""
    uniform = np.array(opened.numbers("() => { const u = P.mulberry32(1); return Array.from({ length: 20000 }, u); }"))
    np.testing.assert_allclose(uniform[:3], [mulberry(1, n) for n in (1, 2, 3)], rtol=0)
    assert abs(uniform.mean() - 0.5) < 0.01 and abs(uniform.std() - 12**-0.5) < 0.01
    normal = np.array(opened.numbers("() => { const n = P.normals(1); return Array.from({ length: 20000 }, n); }"))
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.02 and abs((normal**4).mean() - 3) < 0.2


def mulberry(seed, n):
    """The nth number of mulberry32, in Python's integers."""
    state = (seed + n * 0x6D2B79F5) % 2**32
    t = (state ^ (state >> 15)) * (state | 1) % 2**32
    t ^= (t + (t ^ (t >> 7)) * (t | 61)) % 2**32
    return ((t ^ (t >> 14)) % 2**32) / 2**32


@pytest.mark.extra
def test_managed_portfolios_are_those_of_the_course_with_and_without_each_ticker(opened):
    from helpers.models.managed import managed_portfolios, managed_without
    from helpers.panel import Panel

    data = some_data(n_dates=5, n_tickers=20)
    made = opened.numbers("data => lists(P.managed(floats(data)))", in_javascript(data))
    panel = Panel(returns=data["y"], characteristics=data["z"])
    order = [2, 0, 1]  # there the constant is last, here first
    np.testing.assert_allclose(
        np.reshape(made["x"], (5, 3)), np.asarray(managed_portfolios(panel, constant=True))[:, order], rtol=1e-10
    )
    without = managed_without(panel, constant=True)[..., order]
    np.testing.assert_allclose(np.reshape(made["without"], (5, 20, 3)), without, rtol=1e-9)


@pytest.mark.extra
@pytest.mark.parametrize("way", WAYS)
def test_validation_leaves_each_ticker_out_of_its_f(opened, way):
    """Against the long way: one ticker after the other is taken out of what F is found from."""
    weights = some_weights(4, 2, way, n_inputs=3)
    data = some_data(n_dates=3, n_tickers=12)
    code = """({ model, weights, data }) => {
        const made = model.factors === "managed" ? P.managed(floats(data)) : floats(data);
        return P.score({ ...model, weights: floats(weights) }, made, true);
    }"""
    model = {"hidden": 4, "nFactors": 2, "factors": way, "l1": 0}
    flat = {name: values.ravel().tolist() for name, values in weights.items()}
    ours = opened.numbers(code, {"model": model, "weights": flat, "data": in_javascript(data)})
    betas = np.maximum(data["z"] @ weights["W1"] + weights["b1"], 0) @ weights["W2"] + weights["b2"]
    errors, (n_dates, n_tickers) = np.zeros(data["y"].shape), data["y"].shape
    squares = np.einsum("dsk,dsl->dkl", betas, betas)
    for d in range(n_dates):
        ridge = 1e-3 * squares.mean(axis=0) + (1e-6 * np.trace(squares[d]) + 1e-12) * np.eye(2)
        for s in range(n_tickers):
            others = np.arange(n_tickers) != s
            B, y = betas[d][others], data["y"][d][others]
            Z = np.column_stack([np.ones(n_tickers - 1), data["z"][d][others]])
            if way == "regression":
                F = np.linalg.solve(B.T @ B + ridge, B.T @ y)
            elif way == "managed":
                F = np.linalg.lstsq(Z, y)[0] @ weights["A"]
            else:
                F = data["x"][d] @ weights["A"]
            errors[d, s] = data["y"][d, s] - betas[d, s] @ F
    assert ours["error"] == pytest.approx((errors**2).mean(), rel=1e-9)
    assert ours["r2"] == pytest.approx(1 - (errors**2).sum() / (data["y"] ** 2).sum(), rel=1e-9, abs=1e-9)


@pytest.mark.extra
def test_a_linear_network_with_the_regression_inside_reaches_the_best_that_alternating_regressions_find(opened):
    """β = Z Γ, and F solved for: instrumented PCA. Γ given F is a regression, and so is F given Γ."""
    trained = opened.numbers("""() => {
        const trainer = new P.Trainer({ truth: ["linear", "linear"], hidden: 0, nFactors: 1 });
        for (let i = 0; i < 1500; i++) trainer.advance();
        const { z, y } = trainer.training;
        return { r2: trainer.scores().training.r2, z: [...z], y: [...y] };
    }""")
    y = np.reshape(trained["y"], (40, 60))
    z, gamma = np.reshape(trained["z"], (40, 60, 2)), np.ones(2)
    for _ in range(2000):
        betas = z @ gamma
        F = (betas * y).sum(axis=1) / (betas**2).sum(axis=1)
        gamma = np.linalg.lstsq((z * F[:, None, None]).reshape(-1, 2), y.ravel())[0]
    best = 1 - ((y - betas * F[:, None]) ** 2).sum() / (y**2).sum()
    assert trained["r2"] == pytest.approx(best, abs=1e-3)
    assert best > 0.2


@pytest.mark.extra
def test_maps_are_turned_to_the_truth_by_least_squares(opened):
    random = np.random.default_rng(4)
    betas, noise = random.normal(0, 1, (50, 3)), random.normal(0, 0.3, (50, 2))
    truth = betas @ random.normal(0, 1, (3, 2)) + noise
    code = "({ b, t }) => lists(P.turnToTruth(Float64Array.from(b), Float64Array.from(t), 3, 2))"
    ours = opened.numbers(code, {"b": betas.ravel().tolist(), "t": truth.ravel().tolist()})
    C, missed, *_ = np.linalg.lstsq(betas, truth)
    np.testing.assert_allclose(np.reshape(ours["C"], (3, 2)), C, rtol=1e-6, atol=1e-7)
    assert ours["share"] == pytest.approx(1 - missed.sum() / (truth**2).sum(), rel=1e-7)


@pytest.mark.extra
def test_only_the_regression_finds_a_saddle_without_being_handed_its_factor(opened):
    """What the lesson asks its readers to find."""
    shares = opened.numbers("""() => Object.fromEntries(["regression", "portfolios", "managed"].map(factors => {
        const trainer = new P.Trainer({ truth: ["product"], nFactors: 1, factors });
        for (let i = 0; i < 600; i++) trainer.advance();
        return [factors, trainer.scores().validation.r2];
    }))""")
    assert min(shares["regression"], shares["portfolios"]) > 0.3 and shares["managed"] < 0.05


@pytest.mark.extra
def test_how_many_steps_a_second_there_are(opened):
    """Printed (pytest -rP), not asserted: a time says more of the machine than of the code."""
    for way in WAYS:
        took = opened.numbers("""factors => {
            const trainer = new P.Trainer({ factors }), start = performance.now();
            for (let i = 0; i < 300; i++) trainer.advance();
            return performance.now() - start;
        }""", way)  # fmt: skip
        print(f"{way}: {300 / took * 1000:.0f} steps a second, curves included, pictures not")
    opened.page.evaluate("mounted({ speed: 0 })")
    opened.page.locator("[data-do=play]").click()
    time.sleep(3)
    print("in the page, with its pictures:", opened.page.locator("[data-name=speed]").inner_text(), "steps a second")
    opened.page.evaluate("mounted({})")


# --- Its page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(chromium, site):
    """A page of a test's own; it must ask nothing of anybody else, and raise nothing."""
    with Browsed(chromium, site) as browsed:
        yield browsed
        assert browsed.errors == []
        assert [url for url in browsed.requests if not url.startswith(site)] == []


def press_on(page, name, key="Enter"):
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press(key)


@pytest.mark.extra
def test_it_plays_pauses_steps_and_starts_again_by_keyboard(fresh):
    page = fresh.page
    page.keyboard.press("Tab")  # the first stop is Play
    page.keyboard.press("Enter")
    fresh.until_step(20)
    assert page.get_by_role("button", name="Pause").evaluate("b => b === b.getRootNode().activeElement")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").wait_for()
    paused = fresh.steps()
    time.sleep(0.3)
    assert fresh.steps() == paused >= 20
    press_on(page, "One step")
    assert fresh.steps() == paused + 1
    assert f"Step {paused + 1}. Error" in page.locator("[aria-live=polite]").inner_text()
    before = page.locator("[data-name=training]").inner_text()
    press_on(page, "Start again")
    assert fresh.steps() == 0 and page.locator("[data-name=training]").inner_text() != before
    market = page.evaluate("[...handle.trainer.market.y]")
    press_on(page, "New market")
    assert page.evaluate("[...handle.trainer.market.y]") != market and fresh.steps() == 0


@pytest.mark.extra
def test_choices_reach_market_model_and_training(fresh):
    page = fresh.page
    for words, value in [("True β of factor 1", "sign"), ("True β of factor 2", "none"), ("Noise, SD a month", "0.05"),
                         ("Hidden units", "16"), ("Factors, K", "3"), ("F is found by", "managed")]:  # fmt: skip
        page.evaluate("handle.trainer.advance()")
        page.get_by_label(words, exact=True).select_option(value)
        assert fresh.steps() == 0  # another market or model starts again
    page.get_by_role("button", name="One step").click()
    page.get_by_label("Penalty, L1").select_option("0.01")
    page.get_by_label("Months a step").select_option("8")
    assert fresh.steps() == 1  # the training goes on
    page.get_by_role("button", name="One step").click()
    chosen = page.evaluate("""() => {
        const { market: { truth, noise }, model: { hidden, nFactors, factors, l1 }, options } = handle.trainer;
        return [truth, noise, hidden, nFactors, factors, l1, options.batch];
    }""")
    assert chosen == [["sign"], 0.05, 16, 3, "managed", 0.01, 8]
    assert page.locator("canvas[data-map]").count() == 2


@pytest.mark.extra
def test_all_that_python_offers_the_page_offers_too(fresh):
    def offered(words):
        return fresh.page.get_by_label(words).locator("option").evaluate_all("all => all.map(one => one.value)")

    def texts(values):
        return [str(value) for value in values]

    assert offered("True β of factor 1") == list(TRUTHS) and offered("True β of factor 2") == [*TRUTHS, "none"]
    assert offered("Noise, SD a month") == texts(NOISES) and offered("Hidden units") == texts(HIDDEN_UNITS)
    assert offered("Factors, K") == texts(FACTORS) and offered("F is found by") == list(WAYS)
    assert offered("Penalty, L1") == texts(STRENGTHS)
    defaults = fresh.page.evaluate("P.DEFAULTS")
    assert {name: defaults[name] for name in playground().options} == playground().options


@pytest.mark.extra
@pytest.mark.parametrize("hidden", [0, 8])
@pytest.mark.parametrize("way", WAYS)
def test_an_edited_characteristic_moves_beta_and_the_fit_as_numpy_computes(fresh, way, hidden):
    page = fresh.page
    page.evaluate("options => mounted(options)", {"factors": way, "hidden": hidden})
    for _ in range(3):
        page.get_by_role("button", name="One step").click()
    row = page.get_by_role("button", name="Open T03")
    row.focus()
    page.keyboard.press("Enter")
    assert row.get_attribute("aria-pressed") == "true"
    before = shown(page)
    page.get_by_label(re.compile("^c1 of T03")).fill("0.25")
    page.get_by_label(re.compile("^c2 of T03")).fill("-0.5")
    after = shown(page)
    state = fresh.numbers("""() => ({ weights: Object.fromEntries(Object.entries(handle.trainer.model.weights).map(
        ([name, w]) => [name, [...w]])), data: lists(handle.trainer.validation) })""")
    assert before == pytest.approx(by_numpy(state, way, hidden, None), rel=1e-9)
    assert after == pytest.approx(by_numpy(state, way, hidden, (0.25, -0.5)), rel=1e-9)
    assert after != pytest.approx(before, rel=1e-3)
    page.get_by_role("button", name="Put back").click()
    assert shown(page) == before


def shown(page):
    """β1, β2 and r̂ in percent of the open ticker, to the last digit."""
    return [
        float(page.locator(f"[data-name={name}]").get_attribute("data-value")) for name in ("beta1", "beta2", "fitted")
    ]


def by_numpy(state, way, hidden, edited):
    """The same for ticker 3 in the first validation month."""
    w, data = state["weights"], state["data"]
    z, y = np.reshape(data["z"], (20, 60, 2)), np.reshape(data["y"], (20, 60))
    if edited:
        z[0, 2] = edited
    W2 = np.reshape(w["W2"], (-1, 2))
    read = np.maximum(z @ np.reshape(w["W1"], (2, hidden)) + w["b1"], 0) if hidden else z
    betas = read @ W2 + (w["b2"] if hidden else 0)
    if way == "regression":
        F = solved_by_numpy(betas, y)[0]
    elif way == "managed":
        F = np.linalg.lstsq(np.column_stack([np.ones(60), z[0]]), y[0])[0] @ np.reshape(w["A"], (3, 2))
    else:
        F = np.reshape(data["x"], (20, 4))[0] @ np.reshape(w["A"], (4, 2))
    return [*betas[0, 2], 10 * betas[0, 2] @ F]


@pytest.mark.extra
@pytest.mark.parametrize("way", WAYS)
def test_the_arithmetic_adds_up_as_it_is_printed(fresh, way):
    """Rounded numbers, as they stand in the tables: parts add up to sums, and these give what is said of the ticker."""
    page = fresh.page
    page.evaluate("options => mounted(options)", {"factors": way})
    page.evaluate("() => { for (let i = 0; i < 50; i++) handle.trainer.advance(); handle.show(); }")
    tables = page.locator(".sums table").evaluate_all("""tables => tables.map(table =>
        [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText)))""")

    def number(text):
        return float(text.replace("−", "-"))

    *units, constant, total = tables[0]
    for unit in units:
        products, said = unit[1].replace("−", "-").replace("·", "*").split("=")
        assert eval(products) == pytest.approx(float(said), abs=0.03)
        assert number(unit[2]) == pytest.approx(max(0, float(said)), abs=0.002)
    for column in (3, 4):
        parts = sum(number(row[column]) for row in units) + number(constant[column])
        assert parts == pytest.approx(number(total[column]), abs=0.006)
    betas = [number(text) for text in total[3:]]
    if way == "regression":
        squares = np.array([[number(text) for text in row[1:3]] for row in tables[1]])
        moments, F = (np.array([number(row[column]) for row in tables[1]]) for column in (3, 4))
        np.testing.assert_allclose(squares @ F, moments, rtol=0.02, atol=0.5)
    else:
        *inputs, sums = tables[1]
        F = np.array([number(text) for text in sums[2:]])
        for k in range(2):
            products = [row[2 + k].replace("−", "-").replace("·", "*").split("=") for row in inputs]
            assert sum(float(said) for _, said in products) == pytest.approx(F[k], abs=0.03)
            for product, said in products:
                assert eval(product) == pytest.approx(float(said), abs=0.2)
    last = page.locator(".sums p").last.inner_text()
    assert number(re.search(r"= ([−\d.]+) %", last)[1]) == pytest.approx(betas @ F, abs=0.05)


WORST = {"hidden": 16, "nFactors": 3}


@pytest.mark.extra
@pytest.mark.parametrize("width", [400, 800, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_stands_out_in_light_and_dark(chromium, site, width, scheme):
    """No sideways scrolling, nothing cut off, text with a contrast of 4.5 and edges of controls with 3."""
    with Browsed(chromium, site, width, color_scheme=scheme) as browsed:
        page = browsed.page
        for way in WAYS:
            page.evaluate("options => mounted(options)", {**WORST, "factors": way})
            page.get_by_role("button", name="One step").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(CUT_OFF) == [], way
            assert page.locator(".all").get_attribute("data-theme") == scheme
            faint = [said for said in page.evaluate(TEXTS) if contrast(*(np.array(c) / 255 for c in said[1:])) < 4.5]
            assert faint == []
            edges = page.evaluate(EDGES)
            assert edges and [e for e in edges if contrast(*(np.array(c) / 255 for c in e)) < 3] == []
        assert browsed.errors == []


CUT_OFF = """() => [...handle.host.shadowRoot.querySelectorAll(
    "button, p, label, figcaption, caption, dd, td, th, .worked")]
    .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map(one => one.outerHTML.slice(0, 200))"""
COLOURS = """
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const ground = one => {
        const [r, g, b, a = 1] = channels(getComputedStyle(one).backgroundColor);
        return a > 0 ? [r, g, b] : one.parentElement ? ground(one.parentElement) : [255, 255, 255];
    };
    const inside = selector => [...handle.host.shadowRoot.querySelectorAll(selector)];
"""
TEXTS = f"""() => {{ {COLOURS} return inside(".all *").filter(one => one.checkVisibility() &&
    [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())).map(one =>
    [one.innerText.slice(0, 40), channels(getComputedStyle(one).color).slice(0, 3), ground(one)]); }}"""
EDGES = f"""() => {{ {COLOURS} return inside("button, select").map(one =>
    [channels(getComputedStyle(one).borderTopColor).slice(0, 3), ground(one.parentElement)]); }}"""


@pytest.mark.extra
def test_what_is_drawn_stands_out_too(opened):
    """The names of the curves, and the numbers and lines on the maps."""
    for name, ground in (("light", [255, 255, 255]), ("dark", [22, 24, 28])):
        theme = opened.page.evaluate("name => P.THEMES[name]", name)
        ink = {part: [int(theme[part][i : i + 2], 16) for i in (1, 3, 5)] for part in ("ink", "training", "validation")}
        for part, colour in ink.items():
            assert contrast(np.array(colour) / 255, np.array(ground) / 255) >= 4.5, (name, part)
        for end in theme["ends"]:  # lines, for which 3 is asked; numbers have a ground of their own around them
            assert contrast(np.array(ink["ink"]) / 255, np.array(end) / 255) >= 3, (name, end)


@pytest.mark.extra
def test_every_control_and_picture_has_a_name(fresh):
    session = fresh.context.new_cdp_session(fresh.page)
    nodes = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in session.send("Accessibility.getFullAXTree")["nodes"]
        if not node.get("ignored")
    ]
    asked = {"button": 13, "combobox": 10, "slider": 2, "image": 5, "table": 3, "group": 4, "region": 1}
    for role, at_least in asked.items():
        names = [name for one, name in nodes if one in (role, {"image": "img"}.get(role))]
        assert len(names) >= at_least and all(names), (role, names)
    pictures = fresh.page.locator("canvas").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert all("−1" in words or "Errors over 0 steps" in words for words in pictures)


@pytest.mark.extra
def test_it_keeps_still_where_motion_is_not_wanted(chromium, site):
    """It draws once a second then; else many times.

    What is measured is the time between two drawings, not their number in a while: on a busy machine a while is longer.
    """
    shortest = {}
    for wish in ("reduce", "no-preference"):
        with Browsed(chromium, site, reduced_motion=wish) as browsed:
            shortest[wish] = browsed.page.evaluate("""async () => {
                let before = -Infinity, shortest = Infinity;
                const shown = handle.host.shadowRoot.querySelector("[data-name=step]");
                let seen = 0;
                const drawn = () => {
                    const now = performance.now();
                    if (seen++ > 1) shortest = Math.min(shortest, now - before);  // the first is that of the click
                    before = now;
                };
                new MutationObserver(drawn).observe(shown, { childList: true });
                handle.play();
                for (let k = 0; k < 100 && seen < 4; k++) await new Promise(done => setTimeout(done, 100));
                return shortest;
            }""")
            assert browsed.page.evaluate("handle.trainer.step") > 20
    assert shortest["no-preference"] < 600 < shortest["reduce"] < 10_000


@pytest.mark.extra
def test_it_follows_the_theme_of_the_page_around(fresh):
    """JupyterLab and exported notebooks mark the body, themes of sites the root; else the system's choice holds."""
    themed = fresh.page.locator(".all")
    for code, theme in [
        ("document.body.dataset.jpThemeLight = 'false'", "dark"),
        ("document.body.dataset.jpThemeLight = 'true'", "light"),
        ("delete document.body.dataset.jpThemeLight; document.documentElement.dataset.theme = 'dark'", "dark"),
        ("delete document.documentElement.dataset.theme", "light"),
    ]:
        fresh.page.evaluate(f"() => {{ {code} }}")
        fresh.page.wait_for_function(f"handle.host.shadowRoot.querySelector('.all').dataset.theme === '{theme}'")
        assert themed.get_attribute("data-theme") == theme


@pytest.mark.extra
def test_a_page_that_asks_for_what_there_is_not_is_told(opened):
    asked = "options => { try { P.mount(document.body, options); } catch (error) { return error.message; } }"
    for options, words in [({"hidden": 5}, "hidden must be one of 0, 4, 8, 16; 5 was"), ({"colour": 1}, "colour")]:
        said = opened.page.evaluate(asked, options)
        assert words in said


@pytest.mark.extra
def test_it_can_be_taken_away(opened):
    opened.page.evaluate("mounted({})")
    opened.page.evaluate("() => { handle.play(); handle.remove(); }")
    assert opened.page.locator("[data-do=play]").count() == 0
    opened.page.evaluate("mounted({})")


@pytest.mark.extra
def test_the_page_of_its_own_runs_from_a_folder(chromium, tmp_path):
    path = tmp_path / "playground.html"
    path.write_text(page(truth="product", factors="managed"), encoding="utf-8")
    with Browsed(chromium, path.as_uri()) as browsed:
        browsed.page.get_by_role("button", name="Play").click()
        browsed.page.wait_for_function("""Number(document.querySelector("main > div").shadowRoot
            .querySelector("[data-name=step]").textContent) > 10""")
        assert browsed.page.get_by_label("F is found by").input_value() == "managed"
        assert browsed.requests == [path.as_uri()] and browsed.errors == []


# --- In JupyterLab ----------------------------------------------------------------------------------------------------


@pytest.mark.extra
def test_a_cell_of_jupyterlab_shows_it_and_its_keys_are_its_own(lab, chromium):
    """It trains; Enter and letters on it do not reach JupyterLab, where they would edit, add or delete cells."""
    from tests.browser import Opened

    cells = [new_code_cell("from helpers.playground import playground\n\nplayground()"), new_markdown_cell("Below.")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), lab.notebooks / "playground.ipynb")
    opened = Opened(lab, chromium, "playground.ipynb")
    try:
        opened.open()
        assert opened.run_all() is True
        page = opened.page
        play = page.get_by_role("button", name="Play", exact=True)
        play.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("""Number([...document.querySelectorAll(".jp-OutputArea-output *")].map(one =>
            one.shadowRoot?.querySelector("[data-name=step]")?.textContent).find(text => text)) > 20""")
        assert page.get_by_role("button", name="Pause", exact=True).count() == 1
        for key in ("b", "a", "x", "d", "d"):
            page.keyboard.press(key)
        assert opened.cells.count() == 2
        page.get_by_role("button", name="Open T02").focus()
        page.keyboard.press("Enter")
        assert page.get_by_role("button", name="Open T02").get_attribute("aria-pressed") == "true"
        for width, theme in ((800, "Dark"), (1280, "Light")):
            opened.look(width, theme)
            page.locator(f".all[data-theme={theme.lower()}]").wait_for()
            box, cell = page.locator(".all").bounding_box(), opened.cells.first.bounding_box()
            assert box["x"] >= cell["x"] and box["x"] + box["width"] <= cell["x"] + cell["width"] + 1
        assert opened.red_boxes() == [] and opened.errors == []
        local = (lab.address, lab.address.replace("http:", "ws:"), "data:", "blob:")
        assert [url for url in opened.requests if not url.startswith(local)] == []
        assert lab.left_the_machine() == []
    finally:
        opened.close()
