"""The ledger as Markdown with LaTeX, for the book: nothing here decides anything."""

from collections.abc import Iterable, Sequence

from golden_lib.equations import LEDGER, PAPERS, STATUSES, Equation, counts, errata


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # A bar inside a formula would end the cell.
    lines = [[str(cell).replace("|", r"\vert ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def _math(latex: str) -> str:
    return f"${latex}$"


def totals() -> str:
    """How many equations of each paper have each status, as a table."""
    head = ["", *STATUSES, "all"]
    rows = [[f"{tag}, {title}", *(n := counts(tag)).values(), sum(n.values())]
            for tag, title in PAPERS.items()]  # fmt: skip
    every = counts()
    return _table(head, [*rows, ["**all**", *every.values(), sum(every.values())]])


def meanings() -> str:
    """What each status says, as a table."""
    return _table(["status", "an equation that"], STATUSES.items())


def erratum(entry: Equation) -> str:
    """One erratum: as printed, the right form, the evidence, and how it is read."""
    lines = [
        f"**{entry.label}, {entry.title}**",
        f"As printed:\n\n$$\n{entry.latex}\n$$",
        f"It should say that {entry.proposition}.\n{entry.evidence}",
        f"The right form:\n\n$$\n{entry.correction_latex}\n$$",
        entry.note,
    ]
    return "\n\n".join(line for line in lines if line)


def all_errata() -> str:
    """Every erratum; those that sister papers share stand once."""
    seen: dict[str, list[Equation]] = {}
    for entry in errata():
        seen.setdefault(entry.latex, []).append(entry)
    texts = []
    for first, *others in seen.values():
        also = f"\n\nPrinted alike in {', '.join(e.label for e in others)}." if others else ""
        texts.append(erratum(first) + also)
    return "\n\n---\n\n".join(texts)


def claims(holds: bool) -> str:
    """The claims that hold, or those that fail, with the reason; shared ones stand once."""
    places: dict[tuple[str, str], list[str]] = {}
    for entry in LEDGER:
        for claim in entry.claims:
            if claim.holds is holds:
                places.setdefault((claim.text, claim.evidence), []).append(entry.label)
    rows = [(", ".join(labels), text, why) for (text, why), labels in places.items()]
    return _table(["at", "the paper says, in our words", "because" if holds else "but"], rows)


def of_paper(paper: str) -> str:
    """Every equation of a paper with its verdict and what is proved of it, as a table."""
    rows = [
        [
            entry.number,
            entry.title,
            _math(entry.latex),
            f"**{entry.status}**" if entry.status == "erratum" else entry.status,
            "; ".join([entry.proposition, *(fact.text for fact in entry.facts)]),
        ]
        for entry in LEDGER
        if entry.paper == paper
    ]
    return _table(["Eq.", "title", "as printed", "verdict", "what is proved"], rows)
