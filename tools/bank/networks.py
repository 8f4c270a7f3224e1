"""Questions on lessons 09 to 12: networks, how they are trained, and how they are compared."""

import numpy as np
from sklearn.neural_network import MLPRegressor

from tools.bank.question import Numbers, Question, between, whole

# --- Weights of a network ---------------------------------------------------------------------------------------------


def _draw_weights(random: np.random.Generator) -> Numbers:
    sizes = {"n_chars": whole(random, 30, 99), "first": whole(random, 20, 48), "second": whole(random, 8, 19)}
    return {**sizes, "k": whole(random, 2, 6), "n_portfolios": whole(random, 60, 460), "more": whole(random, 50, 400)}


def _answer_weights(n_chars: int, first: int, second: int, k: int, n_portfolios: int, more: int) -> Numbers:
    beta = n_chars * first + first + first * second + second + second * k + k
    return {"beta": beta, "factor": n_portfolios * k + k, "added": more * k}


def _count_weights(n_chars: int, first: int, second: int, k: int, n_portfolios: int, more: int) -> Numbers:
    """By scikit-learn's networks, counted."""
    random = np.random.default_rng(0)

    def size(n_inputs: int, hidden: tuple[int, ...]) -> int:
        x, y = random.standard_normal((10, n_inputs)), random.standard_normal((10, k))
        net = MLPRegressor(hidden_layer_sizes=hidden).partial_fit(x, y)
        return sum(part.size for part in (*net.coefs_, *net.intercepts_))

    without = size(n_portfolios, ())
    return {"beta": size(n_chars, (first, second)), "factor": without, "added": size(n_portfolios + more, ()) - without}


weights = Question(
    topic="conditional_autoencoder",
    title="What does a new ticker cost?",
    minutes=7,
    points=5,
    text="""
A conditional autoencoder with {k} factors. Its Beta network reads {n_chars} characteristics and has two hidden layers,
of {first} and {second} units; there is no batch normalisation. Its Factor network is one linear layer on the returns of
{n_portfolios} portfolios. All layers have a constant for each unit.

1. How many weights has the Beta network?
2. How many has the Factor network?
3. The market grows by {more} tickers. How many weights come to each of the two networks?
4. Answer 3 for a Factor network that reads the tickers' own returns.
""",
    words="""
1. {n_chars} × {first} + {first}, and {first} × {second} + {second}, and {second} × {k} + {k}: {beta}.
2. {n_portfolios} × {k} + {k} = {factor}.
3. None to either: one set of weights serves all tickers, and the portfolios are as many as before.
4. None to the Beta network, {more} × {k} = {added} to the Factor network, which has to be trained again.
""",
    marks=((2, "part 1; 1 without the constants"), (1, "part 2"), (1, "none"), (1, "part 4")),
    wrong="Weights multiplied by the number of tickers in part 1: the same network reads one ticker after another.",
    draw=_draw_weights,
    answer=_answer_weights,
    check=_count_weights,
)

# --- Three slips ------------------------------------------------------------------------------------------------------

slips = Question(
    topic="conditional_autoencoder",
    title="Three slips",
    minutes=8,
    points=6,
    text="""
Each of three versions of a conditional autoencoder has one slip. Everything else is right. Returns are scaled to a
standard deviation of 1.

- **A.** The loss is the mean of `r - r_hat` over tickers and dates.
- **B.** The last layer of the Beta network is `Dense(3, activation="relu")`.
- **C.** Missing returns are replaced by 0, and count in the loss like others.

For each: what does the slip do to what is learned, and how would you notice it without reading the code?
""",
    words="""
- **A.** Positive and negative errors cancel, and nothing holds the loss at 0: r̂ grows for ever. The loss falls far
  below zero, while R² gets ever worse. Square the errors before adding them.
- **B.** No sensitivity can be negative. Turning the factors does not help where some tickers lean on a factor in
  opposite ways: it then takes two outputs, with F and −F, to do the work of one. The smallest learned β is exactly 0,
  for many tickers; the fit is poor where the true sensitivity changes its sign.
- **C.** The network is taught that whoever is missing earns 0, and β shrinks, most for the kind of ticker that is often
  missing. With more gaps put in at random the slip makes r̂ smaller, where a mask leaves it the same on average.
""",
    marks=(
        (2, "A: unbounded; 1 for “they cancel”"),
        (2, "B: no negative β, and a sign of it"),
        (2, "C: shrinks, and a sign"),
    ),
    wrong="In B “β must be positive in theory”: it may be in one market's β to its market, not in β to a spread.",
)

# --- A correlation of 0.05 --------------------------------------------------------------------------------------------

