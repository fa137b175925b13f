"""The graphs of a page as files, made again only when what they are made from has changed."""

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import onnx
import torch

import golden_lib
from golden_lib.lab.export import export
from golden_lib.losses import LOSSES
from golden_lib.nets import NETWORKS
from golden_lib.optim import RULES

MANIFEST = "graphs.json"
_SOURCES = ("losses", "nets", "optim.py", "training/step.py", "lab")


def graphs() -> dict[str, tuple[str, str, str]]:
    """What a page needs: the arguments of `export` by the graph's name, ``cnn_delta_advance``."""
    found = {
        f"{network}_{rule}_{kind}": (network, rule, kind)
        for network in NETWORKS
        for rule in RULES
        for kind in ("advance", "step")
    }
    found["mlp_dlr_lit"] = "mlp", "dlr", "lit"
    return found | {f"{network}_classify": (network, "dlr", "classify") for network in NETWORKS}


@cache
def fingerprint() -> str:
    """Hash of all that the graphs are made from: this library's code, and who translates it."""
    root = Path(golden_lib.__file__).parent
    files = []
    for source in _SOURCES:
        path = root / source
        pattern = "export*.py" if source == "lab" else "*.py"
        files += [path] if path.is_file() else sorted(path.glob(pattern))
    known = hashlib.sha256(f"{torch.__version__} {onnx.__version__}".encode())
    for file in files:
        known.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return known.hexdigest()


def write_graphs(folder: Path) -> dict[str, int]:
    """Write all graphs, gzipped, into a folder, or leave them where they are still right.

    The folder gets ``NAME.onnx.gz`` for each name of `graphs`, and ``graphs.json``, which says what
    they were made from, how many bytes each has, gzipped, and the losses in the order of their
    numbers.

    Args:
        folder: made if it is not there.

    Returns:
        Bytes of each file, gzipped, by the graph's name.
    """
    manifest = folder / MANIFEST
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
        whole = all(
            (folder / f"{n}.onnx.gz").stat().st_size == b for n, b in found["bytes"].items()
        )
        if found["fingerprint"] == fingerprint() and whole:
            return found["bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or not whole: it is made anew
    folder.mkdir(parents=True, exist_ok=True)
    manifest.unlink(missing_ok=True)  # so that nobody takes half a folder for a whole one
    sizes = {}
    for name, arguments in graphs().items():
        packed = gzip.compress(export(*arguments), 9, mtime=0)
        _replace(folder / f"{name}.onnx.gz", packed)
        sizes[name] = len(packed)
    text = {"fingerprint": fingerprint(), "losses": list(LOSSES), "bytes": sizes}
    _replace(manifest, json.dumps(text, indent=1).encode())
    return sizes


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
        temporary.write(content)
    Path(temporary.name).chmod(0o644)
    Path(temporary.name).replace(path)
