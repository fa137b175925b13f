"""The papers' two networks, written for R networks at once.

Every tensor carries a leading replica axis R, also when R = 1. Parameters are named and laid out as
in a `torch.nn.Sequential` with children `conv`, `norm`, `head` (or `hidden`, `output`), so
``{name: tensor[r] for name, tensor in params.items()}`` is the ``state_dict`` of replica r alone.

Images come as ``(B, 28, 28)`` or ``(B, 784)``, seen by all replicas, or with a leading R, own to
each. Inside, the batch stands last: the first layer is then one wide product over the filters of
all replicas, and its result is the head's input without a copy.
"""

from golden_lib.nets.cnn import Cnn
from golden_lib.nets.mlp import Mlp
from golden_lib.nets.network import SIDE, Network, Params, Pull, vjp_of

__all__ = [
    "NETWORKS",
    "SIDE",
    "Cnn",
    "Mlp",
    "Network",
    "Params",
    "Pull",
    "find_network",
    "vjp_of",
]

NETWORKS: dict[str, Network] = {"cnn": Cnn(), "mlp": Mlp()}
"""The papers' networks by name; `Mlp(hidden=30)` or `Cnn(filters=8)` makes another size."""


def find_network(network: str | Network) -> Network:
    """Look up a network by name; a network object is returned as it is.

    Raises:
        ValueError: if there is none of this name; the known ones are listed.
    """
    if not isinstance(network, str):
        return network
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {network!r}")
    return NETWORKS[network]
