"""Questions on lessons 04 to 06: nothing is given but the returns."""

import numpy as np

from helpers.evaluation.metrics import total_r2
from tools.bank.question import Numbers, Question, between, whole

# --- Eigenvalues and R² -----------------------------------------------------------------------------------------------


def _draw_eigenvalues(random: np.random.Generator) -> Numbers:
    first, second, third = between(random, 90, 190, 1), between(random, 40, 80, 1), between(random, 20, 35, 1)
    return {"first": first, "second": second, "third": third, "rest": between(random, 60, 180, 1)}


def _answer_eigenvalues(first: float, second: float, third: float, rest: float) -> Numbers:
    every = first + second + third + rest
    return {"two": 100 * (first + second) / every, "more": 100 * third / every}


def _decompose(first: float, second: float, third: float, rest: float) -> Numbers:
    """By the fitted returns themselves: 40 dates and 13 tickers made with these eigenvalues, taken apart again."""
    random = np.random.default_rng(0)
    values = np.array([first, second, third, *np.full(10, rest / 10)])
    U, V = np.linalg.qr(random.standard_normal((40, 13)))[0], np.linalg.qr(random.standard_normal((13, 13)))[0]
    R = U * np.sqrt(40 * values) @ V.T
    basis = np.linalg.svd(R)[2].T
    scores = [100 * total_r2(R, R @ basis[:, :k] @ basis[:, :k].T) for k in (2, 3)]
    return {"two": scores[0], "more": scores[1] - scores[0]}


eigenvalues = Question(
    topic="principal_components",
    title="From eigenvalues to R²",
    minutes=6,
    points=4,
    text="""
The matrix RᵀR / n_dates of 13 tickers (returns in percent, no mean taken off) has the eigenvalues

| 1 | 2 | 3 | 4 to 13, added up |
|--:|--:|--:|--:|
| {first} | {second} | {third} | {rest} |

1. What is the total R² of PCA with two components, on these dates?
2. By how many points does the third component raise it?
3. The returns of one of the tickers are multiplied by 20, and PCA is fitted again. What does the first component
   become, and is the new total R² of one component a reason to be glad?
""",
    words="""
1. The sum of the first two over the sum of all: {two:.1f} %.
2. The third over the sum of all: {more:.1f} points.
3. Nearly that ticker alone: its column has 400 times its variance. R² is near 100 % and says that one restless ticker
   explains itself. Look at the column of β, or scale the tickers first.
""",
    marks=((1, "part 1"), (1, "part 2"), (1, "the component is the ticker"), (1, "R² is not of the market")),
    wrong="Square roots of the eigenvalues in part 1: these are already mean squares, singular values are not.",
    draw=_draw_eigenvalues,
    answer=_answer_eigenvalues,
    check=_decompose,
)

# --- The sign of a component ------------------------------------------------------------------------------------------

sign = Question(
    topic="principal_components",
    title="A premium of about zero",
    minutes=8,
    points=5,
    text="""
Is the first component paid? A student refits PCA on each date, to the 60 dates before:

```python
earned = []
for d in range(60, len(R)):
    v = np.linalg.svd(R[d - 60 : d])[2][0]    # the first row of Vᵀ
    earned.append(R[d] @ v)
print(np.mean(earned))                        # -0.0001
```

All tickers have a β of about 1 to the market, and the market has paid 0.7 % a month. Nothing looks ahead.

1. Why can the printed mean be near zero all the same?
2. What would the student see if she printed `np.sign(v).mean()` for each d?
3. Mend the loop with one line.
4. Would your line be enough for the second component of two whose eigenvalues are nearly equal?
""",
    words="""
1. A singular vector has no sign of its own: v and −v fit equally well. On some dates she holds the market, on others
   she sells it short, as the routine happens to say.
2. Numbers near 1 and near −1, in turns without a reason.
3. For instance `v = v * np.sign(v.sum())`; or turn each v towards that of the date before. (The length is 1, so the
   portfolio also holds √n_tickers of capital, not 1; dividing by the sum mends both.)
4. No. Of two components that are nearly as large only the plane is known: they turn within it from window to window.
   Align the whole of β with an orthogonal matrix, or look at the product β · F alone.
""",
    marks=(
        (2, "the sign is arbitrary"),
        (1, "what the signs show"),
        (1, "a line that fixes it"),
        (1, "the plane alone"),
    ),
    wrong="Looking for a leak, or “a large component need not be paid”: true, but this one is the market.",
)

# --- Where noise ends -------------------------------------------------------------------------------------------------


def _draw_noise_edge(random: np.random.Generator) -> Numbers:
    sizes = {"n_tickers": whole(random, 60, 130), "n_dates": whole(random, 180, 480)}
    return {"sigma": between(random, 5, 11), **sizes}


def _answer_noise_edge(sigma: float, n_tickers: int, n_dates: int) -> Numbers:
    root = np.sqrt(n_tickers / n_dates)
    return {"edge": sigma**2 * (1 + root) ** 2, "weakest": sigma**2 * root}


def _search_noise_edge(sigma: float, n_tickers: int, n_dates: int) -> Numbers:
    """The edge by noise of the same shape, seven times as large; the weakest factor by a search.

    A factor that adds s to the eigenvalue σ² shows as (σ² + s) (1 + σ² N / (T s)), if it shows at all: it does where
    this grows with s.
    """
    noise = sigma * np.random.default_rng(0).standard_normal((7 * n_dates, 7 * n_tickers))
    edge = float(np.linalg.eigvalsh(noise.T @ noise / (7 * n_dates))[-1])
    s = sigma**2 * np.linspace(0.01, 2, 200_000)
    return {"edge": edge, "weakest": s[np.argmin((sigma**2 + s) * (1 + sigma**2 * n_tickers / (n_dates * s)))]}


