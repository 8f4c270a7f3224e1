"""What the entries made of networks share: the training of a year, as the course's ensembles are trained."""

from dataclasses import replace

import numpy as np

from helpers.models.layers import initial_weights, select_members
from helpers.models.stacked import train_over

N_STARTS, N_KEPT = 4, 4  # networks of each strength, and those that are kept of all
EPOCHS, SEED, LEARNING_RATE = 50, 0, 0.01


def held_out(window):
    """How many of the last months stop the training and choose among networks."""
    return len(window) // 5


def trained(one, strengths, training, unseen, batch_size, patience):
    """The weights of all networks, and the numbers of those that explain the unseen months best.

    Parameters
    ----------
    one : Shape
        Of the networks of one strength.
    strengths : sequence of float
        Of the penalty.
    training, unseen
        Data of the kind that the shape takes.
    batch_size, patience : int
    """
    starts = np.tile(np.arange(N_STARTS), len(strengths)).tolist()
    weights, history = train_over(
        range(1, EPOCHS + 1),
        replace(one, n_members=len(starts)),
        select_members(initial_weights(one, SEED), starts, N_STARTS),
        training,
        unseen,
        np.repeat(strengths, N_STARTS),
        LEARNING_RATE,
        batch_size,
        patience,
        SEED,
        say=len,
    )
    return weights, np.argsort(history.groupby("member")["validation"].min().to_numpy(), kind="stable")[:N_KEPT]
