// A conditional autoencoder that trains in the page. One file, no network, nothing to install:
//   in JupyterLab   anywidget calls `render` (helpers.playground.playground makes the widget);
//   in any page     import { mount } from "./playground.js"; mount(element, { factors: "regression" });
//   from a folder   helpers.playground.page writes a page that holds this file, since browsers import no file:// module.
//
// In this order: chance, small regressions, the market, the model, its training; then what is drawn, and the page.
// All numbers are in double precision. Tables are flat arrays, row after row: β of date d, ticker s and factor k stands
// at [(d * nTickers + s) * nFactors + k]. Returns are in units of 10 %, so that they are near 1, as the network likes it.

const RIDGE = 1e-3, JITTER = 1e-6, TINY = 1e-12, LEAST = 1e-2; // as in helpers/models/solved.py and least_squares.py
const DECAY_1 = 0.9, DECAY_2 = 0.999, EPSILON = 1e-8; // Adam's, as in helpers/models/stacked.py
const PERCENT = 10; // of a return in units of 10 %

// --- Chance -----------------------------------------------------------------------------------------------------------

/** Uniform numbers in [0, 1), the same for the same seed in every browser: Math.random cannot be seeded. */
export function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Normal numbers, by Box and Muller. One of each pair, so that every number costs two draws: simple, and no state. */
export function normals(seed) {
  const uniform = mulberry32(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** 0, 1, ..., n - 1 in random order (Fisher and Yates). */
function shuffled(n, uniform) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// --- Small regressions: K is 1 to 3, so they are written out ----------------------------------------------------------

/** The sum of the diagonal of a (k x k) matrix, and the matrix with a number added to that diagonal, in place. */
const trace = (matrix, k) => Array.from({ length: k }, (_, i) => matrix[i * k + i]).reduce((a, b) => a + b);
const addToDiagonal = (matrix, k, value) => { for (let i = 0; i < k; i++) matrix[i * k + i] += value; };

/** L of L L' = the matrix, (k x k). */
function cholesky(matrix, k) {
  const root = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * k + j];
      for (let m = 0; m < j; m++) rest -= root[i * k + m] * root[j * k + m];
      root[i * k + j] = i === j ? Math.sqrt(rest) : rest / root[j * k + j];
    }
  }
  return root;
}

/** x of L x = right. */
function forwards(root, right, k) {
  const x = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    let rest = right[i];
    for (let m = 0; m < i; m++) rest -= root[i * k + m] * x[m];
    x[i] = rest / root[i * k + i];
  }
  return x;
}

/** x of L L' x = right. */
function solve(root, right, k) {
  const x = forwards(root, right, k);
  for (let i = k - 1; i >= 0; i--) {
    for (let m = i + 1; m < k; m++) x[i] -= root[m * k + i] * x[m];
    x[i] /= root[i * k + i];
  }
  return x;
}

/** Adds rows' rows, (k x k), and rows' right, (k x m), of n rows from `first` on, to what is in squares and moments. */
function addProducts(rows, right, first, n, k, m, squares, moments) {
  for (let r = first; r < first + n; r++) {
    for (let i = 0; i < k; i++) {
      const value = rows[r * k + i];
      for (let j = 0; j < k; j++) squares[i * k + j] += value * rows[r * k + j];
      for (let j = 0; j < m; j++) moments[i * m + j] += value * right[r * m + j];
    }
  }
}

/**
 * F of each date by the regression of its returns on its β: F = (β'β)⁻¹ β'r, with the small ridge of solved.py on β'β.
 * Also the roots of the matrices that were inverted, for the gradient and for leaving a ticker out; and β'β, β'r.
 */
export function regression(betas, data, nFactors) {
  const { nDates, nTickers, y } = data, k = nFactors;
  const squares = new Float64Array(nDates * k * k), moments = new Float64Array(nDates * k);
  const mean = new Float64Array(k * k), roots = [], factors = new Float64Array(nDates * k);
  for (let d = 0; d < nDates; d++) {
    const own = squares.subarray(d * k * k, (d + 1) * k * k), right = moments.subarray(d * k, (d + 1) * k);
    addProducts(betas, y, d * nTickers, nTickers, k, 1, own, right);
    for (let i = 0; i < k * k; i++) mean[i] += own[i] / nDates;
  }
  for (let d = 0; d < nDates; d++) {
    const ridged = squares.slice(d * k * k, (d + 1) * k * k);
    const jitter = JITTER * trace(ridged, k) + TINY;
    for (let i = 0; i < k * k; i++) ridged[i] += RIDGE * mean[i];
    addToDiagonal(ridged, k, jitter);
    roots.push(cholesky(ridged, k));
    factors.set(solve(roots[d], moments.subarray(d * k, (d + 1) * k), k), d * k);
  }
  return { factors, roots, squares, moments };
}

// --- The market -------------------------------------------------------------------------------------------------------

/** The true β that can be chosen, as functions of c1 and c2; a linear one leans on c1 for factor 1, on c2 for factor 2. */
export const TRUTHS = {
  linear: (c1, c2, k) => (k === 0 ? 1.2 * c1 : c2),
  valley: (c1) => c1 * c1,
  product: (c1, c2) => 2 * c1 * c2,
  sign: (c1) => 0.6 * Math.sign(c1),
};
const FORMULAS = { linear: ["1.2 c1", "c2"], valley: ["c1²", "c1²"], product: ["2 c1 c2", "2 c1 c2"],
  sign: ["0.6 sgn(c1)", "0.6 sgn(c1)"] };

/**
 * A market that knows its truth: r = β(c1, c2) · F + noise. Characteristics persist (ρ = 0.95) and are ranks across the
 * tickers of a month, in (-1, 1). Of four observed portfolios x the first make the factors, up to a little noise.
 * Everything is drawn whatever the truth and the noise are, so that changing these changes nothing else.
 */
export function makeMarket({ seed = 0, truth = ["valley", "product"], noise = 0.1, nDates = 60, nTickers = 60 } = {}) {
  const normal = normals(seed), nTrue = truth.length, nInputs = 4, rho = 0.95, n = nTickers;
  const z = new Float64Array(nDates * n * 2), raw = new Float64Array(n * 2);
  const x = new Float64Array(nDates * nInputs), factors = new Float64Array(nDates * nTrue);
  const betas = new Float64Array(nDates * n * nTrue), y = new Float64Array(nDates * n);
  for (let i = 0; i < 2 * n; i++) raw[i] = normal() / Math.sqrt(1 - rho * rho);
  for (let d = 0; d < nDates; d++) {
    for (let i = 0; i < 2 * n; i++) raw[i] = rho * raw[i] + normal();
    for (let c = 0; c < 2; c++) {
      const order = Array.from({ length: n }, (_, s) => s).sort((a, b) => raw[2 * a + c] - raw[2 * b + c]);
      order.forEach((s, rank) => { z[(d * n + s) * 2 + c] = (2 * (rank + 1)) / (n + 1) - 1; });
    }
    for (let i = 0; i < nInputs; i++) x[d * nInputs + i] = 0.3 + normal();
    const eta = [normal(), normal()];
    for (let k = 0; k < nTrue; k++) factors[d * nTrue + k] = x[d * nInputs + k] + 0.1 * eta[k];
    for (let s = 0; s < n; s++) {
      const row = d * n + s;
      y[row] = noise * PERCENT * normal();
      for (let k = 0; k < nTrue; k++) {
        betas[row * nTrue + k] = TRUTHS[truth[k]](z[2 * row], z[2 * row + 1], k);
        y[row] += betas[row * nTrue + k] * factors[d * nTrue + k];
      }
    }
  }
  return { seed, truth, noise, nDates, nTickers, nInputs, nTrue, z, x, y, betas, factors };
}

