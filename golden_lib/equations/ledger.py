"""What an entry of the ledger is: a printed equation, a verdict, and the proof of the verdict.

A check decides a *proposition* about a relation, so that the same question can be put to the
printed form and to its correction: an erratum is an equation for which the answers are no and yes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from sympy.logic.boolalg import Boolean

Status = Literal["definition", "identity", "golden", "assumption", "erratum"]

STATUSES: Final[dict[str, str]] = {
    "definition": "gives a name or states a condition; its defining property is proved",
    "identity": "holds for every argument in its domain, or between fixed numbers",
    "golden": "holds at the golden ratio and nowhere else in its domain",
    "assumption": "a modelling choice that nothing derives; what can be proved of it is proved",
    "erratum": "does not hold as printed; the correction does",
}
"""What each status says."""

PAPERS: Final[dict[str, str]] = {
    "G20": "The Golden Ratio of Learning and Momentum (2020)",
    "D21": "A Dual Process Model for Optimizing Cross Entropy in Neural Networks (2021)",
    "G22": "The Golden Ratio in Machine Learning (2022)",
    "DLR": "Dynamic learning rate",
}
"""The four papers, by tag."""


class ProofError(Exception):
    """A verdict of the ledger was refuted, or could not be decided."""


@dataclass(frozen=True)
class Fact:
    """Something that must be true of an equation beside its proposition.

    Attributes:
        text: the fact in words and LaTeX.
        test: decides it, given the equation; raises `ProofError` where it cannot.
    """

    text: str
    test: Callable[["Equation"], bool] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper that hangs on an equation, in our words, and whether it is true.

    Attributes:
        text: what the paper says.
        holds: our verdict, which `test` must confirm.
        evidence: the number or the proof in a few words.
        test: decides the claim, given the equation; raises `ProofError` where it cannot.
    """

    text: str
    holds: bool
    evidence: str
    test: Callable[["Equation"], bool] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Equation:
    """One numbered equation of a paper.

    Attributes:
        paper: ``"G20"``, ``"D21"``, ``"G22"`` or ``"DLR"``.
        number: the paper's own number.
        title: a few words.
        latex: as printed, reconstructed where the text is garbled.
        statement: the same as a SymPy relation.
        status: one of `STATUSES`.
        proposition: what `decide` decides, in words and LaTeX.
        decide: whether the proposition is true of a relation; raises `ProofError` if undecided.
        facts: what else is proved.
        claims: sentences of the paper that hang on the equation, true and false.
        correction: the right form as a SymPy relation; errata only.
        correction_latex: the right form as LaTeX; errata only.
        evidence: the number or proof that the printed form fails; errata only.
        note: how the equation is read; empty where it reads itself.
    """

    paper: str
    number: int
    title: str
    latex: str
    statement: Boolean
    status: Status
    proposition: str
    decide: Callable[[Boolean], bool] = field(repr=False, compare=False)
    facts: tuple[Fact, ...] = ()
    claims: tuple[Claim, ...] = ()
    correction: Boolean | None = None
    correction_latex: str = ""
    evidence: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.paper not in PAPERS:
            raise ValueError(f"paper must be one of {', '.join(PAPERS)}, got {self.paper!r}")
        if self.status not in get_args(Status):
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, got {self.status!r}")
        given = {self.correction is not None, self.correction_latex != "", self.evidence != ""}
        if given != {self.status == "erratum"}:
            raise ValueError(
                f"{self.label}: a correction and evidence must go with an erratum only"
            )

    @property
    def label(self) -> str:
        """The paper's tag and the number, such as ``"G22 Eq. 24"``."""
        return f"{self.paper} Eq. {self.number}"

    def check(self) -> tuple[str, ...]:
        """Prove the verdict, every fact and the verdict on every claim.

        Returns:
            What was proved, a sentence each.

        Raises:
            ProofError: if one of them is refuted or cannot be decided.
        """
        wrong = self.status == "erratum"
        if _decided(self.decide(self.statement)) is wrong:
            raise ProofError(
                f"{self.label}: the printed form {'satisfies' if wrong else 'fails'}: "
                f"{self.proposition}"
            )
        proved = [("As printed it fails: " if wrong else "Proved: ") + self.proposition]
        if wrong:
            if not _decided(self.decide(self.correction)):
                raise ProofError(f"{self.label}: the correction fails: {self.proposition}")
            proved.append(f"The correction holds: {self.proposition}")
        for fact in self.facts:
            if not _decided(fact.test(self)):
                raise ProofError(f"{self.label}: not so: {fact.text}")
            proved.append(f"Proved: {fact.text}")
        for claim in self.claims:
            if _decided(claim.test(self)) is not claim.holds:
                raise ProofError(
                    f"{self.label}: {'not so' if claim.holds else 'so after all'}: {claim.text}"
                )
            verdict = "The claim holds" if claim.holds else "The claim fails"
            proved.append(f"{verdict}: {claim.text} ({claim.evidence})")
        return tuple(proved)


def _decided(answer: object) -> bool:
    """Python's bool for it or for SymPy's, and nothing else: None is SymPy's "I do not know"."""
    if answer in (True, False):
        return bool(answer)
    raise ProofError(f"undecided, got {answer!r}")
