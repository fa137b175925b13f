r"""The DLR paper's network on a CPU: its training steps as plain loops, compiled by Numba.

An update of 784–100–10 is 160,000 multiplications; as tensor operators it is thirty calls and as
many passes over weights that have left the cache. Here a network stays in its core's cache while it
makes many steps, and two facts, exact in real arithmetic, save most of the work:

- **A pixel that is 0 adds nothing and moves nothing**: four in five of a digit's. A step touches
  the weights of those pixels alone that are lit somewhere in the batch. (In floating point 0 · ∞ is
  NaN: weights that overflow are found out where a lit pixel meets them.)
- **A weight without gradient coasts**: with momentum Δw(t) = α Δw(t−1), so m such steps are one, of
  α + α² + … + α^m. It is made up for when the pixel is next lit, and at the end.

Adam has no such sum, and passes over every weight; `dlr_incoming` needs norms over all pixels.
The mathematics is that of `golden_lib.training.step`, and the tests hold the two together.

Every loop runs over the hidden units: a row is the weights of one pixel, or of one class. What is
``_inline`` becomes part of `trainer`'s loop, where the rule is a constant: as a variable it made
the loops half as fast.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit

from golden_lib.compiled import OPTIONS, compiled
from golden_lib.optim import BETA2, EPSILON

RULES = ("delta", "nesterov", "adam", "dlr", "dlr_incoming")
"""The rules known here, by number; the first two have the delta rule's momentum."""
DELTA, NESTEROV, ADAM, DLR, DLR_INCOMING = range(5)

LONGEST = 512
"""Steps without gradient that a weight makes up for at once."""
LANES = 16
"""Rows of weights hold a multiple of this, padded by 0: whole vectors of float32."""

_inline = njit(inline="always", **OPTIONS)


@cache
def trainer(rule: int) -> Callable:
    """Return the function that makes T steps of each of R networks, in place, by a rule of `RULES`.

    Its arguments:

    - ``weights``: by pixel ``(R, D, P)`` and by class ``(R, C, P)``, P the hidden units in whole
      `LANES`.
    - ``averages``: two for each of these, in its shape: Δw and another; Adam's; for DLR any two.
    - ``counts``: sums of the weights in Adam's averages, ``(R, 2)``; else anything of that shape.
    - ``lit``, ``columns``: see `golden_lib.training.lit`.
    - ``labels``: classes of the N images, ``(N,)``.
    - ``picks``: images of each step, ``(T, B)``.
    - ``hyper``: η and α, ``(R, 2)``; ``H``: hidden units.
    - ``seen``: filled with loss, share of right classes and finiteness of each step, ``(R, 3, T)``.
    """

    @compiled
    def train(weights, averages, counts, lit, columns, labels, picks, hyper, H, seen):
        R, D, P = weights[0].shape
        C = weights[1].shape[1]
        T, B = picks.shape
        real = hyper.dtype
        h, g = np.zeros((B, P), real), np.zeros((B, P), real)
        scratch = h, g, np.empty((B, C), real), np.empty(P, real), np.empty(P, real)
        coasts = np.empty((2, min(T, LONGEST) + 1), real)
        for r in range(R):
            since = np.zeros(D, np.int64)
            if rule <= NESTEROV:
                _coasts(coasts, hyper[r, 1], rule)
            for t in range(T):
                seen[r, 0, t], seen[r, 1, t], seen[r, 2, t] = _step(
                    (weights[0][r], averages[0][r], averages[1][r], since),
                    (weights[1][r], averages[2][r], averages[3][r]),
                    counts[r], lit, _of_step(columns, t), labels, picks[t],
                    hyper[r, 0], hyper[r, 1], coasts, rule, t, H, scratch,
                )  # fmt: skip
            if rule <= NESTEROV:
                for j in range(D):
                    _coast(weights[0][r, j], averages[0][r, j], coasts, T - since[j])

    return train