noise_edge = Question(
    topic="how_many_factors",
    title="Where noise ends",
    minutes=8,
    points=5,
    text="""
{n_tickers} tickers, {n_dates} months. Each ticker's own noise has a standard deviation of {sigma} % a month and is
independent of everything.

1. Up to which value do the eigenvalues of RᵀR / n_dates (in %²) reach if there is no factor at all?
2. By how much must a factor raise one eigenvalue of the **true** covariance above the noise to be seen, about?
3. A factor raises it by half of that. A colleague says: “Take the rule that counts more generously.” Will it help?
4. Tickers that lean on this factor as strongly as the others are added, until there are twice as many, on the same
   dates. Does the factor come nearer to being seen?
""",
    words="""
1. σ² (1 + √(N / T))² = {edge:.1f} %².
2. σ² √(N / T) = {weakest:.1f} %².
3. No. The sample eigenvalue of so weak a factor lies within the noise's range and its eigenvector is hardly related
   to the truth: a generous rule counts noise along with it.
4. Yes. What the factor adds grows with the number of tickers, by 2; what is asked of it by √2.
""",
    marks=((1, "part 1"), (1, "part 2"), (1, "no rule can see it"), (2, "part 4: 2 against √2; 1 without the second")),
    wrong="The edge taken for σ²: true eigenvalues of noise are equal, those of a sample are spread around them.",
    draw=_draw_noise_edge,
    answer=_answer_noise_edge,
    check=_search_noise_edge,
    within=0.02,
)

# --- A line through a kink --------------------------------------------------------------------------------------------


def _draw_kink(random: np.random.Generator) -> Numbers:
    return {"up": between(random, 0.9, 1.9, 3), "down": between(random, 0.1, 0.7, 3)}


def _answer_kink(up: float, down: float) -> Numbers:
    return {"line": (up + down) / 2, "r2": 100 * (up + down) ** 2 / (2 * (up**2 + down**2))}


def _fit_kink(up: float, down: float) -> Numbers:
    """By least squares on draws of F and their negatives."""
    F = np.random.default_rng(0).standard_normal(1000)
    F = np.append(F, -F)
    r = np.where(F > 0, up, down) * F
    line = np.linalg.lstsq(F[:, None], r, rcond=None)[0][0]
    return {"line": line, "r2": 100 * total_r2(r[:, None], (line * F)[:, None])}


kink = Question(
    topic="autoencoders",
    title="A β with a kink",
    minutes=9,
    points=5,
    text="""
An autoencoder with a bent decoder has found one factor F. Of one ticker it says

    r̂ = {up} · relu(F) − {down} · relu(−F)

where relu(x) is x above zero and 0 below. F is symmetric around 0, and take r̂ as the truth, without noise.

1. What is the ticker's β, the slope of r̂ by F, in good months and in bad ones?
2. A line through zero, r = β F, is fitted to this ticker over very many dates. Which β does it find?
3. What is its total R²?
4. On the evening before, may β be used for a hedge? What has to be known?
""",
    words="""
1. {up} where F > 0, {down} where F < 0.
2. β = E[F r] / E[F²], half of each: ({up} + {down}) / 2 = {line:.4f}.
3. β² E[F²] / E[r²] = ({up} + {down})² / (2 ({up}² + {down}²)) = {r2:.1f} %.
4. Not as it stands: it hangs on the sign of F, which is known when the month is over. Before, there is only an average
   over the F that may come, as in part 2.
""",
    marks=((1, "both slopes"), (1, "part 2"), (2, "part 3; 1 for E[r²]"), (1, "β is known only when F is")),
    wrong="A minus sign for the slope in bad months: −relu(−F) rises with F.",
    draw=_draw_kink,
    answer=_answer_kink,
    check=_fit_kink,
)

# --- The bottleneck ---------------------------------------------------------------------------------------------------

bottleneck = Question(
    topic="autoencoders",
    title="The best autoencoder of all",
    minutes=6,
    points=4,
    text="""
Twelve industries. A student compares linear autoencoders by their total R² on dates that they were **not** fitted to,
each with its own codes F on those dates:

| width of the bottleneck | 1 | 3 | 6 | 12 |
|:--|--:|--:|--:|--:|
| total R² on later dates, % | 66 | 80 | 90 | 100 |

“No overfitting at all, since the dates are new. I take 12.”

1. What does the network of width 12 compute?
2. Why do new dates not punish it?
3. Name a comparison that would.
""",
    words="""
1. Its input: encoder and decoder together are the identity, or near it.
2. On a new date it is shown the very returns that it has to give back. New dates show whether weights were learned by
   heart; they don't hide the answer.
3. Hide a part of the answer: leave each industry out of F and explain it by the others; or put noise without factors in
   and see how much is “explained” (width over 12); or ask for returns of the next date.
""",
    marks=((1, "the identity"), (2, "the input holds the target; 1 for “too many weights”"), (1, "a way to hide it")),
    wrong="“It overfits.” It does not: it scores as well on any date, of any market. It has learned nothing to forget.",
)

QUESTIONS = (eigenvalues, sign, noise_edge, kink, bottleneck)
