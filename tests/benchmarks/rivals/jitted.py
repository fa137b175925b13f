"""JAX: a pure step, vmapped over the networks, an epoch of them in one jitted `lax.scan`.

What was faster here was taken (one core, jax 0.10): scan beats a jitted step a call, and the
convolution as patches and one product takes 17 ms a step for one network and 160 for eight, where
`lax.conv_general_dilated` takes 19 and 320 a call, and more inside a scan.
"""

from functools import partial
from math import log, pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor

from golden_lib.nets import Cnn

from ..workloads import Workload
from . import Outcome
from .formulas import EDGE

SIDE = 24
"""Pixels along a side of what the 5×5 filters leave of 28×28."""


class Jitted:
    """Weights, velocity and data as JAX arrays on the CPU."""

    def __init__(self, work: Workload, orders: Tensor | None = None):
        # One flag for the whole process: each instance sets it for itself, before its first array.
        jax.config.update("jax_enable_x64", work.dtype == torch.float64)
        self.work, self.orders = work, orders
        state = {k: jnp.array(w.numpy()) for k, w in work.weights().items()}
        self.buffers = {k: state.pop(k) for k in list(state) if "running" in k}
        self.params = state
        # An array is donated once: where a rule keeps no velocity, there is none.
        kept = state if work.momentum else {}
        self.velocity = {k: jnp.zeros_like(w) for k, w in kept.items()}
        dtype = work.data.numpy().dtype
        self.hyper = jnp.array(work.etas, dtype), jnp.array(work.alphas, dtype)
        images = work.data if isinstance(work.network, Cnn) else work.data.flatten(1)
        self.data = jnp.array(images.numpy()), jnp.array(work.targets.numpy())
        self.key, self.losses = jax.random.key(0), None

    def order(self, epoch: int) -> jax.Array:
        """Indices of an epoch in batches, ``(steps, B)`` or ``(steps, R, B)``."""
        work, n = self.work, len(self.data[0])
        if self.orders is not None:
            rows = jnp.array(self.orders[:, epoch].numpy() if work.own else self.orders[:1, epoch])
        else:
            self.key, key = jax.random.split(self.key)
            keys = jax.random.split(key, work.replicas if work.own else 1)
            rows = _shuffles(keys, n)
        steps = n // work.batch
        rows = rows[:, : steps * work.batch].reshape(len(rows), steps, work.batch)
        return rows.swapaxes(0, 1) if work.own else rows[0]

    def run(self) -> None:
        work, total = self.work, 0
        kind = "cnn" if isinstance(work.network, Cnn) else "mlp"
        for epoch in range(work.epochs):
            carried, losses = _epoch(
                (self.params, self.buffers, self.velocity),
                self.order(epoch),
                self.data,
                self.hyper,
                plan=(kind, work.loss, work.rule, work.own),
            )
            self.params, self.buffers, self.velocity = carried
            total += losses
        self.losses = np.asarray(total) / work.steps
        jax.block_until_ready(self.params)

    def outcome(self) -> Outcome:
        state = self.params | self.buffers
        return Outcome(self.losses, {k: np.asarray(state[k]) for k in self.work.weights()})


@partial(jax.jit, static_argnames="n")
def _shuffles(keys, n):
    return jax.vmap(lambda key: jax.random.permutation(key, n))(keys)


@partial(jax.jit, static_argnames="plan", donate_argnums=0)
def _epoch(carried, order, data, hyper, plan):
    """An epoch of steps; returns what is carried on and the sum of the losses, ``(R,)``."""
    images, targets = data
    kind, loss, rule, own = plan
    forward = {"cnn": _cnn, "mlp": _mlp}[kind]

    def loss_of_one(params, buffers, x, t):
        logits, buffers = forward(params, buffers, x)
        return LOSSES[loss](logits, t), buffers

    def one(params, buffers, velocity, x, t, eta, alpha):
        gradient = jax.value_and_grad(loss_of_one, has_aux=True)
        (value, buffers), grads = gradient(params, buffers, x, t)
        if rule == "dlr":
            params = {k: w - _dlr_rate(w, eta, alpha) * grads[k] for k, w in params.items()}
        elif velocity:
            velocity = {k: alpha * v - eta * grads[k] for k, v in velocity.items()}
            params = {k: w + velocity[k] for k, w in params.items()}
        else:
            params = {k: w - eta * grads[k] for k, w in params.items()}
        return (params, buffers, velocity), value

    batch = 0 if own else None
    step = jax.vmap(one, (0, 0, 0, batch, batch, 0, 0))
    carried, losses = jax.lax.scan(
        lambda now, index: step(*now, images[index], targets[index], *hyper), carried, order
    )
    return carried, losses.sum(0)


def _mlp(params, buffers, x):
    hidden = jax.nn.sigmoid(x @ params["hidden.weight"].T)
    return hidden @ params["output.weight"].T, buffers


def _cnn(params, buffers, x):
    B, F = len(x), len(params["conv.bias"])
    patches = [x[:, i : i + SIDE, j : j + SIDE] for i in range(5) for j in range(5)]
    patches = jnp.stack(patches).reshape(25, -1)
    z = params["conv.weight"].reshape(F, 25) @ patches + params["conv.bias"][:, None]
    mean, variance = z.mean(1), z.var(1)
    n = z.shape[1]
    seen = {"norm.running_mean": mean, "norm.running_var": variance * (n / (n - 1))}
    buffers = {k: 0.9 * b + 0.1 * jax.lax.stop_gradient(seen[k]) for k, b in buffers.items()}
    scale = params["norm.weight"] * jax.lax.rsqrt(variance + 1e-5)
    active = jax.nn.relu((z - mean[:, None]) * scale[:, None] + params["norm.bias"][:, None])
    head = params["head.weight"].reshape(-1, F, SIDE * SIDE)
    logits = jnp.einsum("fbs,cfs->bc", active.reshape(F, B, -1), head)
    return logits + params["head.bias"], buffers


def _dlr_rate(w, eta, alpha):
    length = jnp.sqrt(jnp.square(w).sum(0, keepdims=True))
    return (jnp.abs(w) + alpha) * (eta / (length + alpha))


def _cross_entropy(logits, target):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[:, None], 1).mean()


def _energy(logits, target):
    d = (jax.nn.softmax(logits) - target + 1) * (pi / 4)
    d = jnp.clip(d, EDGE, pi / 2 - EDGE)
    e = -jnp.sin(d) * jnp.log(jnp.cos(d)) - jnp.cos(d) * jnp.log(jnp.sin(d))
    return (sqrt(2) * jax.nn.sigmoid((e - log(2) / sqrt(2)) / 2)).sum(-1).mean()


def _logistic_sse(logits, target):
    return jnp.square(jax.nn.sigmoid(logits) - target).sum(-1).mean()


LOSSES = {"cross_entropy": _cross_entropy, "energy": _energy, "logistic_sse": _logistic_sse}
