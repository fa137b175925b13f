#!/usr/bin/env python3
"""Everything that one does with this project, from a bare Python.

    python3 make.py serve             build the book and read it in the browser
    python3 make.py test [ARGS]       run the tests; ARGS go to pytest (-n 0: one by one)
    python3 make.py build [CHAPTER]   build the book, or one chapter by itself, fast
    python3 make.py notebooks         write the .ipynb beside each chapter; --check only compares
    python3 make.py browser [ARGS]    build the book and test it in Chromium
    python3 make.py lint              check style and format

The first run makes .venv and installs what requirements.txt pins; later runs do so only when that
file has changed. With --here, the running Python is used as it is and nothing is installed.
"""

import argparse
import functools
import hashlib
import http.server
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SITE = ROOT / "_build" / "html"
PYTHONS = ((3, 11), (3, 13))  # first and last that the pinned packages support
PORT = 8000
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")  # 1 GB a process
STRICT = ("-W", "-n", "--keep-going")  # warnings are errors, and all of them are shown


def stop(reason: str) -> None:
    """End with one sentence."""
    sys.exit(f"make.py: {reason}")


def run(*command: str | Path) -> int:
    """Exit status of a command that runs in the project's folder."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode


def works(python: Path) -> bool:
    """Whether an interpreter starts and has pip: not so in a half-made .venv."""
    command = [str(python), "-c", "import pip"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def environment() -> Path:
    """Interpreter of .venv with everything installed; makes and repairs it where needed."""
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        first, last = (".".join(map(str, version)) for version in PYTHONS)
        stop(f"Python must be {first} to {last}, got {sys.version.split()[0]}")
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = VENV / "installed"
    files = (ROOT / "requirements.txt", ROOT / "pyproject.toml")
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if works(python) and stamp.is_file() and stamp.read_text() == wanted:
        return python
    if not works(python) and run(sys.executable, "-m", "venv", "--clear", VENV) != 0:
        stop(
            "could not make .venv; on Debian and Ubuntu the package python3-venv must be installed"
        )
    stamp.unlink(missing_ok=True)
    print("Installing requirements.txt: PyTorch is large, this takes minutes.", flush=True)
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check")
    if run(*pip, "-r", "requirements.txt") != 0:
        stop("could not install requirements.txt; the lines above say why")
    if run(*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", ".") != 0:
        stop("could not install the project itself; the lines above say why")
    stamp.write_text(wanted)
    return python


def build(python: Path, *options: str) -> int:
    """Build the book into _build/html."""
    program = "from jupyter_book.cli.main import main; main()"
    return run(python, "-c", program, "build", ".", *options)


def build_chapter(python: Path, chapter: str) -> int:
    """Build one chapter into a site of its own, with its own cache."""
    name = Path(chapter).stem
    if not (ROOT / "book" / f"{name}.md").is_file():
        known = ", ".join(sorted(path.stem for path in (ROOT / "book").glob("*.md")))
        stop(f"chapter must be one of {known}, got {chapter}")
    folder = ROOT / "_build" / "chapters" / name
    folder.mkdir(parents=True, exist_ok=True)
    toc = folder / "_toc.yml"
    toc.write_text(f"format: jb-book\nroot: book/{name}\n")
    status = build(python, "--toc", str(toc), "--path-output", str(folder), *STRICT[1:])
    if status == 0:
        print(f"The chapter: {folder / '_build' / 'html' / 'book' / name}.html")
    return status


class Pages(http.server.SimpleHTTPRequestHandler):
    """The built site, quietly, with the types that browsers insist on."""

    extensions_map = {  # noqa: RUF012  (the base class declares it so)
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: object) -> None:
        """Say nothing about each request."""


class Server(http.server.ThreadingHTTPServer):
    """A server that never shares a port: on Windows two programs could else listen on one."""

    allow_reuse_address = os.name != "nt"


def serve(folder: Path, port: int) -> None:
    """Serve a folder on this machine alone, from the first free port on, until Ctrl-C."""
    handler = functools.partial(Pages, directory=str(folder))
    for candidate in range(port, min(port + 100, 65536)):
        try:
            server = Server(("127.0.0.1", candidate), handler)
            break
        except OSError:
            continue
    else:
        stop(f"port must be free, got {port} to {port + 99} all taken")
    with server:
        print(f"The book: http://localhost:{server.server_port}/  (Ctrl-C ends)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def main() -> int:
    """Do what the command line says; its exit status."""
    parser = argparse.ArgumentParser(
        prog="make.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = ("serve", "test", "build", "notebooks", "browser", "lint")
    parser.add_argument("verb", choices=verbs)
    parser.add_argument("--here", action="store_true", help="use the running Python as it is")
    parser.add_argument("--port", type=int, default=PORT, help=f"for serve; {PORT} if left out")
    options, rest = parser.parse_known_args()
    if rest and options.verb in ("serve", "lint"):
        parser.error(f"{options.verb} takes no further arguments, got {' '.join(rest)}")
    if not 0 < options.port < 65536:
        parser.error(f"port must be in 1..65535, got {options.port}")
    python = Path(sys.executable) if options.here else environment()

    match options.verb:
        case "serve":
            if build(python) != 0:
                stop("the book did not build; the lines above say why")
            serve(SITE, options.port)
            return 0
        case "build":
            return build_chapter(python, rest[0]) if rest else build(python, *STRICT)
        case "test":
            return run(python, "-m", "pytest", *SIDE_BY_SIDE, *rest)
        case "notebooks":
            return run(python, "-m", "golden_book.notebooks", *rest)
        case "browser":
            return build(python, *STRICT) or run(
                python, "-m", "pytest", *SIDE_BY_SIDE, "tests/browser", *rest
            )
        case _:
            checks = (("check",), ("format", "--check"))
            return max(run(python, "-m", "ruff", *check, ".") for check in checks)


if __name__ == "__main__":
    sys.exit(main())