/**
 * The managed portfolios of (1, c1, c2): x = (Z'Z)⁻¹ Z'r, date by date; and `without`, x for each ticker as it would be
 * without that ticker's own return, so that no forecast of a ticker reads it.
 */
export function managed(data) {
  const { nDates, nTickers, z, y } = data, nInputs = 3;
  const x = new Float64Array(nDates * 3), without = new Float64Array(nDates * nTickers * 3);
  const rows = new Float64Array(nTickers * 3);
  for (let d = 0; d < nDates; d++) {
    for (let s = 0; s < nTickers; s++) rows.set([1, z[2 * (d * nTickers + s)], z[2 * (d * nTickers + s) + 1]], 3 * s);
    const squares = new Float64Array(9), moments = new Float64Array(3);
    addProducts(rows, y.subarray(d * nTickers, (d + 1) * nTickers), 0, nTickers, 3, 1, squares, moments);
    const root = cholesky(squares, 3), all = solve(root, moments, 3);
    x.set(all, 3 * d);
    for (let s = 0; s < nTickers; s++) {
      const row = rows.subarray(3 * s, 3 * s + 3), part = solve(root, row, 3);
      let error = y[d * nTickers + s], left = 1;
      for (let i = 0; i < 3; i++) { error -= row[i] * all[i]; left -= row[i] * part[i]; }
      for (let i = 0; i < 3; i++) without[3 * (d * nTickers + s) + i] = all[i] - (part[i] * error) / left;
    }
  }
  return { ...data, nInputs, x, without };
}

/** These dates of the data, as data. */
export function takeDates(data, dates) {
  const take = (array) => {
    if (!array) return undefined;
    const width = array.length / data.nDates, taken = new Float64Array(dates.length * width);
    dates.forEach((d, i) => taken.set(array.subarray(d * width, (d + 1) * width), i * width));
    return taken;
  };
  const { nTickers, nInputs } = data;
  return { nDates: dates.length, nTickers, nInputs, z: take(data.z), x: take(data.x), y: take(data.y),
    betas: take(data.betas), factors: take(data.factors), without: take(data.without) };
}

// --- The model --------------------------------------------------------------------------------------------------------
//
//   h = max(0, W1'z + b1)   β = W2'h + b2        without hidden units β = W2'z, without a constant, as instrumented PCA
//   F = A'x  (fixed weights)   or   F = (β'β)⁻¹ β'r  (the regression of the date)        r̂ = β · F

/** The model with random weights (Glorot's) and constants of 0. */
export function makeModel({ hidden, nFactors, factors, l1 = 0, nInputs = 4, seed = 0 }) {
  const uniform = mulberry32(seed + 1000003), weights = {};
  const glorot = (rows, columns) =>
    Float64Array.from({ length: rows * columns }, () => Math.sqrt(6 / (rows + columns)) * (2 * uniform() - 1));
  if (hidden) Object.assign(weights, { W1: glorot(2, hidden), b1: new Float64Array(hidden) });
  weights.W2 = glorot(hidden || 2, nFactors);
  if (hidden) weights.b2 = new Float64Array(nFactors);
  if (factors !== "regression") weights.A = glorot(nInputs, nFactors);
  return { hidden, nFactors, factors, l1, nInputs, weights };
}

/** β for rows of characteristics, (n x K), and what the last layer has read: the hidden units, or z itself. */
export function betasOf(model, z) {
  const { hidden, nFactors, weights: { W1, b1, W2, b2 } } = model, n = z.length / 2, width = hidden || 2;
  const read = hidden ? new Float64Array(n * hidden) : z, betas = new Float64Array(n * nFactors);
  for (let r = 0; r < n; r++) {
    for (let u = 0; u < hidden; u++) {
      const sum = z[2 * r] * W1[u] + z[2 * r + 1] * W1[hidden + u] + b1[u];
      read[r * hidden + u] = sum > 0 ? sum : 0;
    }
    for (let k = 0; k < nFactors; k++) {
      let sum = hidden ? b2[k] : 0;
      for (let u = 0; u < width; u++) sum += read[r * width + u] * W2[u * nFactors + k];
      betas[r * nFactors + k] = sum;
    }
  }
  return { betas, read };
}

/** r̂ = β · F, (nDates * nTickers). */
function product(betas, factors, { nDates, nTickers }, k) {
  const fitted = new Float64Array(nDates * nTickers);
  for (let row = 0; row < fitted.length; row++) for (let i = 0; i < k; i++)
    fitted[row] += betas[row * k + i] * factors[Math.floor(row / nTickers) * k + i];
  return fitted;
}

/** β, F and r̂ of data; roots, β'β and β'r too where F is a regression. */
export function forward(model, data) {
  const { nFactors, weights: { A } } = model, { nDates, nInputs, x } = data;
  const { betas, read } = betasOf(model, data.z);
  let half = { factors: new Float64Array(nDates * nFactors) };
  if (model.factors === "regression") half = regression(betas, data, nFactors);
  else for (let d = 0; d < nDates; d++) for (let i = 0; i < nInputs; i++) for (let k = 0; k < nFactors; k++)
    half.factors[d * nFactors + k] += x[d * nInputs + i] * A[i * nFactors + k];
  return { betas, read, fitted: product(betas, half.factors, data, nFactors), ...half };
}

/** The mean squared error, and total R². Left out: no ticker's own return is in the F that explains it. */
export function score(model, data, leftOut) {
  const { betas, fitted, roots } = forward(model, data), { nTickers, nInputs, y, without } = data, k = model.nFactors;
  let errors = 0, squares = 0;
  for (let row = 0; row < y.length; row++) {
    const beta = betas.subarray(row * k, (row + 1) * k);
    let error = y[row] - fitted[row];
    if (leftOut && roots) {
      const half = forwards(roots[Math.floor(row / nTickers)], beta, k);
      let leverage = 0;
      for (let i = 0; i < k; i++) leverage += half[i] * half[i];
      error /= Math.max(1 - leverage, LEAST);
    } else if (leftOut && without) {
      error = y[row];
      for (let i = 0; i < nInputs; i++) for (let j = 0; j < k; j++)
        error -= without[row * nInputs + i] * model.weights.A[i * k + j] * beta[j];
    }
    errors += error * error;
    squares += y[row] * y[row];
  }
  return { error: errors / y.length, r2: 1 - errors / squares };
}

// --- Training ---------------------------------------------------------------------------------------------------------

/**
 * The loss, mean (r - β · F)² + l1 · size, and its gradient: what `with_gradient` of stacked.py gives for one member.
 * Where F is a regression the gradient goes through it. With M = β'β + ridge, F = M⁻¹ β'r and λ = M⁻¹ ∂loss/∂F,
 *   ∂loss/∂β = (what r̂ = β · F gives) + r λ' - 2 β Q,   Q = (λ F' + F λ') / 2, and the ridge's share of every date's Q.
 */