@_inline
def _of_step(columns, t):
    """Return a step's lit pixels; where the entries of each begin; their images in B, and grey."""
    start, count, column, first, member, value = columns
    a, b, n = start[t], start[t + 1], count[t]
    return column[a : a + n], first[a + t : a + t + n + 1], member[a:b], value[a:b]


@_inline
def _step(
    hidden_layer, output_layer, counts, lit, lists,
    labels, picks, eta, alpha, coasts, rule, t, H, scratch,
):  # fmt: skip
    """Make one step of one network; return its loss, share of right classes, and finiteness."""
    hidden, hidden_first, hidden_second, since = hidden_layer
    output, output_first, output_second = output_layer
    column, first, member, value = lists
    begin, pixel, grey = lit
    h, g, d, grad, rates = scratch
    for j in column:
        if rule <= NESTEROV:
            _coast(hidden[j], hidden_first[j], coasts, t - since[j])
        since[j] = t + 1
    for b in range(len(h)):
        sums, n = h[b], picks[b]
        sums[:] = 0
        _gather(sums, hidden, pixel, grey, begin[n], begin[n + 1])
    seen = _outputs(output, h, d, labels, picks, H)
    for b in range(len(h)):
        _send_back(g[b], h[b], d[b], output)
    if rule == ADAM:
        counts[0] = alpha * counts[0] + (1 - alpha)
        counts[1] = BETA2 * counts[1] + (1 - BETA2)
    if rule == DLR:
        _rates(output, rates, eta, alpha)
    for k in range(len(output)):
        grad[:] = 0
        for b in range(len(h)):
            _add(grad, d[b, k], h[b])
        first_k, second_k = output_first[k], output_second[k]
        _move(output[k], first_k, second_k, counts, grad, rates, eta, alpha, rule, DLR_INCOMING)
    if rule == DLR_INCOMING:
        _rates(hidden, rates, eta, alpha)
    for a in range(len(column)):
        j = column[a]
        grad[:] = 0
        _gather(grad, g, member, value, first[a], first[a + 1])
        first_j, second_j = hidden_first[j], hidden_second[j]
        _move(hidden[j], first_j, second_j, counts, grad, rates, eta, alpha, rule, DLR)
    if rule == ADAM:
        grad[:] = 0
        for j in range(len(hidden)):
            if since[j] != t + 1:
                first_j, second_j = hidden_first[j], hidden_second[j]
                _move(hidden[j], first_j, second_j, counts, grad, rates, eta, alpha, rule, DLR)
    return seen


@_inline
def _add(sums, factor, row):
    """Add a multiple of a row."""
    for i in range(len(sums)):
        sums[i] += factor * row[i]


@_inline
def _gather(sums, rows, index, factor, begin, end):
    """Add up multiples of rows, eight at a time: the sums are loaded and stored as seldom."""
    e = begin
    while e + 8 <= end:
        r0, r1, r2, r3 = rows[index[e]], rows[index[e + 1]], rows[index[e + 2]], rows[index[e + 3]]
        x0, x1, x2, x3 = factor[e], factor[e + 1], factor[e + 2], factor[e + 3]
        e += 4
        r4, r5, r6, r7 = rows[index[e]], rows[index[e + 1]], rows[index[e + 2]], rows[index[e + 3]]
        x4, x5, x6, x7 = factor[e], factor[e + 1], factor[e + 2], factor[e + 3]
        e += 4
        for i in range(len(sums)):
            four = x0 * r0[i] + x1 * r1[i] + x2 * r2[i] + x3 * r3[i]
            sums[i] += four + (x4 * r4[i] + x5 * r5[i] + x6 * r6[i] + x7 * r7[i])
    while e < end:
        _add(sums, factor[e], rows[index[e]])
        e += 1


