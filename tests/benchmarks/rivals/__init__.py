"""The same training as others write it, each as well as its authors would.

A rival is a class whose instance holds networks before their first step: ``run()`` trains them to
the end and returns when every number is there, ``outcome()`` tells the mean loss and the weights.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """What a training ended with.

    Attributes:
        loss: mean over the steps, each before its update, ``(R,)``.
        weights: weights and running statistics by the library's names, with leading R.
    """

    loss: np.ndarray
    weights: dict[str, np.ndarray]