export function gradient(model, data) {
  const { nFactors: k, weights } = model, { nDates, nTickers: n, nInputs, x, y } = data;
  const { betas, read, fitted, factors, roots } = forward(model, data);
  const slopes = {}, dBetas = new Float64Array(betas.length), dFactors = new Float64Array(nDates * k);
  let error = 0;
  for (let row = 0; row < y.length; row++) {
    const d = Math.floor(row / n), e = y[row] - fitted[row], slope = (-2 * e) / y.length;
    error += (e * e) / y.length;
    for (let i = 0; i < k; i++) dBetas[row * k + i] = slope * factors[d * k + i];
    for (let i = 0; i < k; i++) dFactors[d * k + i] += slope * betas[row * k + i];
  }
  if (roots) {
    const Q = new Float64Array(nDates * k * k), mean = new Float64Array(k * k), lambdas = [];
    for (let d = 0; d < nDates; d++) {
      const F = factors.subarray(d * k, (d + 1) * k);
      const lambda = lambdas[d] = solve(roots[d], dFactors.subarray(d * k, (d + 1) * k), k);
      for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) {
        const q = Q[d * k * k + i * k + j] = -(lambda[i] * F[j] + F[i] * lambda[j]) / 2;
        mean[i * k + j] += (RIDGE * q) / nDates;
      }
    }
    for (let d = 0; d < nDates; d++) {
      const own = Q.subarray(d * k * k, (d + 1) * k * k);
      const jitter = JITTER * trace(own, k);
      for (let i = 0; i < k * k; i++) own[i] += mean[i];
      addToDiagonal(own, k, jitter);
      for (let row = d * n; row < (d + 1) * n; row++) for (let i = 0; i < k; i++) {
        let sum = y[row] * lambdas[d][i];
        for (let j = 0; j < k; j++) sum += 2 * betas[row * k + j] * own[j * k + i];
        dBetas[row * k + i] += sum;
      }
    }
  } else {
    slopes.A = new Float64Array(nInputs * k);
    for (let d = 0; d < nDates; d++) for (let i = 0; i < nInputs; i++) for (let j = 0; j < k; j++)
      slopes.A[i * k + j] += x[d * nInputs + i] * dFactors[d * k + j];
  }
  Object.assign(slopes, backward(model, data.z, read, dBetas));
  const size = addPenalty(model, slopes);
  // In the order of the weights, so that what is compared or summed name by name is the same everywhere.
  return { loss: error + model.l1 * size, error, slopes: mapped(weights, (_, name) => slopes[name]) };
}

/** From the gradient in β to that in the weights of the Beta network. */
function backward(model, z, read, dBetas) {
  const { hidden, nFactors: k, weights: { W2 } } = model, n = z.length / 2, width = hidden || 2;
  const slopes = { W2: new Float64Array(width * k) };
  if (hidden) Object.assign(slopes, { W1: new Float64Array(2 * hidden), b1: new Float64Array(hidden),
    b2: new Float64Array(k) });
  for (let r = 0; r < n; r++) {
    for (let u = 0; u < width; u++) {
      const h = read[r * width + u];
      if (h === 0) continue; // a unit that is off passes nothing on, in either direction
      let sum = 0;
      for (let i = 0; i < k; i++) {
        slopes.W2[u * k + i] += h * dBetas[r * k + i];
        sum += W2[u * k + i] * dBetas[r * k + i];
      }
      if (!hidden) continue;
      slopes.W1[u] += z[2 * r] * sum;
      slopes.W1[hidden + u] += z[2 * r + 1] * sum;
      slopes.b1[u] += sum;
    }
    if (hidden) for (let i = 0; i < k; i++) slopes.b2[i] += dBetas[r * k + i];
  }
  return slopes;
}

/**
 * Adds the penalty's gradient to the slopes; what l1 is the strength of. With fixed weights Σ |θ| over the kernels. With
 * the regression β and c β are the same fit, so every kernel is measured in its own length, the first by characteristic:
 *   Σ_j √Σ_u θ_ju² / √Σ θ²   for the first,   Σ |θ| / √Σ θ²   for the others (SolvedShape.size in solved.py).
 */
function addPenalty(model, slopes) {
  const { l1, weights, factors, hidden } = model, first = hidden ? "W1" : "W2";
  let size = 0;
  for (const name of ["W1", "W2", "A"].filter((each) => weights[each])) {
    const theta = weights[name], slope = slopes[name], free = factors === "regression";
    const groups = free && name === first ? 2 : theta.length, width = theta.length / groups;
    let squares = TINY, sum = 0;
    for (const value of theta) squares += value * value;
    const length = free ? Math.sqrt(squares) : 1, lengths = [];
    for (let g = 0; g < groups; g++) {
      let own = width > 1 ? TINY : 0; // a group of one is an absolute value, which needs no root
      for (let u = 0; u < width; u++) own += theta[g * width + u] ** 2;
      sum += lengths[g] = Math.sqrt(own);
    }
    for (let i = 0; i < theta.length; i++) {
      const own = lengths[Math.floor(i / width)], along = own > 0 ? theta[i] / own : 0;
      slope[i] += l1 * (free ? along / length - (sum * theta[i]) / length ** 3 : along);
    }
    size += sum / length;
  }
  return size;
}

const mapped = (object, f) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, f(value, name)]));

/** Adam's memory before the first step. */
export function freshMoments(model) {
  const zeros = () => mapped(model.weights, (w) => new Float64Array(w.length));
  return { t: 0, first: zeros(), second: zeros() };
}

/** One step of Adam: moves the weights and the memory in place. */
export function adamStep(weights, slopes, moments, learningRate) {
  const t = ++moments.t, rate = (learningRate * Math.sqrt(1 - DECAY_2 ** t)) / (1 - DECAY_1 ** t);
  for (const [name, w] of Object.entries(weights)) {
    const g = slopes[name], m = moments.first[name], v = moments.second[name];
    for (let i = 0; i < w.length; i++) {
      m[i] = DECAY_1 * m[i] + (1 - DECAY_1) * g[i];
      v[i] = DECAY_2 * v[i] + (1 - DECAY_2) * g[i] * g[i];
      w[i] -= (rate * m[i]) / (Math.sqrt(v[i]) + EPSILON);
    }
  }
}

/** C for which β C is nearest to the true β in least squares, (K x nTrue), and the share of the truth that it explains. */
export function turnToTruth(betas, truth, k, nTrue) {
  const squares = new Float64Array(k * k), moments = new Float64Array(k * nTrue), C = new Float64Array(k * nTrue);
  const n = betas.length / k;
  addProducts(betas, truth, 0, n, k, nTrue, squares, moments);
  let missed = 0, total = 0;
  addToDiagonal(squares, k, 1e-9 * trace(squares, k) + TINY); // two columns of β may be alike
  const root = cholesky(squares, k);
  for (let j = 0; j < nTrue; j++) {
    solve(root, moments.filter((_, i) => i % nTrue === j), k).forEach((c, i) => { C[i * nTrue + j] = c; });
  }
  for (let r = 0; r < n; r++) for (let j = 0; j < nTrue; j++) {
    let turned = 0;
    for (let i = 0; i < k; i++) turned += betas[r * k + i] * C[i * nTrue + j];
    missed += (truth[r * nTrue + j] - turned) ** 2;
    total += truth[r * nTrue + j] ** 2;
  }
  return { C, share: 1 - missed / total };
}

