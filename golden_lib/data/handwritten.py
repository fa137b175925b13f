"""MNIST, from a folder or through torchvision, verified before use; and MNIST turned."""

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import torch

from golden_lib.data.digits import SIDE, Digits
from golden_lib.data.draws import Stream, check_count, integers, permutation, raw_bits
from golden_lib.data.warp import ANGLE_STEPS, cosine, sine, warp

MD5: Final = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""MNIST's four files, unpacked, and the MD5 that each must have."""

FOLDER_VARIABLE: Final = "GOLDEN_DATA"
"""Environment variable that names the folder with MNIST/raw in it."""

_IMAGES_HEADER, _LABELS_HEADER = 16, 8  # bytes before the data in the files' IDX format


def mnist(train: bool = True, root: str | Path | None = None, download: bool = True) -> Digits:
    """MNIST's 60,000 training or 10,000 test images (LeCun et al., 1998).

    Read from ``root/MNIST/raw``, the layout of torchvision; without `root` from the folder that the
    environment variable ``GOLDEN_DATA`` names, which is never written to; without either from the
    user's cache, beside torch.hub's. Files that are missing in `root` or the cache are downloaded
    by `torchvision.datasets.MNIST`, with its progress bar, and put there only when complete.

    Args:
        train: the training images, or else the test images.
        root: folder that holds MNIST/raw, or shall.
        download: whether missing files may be downloaded.

    Returns:
        The images in the files' order.

    Raises:
        FileNotFoundError: if a file is missing and may not be downloaded.
        ConnectionError: if the download fails.
        ImportError: if torchvision is needed to download and does not work.
        ValueError: if a file is corrupt or cut short.
    """
    return Digits.from_bytes(*_read(train, root, download), "mnist")


def rotated_mnist(
    n: int = 10_000,
    seed: int = 0,
    max_degrees: float = 45,
    root: str | Path | None = None,
    download: bool = True,
) -> Digits:
    """Some of MNIST's training images, each turned by a random angle about its centre.

    The angle is uniform within ±`max_degrees`, in steps of 1/16°, and the same images come from
    the same seed on every machine: the turning is integer arithmetic. What it turns out of the
    image is little: at 45° one image in 200 loses over 1 % of its ink, and none over 4 %.

    Args:
        n: how many, at most 60,000; none twice.
        seed: an integer ≥ 0.
        max_degrees: largest turn, from 0 to 180 degrees.
        root: as for `mnist`.
        download: as for `mnist`.

    Returns:
        n digits in random order.

    Raises:
        ValueError: if n, `seed` or `max_degrees` is out of range, or a file corrupt.
        OSError: if MNIST is not to be had, as for `mnist`.
        ImportError: if torchvision is needed to download and does not work.
    """
    n = check_count("n", n)
    check_count("seed", seed, least=0)
    if not 0 <= max_degrees <= 180:  # also refuses nan
        raise ValueError(f"max_degrees must be between 0 and 180, got {max_degrees}")
    images, labels = _read(True, root, download)
    if n > len(images):
        raise ValueError(f"n must be <= {len(images)}, the images that MNIST has, got {n}")
    chosen = permutation(len(images), seed, Stream.CHOICE)[:n]
    most = int(max_degrees * ANGLE_STEPS)
    angle = integers(raw_bits(seed, Stream.ANGLES, n), -most, most)
    cos, sin = cosine(angle), sine(angle)
    back = np.stack([cos, sin, -sin, cos], axis=1).reshape(n, 2, 2)
    turned = warp(images, chosen, back, np.zeros((n, 2), np.int64))
    return Digits.from_bytes(turned, labels[chosen], "rotated_mnist")


def _read(train: bool, root: str | Path | None, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 ``(N, 28, 28)`` and labels ``(N,)`` as MNIST's files hold them."""
    part = "train" if train else "t10k"
    names = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    variable = os.environ.get(FOLDER_VARIABLE)
    if root is not None:
        folder, origin = Path(root).expanduser(), "root"
    elif variable:
        folder, origin, download = Path(variable).expanduser(), FOLDER_VARIABLE, False
    else:
        folder, origin = Path(torch.hub.get_dir()).parent / "golden_lib", "the cache"
    for name in names:
        if not _raw(folder, name).is_file():
            if not download:
                raise FileNotFoundError(
                    f"{origin} must be a folder that holds MNIST/raw/{name}, got {folder}"
                )
            _download(folder)
    images, labels = (_verified(_raw(folder, name)) for name in names)
    pixels = np.frombuffer(images, np.uint8, offset=_IMAGES_HEADER)
    return pixels.reshape(-1, SIDE, SIDE), np.frombuffer(labels, np.uint8, offset=_LABELS_HEADER)


def _raw(folder: Path, name: str) -> Path:
    return folder / "MNIST" / "raw" / name


def _verified(path: Path) -> bytes:
    """The file's bytes, refused unless their MD5 is the one that MNIST's file of that name has.

    These very bytes are parsed, so a wrong header or length cannot get past, and no older copy of
    the data that torchvision would prefer ("processed/training.pt") is read instead.
    """
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != MD5[path.name]:
        raise ValueError(
            f"{path} must have MD5 {MD5[path.name]}, got {found}: it is corrupt or cut short; "
            "delete it and get it anew"
        )
    return content


def _download(folder: Path) -> None:
    """Fetches MNIST's files and moves those that `folder` lacks into it, complete and verified."""
    remedy = f"or set {FOLDER_VARIABLE} to a folder that holds MNIST/raw"
    try:
        from torchvision.datasets import MNIST
    except Exception as error:  # built for another torch, it ends in RuntimeError on import
        raise ImportError(
            f"torchvision must fit torch {torch.__version__} to download MNIST, got "
            f"{_last_line(error)!r}: install a torchvision that fits, {remedy}"
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".mnist-") as temporary:
            MNIST(temporary, download=True)
            for name in MD5:
                fetched, wanted = _raw(Path(temporary), name), _raw(folder, name)
                _verified(fetched)
                wanted.parent.mkdir(parents=True, exist_ok=True)
                if not wanted.exists():
                    fetched.replace(wanted)
    except (OSError, RuntimeError) as error:  # no network, or a folder that cannot be written
        raise ConnectionError(
            f"MNIST could not be downloaded to {folder}, got {_last_line(error)!r}: connect to the "
            f"network once, {remedy}"
        ) from error


def _last_line(error: Exception) -> str:
    """The cause in an error's text: torchvision lists a line a mirror, the last one the newest."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