unlike_truth = Question(
    topic="training_and_reading",
    title="A correlation of 0.05",
    minutes=8,
    points=5,
    text="""
In a simulated market the truth is known. A conditional autoencoder with three factors scores, on new dates, a total R²
of 39 %; the true β and F score 40 %. A student looks at `np.corrcoef(learned_beta[..., 0].ravel(), true_beta[...,
0].ravel())` and finds 0.05. “The network gets the returns right for the wrong reasons.”

1. Why may both numbers be right, and the conclusion wrong?
2. Write the steps, in words or in numpy, by which the learned β should be compared with the true one.
3. An ensemble averages five such networks. Why does it average r̂ and not the five betas?
4. What would you conclude if the correlations were low after step 2 as well?
""",
    words="""
1. Only the product β · F is determined. Column 1 of the learned β may be any mixture of the true columns.
2. Regress the learned F on the true F over the dates, F = F_true B; then β Bᵀ are the sensitivities to the true
   factors. Compare their columns with the true ones. (Or compare the products, or the planes by canonical
   correlations.)
3. Each network has a mixture of its own. A mean of columns of different mixtures is a mean of unlike things, and
   multiplied with a mean of factors it is no model at all; the products mean the same in all five.
4. That what they share is not the truth: with so high an R² the characteristics may carry the same in more than one
   way, or F was fitted too freely (solved for, many factors). It would have to be looked for.
""",
    marks=(
        (1, "an invertible matrix"),
        (2, "turned by the factors; 1 for “aligned” without a way"),
        (1, "products"),
        (1, "4"),
    ),
    wrong="Changing the order or the sign of the columns alone. A mixture is more than that.",
)

# --- L1 and rotation --------------------------------------------------------------------------------------------------


def _draw_rotation(random: np.random.Generator) -> Numbers:
    return {
        "one": between(random, 0.5, 1.4),
        "two": between(random, 1.5, 2.9),
        "price": between(random, 0.002, 0.009, 4),
    }


def _answer_rotation(one: float, two: float, price: float) -> Numbers:
    length = np.hypot(one, two)
    return {"now": price * (one + two), "least": price * length, "most": price * np.sqrt(2) * length}


def _search_rotation(one: float, two: float, price: float) -> Numbers:
    """By turning the two weights through a hundred thousand angles."""
    angles = np.linspace(0, 2 * np.pi, 400_001)
    turned = np.stack([np.cos(angles) * one - np.sin(angles) * two, np.sin(angles) * one + np.cos(angles) * two])
    costs = price * np.abs(turned).sum(axis=0)
    return {"now": costs[0], "least": costs.min(), "most": costs.max()}


rotation = Question(
    topic="the_recipe",
    title="What the penalty sees",
    minutes=9,
    points=5,
    text="""
The last weights from one hidden unit to the two factors of a Beta network are {one} and {two}. The L1 penalty is
{price} times the sum of the sizes of the weights. Turning the pair (β, F) by an orthogonal 2 × 2 matrix leaves r̂ as it
is.

1. What do these two weights cost now?
2. What do they cost at least, and at most, over all turns of the two factors?
3. While only returns are fitted, the two factors may be turned at will. May they still, when this penalty is added?
4. F is solved for by the regression of each date, and the penalty stands on the last weights of the Beta network alone.
   What keeps the network from paying nearly nothing, with the same r̂?
""",
    words="""
1. {price} × ({one} + {two}) = {now:.5f}.
2. Their length is √({one}² + {two}²). At least {price} × the length = {least:.5f}, with one of them 0; at most √2
   times that, {most:.5f}, with both equally large.
3. No: the penalty prefers those turns in which many weights are 0. (The order and the signs of the factors stay free.)
4. Nothing. A tenth of β with ten times F is the same product, and costs a tenth. There the length of β means nothing,
   and a penalty has to count something that does not change with it.
""",
    marks=((1, "part 1"), (2, "least and most"), (1, "no longer free"), (1, "β may shrink while F grows")),
    wrong="“The penalty can't see a turn since r̂ can't”: a sum of squares could not, a sum of sizes does.",
    draw=_draw_rotation,
    answer=_answer_rotation,
    check=_search_rotation,
    within=1e-4,
)

# --- How many seeds ---------------------------------------------------------------------------------------------------


def _draw_ensemble(random: np.random.Generator) -> Numbers:
    sizes = {"own": between(random, 2.5, 7.5, 1), "alike": between(random, 0.3, 0.8)}
    return {**sizes, "n_members": whole(random, 3, 9)}


def _answer_ensemble(own: float, alike: float, n_members: int) -> Numbers:
    return {"lost": own * (alike + (1 - alike) / n_members), "floor": own * alike}