export const DEFAULTS = { truth: ["valley", "product"], noise: 0.1, hidden: 8, nFactors: 2, factors: "regression", l1: 0,
  batch: 0, learningRate: 0.01, seed: 0, nDates: 60, nTickers: 60, trainDates: 40 };

/** A market, a model, and its training, step by step. No page is needed: tests use it alone. */
export class Trainer {
  constructor(options = {}) {
    const o = this.options = { ...DEFAULTS, ...options };
    this.market = makeMarket(o);
    this.data = o.factors === "managed" ? managed(this.market) : takeDates(this.market, [...Array(o.nDates).keys()]);
    const dates = [...Array(o.nDates).keys()];
    this.parts = { training: dates.slice(0, o.trainDates), validation: dates.slice(o.trainDates) };
    this.training = takeDates(this.data, this.parts.training);
    this.validation = takeDates(this.data, this.parts.validation);
    this.model = makeModel({ ...o, nInputs: this.data.nInputs });
    this.moments = freshMoments(this.model);
    this.uniform = mulberry32(o.seed + 2000003); // of the order of the batches
    this.order = [];
    this.step = 0;
    this.every = 1; // how many steps lie between two points of the curves
    this.history = { step: [], training: [], validation: [] };
    const of = (part) => { // the errors of the true β · F, and of saying 0
      const fitted = product(part.betas, part.factors, part, this.market.nTrue), mean = (v) => v.reduce((a, b) => a + b) / v.length;
      const error = mean(part.y.map((r, i) => (r - fitted[i]) ** 2)), zero = mean(part.y.map((r) => r * r));
      return { error, zero, r2: 1 - error / zero };
    };
    this.truth = { training: of(this.training), validation: of(this.validation) };
    this.note();
  }

  /** One step of Adam, on all training months or on the next batch of them. */
  advance() {
    const { batch, learningRate, trainDates } = this.options;
    let data = this.training;
    if (batch && batch < trainDates) {
      if (this.order.length < batch) this.order = shuffled(trainDates, this.uniform); // the rest sits out, as in stacked.py
      data = takeDates(this.training, this.order.splice(0, batch));
    }
    const { slopes } = gradient(this.model, data);
    adamStep(this.model.weights, slopes, this.moments, learningRate);
    this.step++;
    if (this.step % this.every === 0) this.note();
  }

  scores() {
    return { training: score(this.model, this.training, false), validation: score(this.model, this.validation, true) };
  }

  /** Adds a point to the curves. When there are many, every second one goes, so that any length fits. */
  note() {
    const { training, validation } = this.scores(), h = this.history;
    h.step.push(this.step);
    h.training.push(training.error);
    h.validation.push(validation.error);
    if (h.step.length > 400) {
      for (const name of Object.keys(h)) h[name] = h[name].filter((_, i) => i % 2 === 0);
      this.every *= 2;
    }
  }

  /** What the model says of one month, perhaps with another c1 and c2 for one ticker; β'β and F follow the change. */
  month(date, edit) {
    const part = this.parts.training.includes(date) ? "training" : "validation", at = this.parts[part].indexOf(date);
    let data = this[part];
    const { nTickers, nInputs } = data, k = this.model.nFactors;
    if (edit) {
      data = { ...data, z: data.z.slice() };
      data.z.set(edit.c, 2 * (at * nTickers + edit.ticker));
      if (this.options.factors === "managed") data = managed(data);
    }
    const out = forward(this.model, data);
    const own = (array, width) => array && array.slice(at * width, (at + 1) * width);
    return { part, z: own(data.z, 2 * nTickers), y: own(data.y, nTickers), x: own(data.x, nInputs),
      betas: own(out.betas, nTickers * k), read: own(out.read, nTickers * (this.model.hidden || 2)),
      fitted: own(out.fitted, nTickers), factors: own(out.factors, k), squares: own(out.squares, k * k),
      moments: own(out.moments, k) };
  }
}

// --- Drawing ----------------------------------------------------------------------------------------------------------

/** A number as it is read aloud and aligned: a true minus sign, and no minus before a zero. */
const say = (value, digits = 2) => {
  const text = Math.abs(value) < 0.5 * 10 ** -digits ? (0).toFixed(digits) : value.toFixed(digits);
  return text.replace("-", "−");
};
const inside = (value) => (value < -0.005 ? `(${say(value)})` : say(value)); // of a product
const percent = (share) => `${say(100 * share, 0)} %`;

// Diverging colours that readers with any colour vision tell apart (PuOr, as plot_beta_surfaces has them): purple below
// zero, orange above. In the dark the middle is dark, so that a map does not glare.
export const THEMES = {
  light: { ends: [[140, 115, 200], [247, 247, 247], [217, 95, 2]], ink: "#222222", halo: "#ffffff", grid: "#dddddd",
    training: "#0072B2", validation: "#B84700" },
  dark: { ends: [[128, 104, 188], [34, 34, 38], [186, 94, 12]], ink: "#f0f0f0", halo: "#141417", grid: "#444444",
    training: "#56B4E9", validation: "#F0A060" },
};
const GRID = 24; // cells along each side of a map

/** A canvas that is as sharp as the screen, and as wide as its place; its context in CSS pixels. */
function prepared(canvas, height) {
  const width = Math.max(canvas.clientWidth, 50), ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  return { pen, width, height };
}

function haloed(pen, theme, text, x, y) {
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.lineJoin = "round";
  pen.strokeStyle = theme.halo;
  pen.strokeText(text, x, y);
  pen.fillStyle = theme.ink;
  pen.fillText(text, x, y);
}

/** A map of β over c1 (to the right) and c2 (upwards): colour, contour lines (dashed below 0) and nine numbers. */
function drawMap(canvas, values, reach, theme) {
  const { pen, width } = prepared(canvas, canvas.clientWidth || 50), left = 26, bottom = 22, side = width - left - 6;
  const n = GRID + 1, at = (i) => left + (side * i) / GRID, up = (j) => 6 + side - (side * j) / GRID;
  const small = drawMap.small ??= Object.assign(document.createElement("canvas"), { width: n, height: n });
  const ink = small.getContext("2d"), image = ink.createImageData(n, n);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) {
    const share = Math.max(-1, Math.min(1, values[j * n + i] / reach)), end = theme.ends[share < 0 ? 0 : 2];
    const pixel = 4 * ((n - 1 - j) * n + i);
    for (let c = 0; c < 3; c++) image.data[pixel + c] = theme.ends[1][c] + Math.abs(share) * (end[c] - theme.ends[1][c]);
    image.data[pixel + 3] = 255;
  }
  ink.putImageData(image, 0, 0);
  pen.drawImage(small, 0.5, 0.5, n - 1, n - 1, left, 6, side, side);
  pen.strokeStyle = theme.ink;
  for (let step = -8; step <= 8; step++) {
    pen.lineWidth = step === 0 ? 1.8 : 0.8;
    pen.setLineDash(step < 0 ? [3, 3] : []);
    pen.beginPath();
    contour(values, n, (step * reach) / 4, (x, y, first) => (first ? pen.moveTo(at(x), up(y)) : pen.lineTo(at(x), up(y))));
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.lineWidth = 1;
  pen.strokeRect(left, 6, side, side);
  for (const j of [2, GRID / 2, GRID - 2]) for (const i of [3, GRID / 2, GRID - 3])
    haloed(pen, theme, say(values[j * n + i], 1), at(i), up(j));
  pen.fillStyle = theme.ink;
  pen.textAlign = "center";
  ["−1", "c1", "1"].forEach((text, i) => pen.fillText(text, at((GRID * i) / 2), width - bottom + 6));
  pen.textAlign = "right";
  ["−1", "c2", "1"].forEach((text, i) => pen.fillText(text, left - 5, up((GRID * i) / 2)));
}

