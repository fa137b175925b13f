r"""MyST Markdown to the plain Markdown that Jupyter and Colab show.

Directives become quotes, roles become text, labelled equations carry the number that the page
shows (as ``\tag``), references become links between the notebooks. Code is never touched.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pybtex.database import parse_file

FENCE = re.compile(r"^(?P<mark>`{3,}|:{3,}|~{3,})\s*(?P<name>\{[\w:-]+\})?\s*(?P<argument>.*)$")
LABEL = re.compile(r"^\(([^()\s]+)\)=\s*$")
HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
EQUATION_END = re.compile(r"^(.*)\$\$\s*\(([^()\s]+)\)\s*$")
MATH_LABEL = re.compile(r"^:label:\s*(\S+)\s*$")
ROLE_OR_CODE = re.compile(
    r"\{(?P<role>[\w:]+)\}`(?P<content>[^`]+)`|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^()\s]*)\)")
SHOWN = {"code-block", "code", "sourcecode"}  # directives that are code
DROPPED = {"toctree", "tableofcontents", "raw", "index", "only"}
UNTITLED = {"div", "container", "card", "grid", "tab-set", "sidebar", "epigraph", "glossary"}


@dataclass
class Labels:
    """What the labels of all chapters stand for."""

    equations: dict[str, tuple[str, str]] = field(default_factory=dict)
    """label → chapter's file name without suffix, number on the page"""
    sections: dict[str, tuple[str, str]] = field(default_factory=dict)
    """label → chapter's file name without suffix, heading"""
    titles: dict[str, str] = field(default_factory=dict)
    """chapter's file name without suffix → title"""
    works: dict[str, tuple[str, str]] = field(default_factory=dict)
    """BibTeX key → author, year"""


def collect(chapters: Iterable[Any], bibliography: Path) -> Labels:
    """Read the labels of all chapters and the works of the bibliography.

    Args:
        chapters: each with `path` and `number`, as in `golden_book.notebooks.Chapter`.
        bibliography: a BibTeX file.
    """
    labels = Labels()
    for key, entry in parse_file(str(bibliography)).entries.items():
        people = [" ".join(person.last_names) for person in entry.persons.get("author", [])]
        author = people[0] if people else entry.fields.get("title", key)
        author += {0: "", 1: "", 2: f" and {people[-1]}"}.get(len(people), " et al.")
        labels.works[key.lower()] = (author, entry.fields.get("year", "n.d."))
    for chapter in chapters:
        name, count, waiting = chapter.path.stem, 0, []
        for line in prose(chapter.path.read_text(encoding="utf-8")):
            if match := LABEL.match(line):
                waiting.append(match[1])
            elif match := HEADING.match(line):
                labels.titles.setdefault(name, match[2])
                labels.sections.update(dict.fromkeys(waiting, (name, match[2])))
                waiting = []
            elif match := EQUATION_END.match(line) or MATH_LABEL.match(line):
                count += 1
                number = f"{chapter.number}.{count}" if chapter.number else str(count)
                labels.equations[match[match.lastindex]] = (name, number)
            elif line.strip():
                waiting = []
    return labels


def prose(text: str) -> list[str]:
    """Lines of a chapter without its code; directives that hold prose or mathematics stay."""
    kept, fences = [], []  # fences: those that are open, each with whether it holds code
    for line in text.splitlines():
        if fences and line.rstrip() == fences[-1][0]:
            fences.pop()
        elif fences and fences[-1][1]:
            continue
        elif match := FENCE.match(line):
            name = (match["name"] or "").strip("{}")
            code = match["mark"][0] != ":" and (not name or name in SHOWN | {"code-cell"})
            fences.append((match["mark"], code))
        else:
            kept.append(line)
    return kept


def plain(text: str, chapter: str, labels: Labels) -> str:
    """The plain form of one Markdown cell.

    Args:
        text: MyST Markdown.
        chapter: file name without suffix of the chapter that it stands in.
        labels: of all chapters, from `collect`.
    """
    lines, out = text.splitlines(), []
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        fence = FENCE.match(line)
        if fence and (fence["mark"][0] == ":" or fence["name"]):
            body, index = take(lines, index, fence["mark"])
            out += directive(fence, body, chapter, labels)
        elif fence:
            body, index = take(lines, index, fence["mark"])
            out += [line, *body, fence["mark"]]
        elif match := EQUATION_END.match(line):
            out += [match[1], *tagged(match[2], labels)] if match[1] else tagged(match[2], labels)
        elif not LABEL.match(line) and not line.startswith("%"):
            out.append(inline(line, chapter, labels))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def take(lines: list[str], index: int, mark: str) -> tuple[list[str], int]:
    """Lines of a fence that is open with `mark`, and the index behind its end."""
    for end in range(index, len(lines)):
        if lines[end].rstrip() == mark:
            return lines[index:end], end + 1
    return lines[index:], len(lines)


