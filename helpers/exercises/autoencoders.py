"""Exercises of lesson 06: autoencoders."""

from functools import cache

import numpy as np

from helpers.data.simulated import simulate_constant_betas
from helpers.evaluation.metrics import total_r2
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _given():
    return {"R": simulate_constant_betas(n_dates=240, n_tickers=30, seed=0).panel.returns}


def _returns_and_encoders():
    random = np.random.default_rng(0)
    return [(random.normal(0.02, 0.1, (40, 6)), random.normal(0, 1, (6, K))) for K in (2, 3)]


def _factors_and_matrices():
    random = np.random.default_rng(1)
    return [(random.normal(0, 1, (20, K)), np.eye(K) + random.normal(0, 0.5, (K, K))) for K in (2, 3)]


def _inputs_and_weights():
    random = np.random.default_rng(2)
    shapes = (2, 8), (8,), (8, 1), (1,), (1, 8), (8,), (8, 2), (2,)
    return [(random.normal(0, 1, (5, 2)), *(random.normal(0, 1, shape) for shape in shapes))]


def _bottleneck_and_weights():
    random = np.random.default_rng(3)
    shapes = (7, 1), (1, 8), (8,), (8, 2), (2,)
    return [tuple(random.normal(0, 1, shape) for shape in shapes)]


# Exercise 1: can the network beat PCA?

q1 = Choice(
    right="b",
    advice={
        "a": "What does this network compute, from the row that goes in to the row that comes out? Write it as a "
        "product of matrices, and compare it with the products that lesson 04 looked at.",
        "c": "PCA is one setting of the weights of this network: the encoder V_K, the decoder its transpose. What "
        "keeps the walk from getting there?",
        "d": "It depends on the start how long the walk takes. But no start lets a product of these shapes "
        "be better than the best.",
    },
    hints=(
        "Without activations the output is R W_e W_d: a product through three numbers.",
        "Lesson 04: which product of these shapes loses least?",
    ),
    insight="The output is R W_e times W_d, a product of the shapes of lesson 04, and of these none loses less than "
    "PCA. So it cannot explain more. That it explains as much is a matter of the walk, and the next cells watch it.",
)

# Exercise 2: the best decoder


def best_decoder(R, W_e):
    F = R @ W_e
    return np.linalg.lstsq(F, R, rcond=None)[0]


def _with_a_constant(R, W_e):
    design = np.column_stack([np.ones(len(R)), R @ W_e])
    return np.linalg.lstsq(design, R, rcond=None)[0][1:]


q2 = Exercise(
    reference=best_decoder,
    mistakes={
        lambda R, W_e: (
            W_e.T
        ): "This is the encoder turned around. It is the best decoder for the encoder V_K of PCA, whose "
        "columns are orthonormal and fitted to R. Another encoder needs another decoder.",
        lambda R, W_e: np.linalg.pinv(
            W_e
        ): "The pseudo-inverse of W_e does not look at the returns. The decoder is to make the errors "
        "small over the rows of R, and some directions occur there more than others.",
        lambda R, W_e: W_e: "This is the encoder itself, or the regression of the bottleneck on R. It is the way in: "
        "regress R on the bottleneck.",
        lambda R, W_e: (R @ W_e).T @ R: "This is F'R, without the inverse of F'F before it.",
        lambda R, W_e: (
            R @ W_e @ best_decoder(R, W_e)
        ): "This is what comes out of the decoder. Its weights are asked for.",
        lambda R, W_e: (
            best_decoder(R, W_e).T
        ): "The numbers are right, and this is β: tickers go down. The decoder is (K, n_tickers), its transpose.",
        lambda R, W_e: np.linalg.svd(R, full_matrices=False)[2][
            : W_e.shape[1]
        ]: "This is the decoder of PCA. It belongs to the encoder of PCA, and does not look at W_e. Another "
        "encoder needs another decoder.",
        _with_a_constant: "These are slopes beside an intercept (or of demeaned factors, "
        "which is the same). The layers of this network have no bias.",
    },
    calls=_returns_and_encoders,
    hints=(
        "Once the encoder is fixed, the bottleneck is known: F = R W_e. What is left is F given, solve for the rest.",
        "It is the regression of lesson 01: each ticker's returns on F, without an intercept.",
        "np.linalg.lstsq(F, R, rcond=None)[0] solves it for all tickers, with F = R @ W_e.",
    ),
    insight="With a fixed encoder the decoder is the regression of lesson 01: F is given, and β is the "
    "transpose of W_d. Try best_decoder(R, W_e) with the encoder that the network has learned: it gives the W_d "
    "that the network has learned.",
)