/** Marching squares: the pieces of the line on which the values on an n x n grid are `level`. */
function contour(values, n, level, draw) {
  for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
    const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], crossed = [];
    for (let c = 0; c < 4; c++) {
      const [x0, y0] = corners[c], [x1, y1] = corners[(c + 1) % 4];
      const one = values[y0 * n + x0] - level, other = values[y1 * n + x1] - level;
      if (one < 0 !== other < 0) {
        const t = one / (one - other);
        crossed.push([x0 + t * (x1 - x0), y0 + t * (y1 - y0)]);
      }
    }
    for (let c = 0; c + 1 < crossed.length; c += 2) {
      draw(...crossed[c], true);
      draw(...crossed[c + 1], false);
    }
  }
}

/** The curves of errors: training solid, validation dash-dotted, the error of the truth dashed. */
function drawCurves(canvas, trainer, theme) {
  const { pen, width, height } = prepared(canvas, 250), { history, truth } = trainer;
  const scale = PERCENT ** 2, top = 1.25 * truth.validation.zero * scale, last = Math.max(trainer.step, 10);
  const left = 34, right = width - 76, base = height - 36, x = (step) => left + ((right - left) * step) / last;
  const y = (error) => base - (base - 10) * Math.min(1, error / top);
  pen.fillStyle = theme.ink;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  const every = [5, 10, 20, 50, 100, 200].find((tick) => top / tick <= 6) ?? 500;
  for (let tick = 0; tick <= top; tick += every) {
    pen.fillText(String(tick), left - 6, y(tick));
    pen.strokeStyle = theme.grid;
    pen.lineWidth = 1;
    pen.strokeRect(left, y(tick), right - left, 0);
  }
  pen.textAlign = "center";
  for (const share of [0, 0.5, 1]) {
    pen.textAlign = ["left", "center", "right"][2 * share];
    pen.fillText(`${share ? "" : "step "}${Math.round(share * last)}`, x(share * last), base + 14);
  }
  const line = (points, colour, dash, thickness) => {
    pen.strokeStyle = colour;
    pen.setLineDash(dash);
    pen.lineWidth = thickness;
    pen.beginPath();
    points.forEach(([step, error], i) => (i ? pen.lineTo(x(step), y(error)) : pen.moveTo(x(step), y(error))));
    pen.stroke();
    pen.setLineDash([]);
  };
  const level = truth.validation.error * scale;
  line([[0, level], [last, level]], theme.ink, [6, 5], 1.4);
  const of = (name) => history.step.map((step, i) => [step, history[name][i] * scale]);
  line(of("training"), theme.training, [], 2);
  line(of("validation"), theme.validation, [8, 3, 2, 3], 2);
  // The names stand beside the ends of their lines, moved apart where the lines are close.
  const names = [["training", history.training.at(-1) * scale, theme.training],
    ["validation", history.validation.at(-1) * scale, theme.validation], ["the truth", level, theme.ink]];
  let lowest = base + 8;
  names.sort((a, b) => a[1] - b[1]).forEach(([name, error, colour], i) => {
    lowest = Math.max(Math.min(lowest - 15, y(error)), 10 + 15 * (2 - i));
    pen.textAlign = "left";
    pen.fillStyle = colour;
    pen.fillText(name, right + 6, lowest);
  });
}

// --- The page ---------------------------------------------------------------------------------------------------------

const WAYS = { regression: "the regression of the month, (β′β)⁻¹ β′r", portfolios: "fixed weights on 4 observed portfolios",
  managed: "fixed weights on 3 managed portfolios" };
const truths = (k) => Object.keys(TRUTHS).map((name) => [name, `${name}: ${FORMULAS[name][k]}`]);
// What can be chosen: name, words, choices, and whether training starts again.
const CONTROLS = [
  ["The market", "truth1", "True β of factor 1", truths(0), true],
  ["The market", "truth2", "True β of factor 2", [...truths(1), ["none", "no factor 2"]], true],
  ["The market", "noise", "Noise, SD a month", [[0, "none"], [0.05, "5 %"], [0.1, "10 %"], [0.2, "20 %"]], true],
  ["The model", "hidden", "Hidden units", [[0, "0 (linear)"], [4, "4"], [8, "8"], [16, "16"]], true],
  ["The model", "nFactors", "Factors, K", [[1, "1"], [2, "2"], [3, "3"]], true],
  ["The model", "factors", "F is found by", Object.entries(WAYS), true],
  ["The training", "l1", "Penalty, L1", [[0, "none"], [0.001, "0.001"], [0.01, "0.01"], [0.1, "0.1"]], false],
  ["The training", "batch", "Months a step", [[0, "all 40"], [8, "8, drawn anew"]], false],
  ["The training", "speed", "Steps a second", [[1, "1"], [20, "20"], [200, "200"], [0, "as many as can be"]], false],
].map(([group, name, words, choices, anew]) => ({ group, name, words, choices, anew }));

const STYLE = `
:host { display: block; }
* { box-sizing: border-box; }
.all { --ink: #1f2328; --soft: #50575f; --ground: #ffffff; --box: #f5f6f8; --line: #7d8590; --accent: #0a5c93;
  --on: #ffffff; color: var(--ink); background: var(--ground); font: 15px/1.45 system-ui, -apple-system, "Segoe UI",
  sans-serif; padding: 12px; max-width: 1100px; border: 1px solid var(--line); border-radius: 6px; overflow-wrap: anywhere; }
.all[data-theme=dark] { --ink: #f0f1f3; --soft: #b9c0c8; --ground: #16181c; --box: #22252b; --line: #8b939d;
  --accent: #7cc4f5; --on: #10202c; }
button, select, input { font: inherit; color: inherit; }
button { min-height: 38px; padding: 4px 14px; border: 1px solid var(--accent); border-radius: 5px; cursor: pointer;
  background: var(--ground); color: var(--accent); font-weight: 600; }
button.main { background: var(--accent); color: var(--on); min-width: 6em; }
select { min-height: 34px; width: 100%; background: var(--ground); border: 1px solid var(--line); border-radius: 5px;
  padding: 2px 6px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.row .live { flex: 1 1 16em; margin: 0; color: var(--soft); }
fieldset { border: 1px solid var(--line); border-radius: 5px; margin: 0; padding: 4px 10px 10px; min-width: 0; }
legend { font-weight: 600; padding: 0 5px; }
label { display: block; margin-top: 5px; font-size: 14px; }
.choices { display: grid; gap: 10px; margin: 12px 0; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); }
.seen { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
.maps { display: grid; gap: 6px 12px; grid-template-columns: 1fr 1fr; }
figure { margin: 0; min-width: 0; }
figcaption, caption { font-weight: 600; text-align: left; font-size: 14px; }
canvas { display: block; width: 100%; }
.note { color: var(--soft); font-size: 14px; margin: 6px 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 8px; margin: 8px 0; }
dl div { background: var(--box); border-radius: 5px; padding: 4px 10px; }
dt { font-size: 13px; color: var(--soft); } dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.numbers { display: grid; gap: 14px; margin-top: 14px; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; margin: 4px 0 10px; }
th, td { text-align: right; padding: 3px 5px; border-bottom: 1px solid var(--line); font-weight: 400;
  overflow-wrap: normal; }
.worked td { white-space: nowrap; } .worked td.words { white-space: normal; } .worked tr.upper td { border: 0; }
thead th { font-weight: 600; } th:first-child { text-align: left; }
tr.sum > * { font-weight: 700; border-top: 2px solid var(--ink); }
.tickers tbody tr { cursor: pointer; } .tickers tr[data-open] { background: var(--box); font-weight: 600; }
.tickers button { min-height: 28px; padding: 0 10px; }
.tickers button[aria-pressed=true] { background: var(--accent); color: var(--on); }
.worked { background: var(--box); border-radius: 6px; padding: 6px 12px; min-width: 0; }
.worked p { margin: 6px 0; } .result { font-size: 16px; font-weight: 600; }
.edit { display: grid; grid-template-columns: 1fr 1fr auto; gap: 12px; align-items: end; }
.edit input { width: 100%; margin: 0; accent-color: var(--accent); height: 26px; }
.narrow .seen, .middle .numbers { grid-template-columns: minmax(0, 1fr); }
.narrow .worked table { font-size: 13px; } .narrow .worked :is(td, th) { padding: 3px 2px; }
.narrow .edit { grid-template-columns: 1fr 1fr; }
`;

