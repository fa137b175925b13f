"""The ledger: every numbered equation of the four papers, with a verdict and its proof.

Read in this order: `ledger` (what an entry is), `proofs` (how a thing is decided), `shared` (what
sister papers print alike), then the papers `g20`, `d21`, `g22`, `dlr`.

    >>> from golden_lib.equations import equation
    >>> equation("G22", 24).status
    'definition'
    >>> for sentence in equation("G20", 9).check():
    ...     print(sentence)
"""

from typing import Final

from golden_lib.equations import d21, dlr, g20, g22
from golden_lib.equations.ledger import (
    PAPERS,
    STATUSES,
    Claim,
    Equation,
    Fact,
    ProofError,
    Status,
)

__all__ = [
    "LEDGER",
    "PAPERS",
    "STATUSES",
    "Claim",
    "Equation",
    "Fact",
    "ProofError",
    "Status",
    "counts",
    "equation",
    "errata",
    "false_claims",
]

LEDGER: Final[tuple[Equation, ...]] = (
    *g20.EQUATIONS,
    *d21.EQUATIONS,
    *g22.EQUATIONS,
    *dlr.EQUATIONS,
)
"""All 88 equations: G20 1 to 25, D21 1 to 31, G22 1 to 29, DLR 1 to 3, in this order."""

_BY_LABEL = {(e.paper, e.number): e for e in LEDGER}


def equation(paper: str, number: int) -> Equation:
    """One equation of the ledger.

    Args:
        paper: ``"G20"``, ``"D21"``, ``"G22"`` or ``"DLR"``.
        number: the paper's own number, from 1.

    Raises:
        ValueError: if there is no such paper or number.
    """
    if paper not in PAPERS:
        raise ValueError(f"paper must be one of {', '.join(PAPERS)}, got {paper!r}")
    last = max(e.number for e in LEDGER if e.paper == paper)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= last:
        raise ValueError(f"number must be an integer from 1 to {last} for {paper}, got {number!r}")
    return _BY_LABEL[paper, number]


def errata() -> tuple[Equation, ...]:
    """The equations that do not hold as printed."""
    return tuple(e for e in LEDGER if e.status == "erratum")


def false_claims() -> tuple[tuple[Equation, Claim], ...]:
    """Every claim that fails, with the equation it hangs on."""
    return tuple((e, claim) for e in LEDGER for claim in e.claims if not claim.holds)


def counts(paper: str | None = None) -> dict[str, int]:
    """How many equations have each status.

    Args:
        paper: count one paper only; all of them by default.

    Raises:
        ValueError: if there is no such paper.
    """
    if paper is not None and paper not in PAPERS:
        raise ValueError(f"paper must be one of {', '.join(PAPERS)}, got {paper!r}")
    chosen = [e.status for e in LEDGER if paper in (None, e.paper)]
    return {status: chosen.count(status) for status in STATUSES}