# Exercise 3: turned factors


def turned_factors(F_pca, A):
    return F_pca @ np.linalg.inv(A).T


def _solved_for_an_intercept_too(F_pca, A):
    F = turned_factors(F_pca, A)
    return F - F.mean(axis=0)


q3 = Exercise(
    reference=turned_factors,
    mistakes={
        lambda F_pca, A: (
            F_pca @ A
        ): "Now both halves are turned by A, and the product changes: F A times (β A) transposed is F A A' β'.",
        lambda F_pca, A: (
            F_pca @ A.T
        ): "If A were a rotation, A' would undo what A does. This A is any invertible matrix.",
        lambda F_pca, A: F_pca: "These are PCA's factors as they were. With β A beside them the product is another.",
        _solved_for_an_intercept_too: "The mean of each factor was taken out, or an intercept fitted. The bottleneck "
        "is R W_e, and nothing is taken out of it.",
        lambda F_pca, A: (
            F_pca @ np.linalg.inv(A)
        ): "Nearly. β A stands in the product transposed, as A' β'. What cancels A', when it stands left of it?",
    },
    calls=_factors_and_matrices,
    hints=(
        "The reconstruction is the same for both: F_network (β A)' = F_pca β'.",
        "(β A)' = A' β'. So F_network A' = F_pca.",
        "Multiply from the right by the inverse of A', which is np.linalg.inv(A).T.",
    ),
    insight="Sensitivities are turned by A, factors by its inverse (transposed), and the product does not notice. For "
    "the trained network turned_factors(R @ pca.betas_, A) gives its bottleneck, R @ W_e.",
)

# Exercise 4: a forward pass by hand


def forward(x, W_1, b_1, W_2, b_2, W_3, b_3, W_4, b_4):
    z = np.tanh(x @ W_1 + b_1) @ W_2 + b_2
    return np.tanh(z @ W_3 + b_3) @ W_4 + b_4


NONE, TANH, RELU = (lambda a: a), np.tanh, (lambda a: np.maximum(a, 0))


def _layers(*bends, biases=(1, 1, 1, 1)):
    def way(x, *weights):
        for bend, W, b, has in zip(bends, weights[::2], weights[1::2], biases, strict=False):
            x = bend(x @ W + has * b)
        return x

    return way


def _bias_behind_the_bend(x, W_1, b_1, W_2, b_2, W_3, b_3, W_4, b_4):
    z = (np.tanh(x @ W_1) + b_1) @ W_2 + b_2
    return (np.tanh(z @ W_3) + b_3) @ W_4 + b_4


def _in_units_of_scale(x, W_1, b_1, W_2, b_2, W_3, b_3, W_4, b_4):
    return 0.1 * forward(x, W_1, b_1, W_2, b_2, W_3, b_3, W_4, b_4)


def _scaled_there_and_back(x, W_1, b_1, W_2, b_2, W_3, b_3, W_4, b_4):
    return 0.1 * forward(x / 0.1, W_1, b_1, W_2, b_2, W_3, b_3, W_4, b_4)


q4 = Exercise(
    reference=forward,
    mistakes={
        _layers(TANH, TANH, TANH, TANH): "There is a tanh after all four layers. The bottleneck and the output "
        "have none: look at the code.",
        _layers(TANH, TANH, TANH, NONE): "The bottleneck has a tanh, and in the network it has none. With it, z could "
        "only lie between −1 and 1.",
        _layers(
            TANH, NONE, TANH, TANH
        ): "The output has a tanh. With it no return could be larger than 1 (in units of scale).",
        _layers(TANH, NONE, NONE, NONE): "The encoder is right. The decoder has a tanh too, after its first layer.",
        _layers(NONE, NONE, NONE, NONE): "There is no tanh anywhere. Four linear layers in a row are one linear map: "
        "this network could not bend.",
        _layers(
            TANH, NONE, TANH, NONE, biases=(0, 0, 0, 0)
        ): "The biases b are missing. A Dense layer computes x @ W + b, unless use_bias=False.",
        _bias_behind_the_bend: "The biases b_1 and b_3 are added after the tanh. A Dense layer adds its bias first, "
        "and bends the sum.",
        _layers(TANH, NONE): "This is the bottleneck. Go on through the decoder, to one number for each ticker.",
        _layers(
            TANH, NONE, TANH, NONE, biases=(0, 1, 1, 1)
        ): "The bias b_1 is missing: each of the four layers has one.",
        _layers(TANH, NONE, TANH, NONE, biases=(1, 0, 1, 1)): "The bias b_2 is missing: the bottleneck has one, too.",
        _layers(
            TANH, NONE, TANH, NONE, biases=(1, 1, 0, 1)
        ): "The bias b_3 is missing: each of the four layers has one.",
        _layers(
            NONE, TANH, NONE, TANH
        ): "The tanh stands after the second and the fourth layer. Look at the code: it is "
        "the hidden layers of 8 units that bend.",
        _in_units_of_scale: "The 0.1 is the scale of the returns in the notebook, and no part of the network: leave "
        "it out.",
        _scaled_there_and_back: "To divide by the scale and to multiply by it are no part of the network: forward "
        "takes x as it is.",
        _layers(TANH, NONE, TANH, NONE, biases=(1, 1, 1, 0)): "The bias b_4 is missing: the last layer has one, too.",
        _layers(RELU, NONE, RELU, NONE): "There is a ReLU where this network has a tanh.",
        _layers(NONE, NONE, TANH, NONE): "The decoder is right. The encoder has a tanh too, after its first layer.",
    },
    calls=_inputs_and_weights,
    hints=(
        "A Dense layer is x @ W + b, and then its activation, if it has one. Go through the four layers in turn.",
        "There is a tanh after the first and the third layer, and none after the others.",
        "First z = np.tanh(x @ W_1 + b_1) @ W_2 + b_2, the bottleneck. Then the same from z to the output.",
    ),
    insight="Encoder: one line. Decoder: one line. Try it on the trained network: forward(past.returns / scale, "
    "*bent.get_weights()) gives what bent.predict(past.returns / scale) gives.",
)

