"""The numbers that the papers derive from the golden ratio, each with its defining property.

Floats for training and plotting; exact forms and proofs are in `golden_lib.equations`.
"""

from math import log, pi, sqrt
from typing import Final

P1: Final = (sqrt(5) - 1) / 2
"""p₁ ≈ 0.618, the positive root of p² + p − 1 = 0, so 1 − p₁ = p₁² (G22, Eq. 10, 11, 13)."""

P2: Final = (-sqrt(5) - 1) / 2
"""p₂ ≈ −1.618, the negative root of p² + p − 1 = 0, so p₁ + p₂ = −1 (G22, Eq. 12, 17)."""

PHI: Final = -P2
"""φ ≈ 1.618, the positive root of p² − p − 1 = 0, so φ = 1/p₁ (G22, Eq. 14, 15)."""

ALPHA: Final = sqrt(2) * P1
"""α = √2·p₁ ≈ 0.874, the momentum weight: it takes 1/√2 to p₁ (G20, Eq. 23; G22, Eq. 28)."""

ETA: Final = (1 - ALPHA) ** 2
"""η = (1 − α)² ≈ 0.0159, the learning rate (G20, Eq. 25; G22, Eq. 29)."""

EQUILIBRIUM_ANGLE: Final = pi / 4
"""d = π/4, where y = t and E*(d) is least (G22, Eq. 23, 24)."""

EQUILIBRIUM_SIGNAL: Final = 1 / sqrt(2)
"""1/√2 = sin(π/4) = cos(π/4), the value put for p in the losses (G20, Eq. 21; G22, Eq. 26)."""

EQUILIBRIUM_ENERGY: Final = log(2) / sqrt(2)
"""E*(π/4) = ln 2/√2 ≈ 0.490 nats, the least combined energy (G22, Eq. 24)."""
