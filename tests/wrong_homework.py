"""The usual wrong ways to do the homework, as students would write them: {(homework, task): {what is wrong: code}}.

`tests.test_homework` asks of each that the hidden test of its task fails, with a sentence; `reference` is
the right way.
"""

WRONG_WAYS = {
    ("homework_1", "regress"): {
        "no intercept": """
def regress(R, F):
    betas = np.linalg.lstsq(F, R, rcond=None)[0]
    variances = ((R - F @ betas) ** 2).sum(axis=0) / (len(F) - F.shape[1] - 1)
    errors = np.sqrt(np.outer(variances, np.diag(np.linalg.inv(F.T @ F))))
    return (R - F @ betas).mean(axis=0), betas.T, errors
""",
        "reversed: the factors on the returns": """
def regress(R, F):
    alphas, betas, errors = reference(R, F)
    r, f = R - R.mean(axis=0), F - F.mean(axis=0)
    return alphas, (r.T @ f) / (r**2).sum(axis=0)[:, None], errors
""",
        "one σ for all tickers": """
def regress(R, F):
    alphas, betas, errors = reference(R, F)
    variance = ((R - alphas - F @ betas.T) ** 2).sum(axis=0).mean() / (len(F) - F.shape[1] - 1)
    X = np.column_stack([np.ones(len(F)), F])
    return alphas, betas, np.sqrt(variance * np.diag(np.linalg.inv(X.T @ X))[1:]) * np.ones(betas.shape)
""",
        "the ones are not counted": """
def regress(R, F):
    alphas, betas, errors = reference(R, F)
    n, k = F.shape
    return alphas, betas, errors * np.sqrt((n - k - 1) / (n - k))
""",
        "divided by the dates": """
def regress(R, F):
    alphas, betas, errors = reference(R, F)
    n, k = F.shape
    return alphas, betas, errors * np.sqrt((n - k - 1) / n)
""",
        "variances": "def regress(R, F):\n    a, b, errors = reference(R, F)\n    return a, b, errors**2",
        "each factor alone": """
def regress(R, F):
    alphas, betas, errors = reference(R, F)
    r, f = R - R.mean(axis=0), F - F.mean(axis=0)
    return alphas, (r.T @ f) / (f**2).sum(axis=0), errors
""",
        "t-values": "def regress(R, F):\n    a, b, errors = reference(R, F)\n    return a, b, b / errors",
    },
    ("homework_1", "factors_given"): {
        "with an intercept": """
def factors_given(R, betas):
    X, F = np.column_stack([np.ones(len(betas)), betas]), []
    for r in R:
        there = ~np.isnan(r)
        F.append(np.linalg.lstsq(X[there], r[there], rcond=None)[0][1:])
    return np.array(F)
""",
        "gaps are zeros": "def factors_given(R, betas):\n    return reference(np.nan_to_num(R), betas)",
        "a gap leaves a ticker out of all dates": """
def factors_given(R, betas):
    there = ~np.isnan(R[:5]).any(axis=0)
    return reference(R[:, there], betas[there])
""",
        "gaps are the mean of the date": """
def factors_given(R, betas):
    return reference(np.where(np.isnan(R), np.nanmean(R, axis=1, keepdims=True), R), betas)
""",
        "each factor alone": """
def factors_given(R, betas):
    return np.array([np.nansum(betas * r[:, None], axis=0) / (betas[~np.isnan(r)] ** 2).sum(axis=0) for r in R])
""",
        "the dates in reverse order": "def factors_given(R, betas):\n    return reference(R, betas)[::-1]",
    },
    ("homework_1", "principal_factors"): {
        "the means taken out": """
def principal_factors(R, K):
    betas = reference(R - R.mean(axis=0), K)[1]
    return R @ betas, betas
""",
        "the components in another order": """
def principal_factors(R, K):
    F, betas = reference(R, K)
    return F[:, ::-1], betas[:, ::-1]
""",
        "the smallest components": """
def principal_factors(R, K):
    betas = np.linalg.eigh(R.T @ R)[1][:, :K]
    betas = betas * np.sign(betas[np.abs(betas).argmax(axis=0), np.arange(K)])
    return R @ betas, betas
""",
        "the sum of a column positive": """
def principal_factors(R, K):
    F, betas = reference(R, K)
    signs = np.sign(betas.sum(axis=0))
    return F * signs, betas * signs
""",
        "the first entry positive": """
def principal_factors(R, K):
    F, betas = reference(R, K)
    signs = np.sign(betas[0])
    return F * signs, betas * signs
""",
        "F not turned": """
def principal_factors(R, K):
    F, betas = reference(R, K)
    Vt = np.linalg.svd(R, full_matrices=False)[2]
    return R @ Vt[:K].T, betas
""",
        "F of length 1": """
def principal_factors(R, K):
    F, betas = reference(R, K)
    return F / np.sqrt((F**2).sum(axis=0)), betas
""",
    },
    ("homework_1", "turn"): {
        "the regression reversed": """
def turn(F, betas, F_true):
    A, *_ = np.linalg.lstsq(F, F_true, rcond=None)
    return F @ A, betas @ np.linalg.inv(A).T
""",
        "with an intercept": """
def turn(F, betas, F_true):
    B = np.linalg.lstsq(np.column_stack([np.ones(len(F)), F_true]), F, rcond=None)[0][1:]
    return F @ np.linalg.inv(B), betas @ B.T
""",
        "β not transposed": """
def turn(F, betas, F_true):
    B, *_ = np.linalg.lstsq(F_true, F, rcond=None)
    return F @ np.linalg.inv(B), betas @ B
""",
        "β turned as F is": """
def turn(F, betas, F_true):
    B, *_ = np.linalg.lstsq(F_true, F, rcond=None)
    return F @ np.linalg.inv(B), betas @ np.linalg.inv(B)
""",
        "the true factors handed back": """
def turn(F, betas, F_true):
    B, *_ = np.linalg.lstsq(F_true, F, rcond=None)
    return F_true, betas @ B.T
""",
        "a rotation only": """
def turn(F, betas, F_true):
    U, _, Vt = np.linalg.svd(F_true.T @ F)
    return F @ (U @ Vt).T, betas @ (U @ Vt).T
""",
    },
    ("homework_1", "hide_each_ticker"): {
        "not hidden": """
def hide_each_ticker(R, betas):
    return np.linalg.lstsq(betas, R.T, rcond=None)[0].T @ betas.T
""",
        "hidden as a zero": """
def hide_each_ticker(R, betas):
    R_hat = np.empty(R.shape)
    for s in range(R.shape[1]):
        hidden = R.copy()
        hidden[:, s] = 0
        R_hat[:, s] = np.linalg.lstsq(betas, hidden.T, rcond=None)[0].T @ betas[s]
    return R_hat
""",
        "with an intercept": """
def hide_each_ticker(R, betas):
    return reference(R, np.column_stack([np.ones(len(betas)), betas]))
""",
        "two hidden at a time": """
def hide_each_ticker(R, betas):
    R_hat = np.empty(R.shape)
    for s in range(R.shape[1]):
        others = np.arange(R.shape[1]) // 2 != s // 2
        R_hat[:, s] = np.linalg.lstsq(betas[others], R[:, others].T, rcond=None)[0].T @ betas[s]
    return R_hat
""",
    },
    ("homework_2", "reconstruct"): {
        "Γ transposed": 'def reconstruct(Z, gamma, F):\n    return np.einsum("dsj,kj,dk->ds", Z, gamma, F)',
        "one date late": "def reconstruct(Z, gamma, F):\n    return reference(Z, gamma, np.roll(F, 1, axis=0))",
        "dates for tickers": 'def reconstruct(Z, gamma, F):\n    return np.einsum("dsj,jk,sk->ds", Z, gamma, F)',
        "no Γ": 'def reconstruct(Z, gamma, F):\n    return np.einsum("dsk,dk->ds", Z[:, :, : F.shape[1]], F)',
    },
    ("homework_2", "solve_for_factors"): {
        "gaps are zeros": "def solve_for_factors(R, Z, gamma):\n    return reference(np.nan_to_num(R), Z, gamma)",
        "with an intercept": """
def solve_for_factors(R, Z, gamma):
    F = []
    for r, betas in zip(R, Z @ gamma):
        there = ~np.isnan(r)
        X = np.column_stack([np.ones(there.sum()), betas[there]])
        F.append(np.linalg.lstsq(X, r[there], rcond=None)[0][1:])
    return np.array(F)
""",
        "not solved": """
def solve_for_factors(R, Z, gamma):
    return np.einsum("dsk,ds->dk", Z @ gamma, np.nan_to_num(R))
""",
        "the first β for all dates": """
def solve_for_factors(R, Z, gamma):
    return reference(R, Z[:1] + 0 * Z, gamma)
""",
    },
    ("homework_2", "solve_for_gamma"): {
        "gaps are zeros": "def solve_for_gamma(R, Z, F):\n    return reference(np.nan_to_num(R), Z, F)",
        "with an intercept": """
def solve_for_gamma(R, Z, F):
    there = ~np.isnan(R)
    X = np.einsum("dsj,dk->dsjk", Z, F)[there].reshape(there.sum(), -1)
    found = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), R[there], rcond=None)[0][1:]
    return found.reshape(Z.shape[2], F.shape[1])
""",
        "the other index runs fastest": """
def solve_for_gamma(R, Z, F):
    return reference(R, Z, F).T.reshape(Z.shape[2], F.shape[1])
""",
        "the dates averaged": """
def solve_for_gamma(R, Z, F):
    level = np.nanmean([np.nan_to_num(r) @ z / len(r) for r, z in zip(R, Z)], axis=0)
    return np.outer(level, 1 / F.mean(axis=0))
""",
        "dates with a gap left out": """
def solve_for_gamma(R, Z, F):
    there = np.isnan(R).sum(axis=1) < 6
    return reference(R[there], Z[there], F[there])
""",
    },
    ("homework_2", "fit_ipca"): {
        "one round": "def fit_ipca(R, Z, n_factors, n_rounds=50):\n    return reference(R, Z, n_factors, 1)",
        "three factors always": "def fit_ipca(R, Z, n_factors, n_rounds=50):\n    return reference(R, Z, 3, n_rounds)",
        "gaps are zeros": """
def fit_ipca(R, Z, n_factors, n_rounds=50):
    return reference(np.nan_to_num(R), Z, n_factors, n_rounds)
""",
        "Γ of the first characteristics": """
def fit_ipca(R, Z, n_factors, n_rounds=50):
    gamma = np.eye(Z.shape[2])[:, :n_factors]
    return gamma, solve_for_factors(R, Z, gamma)
""",
    },
    ("homework_2", "slopes"): {
        "three times too large": "def slopes(R, W_e, W_d):\n    a, b = reference(R, W_e, W_d)\n    return 3 * a, 3 * b",
        "one of them three times too large": """
def slopes(R, W_e, W_d):
    a, b = reference(R, W_e, W_d)
    return a, 3 * b
""",
        "the 2 left out": "def slopes(R, W_e, W_d):\n    a, b = reference(R, W_e, W_d)\n    return a / 2, b / 2",
        "a sum, not a mean": """
def slopes(R, W_e, W_d):
    a, b = reference(R, W_e, W_d)
    return a * R.size, b * R.size
""",
        "downhill": "def slopes(R, W_e, W_d):\n    a, b = reference(R, W_e, W_d)\n    return -a, -b",
        "the mean taken out": "def slopes(R, W_e, W_d):\n    return reference(R - R.mean(axis=0), W_e, W_d)",
    },
    ("homework_3", "beta_network"): {
        "a ReLU on the output": "def beta_network(X, layers):\n    return np.maximum(reference(X, layers), 0)",
        "a ReLU after the first layer only": """
def beta_network(X, layers):
    for n, (W, b) in enumerate(layers):
        X = X @ W + b
        X = np.maximum(X, 0) if n == 0 and len(layers) > 1 else X
    return X
""",
        "no offsets": "def beta_network(X, layers):\n    return reference(X, [(W, 0 * b) for W, b in layers])",
        "the offset after the ReLU": """
def beta_network(X, layers):
    for W, b in layers[:-1]:
        X = np.maximum(X @ W, 0) + b
    return X @ layers[-1][0] + layers[-1][1]
""",
        "a leaky ReLU": """
def beta_network(X, layers):
    for W, b in layers[:-1]:
        X = X @ W + b
        X = np.where(X > 0, X, 0.01 * X)
    return X @ layers[-1][0] + layers[-1][1]
""",
    },
    ("homework_3", "masked_loss"): {
        "gaps are zeros": """
def masked_loss(R, R_hat):
    return np.mean(np.nan_to_num(R - R_hat) ** 2)
""",
        "a sum": "def masked_loss(R, R_hat):\n    return np.nansum((R - R_hat) ** 2)",
        "the root": "def masked_loss(R, R_hat):\n    return np.sqrt(reference(R, R_hat))",
        "the mean of the dates' means": """
def masked_loss(R, R_hat):
    return np.mean([np.nanmean((r - h) ** 2) for r, h in zip(R, R_hat) if not np.isnan(r).all()])
""",
        "absolute errors": "def masked_loss(R, R_hat):\n    return np.nanmean(np.abs(R - R_hat))",
    },
    ("homework_3", "forecast"): {
        "the mean of all dates": "def forecast(betas, F, start):\n    return betas[start:] @ F.mean(axis=0)",
        "its own date, too": """
def forecast(betas, F, start):
    means = np.cumsum(F, axis=0) / np.arange(1, len(F) + 1)[:, None]
    return np.einsum("dsk,dk->ds", betas[start:], means[start:])
""",
        "the mean stands still": "def forecast(betas, F, start):\n    return betas[start:] @ F[:start].mean(axis=0)",
        "the last factor only": """
def forecast(betas, F, start):
    return np.einsum("dsk,dk->ds", betas[start:], F[start - 1 : -1])
""",
        "a moving window": """
def forecast(betas, F, start):
    means = np.array([F[max(0, d - start) : d].mean(axis=0) for d in range(start, len(F))])
    return np.einsum("dsk,dk->ds", betas[start:], means)
""",
        "β of the date before": """
def forecast(betas, F, start):
    return reference(np.concatenate([betas[:1], betas[:-1]]), F, start)
""",
    },
    ("homework_3", "walk_forward"): {
        "the last part left out": """
def walk_forward(make_model, panel, n_first, n_test):
    whole = (panel.n_dates - n_first) // n_test * n_test
    return reference(make_model, panel[: n_first + whole], n_first, n_test)
""",
        "from the end": """
def walk_forward(make_model, panel, n_first, n_test):
    parts = []
    for start in reversed(range(n_first, panel.n_dates, n_test)):
        parts.append(make_model())
        parts[-1].fit(panel[:start])
        parts[-1] = parts[-1].reconstruct(panel[start : start + n_test])
    return np.concatenate(parts)
""",
        "a window of constant length": """
def walk_forward(make_model, panel, n_first, n_test):
    parts = []
    for start in range(n_first, panel.n_dates, n_test):
        model = make_model()
        model.fit(panel[start - n_first : start])
        parts.append(model.reconstruct(panel[start : start + n_test]))
    return np.concatenate(parts)
""",
        "fitted once": """
def walk_forward(make_model, panel, n_first, n_test):
    model = make_model()
    model.fit(panel[:n_first])
    return model.reconstruct(panel[n_first:])
""",
        "one model for all": """
def walk_forward(make_model, panel, n_first, n_test):
    model, parts = make_model(), []
    for start in range(n_first, panel.n_dates, n_test):
        model.fit(panel[:start])
        parts.append(model.reconstruct(panel[start : start + n_test]))
    return np.concatenate(parts)
""",
    },
    ("homework_3", "compare"): {
        "IPCA without the validation dates": """
def compare(panel):
    network, _ = reference(panel)
    half, test = panel.n_dates // 2, panel.n_dates * 2 // 3
    later = panel[test:]
    return network, total_r2(later.returns, InstrumentedPCA(3).fit(panel[:half]).reconstruct(later))
""",
        "the two exchanged": "def compare(panel):\n    return reference(panel)[::-1]",
        "IPCA on the test dates": """
def compare(panel):
    network, _ = reference(panel)
    later = panel[panel.n_dates * 2 // 3 :]
    return network, total_r2(later.returns, InstrumentedPCA(3).fit(later).reconstruct(later))
""",
    },
}