const HTML = `
<div class="all" role="group" aria-label="Playground: a conditional autoencoder that trains in this page">
  <div class="row">
    <button type="button" class="main" data-do="play">Play</button>
    <button type="button" data-do="step">One step</button>
    <button type="button" data-do="restart">Start again</button>
    <button type="button" data-do="market">New market</button>
    <p class="live" aria-live="polite"></p>
  </div>
  <div class="choices"></div>
  <div class="seen">
    <div><div class="maps"></div><p class="note maps-note"></p></div>
    <div><figure><figcaption>Mean squared error, %² a month</figcaption><canvas class="curves" role="img"></canvas></figure>
    <dl>${[["step", "Step"], ["speed", "Steps a second"], ["training", "R², training"], ["validation", "R², validation"],
      ["truth", "R², the truth"], ["share", "True β explained"]].map(([name, words]) =>
      `<div><dt>${words}</dt><dd data-name="${name}">0</dd></div>`).join("")}</dl>
      <p class="note curves-note"></p></div>
  </div>
  <div class="numbers">
    <div>
      <label for="month">Month</label><select class="month" id="month"></select>
      <table class="tickers"><caption>Open a ticker to see its arithmetic</caption><thead><tr><th scope="col">ticker</th>
        <th scope="col">c1</th><th scope="col">c2</th><th scope="col">r, %</th><th scope="col">r̂, %</th></tr></thead>
        <tbody></tbody></table>
    </div>
    <div class="worked" role="region" aria-label="The arithmetic of one ticker">
      <div class="edit">
        <label><span data-word="c1"></span><input type="range" min="-1" max="1" step="0.01" data-edit="0"></label>
        <label><span data-word="c2"></span><input type="range" min="-1" max="1" step="0.01" data-edit="1"></label>
        <button type="button" data-do="back">Put back</button>
      </div>
      <div class="sums"></div>
    </div>
  </div>
</div>`;