# Exercise 5: a local β by hand


def local_beta(z, W_3, b_3, W_4, b_4):
    slope = 1 - np.tanh(z @ W_3 + b_3) ** 2
    return (slope * W_3[0]) @ W_4


def _tanh_for_its_slope(z, W_3, b_3, W_4, b_4):
    return (np.tanh(z @ W_3 + b_3) * W_3[0]) @ W_4


def _no_slope_of_tanh(z, W_3, b_3, W_4, b_4):
    return np.broadcast_to(W_3[0] @ W_4, (len(z), W_4.shape[1])).copy()


def _without_the_inner_weights(z, W_3, b_3, W_4, b_4):
    return (1 - np.tanh(z @ W_3 + b_3) ** 2) @ W_4


def _without_the_bias(z, W_3, b_3, W_4, b_4):
    return local_beta(z, W_3, 0 * b_3, W_4, b_4)


def _with_the_outer_bias(z, W_3, b_3, W_4, b_4):
    return local_beta(z, W_3, b_3, W_4, b_4) + b_4


def _not_squared(z, W_3, b_3, W_4, b_4):
    return ((1 - np.tanh(z @ W_3 + b_3)) * W_3[0]) @ W_4


def _output_over_input(z, W_3, b_3, W_4, b_4):
    return (np.tanh(z @ W_3 + b_3) @ W_4 + b_4) / z


def _mean_of_the_rows(z, W_3, b_3, W_4, b_4):
    slopes = local_beta(z, W_3, b_3, W_4, b_4)
    return np.broadcast_to(slopes.mean(axis=0), slopes.shape).copy()


q5 = Exercise(
    reference=local_beta,
    mistakes={
        _tanh_for_its_slope: "You multiplied by tanh(a). Its slope is asked for, 1 − tanh²(a).",
        _no_slope_of_tanh: "This is the β of a decoder without its tanh, the same in every row. The slope of the tanh "
        "stands between W_3 and W_4, and it differs from row to row.",
        _without_the_inner_weights: "A step of z moves the hidden units by W_3 (the chain rule). Where is W_3?",
        _without_the_bias: "The slope of the tanh is taken at z W_3 + b_3. The bias b_3 is missing there.",
        _with_the_outer_bias: "b_4 is added to the output and moves with nothing: in a slope it disappears.",
        _not_squared: "The slope of tanh(a) is 1 minus its square.",
        lambda z, W_3, b_3, W_4, b_4: (
            ((1 - np.tanh(z @ W_3 + b_3)) ** 2 * W_3[0]) @ W_4
        ): "1 minus tanh was squared. It is the tanh that is squared, and then taken from 1.",
        lambda z, W_3, b_3, W_4, b_4: ((1 - (z @ W_3 + b_3) ** 2) * W_3[0]) @ W_4: "You squared a itself. The slope is "
        "1 − tanh²(a): the tanh is missing.",
        lambda z, W_3, b_3, W_4, b_4: (
            (1 - np.tanh(z @ W_3 + b_3) ** 2) * W_3[0]
        ): "These are the slopes of the eight hidden units. One step is left: out to the tickers, by W_4.",
        lambda z, W_3, b_3, W_4, b_4: (
            np.tanh(z @ W_3 + b_3) @ W_4 + b_4
        ): "This is the output of the decoder. Its slope in z is asked for.",
        _output_over_input: "This is the output over z. For a straight line through zero that is the slope. This "
        "one bends.",
        _mean_of_the_rows: "You took the mean over the rows. The slope differs from one z to the next.",
    },
    calls=_bottleneck_and_weights,
    hints=(
        "The chain rule goes through three steps: into the hidden units, through their tanh, out to the tickers.",
        "One step of z moves hidden unit h by W_3[0, h], its tanh by (1 − tanh²) times that, and the tickers by W_4.",
        "slope = 1 - np.tanh(z @ W_3 + b_3) ** 2 has a row for each z and a column for each hidden unit. "
        "Multiply it by W_3[0], and then the matrix product with W_4.",
    ),
    insight="W_3, the slopes, W_4: without the tanh the slopes are 1, and β is the product of the weights, the same at "
    "each date. Automatic differentiation (tf.GradientTape) does no more than this, layer by layer.",
)

