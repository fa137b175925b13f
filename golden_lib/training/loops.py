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

The weights of a pre-synaptic neuron lie side by side. What is ``_inline`` becomes part of
`trainer`'s loop, where the rule is a constant: as a variable it made the loops half as fast.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit

from golden_lib.optim import BETA2, EPSILON

RULES = ("delta", "nesterov", "adam", "dlr", "dlr_incoming")
"""The rules known here, by number; the first two have the delta rule's momentum."""
DELTA, NESTEROV, ADAM, DLR, DLR_INCOMING = range(5)

SPAN = 2048
"""Images whose lit pixels are listed at once, to stay in the cache."""
LONGEST = 512
"""Steps without gradient that a weight makes up for at once."""
LANES = 16
"""Rows of the hidden layer hold a multiple of this, padded by 0: whole vectors of float32."""

# Sums may be reordered and fused, and a division by 0 is an infinity, not an exception, so that
# loops become vector instructions; NaN and infinity keep their meaning, as a divergence must show.
_MATH = {"error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
_inline = njit(inline="always", nogil=True, **_MATH)


def _compile(function):
    try:
        return njit(cache=True, nogil=True, **_MATH)(function)
    except RuntimeError:  # no folder to keep compiled code in: a read-only machine
        return njit(nogil=True, **_MATH)(function)


@cache
def trainer(rule: int) -> Callable:
    """Return the function that makes T steps of each of R networks, in place, by a rule of `RULES`.

    Its arguments:

    - ``weights``: by pixel ``(R, D, P)``, P the hidden units in whole `LANES`; and ``(R, H, C)``.
    - ``averages``: two for each of these, in its shape: Δw and another; Adam's; for DLR any two.
    - ``counts``: sums of the weights in Adam's averages, ``(R, 2)``; else anything of that shape.
    - ``lit``: the lit pixels of N images: where each image's begin, ``(N + 1,)``; pixels; grey.
    - ``labels``: classes of the N images, ``(N,)``.
    - ``picks``: images of each step, ``(1, T, B)`` for all replicas or ``(R, T, B)``.
    - ``hyper``: η and α, ``(R, 2)``.
    - ``seen``: filled with loss, share of right classes and finiteness of each step, ``(R, 3, T)``.
    """

    @_compile
    def train(weights, averages, counts, lit, labels, picks, hyper, seen):
        R, D, P = weights[0].shape
        C = weights[1].shape[2]
        S, T, B = picks.shape
        span = min(T, max(1, SPAN // B))
        room = span * B * D
        places = np.empty(span + 1, np.int64), np.empty(span, np.int64)
        columns = np.empty(room, np.int32), np.empty(room + span, np.int32)
        lists = *places, *columns, np.empty(room, np.int32), np.empty(room, np.float32)
        real = hyper.dtype
        h, g = np.zeros((B, P), real), np.zeros((B, P), real)
        scratch = h, g, np.empty((B, C), real), np.empty(max(P, C), real), np.empty(P + C, real)
        since = np.zeros((R, D), np.int64)
        coasts = np.empty((R, 2, min(T, LONGEST) + 1), real)
        if rule <= NESTEROV:
            for r in range(R):
                _coasts(coasts[r], hyper[r, 1], rule)
        for begin in range(0, T, span):
            steps = min(span, T - begin)
            for r in range(R):
                own = r if S > 1 else 0
                if r == own:
                    _group(lit, picks[own, begin : begin + steps], D, lists)
                for s in range(steps):
                    t = begin + s
                    seen[r, 0, t], seen[r, 1, t], seen[r, 2, t] = _step(
                        (weights[0][r], averages[0][r], averages[1][r], since[r]),
                        (weights[1][r], averages[2][r], averages[3][r]),
                        counts[r], _of_step(lists, s), labels, picks[own, t],
                        hyper[r, 0], hyper[r, 1], coasts[r], rule, t, scratch,
                    )  # fmt: skip
        if rule <= NESTEROV:
            for r in range(R):
                for j in range(D):
                    _coast(weights[0][r, j], averages[0][r, j], coasts[r], T - since[r, j])

    return train


@_compile
def _group(lit, picks, D, lists):
    """Group the lit pixels of each step's images by column, for `_of_step`."""
    begin, pixel, grey = lit
    start, columns, column, first, member, value = lists
    T, B = picks.shape
    at, start[0] = np.zeros(D, np.int64), 0
    for t in range(T):
        base, active, entry = start[t], 0, 0
        for b in range(B):
            for e in range(begin[picks[t, b]], begin[picks[t, b] + 1]):
                if at[pixel[e]] == 0:
                    column[base + active] = pixel[e]
                    active += 1
                at[pixel[e]] += 1
        for a in range(active):
            j = column[base + a]
            first[base + t + a] = entry
            at[j], entry = entry, entry + at[j]
        first[base + t + active] = entry
        for b in range(B):
            for e in range(begin[picks[t, b]], begin[picks[t, b] + 1]):
                place = base + at[pixel[e]]
                member[place], value[place] = b, grey[e]
                at[pixel[e]] += 1
        for a in range(active):
            at[column[base + a]] = 0
        columns[t], start[t + 1] = active, base + entry


@_inline
def _of_step(lists, t):
    """Return a step's lit columns; where the entries of each begin; their images in B, and grey."""
    start, columns, column, first, member, value = lists
    a, b, n = start[t], start[t + 1], columns[t]
    return column[a : a + n], first[a + t : a + t + n + 1], member[a:b], value[a:b]


@_inline
def _step(
    hidden_layer, output_layer, counts, lists, labels, picks, eta, alpha, coasts, rule, t, scratch
):
    """Make one step of one network; return its loss, share of right classes, and finiteness."""
    hidden, hidden_first, hidden_second, since = hidden_layer
    output, output_first, output_second = output_layer
    column, first, member, value = lists
    h, g, d, grad, rate = scratch
    H, C = output.shape
    h[:] = 0
    for a in range(len(column)):
        j, row = column[a], hidden[column[a]]
        if rule <= NESTEROV:
            _coast(row, hidden_first[j], coasts, t - since[j])
        since[j] = t + 1
        for e in range(first[a], first[a + 1]):
            _add(h[member[e]], value[e], row)
    seen = _outputs(output, h, d, labels, picks)
    for b in range(len(h)):
        _send_back(g[b], h[b], d[b], output)
    if rule == ADAM:
        counts[0] = alpha * counts[0] + (1 - alpha)
        counts[1] = BETA2 * counts[1] + (1 - BETA2)
    if rule == DLR_INCOMING:
        _incoming(output, rate, eta, alpha)
    total = grad[:C]
    for i in range(H):
        total[:] = 0
        for b in range(len(h)):
            _add(total, h[b, i], d[b])
        _move(output[i], output_first[i], output_second[i], counts, total, rate, eta, alpha, rule)
    if rule == DLR_INCOMING:
        _incoming(hidden, rate, eta, alpha)
    total = grad[: h.shape[1]]
    for a in range(len(column)):
        j = column[a]
        total[:] = 0
        for e in range(first[a], first[a + 1]):
            _add(total, value[e], g[member[e]])
        _move(hidden[j], hidden_first[j], hidden_second[j], counts, total, rate, eta, alpha, rule)
    if rule == ADAM:
        total[:] = 0
        for j in range(len(hidden)):
            if since[j] != t + 1:
                first, second = hidden_first[j], hidden_second[j]
                _move(hidden[j], first, second, counts, total, rate, eta, alpha, rule)
    return seen


@_inline
def _add(sums, factor, row):
    """Add a multiple of a row."""
    for i in range(len(sums)):
        sums[i] += factor * row[i]


@_inline
def _outputs(output, h, d, labels, picks):
    """Turn the hidden units' sums h into their outputs, put ∂L/∂z into d, and return what is seen.

    The loss is `logistic_sse` (DLR, Methods); it and the share of right classes are means over B.
    """
    one, twice = h.dtype.type(1), h.dtype.type(2 / len(h))
    loss, right, total = 0.0, 0, 0.0
    for b in range(len(h)):
        units, z = h[b], d[b]
        z[:] = 0
        for i in range(len(output)):
            units[i] = one / (one + np.exp(-units[i]))
            _add(z, units[i], output[i])
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
    for i in range(len(output)):
        back, row = h.dtype.type(0), output[i]
        for k in range(len(d)):
            back += d[k] * row[k]
        g[i] = back * h[i] * (one - h[i])


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
def _move(row, first, second, counts, grad, rate, eta, alpha, rule):
    """Move the outgoing weights of one neuron by a rule of `golden_lib.optim`."""
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
    elif rule == DLR:
        square = real(0)
        for i in range(len(row)):
            square += row[i] * row[i]
        pace = real(eta / (np.sqrt(square) + alpha))
        for i in range(len(row)):
            row[i] -= pace * (abs(row[i]) + alpha) * grad[i]
    else:
        for i in range(len(row)):
            row[i] -= rate[i] * (abs(row[i]) + alpha) * grad[i]


@_inline
def _incoming(weights, rate, eta, alpha):
    """η₀/(‖wᵢ‖ + α), the norm over the incoming weights of each neuron (DLR, Eq. 3)."""
    norms = rate[: weights.shape[1]]
    norms[:] = 0
    for j in range(len(weights)):
        row = weights[j]
        for i in range(len(norms)):
            norms[i] += row[i] * row[i]
    norms[:] = eta / (np.sqrt(norms) + alpha)