def _simulate_ensemble(own: float, alike: float, n_members: int) -> Numbers:
    """The mean square of averaged errors, of so many members and of 400."""
    random = np.random.default_rng(0)

    def lost(n: int, m: int) -> float:
        errors = np.sqrt(alike) * random.standard_normal((m, 1)) + np.sqrt(1 - alike) * random.standard_normal((m, n))
        return own * float((errors.mean(axis=1) ** 2).mean())

    return {"lost": lost(n_members, 400_000), "floor": lost(400, 40_000)}


ensemble = Question(
    topic="the_recipe",
    title="How many seeds?",
    minutes=7,
    points=4,
    text="""
Networks that differ by their random start alone miss the best r̂ by errors of their own. Each loses {own} points of
total R² by that. The errors of two networks have a correlation of {alike}, and nothing to do with the noise of the
returns.

1. How many points are lost by the average r̂ of {n_members} networks?
2. And by that of very many?
3. What are the points that no number of networks brings back: bad luck with the starts, or something else?
""",
    words="""
1. {own} × ({alike} + (1 − {alike}) / {n_members}) = {lost:.2f} points.
2. {own} × {alike} = {floor:.2f} points.
3. What the errors have in common: all members read the same few dates, and are built and penalised alike. More starts
   leave that; more dates or a better penalty do not.
""",
    marks=((2, "part 1; 1 for own / n_members"), (1, "part 2"), (1, "what is common to all members")),
    wrong="Everything over n_members: that would need errors that have nothing to do with each other.",
    draw=_draw_ensemble,
    answer=_answer_ensemble,
    check=_simulate_ensemble,
    within=0.02,
)

# --- Market by market -------------------------------------------------------------------------------------------------


def _draw_pairs(random: np.random.Generator) -> Numbers:
    sizes = {"sd": between(random, 1.8, 3.4), "alike": between(random, 0.8, 0.98)}
    return {**sizes, "n_markets": whole(random, 16, 90), "lead": between(random, 0.4, 0.9)}


def _answer_pairs(sd: float, alike: float, n_markets: int, lead: float) -> Numbers:
    paired = sd * np.sqrt(2 * (1 - alike) / n_markets)
    return {"paired": paired, "apart": sd * np.sqrt(2 / n_markets), "needed": 8 * sd**2 * (1 - alike) / lead**2}


def _simulate_pairs(sd: float, alike: float, n_markets: int, lead: float) -> Numbers:
    """The spread of the difference of two means over 20,000 repetitions, and the markets needed from that spread."""
    random = np.random.default_rng(0)
    shared, one, two, other = sd * random.standard_normal((4, 20_000, n_markets))
    first = np.sqrt(alike) * shared + np.sqrt(1 - alike) * one
    second = np.sqrt(alike) * shared + np.sqrt(1 - alike) * two
    paired = float((first - second).mean(axis=1).std())
    return {
        "paired": paired,
        "apart": float((first - other).mean(axis=1).std()),
        "needed": n_markets * (2 * paired / lead) ** 2,
    }


pairs = Question(
    topic="the_laboratory",
    title="Market by market",
    minutes=8,
    points=5,
    text="""
From one simulated market to another a model's total R² varies with a standard deviation of {sd} points. Two models
tried on the **same** market have scores with a correlation of {alike}. Model A leads by {lead} points on average.

1. Both are tried on the same {n_markets} markets. What is the standard error of the mean difference?
2. B was tried by somebody else, on {n_markets} other markets. What is it now?
3. How many common markets put a lead of {lead} points two standard errors from zero?
4. The table compares 20 pairs of models, and one lead is 2.3 standard errors from zero. What do you say of it?
""",
    words="""
1. The difference of a pair has a standard deviation of {sd} × √(2 (1 − {alike})); over √{n_markets}: {paired:.3f}.
2. {sd} × √(2 / {n_markets}) = {apart:.3f}.
3. (2 × {sd})² × 2 (1 − {alike}) / {lead}² = {needed:.1f}, so the next whole number.
4. That it may well be luck: of 20 comparisons one leaves two standard errors by chance. Ask for more than two, or try
   this pair again on new markets.
""",
    marks=((2, "part 1; 1 without the correlation"), (1, "part 2"), (1, "part 3"), (1, "20 comparisons")),
    wrong="Two overlapping intervals, one for each model, instead of the interval of the difference.",
    draw=_draw_pairs,
    answer=_answer_pairs,
    check=_simulate_pairs,
    within=0.05,
)

QUESTIONS = (weights, slips, unlike_truth, rotation, ensemble, pairs)
