"""`torch.func` ensembles: many networks at once by a transform over one `nn.Module`.

As in PyTorch's tutorial on model ensembling. The convolution stays `nn.Conv2d`: written as patches
and a product it took 1.4 times as long under vmap (8 networks, one core, torch 2.15).
"""

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from ..workloads import Workload
from . import Outcome
from .formulas import LOSSES, inputs, module


class Ensemble:
    """`stack_module_state`, then ``vmap(grad_and_value(functional_call))``, data in memory."""

    def __init__(self, work: Workload, orders: Tensor | None = None):
        self.work, self.orders = work, orders
        weights = work.weights()
        networks = [
            module(work, {k: w[r] for k, w in weights.items()}).train()
            for r in range(work.replicas)
        ]
        params, self.buffers = stack_module_state(networks)
        self.params = {k: w.detach() for k, w in params.items()}
        self.velocity = {k: torch.zeros_like(w) for k, w in self.params.items()}
        self.hyper = {
            k: (_per_network(work.etas, w), _per_network(work.alphas, w))
            for k, w in self.params.items()
        }
        skeleton, loss = networks[0].to("meta"), LOSSES[work.loss]

        def loss_of_one(params, buffers, images, targets):
            # Batch normalisation writes to its buffers, and a transform forbids that of an input.
            buffers = {k: b.clone() for k, b in buffers.items()}
            logits = functional_call(skeleton, (params, buffers), (images,))
            return loss(logits, targets), buffers

        batch = 0 if work.own else None
        self.gradients = vmap(grad_and_value(loss_of_one, has_aux=True), (0, 0, batch, batch))
        self.images, self.targets = inputs(work), work.targets
        self.losses = None

    def order(self, epoch: int) -> Tensor:
        """Indices of an epoch, ``(n,)`` for all or ``(R, n)``, each network's own."""
        n, own = len(self.images), self.work.own
        if self.orders is not None:
            return self.orders[:, epoch] if own else self.orders[0, epoch]
        if own:
            return torch.stack([torch.randperm(n) for _ in range(self.work.replicas)])
        return torch.randperm(n)

    def run(self) -> None:
        work, total = self.work, 0
        for epoch in range(work.epochs):
            order = self.order(epoch)
            for first in range(0, len(self.images) - work.batch + 1, work.batch):
                index = order[..., first : first + work.batch]
                grads, (loss, self.buffers) = self.gradients(
                    self.params, self.buffers, self.images[index], self.targets[index]
                )
                self.update(grads)
                total += loss
        self.losses = (total / work.steps).tolist()

    def update(self, grads: dict[str, Tensor]) -> None:
        """The rule, in place."""
        for k, w in self.params.items():
            eta, alpha = self.hyper[k]
            if self.work.rule == "dlr":
                length = w.square().sum(1, keepdim=True).sqrt()  # of w_j, over its outgoing weights
                rate = (w.abs() + alpha) * (eta / (length + alpha))
                w.addcmul_(rate, grads[k], value=-1)
            elif self.work.momentum:
                w.add_(self.velocity[k].mul_(alpha).addcmul_(eta, grads[k], value=-1))
            else:
                w.addcmul_(eta, grads[k], value=-1)

    def outcome(self) -> Outcome:
        state = self.params | self.buffers
        return Outcome(np.array(self.losses), {k: state[k].numpy() for k in self.work.weights()})


def _per_network(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype).view(-1, *(1,) * (like.dim() - 1))
