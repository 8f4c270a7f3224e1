"""Exercises of lesson 10: training the conditional autoencoder, and reading what it has learned."""

import numpy as np

from helpers.exercises.checker import Choice, Exercise, Open


def _inputs_and_weights():
    calls = []
    for seed, n_chars, n_units, n_portfolios, K in ((4, 5, 6, 3, 2), (8, 4, 5, 2, 3)):
        random = np.random.default_rng(seed)
        shapes = (n_chars, n_units), *5 * ((n_units,),), (n_units, K), (K,), (n_portfolios, K), (K,)
        weights = [random.normal(0, 1, shape) for shape in shapes]
        variances = random.uniform(0.3, 2, n_units - 1)
        weights[5] = np.append(variances, 0.002)  # beside the last one 0.001 is no trifle
        calls.append((random.uniform(-1, 1, (4, 7, n_chars)), random.normal(0.03, 0.1, (4, n_portfolios)), *weights))
    return calls


def _returns_and_betas():
    random = np.random.default_rng(5)
    calls = []
    for n_dates, n_tickers, n_factors in ((4, 9, 2), (3, 12, 3)):
        betas = random.normal(0.3, 1, (n_dates, n_tickers, n_factors))
        calls.append((random.normal(0.01, 0.1, (n_dates, n_tickers)), betas))
    return calls


# Exercise 1: the whole model by hand


def forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = np.maximum(X @ W_1 + b_1, 0)
    hidden = scale * (hidden - mean) / np.sqrt(variance + 0.001) + shift
    betas, factors = hidden @ W_2 + b_2, x @ W_F + b_F
    return np.einsum("dsk,dk->ds", betas, factors)


