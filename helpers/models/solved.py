"""Networks for β whose F is the regression of each date: the stack of `stacked` with that regression inside.

F = (β'β)⁻¹ β'r is a function of the weights like any other, and the gradient goes through it. So a batch is a set of
whole dates. K is small: the regression of all dates and members is written out, number by number, and the machine code
does it for all of them at once.
"""

from dataclasses import dataclass, replace

import numpy as np

from helpers.compact import rows_of
from helpers.models.backend import keras
from helpers.models.layers import network
from helpers.models.least_squares import LEAST
from helpers.models.stacked import Shape

ops = keras.ops

# So much of what β'β is in the mean over dates is added to that of each date, so that F stays bounded where a date has
# little to tell factors apart by; and so much of its trace, while two columns of β are alike at every date.
RIDGE, JITTER = 1e-3, 1e-6
NOTHING = 1e-6  # of the largest mean square of β in any direction
TINY = 1e-12  # keeps roots differentiable at 0


@dataclass(frozen=True)
class SolvedShape(Shape):
    """What two stacks must have in common to be the same matrix products; there is no Factor network."""

    def take(self, dates, z, row, y, known, take=ops.take):
        """What the Beta network reads (n_dates, n_most, n_chars), the returns and whether they are, of these dates."""
        row, y, known = (take(array, dates, axis=0) for array in (row, y, known))
        return take(z, row, axis=0), y, known

    def training_error(self, weights, statistics, batch):
        """The mean loss of each member on a batch of dates, F solved for on each, and what layers keep."""
        errors, _, statistics = self._solved(weights, statistics, batch, training=True)
        known = batch[2]
        return ops.sum(self.loss(errors) * known[:, :, None], axis=(0, 1)) / ops.sum(known), statistics

    def held_out_error(self, weights, statistics, batch, counts):
        """The sum of losses of each member, each ticker left out of the F of its date: of (r - r̂) / (1 - h)."""
        errors, leverage, _ = self._solved(weights, statistics, batch, training=False)
        alone = errors / ops.maximum(1 - leverage, LEAST)
        return ops.sum((counts[:, None] * batch[2])[:, :, None] * self.loss(alone), axis=(0, 1))

    def size(self, kernels):
        """What l1 is the strength of, for each member: in the first kernel by characteristic, in others by weight.

            Σ_j √Σ_u θ_ju² / √Σ θ²        Σ |θ| / √Σ θ²

        j is a characteristic and u a unit: all weights of a characteristic are one thing, and switch off together.
        Where F is solved for, β and c β are the same fit, and so is every kernel times any number: Σ |θ| could be made
        as small as one likes for nothing. Divided by its length, a kernel of n things counts from 1, one thing alone,
        to √n, all alike; and a strength means the same in any market.
        """
        first, *later = kernels
        squares = ops.sum(ops.square(first), axis=2)
        by_characteristic = ops.sum(ops.sqrt(squares + TINY), axis=0) / ops.sqrt(ops.sum(squares, axis=0) + TINY)
        return by_characteristic + sum(
            ops.sum(ops.abs(kernel), axis=(0, 2)) / ops.sqrt(ops.sum(ops.square(kernel), axis=(0, 2)) + TINY)
            for kernel in later
        )

    def _solved(self, weights, statistics, batch, training):
        """The errors r - r̂, (n_dates, n_tickers, n_members), 0 where there is no return; h; what layers keep."""
        z, y, known = batch
        n_dates, n_tickers = ops.shape(y)
        rows = ops.reshape(z, (-1, self.n_characteristics + len(self.n_categories)))
        flat, statistics = network(self).stateless_call(weights, statistics, rows, training=training)
        betas = ops.reshape(flat, (n_dates, n_tickers, self.n_members, self.n_factors)) * known[:, :, None, None]
        b = [betas[..., k] for k in range(self.n_factors)]
        squares = [[ops.sum(b[k] * b[j], axis=1) for j in range(k + 1)] for k in range(self.n_factors)]
        counts = ops.sum(known, axis=1)[:, None]
        share = RIDGE * counts / ops.sum(counts)
        apart = JITTER * sum(squares[k][k] for k in range(self.n_factors)) + 1e-12
        ridged = [[entry + share * ops.sum(entry, axis=0) for entry in row] for row in squares]
        root = _root([[*row[:-1], row[-1] + apart] for row in ridged])
        moments = [ops.sum(b[k] * y[:, :, None], axis=1) for k in range(self.n_factors)]
        factors = _backward(root, _forward(root, moments))
        errors = (y * known)[:, :, None] - sum(b[k] * f[:, None] for k, f in enumerate(factors))
        leverage = sum(ops.square(part) for part in _forward([[r[:, None] for r in row] for row in root], b))
        return errors, leverage, statistics


