"""The playground as a widget of JupyterLab, and as a page of its own. Without a kernel, a notebook shows a picture."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from helpers.checks import as_choice, as_count, as_positive
from helpers.plotting.estimates import plot_beta_surfaces
from helpers.plotting.shown import in_words, metadata_of, small

SCRIPT = Path(__file__).with_name("playground.js")
# The true β of a factor, for c1, c2 and the factor's number; the names and formulas are those of playground.js.
TRUTHS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "linear": lambda c1, c2, k: c2 if k else 1.2 * c1,
    "valley": lambda c1, c2, k: c1**2,
    "product": lambda c1, c2, k: 2 * c1 * c2,
    "sign": lambda c1, c2, k: 0.6 * np.sign(c1),
}
NOISES, HIDDEN_UNITS, FACTORS = (0, 0.05, 0.1, 0.2), (0, 4, 8, 16), (1, 2, 3)
WAYS, STRENGTHS = ("regression", "portfolios", "managed"), (0, 0.001, 0.01, 0.1)

Truth = Literal["linear", "valley", "product", "sign"]
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Playground: a conditional autoencoder that trains in the page</title>
</head>
<body>
<main id="playground"></main>
<script type="module">
{script}
mount(document.getElementById("playground"), {options});
</script>
</body>
</html>
"""


class Playground(anywidget.AnyWidget):
    """A conditional autoencoder that trains in the page; see `playground`."""

    _esm = SCRIPT
    options = traitlets.Dict().tag(sync=True)

    def __repr__(self) -> str:
        truths = " and ".join(self.options["truth"])
        return f"A playground: a network that trains in the page to find β ({truths}). Run this cell to play."

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a notebook stores: the widget, which needs a kernel, and a picture of the true β, which does not."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        file, figure = io.BytesIO(), self.picture()
        figure.savefig(file, dpi=2 * figure.dpi)
        png = small(file.getvalue())
        data = {**data, "image/png": base64.b64encode(png).decode(), "text/plain": repr(self)}
        return data, {**metadata, "image/png": metadata_of(png, **in_words(figure))}

    def picture(self) -> Figure:
        """The true β that the network is to find: what a notebook shows where nothing runs."""
        c1, c2 = np.meshgrid(*[np.linspace(-1, 1, 41)] * 2)
        truth = np.stack([TRUTHS[name](c1, c2, k) for k, name in enumerate(self.options["truth"])], axis=-1)
        return plot_beta_surfaces({"truth": truth}, title="What the network in the playground is to find")


def playground(
    truth: Truth | Sequence[Truth] = ("valley", "product"),
    noise: float = 0.1,
    hidden_units: int = 8,
    n_factors: int = 2,
    factors: Literal["regression", "portfolios", "managed"] = "regression",
    l1: float = 0.0,
    seed: int = 0,
) -> Playground:
    """A small market and a conditional autoencoder that trains on it in the page, with all of this to change by hand.

        r = β(c1, c2) · F + noise        β a network of c1 and c2, whose maps are drawn beside the true ones
        F = A'x, weights that stay       or F = (β'β)⁻¹ β'r, the regression of the month, inside the training

    60 tickers and 60 months, 40 of them to train on. Training is that of the course's networks: the same loss, penalty,
    ridge and Adam, in double precision. It runs in the browser and needs no kernel once it is shown.

    Parameters
    ----------
    truth : {"linear", "valley", "product", "sign"}, or a sequence of one or two of them
        The true β of each factor: 1.2 c1 (of factor 2: c2), c1², 2 c1 c2, 0.6 sgn(c1).
    noise : {0, 0.05, 0.1, 0.2}
        The SD of ε, a fraction per month.
    hidden_units : {0, 4, 8, 16}
        With 0, β is linear in c1 and c2.
    n_factors : {1, 2, 3}
        Of the model.
    factors : {"regression", "portfolios", "managed"}
        How F is found: by the regression of the month, or by fixed weights on four observed portfolios, of which the
        first make the true factors, or on the managed portfolios of a constant, c1 and c2.
    l1 : {0, 0.001, 0.01, 0.1}
    seed : int
        Of the market, the initial weights and the batches.

    Returns
    -------
    Playground
        Shown as the last line of a cell.

    Raises
    ------
    TypeError, ValueError
        If an option is none of these.

    Examples
    --------
    >>> from helpers.playground import playground
    >>> playground(truth="product", factors="managed")
    A playground: a network that trains in the page to find β (product). Run this cell to play.
    """
    return Playground(options=_options(truth, noise, hidden_units, n_factors, factors, l1, seed))


def page(**options: Any) -> str:
    """The playground as an HTML page that needs nothing beside it: no kernel, no server, no network.

    Parameters
    ----------
    **options
        Those of `playground`.

    Returns
    -------
    str

    Examples
    --------
    >>> from helpers.playground import page
    >>> "http" in page(truth="valley")
    False
    """
    script = SCRIPT.read_text(encoding="utf-8")
    return PAGE.format(script=script, options=json.dumps(playground(**options).options))


def _options(truth, noise, hidden_units, n_factors, factors, l1, seed):
    """The options under the names of playground.js."""
    truths = [truth] if isinstance(truth, str) else list(truth) if isinstance(truth, Sequence) else truth
    if not isinstance(truths, list):
        raise TypeError(f"truth must be a name, or one or two of them in a list; a {type(truth).__name__} was given.")
    if len(truths) not in (1, 2):
        raise ValueError(f"truth must name the β of one or two factors; {len(truths)} were given.")
    return {
        "truth": [as_choice("truth", name, tuple(TRUTHS)) for name in truths],
        "noise": as_choice("noise", as_positive("noise", noise, zero=True), NOISES),
        "hidden": as_choice("hidden_units", as_count("hidden_units", hidden_units, at_least=0), HIDDEN_UNITS),
        "nFactors": as_choice("n_factors", as_count("n_factors", n_factors), FACTORS),
        "factors": as_choice("factors", factors, WAYS),
        "l1": as_choice("l1", as_positive("l1", l1, zero=True), STRENGTHS),
        "seed": as_count("seed", seed, at_least=0, at_most=2**32 - 1),
    }