# Exercise 6: find the mistake


def largest_r2(R):
    return total_r2(R, np.maximum(R, 0))


def _mean_of_each_ticker(R):
    return total_r2(R, np.broadcast_to(np.maximum(R.mean(axis=0), 0), R.shape))


def _denominator_of_positive_returns(R):
    positive = np.maximum(R, 0)
    return 1 - (np.minimum(R, 0) ** 2).sum() / (positive**2).sum()


def _demeaned(R):
    return 1 - ((R - np.maximum(R, 0)) ** 2).sum() / ((R - R.mean(axis=0)) ** 2).sum()


q6 = Exercise(
    reference=largest_r2,
    mistakes={
        lambda R: (R > 0).mean(): "This is how many returns are positive. R² goes by their "
        "squares, not by their number.",
        lambda R: (
            np.maximum(R, 0).sum() / np.abs(R).sum()
        ): "This is the share of positive returns in the sum of absolute values. R² goes by squares.",
        _mean_of_each_ticker: "This says one number for each ticker at all dates. A wide network may say another "
        "number at each date.",
        _denominator_of_positive_returns: "The denominator is the squares of all returns, the negative ones too.",
        _demeaned: "The denominator is demeaned. Nothing is subtracted there.",
        lambda R: (
            1 - largest_r2(R)
        ): "This is the share that the network can never explain. The share that it can is asked for.",
        lambda R: total_r2(
            R, np.abs(R)
        ): "Here a negative return is answered by a positive one of the same size. What is the "
        "nearest number to −5 % that is not negative?",
        lambda R: (
            1 - ((R - np.maximum(R, 0)) ** 2).sum() / ((R - R.mean()) ** 2).sum()
        ): "One mean of all returns was taken out of the denominator. Nothing is subtracted there.",
        lambda R: (
            (np.maximum(R, 0) ** 2).sum(axis=0) / (R**2).sum(axis=0)
        ).mean(): "You averaged one R² for each ticker. Total R² adds up the squares of all first.",
        lambda R: np.maximum(R, 0).var() / R.var(): "var takes a mean out, above and below. R² adds up the squares as "
        "they are.",
        lambda R: (
            np.corrcoef(R.ravel(), np.maximum(R, 0).ravel())[0, 1] ** 2
        ): "This is a squared correlation: it takes "
        "the means out and forgives a wrong scale. Total R² forgives neither.",
        lambda R: (
            np.maximum(R, 0) ** 2
        ).sum(): "These are the squares that it can explain. As a share of all squares?",
    },
    given=_given,
    hints=(
        "Which values can a ReLU give out? Replace each return by the nearest of them.",
        "np.maximum(R, 0) is the best reconstruction that such a layer can give; total_r2 judges it.",
    ),
    insight="A ReLU gives no negative number, and nearly half of all returns are negative. The best that it "
    "can do for them is 0. No width and no training mends that. The last layer of a network must be able to "
    "say what is asked of it.",
)

# Exercise 7: open

q7 = Open(
    look_for="Do your bends ever win after 2000? If one setting of many wins by a little, it may be chance: "
    "does it also win with another seed? And say by what you would choose the setting if the years from "
    "2000 were not known yet.",
    hints=(
        "Change the width of the hidden layers (2, 64) or of the bottleneck (3), and compare with "
        "PCA of as many components.",
        "Put the cells of the industries into a function of the two widths, the activation and the seed that "
        "returns the total R² from 2000 on. With activation='linear' you have a control.",
    ),
)