@dataclass(frozen=True)
class Dates:
    """Whole dates, their known returns side by side.

    Parameters
    ----------
    z : (n_rows, n_chars)
        What the Beta network reads, date after date, and perhaps rows that it does not.
    row : (n_dates, n_most)
        Which rows are those of the date's known returns; any of them where it has fewer than the fullest date.
    y : (n_dates, n_most)
        The returns.
    known : (n_dates, n_most)
        1 where there is one, else 0.
    """

    z: np.ndarray
    row: np.ndarray
    y: np.ndarray
    known: np.ndarray

    @property
    def n_items(self):
        """How many dates there are to make batches of."""
        return len(self.y)

    @property
    def n_known(self):
        """How many returns are known."""
        return float(self.known.sum(dtype=float))

    @property
    def nbytes(self):
        """How many bytes the characteristics take."""
        return self.z.nbytes

    @property
    def rows(self):
        """The rows of all known returns, in their order."""
        return self.row[self.known > 0]

    def repeated(self, dates):
        """These dates."""
        return replace(self, row=self.row[dates], y=self.y[dates], known=self.known[dates])


def dates_of(characteristics, returns, known):
    """The dates of a panel as `Dates`, from (n_dates, n_tickers, n_chars) and twice (n_dates, n_tickers)."""
    z, rows = rows_of(characteristics, known)
    return side_by_side(z, rows, returns[known], known.sum(axis=1))


def side_by_side(z, rows, returns, counts):
    """`Dates` of known returns one after the other, so many of each date, and of the row of z that belongs to each."""
    there = np.arange(counts.max()) < counts[:, None]
    row, y = np.full(there.shape, rows[0], np.int32), np.zeros(there.shape, np.float32)
    row[there], y[there] = rows, returns
    return Dates(z=z.astype("float32", copy=False), row=row, y=y, known=there.astype("float32"))


def whitened(squares):
    """W for which rows with these mean squares and products (n_factors, n_factors), times W, have the unit matrix.

    A direction in which they are next to nothing stays so: there are fewer factors then than were asked for.
    """
    lengths, axes = np.linalg.eigh(squares)
    return axes / np.sqrt(np.maximum(lengths, NOTHING * lengths[-1]) + np.finfo(float).tiny)


def _root(squares):
    """L of L L' = the matrix, as rows of arrays, one for each entry up to the diagonal (Cholesky)."""
    root = []
    for k, row in enumerate(squares):
        new = []
        for j in range(k):
            new.append((row[j] - sum(new[i] * root[j][i] for i in range(j))) / root[j][j])
        new.append(ops.sqrt(row[k] - sum(ops.square(entry) for entry in new)))
        root.append(new)
    return root


def _forward(root, right):
    """x of L x = right."""
    x = []
    for k, row in enumerate(root):
        x.append((right[k] - sum(row[j] * x[j] for j in range(k))) / row[k])
    return x


def _backward(root, right):
    """x of L' x = right."""
    n, x = len(root), {}
    for k in reversed(range(n)):
        x[k] = (right[k] - sum(root[j][k] * x[j] for j in range(k + 1, n))) / root[k][k]
    return [x[k] for k in range(n)]