@_inline
def _outputs(output, h, d, labels, picks, H):
    """Turn the hidden units' sums h into their outputs, put ∂L/∂z into d, and return what is seen.

    The loss is `logistic_sse` (DLR, Methods); it and the share of right classes are means over B.
    """
    one, twice = h.dtype.type(1), h.dtype.type(2 / len(h))
    loss, right, total = 0.0, 0, 0.0
    for b in range(len(h)):
        units, z = h[b], d[b]
        for i in range(H):
            units[i] = one / (one + np.exp(-units[i]))
        for k in range(len(z)):
            row, z[k] = output[k], 0
            for i in range(len(units)):
                z[k] += units[i] * row[i]
        right += np.argmax(z) == labels[picks[b]]
        for k in range(len(z)):
            positive, t = z[k] > 0, h.dtype.type(labels[picks[b]] == k)
            total += z[k]
            # As in `logistic_sse`: the side where σ ≤ 1/2 keeps the digits of σ, 1 − σ and σ′.
            u = np.exp(-abs(z[k]))
            error = u / (one + u) - (one - t if positive else t)
            loss += error * error
            slope = twice * error * u / ((one + u) * (one + u))
            z[k] = -slope if positive else slope
    finite = (total + loss) * 0 == 0
    return loss / len(h), right / len(h) * finite, finite


@_inline
def _send_back(g, h, d, output):
    """Send ∂L/∂z back through the output's weights and the hidden units' logistic function."""
    one = h.dtype.type(1)
    g[:] = 0
    for k in range(len(d)):
        _add(g, d[k], output[k])
    for i in range(len(g)):
        g[i] *= h[i] * (one - h[i])


@_inline
def _coasts(coasts, alpha, rule):
    """Fill in how far m steps without gradient go, in units of Δw, and what Δw is then."""
    reach, decay = np.float64(0), np.float64(1)
    for m in range(coasts.shape[1]):
        coasts[0, m], coasts[1, m] = (alpha * reach if rule == NESTEROV else reach), decay
        decay *= alpha
        reach += decay


@_inline
def _coast(row, velocity, coasts, steps):
    """Make the steps that a row of weights without gradient has missed."""
    while steps > 0:
        m = min(steps, coasts.shape[1] - 1)
        reach, decay = coasts[0, m], coasts[1, m]
        for i in range(len(row)):
            row[i] += reach * velocity[i]
            velocity[i] *= decay
        steps -= m


@_inline
def _move(row, first, second, counts, grad, rates, eta, alpha, rule, along):
    """Move a row of weights by a rule of `golden_lib.optim`.

    `along` is that DLR rule whose norm is the row's own; for the other, `rates` has been filled.
    """
    real = row.dtype.type
    if rule <= NESTEROV:
        for i in range(len(row)):
            first[i] = alpha * first[i] - eta * grad[i]
            row[i] += first[i] if rule == DELTA else alpha * first[i] - eta * grad[i]
    elif rule == ADAM:
        beta, rest, rest2 = real(BETA2), real(1 - alpha), real(1 - BETA2)
        pace, scale, epsilon = real(eta / counts[0]), real(1 / counts[1]), real(EPSILON)
        for i in range(len(row)):
            first[i] = alpha * first[i] + rest * grad[i]
            second[i] = beta * second[i] + rest2 * grad[i] * grad[i]
            row[i] -= pace * first[i] / (np.sqrt(second[i] * scale) + epsilon)
    elif rule == along:
        square = real(0)
        for i in range(len(row)):
            square += row[i] * row[i]
        pace = real(eta / (np.sqrt(square) + alpha))
        for i in range(len(row)):
            row[i] -= pace * (abs(row[i]) + alpha) * grad[i]
    else:
        for i in range(len(row)):
            row[i] -= rates[i] * (abs(row[i]) + alpha) * grad[i]


@_inline
def _rates(weights, rates, eta, alpha):
    """η₀/(‖w‖ + α) for each hidden unit, the norm over all rows (DLR, Eq. 1 and 3)."""
    rates[:] = 0
    for j in range(len(weights)):
        row = weights[j]
        for i in range(len(rates)):
            rates[i] += row[i] * row[i]
    rates[:] = eta / (np.sqrt(rates) + alpha)
