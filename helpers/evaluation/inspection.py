"""What a model rests on, and how its factors compare with the true ones."""

from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from helpers.checks import as_choice, first_few
from helpers.equation import product
from helpers.labels import factor_names
from helpers.models.base import FactorModel
from helpers.models.halves import ConstantBetas
from helpers.panel import Panel, require_panel
from helpers.tables import Tables


def characteristic_importance(model: FactorModel, panel: Panel, side: str = "betas") -> pd.Series:
    """How much total R² is lost when one characteristic is set to zero everywhere, and all that was estimated stays.

        importance of c_j = total R²(r, β · F) - total R²(r, β · F with c_j = 0)        0: the median, once ranked

    Parameters
    ----------
    model : FactorModel
        Fitted. For "betas", one whose β is a function of the characteristics; for "factors", one with a Factor network.
    panel : Panel
        Unknown characteristics stay unknown, and returns that the model does not reconstruct for that reason are left
        out.
    side : {"betas", "factors", "both"}
        Where the zeros are put. "betas": where β is computed; F stays. "factors": among the inputs of the Factor
        network, one after the other, whatever these are; β stays. "both": where either reads the characteristic, which
        needs a Factor network whose inputs are named as the characteristics, such as factor_inputs='managed'.

    Returns
    -------
    Series
        In descending order, indexed by characteristic (for "factors", by factor input). Negative where the model
        explains these returns better without.

    Raises
    ------
    TypeError
        If the model has no β of characteristics, or no Factor network, to put zeros into.
    ValueError
        If side is none of the three, or "both" is asked of factor inputs with other names.

    References
    ----------
    Gu, Kelly, Xiu (2021), the importance of characteristics.
    """
    as_choice("side", side, ("betas", "factors", "both"))
    _require_side(model, panel, side)
    members = getattr(model, "members_", [model])
    factors = [member.factors(panel) for member in members]
    names = model.factor_input_names_ if side == "factors" else panel.characteristic_names
    changed = {name: factors for name in names}
    if side != "betas":
        changed = {name: [_without_input(member, name).factors(panel) for member in members] for name in names}
    left, total = np.zeros(1 + len(names)), 0.0  # sums of squares: with every characteristic, and without each
    for dates, _, block in panel.blocks():
        betas = [member.betas(block) for member in members]
        explained = _mean_product(betas, factors, dates)
        returns = np.where(np.isnan(explained), np.nan, block.returns)
        total += np.nansum(returns**2)
        left[0] += np.nansum((returns - explained) ** 2)
        for j, name in enumerate(names, 1):
            if side != "factors":
                without = _without_characteristic(block, name)
                betas = [member.betas(without) for member in members]
            left[j] += np.nansum((returns - _mean_product(betas, changed[name], dates)) ** 2)
    if not total:
        raise ValueError("No return that the model reconstructs differs from 0: there is nothing to explain.")
    lost = pd.Series((left[1:] - left[0]) / total, names, name="importance")
    return lost.sort_values(ascending=False, kind="stable")


def _mean_product(betas, factors, dates):
    return np.mean([product(b, f[dates]) for b, f in zip(betas, factors, strict=True)], axis=0)


def align_factors(betas: ArrayLike, factors: ArrayLike, true_factors: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The betas and factors rewritten in the coordinates of the true factors; their product does not change.

        F ≈ F_true B   (least squares across dates)        F βᵀ = (F B⁻¹) (β Bᵀ)ᵀ

    Factors are known up to an invertible K x K matrix only, so they are compared after this change of coordinates. The
    estimate is regressed on the truth, and not the other way round, since the noise is in the estimate.

    Parameters
    ----------
    betas : (n_dates, n_tickers, n_factors)
    factors, true_factors : (n_dates, n_factors)

    Returns
    -------
    betas : (n_dates, n_tickers, n_factors)
    factors : (n_dates, n_factors)
        Both with the names of the true factors, F1, F2, … if they have none, where an argument has labels.

    Raises
    ------
    ValueError
        If the shapes or labels disagree or no invertible B exists: a factor is missing from the estimate, or repeated
        in the truth.
    """
    tables = Tables()
    f = tables.array("factors", factors, ("n_dates", "n_factors"))
    truth = tables.array("true_factors", true_factors, ("n_dates", "n_true_factors"))
    if f.shape != truth.shape:
        raise ValueError(
            f"true_factors must be (n_dates, n_factors) with n_factors = {f.shape[1]}; its shape is {truth.shape}. "
            "Compare as many factors as there are true ones."
        )
    b = tables.array("betas", betas, ("n_dates", "n_tickers", "n_factors"), missing=True)
    change, *_ = np.linalg.lstsq(truth, f, rcond=None)
    if np.linalg.cond(change) > 1e10:
        raise ValueError(
            "No invertible matrix turns true_factors into factors: at least one true factor is missing from them."
        )
    names = tables.labels("n_true_factors")
    names = factor_names(f.shape[1]) if names is None else names
    return (
        tables.labelled(b @ change.T, "n_dates", "n_tickers", names),
        tables.labelled(f @ np.linalg.inv(change), "n_dates", names),
    )


def _require_side(model, panel, side):
    """Nothing, or an error that says why zeros cannot be put on that side of the model."""
    if not isinstance(model, FactorModel):
        raise TypeError(f"model must be a FactorModel; a {type(model).__name__} was given.")
    check_is_fitted(model)
    require_panel(panel)
    kind = type(model).__name__
    given = getattr(model, "given_betas", None) is not None
    if side != "factors" and (given or isinstance(model, ConstantBetas)):
        raise TypeError(
            f"The betas of this {kind} do not depend on characteristics, so none of them can be set to zero. "
            "Pass a model whose betas do, such as InstrumentedPCA or ConditionalAutoencoder."
        )
    if side == "betas":
        return
    if not hasattr(model, "factor_weights_"):
        raise TypeError(
            f"{kind} has no Factor network whose inputs could be set to zero. Choose side='betas', or another model."
        )
    unread = panel.characteristic_names.difference(model.factor_input_names_)
    if side == "both" and len(unread):
        raise ValueError(
            f"side='both' needs a Factor network that reads every characteristic by its name, and {first_few(unread)} "
            f"are not among its inputs {first_few(model.factor_input_names_)}. Choose one side, or fit with "
            "factor_inputs='managed'."
        )


def _without_characteristic(panel, name):
    """The panel with one characteristic at zero wherever it is known."""
    characteristics = panel.characteristics.copy()
    characteristics[:, :, panel.characteristic_names == name] *= 0.0
    return replace(panel, characteristics=characteristics)


def _without_input(model, name):
    """The model whose Factor network gives no weight to one of its inputs."""
    without = copy(model)
    without.factor_weights_ = np.where((model.factor_input_names_ == name)[:, None], 0.0, model.factor_weights_)
    return without