def directive(fence: re.Match[str], body: list[str], chapter: str, labels: Labels) -> list[str]:
    """Plain lines of one directive."""
    name, argument = (fence["name"] or "{div}").strip("{}"), fence["argument"].strip()
    options, body = split_options(body)
    if name in DROPPED:
        return []
    if name in SHOWN:
        return [f"```{argument}", *body, "```"]
    if name == "math":
        return ["$$", *body, *(tagged(options["label"], labels) if "label" in options else ["$$"])]
    if name == "bibliography":
        return ["The works are listed in `references.bib`, beside this notebook."]
    if name in ("figure", "image"):
        caption = plain("\n".join(body), chapter, labels)
        return [f"![{options.get('alt', '')}]({argument})", "", caption]
    inside = plain("\n".join(body), chapter, labels).splitlines()
    if name in UNTITLED:
        return inside
    title = inline(argument, chapter, labels) if argument else name.replace("-", " ").capitalize()
    return [f"> **{title}**", ">", *(f"> {line}".rstrip() for line in inside), ""]


def split_options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """The `:key: value` lines at the head of a directive, and the rest."""
    options = {}
    while body and (match := re.match(r"^:([\w-]+):\s*(.*)$", body[0])):
        options[match[1]] = match[2].strip()
        body = body[1:]
    while body and not body[0].strip():
        body = body[1:]
    return options, body


def tagged(label: str, labels: Labels) -> list[str]:
    """End of a display equation that has a label."""
    return [rf"\tag{{{known(labels.equations, label, 'equation')[1]}}}", "$$"]


def known(table: dict[str, tuple[str, str]], key: str, what: str) -> tuple[str, str]:
    """Entry of a table of labels.

    Raises:
        ValueError: if the book has no such label.
    """
    if key not in table:
        raise ValueError(f"{what} must be one of the book's, got {key!r}")
    return table[key]


def inline(line: str, chapter: str, labels: Labels) -> str:
    """Roles and links of a line as plain Markdown; code spans stay as they are."""
    spans: list[str] = []

    def token(match: re.Match[str]) -> str:
        if match["role"]:
            return role(match["role"], match["content"], chapter, labels)
        spans.append(match[0])
        return f"\0{len(spans) - 1}\0"

    line = LINK.sub(lambda m: link(m[1], m[2], chapter, labels), ROLE_OR_CODE.sub(token, line))
    return re.sub(r"\0(\d+)\0", lambda match: spans[int(match[1])], line)


def role(name: str, content: str, chapter: str, labels: Labels) -> str:
    """Plain text of one role."""
    match = re.fullmatch(r"(.*?)\s*<([^<>]+)>", content, flags=re.DOTALL)
    text, target = (match[1], match[2]) if match else ("", content)
    if name.startswith("cite"):
        return cited(name, content, labels)
    if name == "eq":
        home, number = known(labels.equations, target, "equation")
        return f"({number})" if home == chapter else f"[({number})]({home}.ipynb)"
    if name in ("ref", "numref"):
        return link(text, f"#{target}", chapter, labels)
    if name == "doc":
        return link(text, f"{target.removesuffix('.md')}.md", chapter, labels)
    if name == "math":
        return f"${content}$"
    if name in ("sub", "sup"):
        return f"<{name}>{content}</{name}>"
    return text or content


def cited(name: str, content: str, labels: Labels) -> str:
    """Authors and years: "[Jaeger, 2020]", or "Jaeger [2020]" where they are part of the text."""
    keys = [key.strip().lower() for key in content.split(",")]
    works = [known(labels.works, key, "cited work") for key in keys]
    if name in ("cite:t", "cite:ct"):
        return "; ".join(f"{author} [{year}]" for author, year in works)
    return "[" + "; ".join(f"{author}, {year}" for author, year in works) + "]"


def link(text: str, target: str, chapter: str, labels: Labels) -> str:
    """A link of the book as a link between notebooks; others stay as they are."""
    page, _, anchor = target.partition("#")
    home, heading = page.removesuffix(".md").removeprefix("./"), ""
    if not page and anchor:
        if anchor in labels.equations:
            return role("eq", anchor, chapter, labels)
        if anchor not in labels.sections:
            return f"[{text}]({target})" if text else anchor
        home, heading = labels.sections[anchor]
    elif not page.endswith(".md") or home not in labels.titles:
        return f"[{text}]({target})"
    shown = text or heading or labels.titles[home]
    return shown if home == chapter else f"[{shown}]({home}.ipynb)"
