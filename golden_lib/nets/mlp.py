"""The fully connected network of the DLR paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from golden_lib.nets.network import SIDE, Params, Pull, check_size, draw, images


@dataclass(frozen=True)
class Mlp:
    """The DLR paper's network: 784–H–10, logistic units, no biases (DLR, Methods).

    It returns the logits of the output units: the loss `logistic_sse` puts the logistic function
    on them, as the paper does; every softmax loss works as well.

    Args:
        hidden: H; the paper goes from about 30 to past 100.
        classes: C.

    Source: DLR, Methods.
    """

    hidden: int = 100
    classes: int = 10
    name: ClassVar[str] = "mlp"

    def __post_init__(self):
        check_size("hidden", self.hidden)
        check_size("classes", self.classes)

    def init(
        self, seeds: Sequence[int], dtype: torch.dtype = torch.float32, device="cpu"
    ) -> tuple[Params, Params]:
        r"""Draw small weights: :math:`U(-1/\sqrt{n}, 1/\sqrt{n})`, n inputs, as `torch.nn.Linear`.

        The paper wants :math:`α > ‖w_j‖ ≫ |w_{ij}|` at the start: at H = 100 the norm over the
        outgoing weights is about 0.2 in both layers, so α = 1 is ample. Replica r depends on
        ``seeds[r]`` alone and equals, in float32, two `torch.nn.Linear` made after
        ``torch.manual_seed(seeds[r])``.

        Args:
            seeds: R integers, 0 ≤ seed < 2³².
            dtype: of all tensors; float64 holds the float32 draw.
            device: where the tensors go.

        Returns:
            Parameters, and no buffers.

        Raises:
            ValueError: if there is no seed or one is out of range.
        """
        shapes = {
            "hidden.weight": (self.hidden, SIDE**2),
            "output.weight": (self.classes, self.hidden),
        }
        inputs = {"hidden": SIDE**2, "output": self.hidden}
        return draw(shapes, inputs, seeds, dtype, device), {}

    def forward(
        self, params: Params, buffers: Params, x: Tensor, train: bool = True
    ) -> tuple[Tensor, Params]:
        """Compute the logits of every replica, in training and in evaluation alike.

        Args:
            params: parameters as made by `init`.
            buffers: none.
            x: images, shared or own (see the module).
            train: changes nothing here.

        Returns:
            Logits ``(R, B, C)`` and the buffers as they came.

        Raises:
            ValueError: if x is not images, or has a leading axis other than R.
        """
        x = images(x, len(params["hidden.weight"])).flatten(-2)
        return self._layers(params, x)[0], buffers

    def vjp(self, params: Params, buffers: Params, x: Tensor) -> tuple[Tensor, Params, Pull]:
        """Compute the logits of every replica and their vector-Jacobian product; see `vjp_of`.

        Args:
            params: parameters as made by `init`.
            buffers: none.
            x: images, shared or own (see the module).

        Returns:
            Logits ``(R, B, C)``, the buffers as they came, and the gradients' function.

        Raises:
            ValueError: if x is not images, or has a leading axis other than R.
        """
        weight, out = params["hidden.weight"], params["output.weight"]
        x = images(x, len(weight)).flatten(-2)
        logits, active = self._layers(params, x)

        def pull(dlogits: Tensor) -> Params:
            dz = dlogits.mT
            dsums = torch.ops.aten.sigmoid_backward(torch.bmm(out.mT, dz), active)
            if x.dim() == 2:
                dweight = torch.mm(dsums.flatten(0, 1), x).view_as(weight)
            else:
                dweight = torch.bmm(dsums, x)
            return {"hidden.weight": dweight, "output.weight": torch.bmm(dz, active.mT)}

        return logits, buffers, pull

    def _layers(self, params: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``(R, B, C)`` and the hidden units' values ``(R, H, B)`` of flat images."""
        weight = params["hidden.weight"]
        if x.dim() == 2:
            # One wide product; as `weight @ x.mT` it is the same and costs 20 µs more of Python.
            sums = torch.mm(weight.flatten(0, 1), x.mT).view(*weight.shape[:2], -1)
        else:
            sums = torch.bmm(weight, x.mT)
        active = sums.sigmoid()
        return torch.bmm(params["output.weight"], active).mT, active

    def first_layer(self, params: Params) -> Tensor:
        """What each hidden unit looks for, as images ``(R, H, 28, 28)``."""
        return params["hidden.weight"].unflatten(-1, (SIDE, SIDE))