def _not_normalised(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    betas, factors = np.maximum(X @ W_1 + b_1, 0) @ W_2 + b_2, x @ W_F + b_F
    return np.einsum("dsk,dk->ds", betas, factors)


def _by_the_batch(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = np.maximum(X @ W_1 + b_1, 0)
    mean, variance = hidden.mean(axis=(0, 1)), hidden.var(axis=(0, 1))
    return forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F)


def _normalised_first(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = scale * (X @ W_1 + b_1 - mean) / np.sqrt(variance + 0.001) + shift
    betas, factors = np.maximum(hidden, 0) @ W_2 + b_2, x @ W_F + b_F
    return np.einsum("dsk,dk->ds", betas, factors)


def _relu_on_the_output(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = np.maximum(X @ W_1 + b_1, 0)
    hidden = scale * (hidden - mean) / np.sqrt(variance + 0.001) + shift
    betas, factors = np.maximum(hidden @ W_2 + b_2, 0), x @ W_F + b_F
    return np.einsum("dsk,dk->ds", betas, factors)


def _divided_by_the_variance(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, (variance + 0.001) ** 2 - 0.001, W_2, b_2, W_F, b_F)


def _without_relu(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = scale * (X @ W_1 + b_1 - mean) / np.sqrt(variance + 0.001) + shift
    return np.einsum("dsk,dk->ds", hidden @ W_2 + b_2, x @ W_F + b_F)


def _without_scale_and_shift(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, 1, 0, mean, variance, W_2, b_2, W_F, b_F)


def _without_the_thousandth(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance - 0.001, W_2, b_2, W_F, b_F)


def _without_bias_of_F(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, 0)


def _relu_on_F(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    factors = np.maximum(x @ W_F + b_F, 0)
    hidden = scale * (np.maximum(X @ W_1 + b_1, 0) - mean) / np.sqrt(variance + 0.001) + shift
    return np.einsum("dsk,dk->ds", hidden @ W_2 + b_2, factors)


def _without_bias_of_beta(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2, 0 * b_2, W_F, b_F)


def _shift_inside(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, scale * shift, mean, variance, W_2, b_2, W_F, b_F)


def _without_shift(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, 0, mean, variance, W_2, b_2, W_F, b_F)


def _without_scale(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, 1, shift, mean, variance, W_2, b_2, W_F, b_F)


def _mean_of_the_factors(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F) / len(b_F)


def _first_factor_alone(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2[:, :1], b_2[:1], W_F[:, :1], b_F[:1])


def _beside_the_root(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    variance = (np.sqrt(variance) + 0.001) ** 2 - 0.001
    return forward(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F)


def _keras_for_torch(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance - 0.001 + 1e-5, W_2, b_2, W_F, b_F)


def _a_hundredth(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, mean, variance + 0.009, W_2, b_2, W_F, b_F)


def _without_first_bias(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, 0 * b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F)


def _tanh_for_relu(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = scale * (np.tanh(X @ W_1 + b_1) - mean) / np.sqrt(variance + 0.001) + shift
    return np.einsum("dsk,dk->ds", hidden @ W_2 + b_2, x @ W_F + b_F)


def _bias_after_relu(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = scale * (np.maximum(X @ W_1, 0) + b_1 - mean) / np.sqrt(variance + 0.001) + shift
    return np.einsum("dsk,dk->ds", hidden @ W_2 + b_2, x @ W_F + b_F)


def _only_the_mean_divided(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    hidden = np.maximum(X @ W_1 + b_1, 0)
    hidden = scale * (hidden - mean / np.sqrt(variance + 0.001)) + shift
    return np.einsum("dsk,dk->ds", hidden @ W_2 + b_2, x @ W_F + b_F)


def _without_biases(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, 0, scale, shift, mean, variance, W_2, 0 * b_2, W_F, 0)


def _mean_left_in(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, shift, 0 * mean, variance, W_2, b_2, W_F, b_F)


def _shift_before_dividing(X, x, W_1, b_1, scale, shift, mean, variance, W_2, b_2, W_F, b_F):
    return forward(X, x, W_1, b_1, scale, 0, mean - shift, variance, W_2, b_2, W_F, b_F)


q1 = Exercise(
    reference=forward,
    mistakes={
        _not_normalised: "Batch normalisation is missing between the hidden layer and the output of the Beta network.",
        _by_the_batch: "You took mean and variance from this batch, as in training. After training they are fixed "
        "numbers: mean and variance.",
        _normalised_first: "The ReLU comes first: it is part of the hidden layer. Then its values are normalised.",
        _relu_on_the_output: "There is a ReLU on the output of the Beta network. Exercise 1 of lesson 09 says what is "
        "lost by it.",
        _without_relu: "The hidden layer has a ReLU, and here it is missing: nothing bends.",
        _without_scale_and_shift: "Scale and shift are missing: they follow once the hidden values are normalised.",
        _without_bias_of_F: "The bias b_F is missing: the layer that makes F has one, too.",
        _without_the_thousandth: "The 0.001 under the root is missing. One hidden unit hardly varies, and there it "
        "counts.",
        _divided_by_the_variance: "Divide by the root of variance + 0.001.",
        _relu_on_F: "There is a ReLU on F. The Factor network has no activation: a factor may fall, too.",
        _without_bias_of_beta: "The bias b_2 is missing: the output of the Beta network has one.",
        _shift_inside: "The shift was multiplied by the scale. It is added at the end, as it is.",
        _without_shift: "The shift is missing: it is added once the scale is multiplied in.",
        _without_scale: "The scale is missing: it multiplies the normalised hidden values.",
        _mean_of_the_factors: "You took the mean over the factors. Dot adds β times F up over them.",
        _first_factor_alone: "This is what the first factor contributes. Dot adds up all of them.",
        _beside_the_root: "The 0.001 stands beside the root. It is added to the variance, under the root.",
        _keras_for_torch: "The small number under the root is 0.001 in this network, the default of Keras.",
        _a_hundredth: "The small number under the root is ten times too large: it is 0.001.",
        _without_first_bias: "The bias b_1 is missing, inside the ReLU.",
        _tanh_for_relu: "The hidden layer has a ReLU, and this is a tanh.",
        _bias_after_relu: "b_1 was added after the ReLU. It is part of what the ReLU bends: add it inside.",
        _only_the_mean_divided: "Only the mean is divided by the root: brackets are missing around hidden - mean.",
        _without_biases: "The biases b_1, b_2 and b_F are all missing. Each of the three layers adds its own.",
        _mean_left_in: "The mean was not taken out of the hidden values before they are divided.",
        _shift_before_dividing: "The shift was added before the division. It comes last: normalise, times scale, plus "
        "shift.",
    },
    calls=_inputs_and_weights,
    hints=(
        "Four steps: the hidden layer with its ReLU, batch normalisation, two linear layers (one makes "
        "β and one makes F), Dot.",
        "beta_by_hand with scale * (hidden - mean) / np.sqrt(variance + 0.001) + shift in between; F is x @ W_F + "
        "b_F; then the einsum of Dot.",
    ),
    insight="Five lines, and nothing hidden in them. forward(test.characteristics, test.portfolios, "
    "*model.get_weights()) gives what the trained model gives.",
)

# Exercise 2: what comes first?

q2 = Choice(
    right="b",
    advice={
        "a": "Compare with 0 epochs: after 2 the whole map has taken on one and the same colour.",
        "c": "A valley would be darker at the left and at the right than in the middle. After 2 epochs, is it?",
        "d": "A tilt would be darker on one side than on the other. The true β does not tilt, and "
        "the map says: nearly flat.",
    },
    hints=(
        "Set the slider to 2 epochs and read the words in the lower left map.",
        "Then set it to the linear model at the right end, and compare.",
    ),
    insight="First comes what a straight model could have learned: everybody has about the average of c1². It is "
    "nearly all that the linear model ever finds of factor 1. The two shapes come after it, between 4 and 10 "
    "epochs, and R² rises with them.",
)

# Exercise 3: each ticker left out


def leave_one_out(R, betas):
    inverse = np.linalg.inv(np.einsum("dsk,dsl->dkl", betas, betas))
    F = np.einsum("dkl,dsl,ds->dk", inverse, betas, R)
    h = np.einsum("dsk,dkl,dsl->ds", betas, inverse, betas)
    return R - (R - np.einsum("dsk,dk->ds", betas, F)) / (1 - h)


def _all_tickers(R, betas):
    inverse = np.linalg.inv(np.einsum("dsk,dsl->dkl", betas, betas))
    return np.einsum("dsk,dkl,dtl,dt->ds", betas, inverse, betas, R)


def _the_error(R, betas):
    return R - leave_one_out(R, betas)


def _leverage(R, betas):
    inverse = np.linalg.inv(np.einsum("dsk,dsl->dkl", betas, betas))
    return np.einsum("dsk,dkl,dsl->ds", betas, inverse, betas)


def _multiplied(R, betas):
    return R - (R - _all_tickers(R, betas)) * (1 - _leverage(R, betas))


def _divided_the_reconstruction(R, betas):
    return _all_tickers(R, betas) / (1 - _leverage(R, betas))


def _one_leverage_for_all(R, betas):
    n_tickers, n_factors = betas.shape[1:]
    return R - (R - _all_tickers(R, betas)) / (1 - n_factors / n_tickers)


def _own_return_set_to_zero(R, betas):
    return _all_tickers(R, betas) - _leverage(R, betas) * R


def _one_inverse_for_all(R, betas):
    inverse = np.linalg.inv(np.einsum("dsk,dsl->kl", betas, betas))
    r_hat = np.einsum("dsk,kl,dtl,dt->ds", betas, inverse, betas, R)
    return R - (R - r_hat) / (1 - np.einsum("dsk,kl,dsl->ds", betas, inverse, betas))


q3 = Exercise(
    reference=leave_one_out,
    mistakes={
        _all_tickers: "This is the ordinary reconstruction: the ticker's own return is still in F.",
        _the_error: "This is the error, R − r̂. The reconstruction without the ticker is asked for.",
        _multiplied: "You multiplied the error by 1 − h. Without the ticker the error is larger: divide.",
        _divided_the_reconstruction: "You divided r̂ by 1 − h. It is the error, R − r̂, that grows.",
        _one_leverage_for_all: "K / N is h in the mean over the tickers. Here each ticker's own h is needed.",
        _own_return_set_to_zero: "You set the ticker's return to 0, and that is a return, too. The ticker must leave "
        "the regression: its β goes as well.",
        lambda R, betas: (
            R + (R - _all_tickers(R, betas)) / (1 - _leverage(R, betas))
        ): "The sign is turned: the reconstruction is R MINUS the error.",
        lambda R, betas: (
            R - (R - _all_tickers(R, betas)) / _leverage(R, betas)
        ): "You divided the error by h. Divide it by 1 − h.",
        _leverage: "This is h of each ticker. It is needed on the way: the error grows by 1 / (1 − h).",
        lambda R, betas: (
            R - _all_tickers(R, betas) / (1 - _leverage(R, betas))
        ): "You divided r̂ by 1 − h and took it from R. It is the error, R − r̂, that is divided.",
        lambda R, betas: (
            R - (R - _all_tickers(R, betas)) / (1 + _leverage(R, betas))
        ): "You divided by 1 + h. Without the ticker the error is larger: divide by 1 − h.",
        lambda R, betas: (
            _all_tickers(R, betas) - (R - _all_tickers(R, betas)) / (1 - _leverage(R, betas))
        ): "You began with r̂. The formula takes the grown error from the return itself, R.",
        lambda R, betas: (
            R - (R - _all_tickers(R, betas)) / (1 - _leverage(R, betas)) ** 2
        ): "1 − h is squared. The error grows by 1 / (1 − h), once.",
        lambda R, betas: (
            R - (R - _all_tickers(R, betas)) / np.sqrt(1 - _leverage(R, betas))
        ): "You divided by the root of 1 − h, as one standardises an error. Here it is 1 − h itself.",
        lambda R, betas: (
            R - ((R - _all_tickers(R, betas)) - _leverage(R, betas))
        ): "h was taken from the error, where 1 − h divides it: brackets around 1 - h are missing.",
        lambda R, betas: (
            R - (R - _all_tickers(R, betas)) / (1 - (betas**2).sum(axis=2))
        ): "Your h is βᵀβ of the ticker. The inverse of the whole β'β stands in between.",
        lambda R, betas: (
            R - (R - np.einsum("dsk,dtk,dt->ds", betas, betas, R)) / (1 - _leverage(R, betas))
        ): "Your F is β'R. The regression of the date has the inverse of β'β before it.",
        _one_inverse_for_all: "β'β was added up over all dates. Each date is a regression of its own: keep d in the "
        "result of the einsum.",
        lambda R, betas: leave_one_out(
            R - R.mean(axis=1, keepdims=True), betas
        ): "The mean return of the date was taken out. The regression of the date has no constant: take R as it is.",
    },
    calls=_returns_and_betas,
    hints=(
        "Two things for each date: F from all tickers, and h of each ticker. Then the formula.",
        'inverse = np.linalg.inv(np.einsum("dsk,dsl->dkl", betas, betas)), and '
        'h = np.einsum("dsk,dkl,dsl->ds", betas, inverse, betas).',
        "r̂ without the ticker is R minus the ordinary error over 1 - h.",
    ),
    insight="One regression a date, and not one for each ticker. model.leave_one_out(panel) does it for every model, "
    "gaps included.",
)

# Exercise 4: can F be bought?

q4 = Choice(
    right="b",
    advice={
        "a": "What stands before r in the formula of the regression? And when is it known?",
        "c": "β follows the characteristics of the date. What does that mean for (β'β)⁻¹β'?",
        "d": "The regression reads no portfolio, neither in training nor afterwards. What does it multiply the returns "
        "of the tickers by?",
    },
    hints=(
        "Write F = P r. What is P made of?",
        "P = (β'β)⁻¹β' has a row for each factor and a column for each ticker. β is made of characteristics "
        "that are known before the return is earned.",
    ),
    insight="Each row of (β'β)⁻¹β' is a portfolio of the tickers, and β of a date is known before its returns. So F "
    "that is solved for can be bought, too. Only its positions are new at every date, and trading costs money. The "
    "positions of the Factor network stay; but they are positions in x, and somebody has to keep x.",
)

# Exercise 5: open

q5 = Open(
    look_for="The market has three factors: what can a model with one, or with five, do about that? And two ReLU "
    "units make two bends: how many does a valley need, and how many a saddle? Does the way in which F is found change "
    "the answer? Is each difference that you name larger than that between two seeds?",
    hints=(
        "A loop over the settings, NeuralIPCA and ConditionalAutoencoder inside it, each judged by leave_one_out. "
        "Which setting costs the most, and which makes no difference?",
        "Then another seed for one of them: differences smaller than that mean nothing.",
    ),
)
