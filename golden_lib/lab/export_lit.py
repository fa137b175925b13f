"""Online steps of the Mlp under DLR on its lit pixels alone: four in five of a digit's are 0.

A pixel that is 0 adds nothing, and under DLR moves nothing: a rate looks at a pixel's own outgoing
weights. So a step takes the weights of the pixels that are lit somewhere in its batch, makes the
library's own step on a network of those pixels, and puts them back. In the browser that is a fifth
faster with 30 hidden units, and twice as fast with 100. Under the other rules it gains nothing:
with momentum a weight without gradient coasts, Adam moves all, and the incoming norm needs all.
"""

import torch
from torch import Tensor, fx

from golden_lib.lab.export_lowering import FLOAT, Watched, lowered
from golden_lib.lab.export_walk import Axes, trace
from golden_lib.nets import SIDE, Mlp
from golden_lib.training import State, make_step

CARRIED: dict[str, Axes] = {"rows": [SIDE**2, "R", "H"], "output": ["R", 10, "H"]}
"""What a loop over steps carries: the hidden units' weights by pixel, and the output's."""


def step_on_lit_pixels() -> fx.GraphModule:
    """Trace one step of what is `CARRIED`; also its losses and logits.

    It takes these, lit images ``(B, K)``, the target, their pixels ``(K,)``, η and α.
    """
    loss = Watched()
    step = make_step(Mlp(), loss, "dlr")

    def flat(rows, output, x, target, pixels, eta, alpha) -> tuple[Tensor, ...]:
        hidden = rows.index_select(0, pixels).permute(1, 2, 0)
        state = State({"hidden.weight": hidden, "output.weight": output}, {}, {})
        state, metrics = step(state, (x, target), {"eta": eta, "alpha": alpha})
        hidden, output = state.params.values()
        rows = rows.index_copy(0, pixels, hidden.permute(2, 0, 1))
        return rows, output, metrics["loss"], loss.logits

    shown = [(("B", "K"), FLOAT), (("B", 10), FLOAT), (("K",), torch.int64)]
    with lowered(any_pixels=True):
        return trace(
            flat, [*((a, FLOAT) for a in CARRIED.values()), *shown, *[(("R",), FLOAT)] * 2]
        )