/** Whether the page around is dark: JupyterLab and exported notebooks say so, and so do themes of sites; else the system. */
function themeAround() {
  const body = document.body.dataset, root = document.documentElement.dataset;
  if (body.jpThemeLight) return body.jpThemeLight === "true" ? "light" : "dark";
  for (const said of [root.theme, body.theme]) if (said === "light" || said === "dark") return said;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** The options of a page that embeds the playground, checked: a name or a choice that is not there is an error. */
function checked(options) {
  const all = { ...DEFAULTS, speed: 200, ...options };
  for (const name of Object.keys(options)) {
    if (!(name in DEFAULTS) && name !== "speed") throw new Error(`The playground has no option ${name}.`);
  }
  const given = { ...all, truth1: all.truth[0], truth2: all.truth[1] ?? "none" };
  for (const { name, choices } of CONTROLS) {
    if (!choices.some(([value]) => value === given[name])) {
      throw new Error(`${name} must be one of ${choices.map(([value]) => value).join(", ")}; ${given[name]} was given.`);
    }
  }
  return all;
}

/**
 * Puts the playground into an element. Options are those of DEFAULTS, and speed.
 * Returns what a page needs to steer it: play, pause, trainer (the present one), and remove.
 */
export function mount(el, options = {}) {
  const chosen = checked(options), host = document.createElement("div"), shadow = host.attachShadow({ mode: "open" });
  // In a shadow root the styles of JupyterLab or a site do not reach in, and ours not out. The attribute keeps
  // JupyterLab's own keys (Enter, a, b, dd, ...) away; slides listen further up, so keys end here.
  host.dataset.lmSuppressShortcuts = "true";
  host.addEventListener("keydown", (event) => event.stopPropagation());
  shadow.innerHTML = `<style>${STYLE}</style>${HTML}`;
  el.append(host);
  const all = shadow.querySelector(".all"), find = (selector) => all.querySelector(selector);
  const slow = matchMedia("(prefers-reduced-motion: reduce)");
  let trainer, playing = false, frame = 0, theme, open = { ticker: 0, date: 0 }, edit = null, maps = [];
  let drawn = 0, told = 0, due = 0, before = 0, measured = { from: 0, steps: 0, rate: 0 };

  // --- What is chosen
  for (const group of new Set(CONTROLS.map((control) => control.group))) {
    const box = document.createElement("fieldset");
    box.innerHTML = `<legend>${group}</legend>` + CONTROLS.filter((control) => control.group === group).map(
      ({ name, words, choices }) => `<label for="${name}">${words}</label><select name="${name}" id="${name}">` +
        `${choices.map(([value, text]) => `<option value="${value}">${text}</option>`).join("")}</select>`).join("");
    find(".choices").append(box);
  }
  const setting = (name) => find(`select[name=${name}]`);
  for (const { name } of CONTROLS) {
    setting(name).value = { ...chosen, truth1: chosen.truth[0], truth2: chosen.truth[1] ?? "none" }[name];
  }
  function settings() {
    const number = (name) => Number(setting(name).value);
    const truth = [setting("truth1").value, setting("truth2").value].filter((name) => name !== "none");
    return { ...chosen, truth, factors: setting("factors").value, ...Object.fromEntries(
      ["noise", "hidden", "nFactors", "l1", "batch", "speed"].map((name) => [name, number(name)])) };
  }

  function restart() {
    Object.assign(chosen, settings());
    trainer = new Trainer(chosen);
    edit = null;
    measured = { from: 0, steps: 0, rate: 0 };
    const { nTrue, truth } = trainer.market;
    find(".maps").innerHTML = truth.map((name, k) => [`True β${k + 1}: ${FORMULAS[name][k]}`, `The model's β${k + 1}`].map((words, i) =>
      `<figure><figcaption>${words}</figcaption>` +
      `<canvas role="img" data-map="${i ? "model" : "truth"}${k}"></canvas></figure>`).join("")).join("");
    maps = truth.map((name, k) => {
      const values = overGrid((c1, c2) => TRUTHS[name](c1, c2, k));
      return { values, reach: Math.max(...values.map(Math.abs)) };
    });
    find(".maps-note").textContent = "Purple and dashed lines: below 0. Orange and thin lines: above. Thick line: 0. β and " +
      "F are known only up to an invertible matrix, so the model's maps are turned to the truth: by the least squares of " +
      `the true β on the model's.${nTrue > chosen.nFactors ? " One factor cannot become two: something must be missing." : ""}`;
    find(".curves-note").textContent = chosen.factors === "portfolios"
      ? "F reads no ticker's return, so nothing has to be left out."
      : "In the validation months each ticker is left out of the F that explains it: else F would have seen its noise.";
    show(true);
    announce();
  }

  // --- Training, as often as the page draws
  function tick(now) {
    frame = requestAnimationFrame(tick);
    const { speed } = settings(), start = performance.now(), wanted = speed || Infinity;
    due = Math.min(due + ((now - before) / 1000) * wanted, wanted === Infinity ? Infinity : Math.max(1, wanted / 4));
    if (Number.isNaN(due)) due = 0; // the first frame at full speed: 0 times infinity
    before = now;
    while (due >= 1 && performance.now() - start < 14) { // the rest of a frame is for the page
      trainer.advance();
      measured.steps++;
      due--;
    }
    if (now - measured.from > 1000) {
      measured = { from: now, steps: 0, rate: measured.from ? (1000 * measured.steps) / (now - measured.from) : 0 };
    }
    if (now - drawn > (slow.matches ? 1000 : 66)) { drawn = now; show(); }
    if (now - told > 6000) { told = now; announce(); }
  }
  function play() {
    if (playing) return;
    playing = true;
    before = performance.now();
    told = before - 4000; // the first word after two seconds
    due = 1;
    measured = { from: 0, steps: 0, rate: 0 };
    find("[data-do=play]").textContent = "Pause";
    frame = requestAnimationFrame(tick);
  }
  function pause() {
    if (!playing) return;
    playing = false;
    cancelAnimationFrame(frame);
    find("[data-do=play]").textContent = "Play";
    show(true);
    announce();
  }

  // --- What is seen
  const overGrid = (f) => Array.from({ length: (GRID + 1) ** 2 }, (_, i) =>
    f((2 * (i % (GRID + 1))) / GRID - 1, (2 * Math.floor(i / (GRID + 1))) / GRID - 1));
  const inWords = (values) => [["−1", 0], ["0", GRID / 2], ["1", GRID]].map(([c2, j]) => `at c2 ${c2}: ` +
    [0, GRID / 2, GRID].map((i) => say(values[j * (GRID + 1) + i], 1)).join(", ")).join("; ") + " (c1 −1, 0, 1)";

  function show(withWords = false) {
    const { training, validation } = trainer.scores(), colours = THEMES[theme], { nTrue } = trainer.market;
    const k = chosen.nFactors, put = (name, text) => { find(`[data-name=${name}]`).textContent = text; };
    const { betas } = betasOf(trainer.model, trainer.training.z);
    const { C, share } = turnToTruth(betas, trainer.training.betas, k, nTrue);
    put("step", String(trainer.step));
    put("speed", playing ? say(measured.rate, 0) : "paused");
    put("training", percent(training.r2));
    put("validation", percent(validation.r2));
    put("truth", percent(trainer.truth.validation.r2));
    put("share", percent(share));
    const points = Float64Array.from(overGrid((c1, c2) => [c1, c2]).flat()), learned = betasOf(trainer.model, points).betas;
    maps.forEach(({ values, reach }, j) => {
      const turned = values.map((_, i) => {
        let sum = 0;
        for (let m = 0; m < k; m++) sum += learned[i * k + m] * C[m * nTrue + j];
        return sum;
      });
      for (const [whose, shown] of [["truth", values], ["model", turned]]) {
        const canvas = find(`[data-map=${whose}${j}]`);
        drawMap(canvas, shown, reach, colours);
        if (withWords) canvas.ariaLabel = `${whose === "truth" ? "True" : "The model's"} β${j + 1}, ` + inWords(shown);
      }
    });
    drawCurves(find(".curves"), trainer, colours);
    if (withWords) find(".curves").ariaLabel = `Errors over ${trainer.step} steps, in squared percent: ` +
      `training ${say(training.error * 100, 1)}, validation ${say(validation.error * 100, 1)}, ` +
      `the truth ${say(trainer.truth.validation.error * 100, 1)}`;
    showNumbers();
  }

  function announce() {
    const { training, validation } = trainer.scores();
    find(".live").textContent = `Step ${trainer.step}. Error ${say(training.error * 100, 0)} %² in training, ` +
      `${say(validation.error * 100, 0)} in validation; R² ${percent(training.r2)} and ${percent(validation.r2)}.` +
      `${playing ? "" : " Paused."}`;
  }

  // --- The numbers of one month, and of one ticker
  find(".month").innerHTML = [...Array(chosen.nDates).keys()].map((d) =>
    `<option value="${d}">${d + 1} (${d < chosen.trainDates ? "training" : "validation"})</option>`).join("");
  const label = (s) => `T${String(s + 1).padStart(2, "0")}`, SHOWN = Math.min(8, chosen.nTickers);
  find(".tickers tbody").innerHTML = [...Array(SHOWN).keys()].map((s) => `<tr data-ticker="${s}"><th scope="row">` +
    `<button type="button" aria-label="Open ${label(s)}">${label(s)}</button></th>${"<td></td>".repeat(4)}</tr>`).join("");

  function showNumbers() {
    const month = trainer.month(open.date, edit);
    for (const row of all.querySelectorAll("[data-ticker]")) {
      const s = Number(row.dataset.ticker), own = s === open.ticker;
      row.toggleAttribute("data-open", own);
      row.querySelector("button").ariaPressed = String(own);
      [say(month.z[2 * s]), say(month.z[2 * s + 1]), say(month.y[s] * PERCENT, 1), say(month.fitted[s] * PERCENT, 1)]
        .forEach((text, i) => { row.cells[i + 1].textContent = text; });
    }
    for (const c of [0, 1]) {
      const value = month.z[2 * open.ticker + c];
      find(`[data-word=c${c + 1}]`).textContent = `c${c + 1} of ${label(open.ticker)}: ${say(value)}`;
      const input = find(`[data-edit="${c}"]`);
      if (shadow.activeElement !== input || !edit) input.value = value;
      input.setAttribute("aria-valuetext", say(value));
    }
    find(".sums").innerHTML = arithmetic(month, open.ticker);
  }

  /** Number by number: z -> hidden -> β; x -> F, or β'β and β'r -> F; r̂ = β · F. */
  function arithmetic(month, s) {
    const { hidden, nFactors: k, weights: { W1, b1, W2, b2, A } } = trainer.model, name = label(s);
    const ks = [...Array(k).keys()], cells = (values) => values.map((value) =>
      `<td${String(value).includes("=") ? ' class="words"' : ""}>${value}</td>`).join(""); // a sum may break its line
    const head = (...words) => `<thead><tr>${words.map((word) => word ? `<th scope="col">${word}</th>` : "<td></td>").join("")}</tr></thead>`;
    const row = (word, values, kind = "") => `<tr class="${kind}"><th scope="row">${word}</th>${cells(values)}</tr>`;
    const z = month.z.slice(2 * s, 2 * s + 2), width = hidden || 2, read = month.read.slice(s * width, (s + 1) * width);
    const betas = ks.map((i) => month.betas[s * k + i]), F = ks.map((i) => month.factors[i]);
    let html = `<p class="result">${edit ? "With your numbers: " : ""}${ks.map((i) =>
      `β${i + 1} = <span data-name="beta${i + 1}" data-value="${betas[i]}">${say(betas[i])}</span>`).join(", ")}; ` +
      `r̂ = <span data-name="fitted" data-value="${month.fitted[s] * PERCENT}">${say(month.fitted[s] * PERCENT)}</span> %, ` +
      `r = ${say(month.y[s] * PERCENT)} %</p>`;
    const times = ks.map((i) => `${hidden ? "h" : "c"} · w${i + 1}`);
    const parts = (u) => ks.map((i) => say(read[u] * W2[u * k + i], 3));
    if (hidden) {
      const word = "a = c1 · w + c2 · w + constant", narrow = host.clientWidth < 560; // there the sum has a row of its own
      html += `<table><caption>From c to β: h = max(0, a) of each unit${narrow ? `, ${word}` : ""}</caption>` +
        head("unit", ...(narrow ? [] : [word]), "h", ...times) + "<tbody>" + [...Array(hidden).keys()].map((u) => {
        const a = z[0] * W1[u] + z[1] * W1[hidden + u] + b1[u], rest = [say(read[u], 3), ...parts(u)];
        const sum = (`${say(z[0])} · ${inside(W1[u])} + ${say(z[1])} · ${inside(W1[hidden + u])} + ${say(b1[u])} = ` +
          say(a, 3)).replaceAll("+ −", "− ");
        if (!narrow) return row(u + 1, [sum, ...rest]);
        return `<tr class="upper"><th scope="row" rowspan="2">${u + 1}</th><td class="words" colspan="${k + 1}">a = ${sum}</td></tr>` +
          `<tr>${cells(rest)}</tr>`;
      }).join("") + row("constant", [...(narrow ? [""] : ["", ""]), ...ks.map((i) => say(b2[i], 3))]) +
        row("β, the sum", [...(narrow ? [""] : ["", ""]), ...betas.map((b) => say(b, 3))], "sum") + "</tbody></table>";
    } else {
      html += `<table><caption>From c to β: a sum, which cannot bend</caption>${head("", "c", ...times)}<tbody>` +
        [0, 1].map((c) => row(`c${c + 1}`, [say(z[c]), ...parts(c)])).join("") +
        row("β, the sum", ["", ...betas.map((b) => say(b, 3))], "sum") + "</tbody></table>";
    }
    if (A) {
      const names = chosen.factors === "managed" ? ["constant", "c1", "c2"] : ["first", "second", "third", "fourth"];
      html += `<table><caption>From x to F: weights that are the same in every month</caption>${head("x", "earned, %",
        ...ks.map((i) => `earned · weight ${i + 1}`))}<tbody>` + names.map((word, i) => row(word, [say(month.x[i] * PERCENT),
        ...ks.map((j) => `${say(month.x[i] * PERCENT)} · ${inside(A[i * k + j])} = ` +
          say(month.x[i] * A[i * k + j] * PERCENT))])).join("") +
        row("F, the sum, %", ["", ...F.map((f) => say(f * PERCENT))], "sum") + "</tbody></table>";
    } else {
      html += `<table><caption>From β and r to F: the regression of month ${open.date + 1}, all ${chosen.nTickers} tickers ` +
        `(β′β with a ridge of a thousandth)</caption>${head("", ...ks.map((i) => `β′β${i + 1}`), "β′r, %", "F, %")}<tbody>` +
        ks.map((i) => row(`F${i + 1}`, [...ks.map((j) => say(month.squares[i * k + j])),
          say(month.moments[i] * PERCENT, 1), `<span data-name="F${i + 1}" data-value="${F[i] * PERCENT}">` +
          `${say(F[i] * PERCENT)}</span>`])).join("") + "</tbody></table>";
    }
    return html + `<p>r̂ = β · F = ${ks.map((i) => `${say(betas[i], 3)} · ${inside(F[i] * PERCENT)}`).join(" + ")
      .replaceAll("+ −", "− ")} = <strong>${say(month.fitted[s] * PERCENT)} %</strong> for ${name}</p>`;
  }

  // --- What a reader does
  const deeds = {
    play: () => (playing ? pause() : play()),
    step: () => { pause(); trainer.advance(); trainer.every === 1 || trainer.note(); show(true); announce(); },
    restart: () => { pause(); restart(); },
    market: () => { pause(); chosen.seed++; restart(); },
    back: () => { edit = null; showNumbers(); },
  };
  all.addEventListener("click", (event) => {
    const deed = event.target.closest("[data-do]")?.dataset.do, row = event.target.closest("[data-ticker]");
    if (deed) deeds[deed]();
    if (row) {
      open.ticker = Number(row.dataset.ticker);
      edit = null;
      showNumbers();
    }
  });
  all.addEventListener("input", (event) => {
    const c = event.target.dataset.edit;
    if (c === undefined) return;
    edit ??= { ticker: open.ticker, c: trainer.month(open.date).z.slice(2 * open.ticker, 2 * open.ticker + 2) };
    edit.c[Number(c)] = Number(event.target.value);
    showNumbers();
  });
  all.addEventListener("change", (event) => {
    const control = CONTROLS.find(({ name }) => name === event.target.name);
    if (control?.anew) deeds.restart();
    else if (control) {
      Object.assign(chosen, settings());
      trainer.model.l1 = chosen.l1;
      trainer.options = { ...trainer.options, l1: chosen.l1, batch: chosen.batch };
    } else if (event.target.matches(".month")) {
      open.date = Number(event.target.value);
      edit = null;
      showNumbers();
    } else if (event.target.dataset.edit) {
      find(".live").textContent = find(".result").textContent; // said once, when the change is made
    }
  });

  // --- Light or dark, wide or narrow
  function dress() {
    theme = themeAround();
    all.dataset.theme = theme;
    all.classList.toggle("narrow", host.clientWidth < 700);
    all.classList.toggle("middle", host.clientWidth < 960);
    if (trainer) show();
  }
  const watching = new MutationObserver(dress), measuring = new ResizeObserver(dress);
  const system = matchMedia("(prefers-color-scheme: dark)");
  for (const element of [document.body, document.documentElement]) watching.observe(element, { attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-theme"] });
  system.addEventListener("change", dress);
  dress();
  find(".month").value = open.date = Math.min(chosen.trainDates, chosen.nDates - 1); // the first of the validation months
  restart();
  measuring.observe(host);

  return { play, pause, host, get trainer() { return trainer; }, show: () => show(true),
    remove() {
      pause();
      watching.disconnect();
      measuring.disconnect();
      system.removeEventListener("change", dress);
      host.remove();
    } };
}

/** For anywidget: JupyterLab calls this for every view of the widget, and what it returns when the view goes. */
export default { render: ({ model, el }) => mount(el, model.get("options")).remove };
