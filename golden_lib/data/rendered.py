"""Rendered digits: the default data set, drawn from the fonts that matplotlib ships."""

from functools import lru_cache
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from golden_lib.data.digits import CLASSES, SIDE, Digits
from golden_lib.data.draws import Stream, check_count, integers, permutation, raw_bits
from golden_lib.data.warp import ANGLE_STEPS, ONE, cosine, inverse, sine, warp

FONTS: Final = (
    "DejaVuSans",
    "DejaVuSans-Oblique",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "STIXGeneral",
    "STIXGeneralItalic",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "cmr10",
    "cmb10",
    "cmss10",
    "cmti10",
    "cmtt10",
)
"""Fonts whose ten digits stand alike on the line. Not DejaVu Sans Mono, whose dotted 0 closes to an
8 at 28 pixels, nor cmmi10, whose old-style 0 and 1 are an o and a small capital I."""

FINENESS: Final = 4
"""Glyph pixels per output pixel at zoom 1."""

HEIGHT: Final = 18
"""Height of an 8 at zoom 1, in output pixels."""

MAX_DEGREES: Final = 45
"""Largest turn: enough that a linear classifier fails, and that 6 and 9 stay apart."""

MAX_SHEAR: Final = ONE // 5
"""Largest slant: 0.2 to the side for 1 up."""

ZOOM: Final = (ONE * 85 // 100, ONE * 115 // 100)
"""Least and largest zoom, drawn for width and height apart."""

MAX_SHIFT: Final = 3 * ONE
"""Largest way off the centre along each axis, in output pixels, where the digit leaves room."""

MARGIN: Final = 9 * ONE // 4
"""Output pixels from a digit's outline to the edge of the image. Smoothing and centring widen the
outline by less than 1.6 of them, and the outermost pixels' centres lie 0.5 in: they stay empty."""


def rendered_digits(n: int = 10_000, seed: int = 0) -> Digits:
    """Digits drawn from fonts, each turned, scaled, slanted and shifted at random.

    Like the set of the papers' own experiment, 10,000 artificially rotated digits of 28 × 28
    pixels (G20, Section 7; G22, Section VIII); needs no network. The turn is uniform within ±45°.
    Equal n and seed give the same images to the bit on every machine with the same matplotlib (its
    fonts) and Pillow (FreeType): all else is integer arithmetic.

    Args:
        n: how many; every class has n/10 of them, the first ones one more where 10 does not
            divide n.
        seed: an integer ≥ 0.

    Returns:
        n digits in random order.

    Raises:
        ValueError: if n is no integer ≥ 1 or `seed` none ≥ 0.
    """
    images, labels = _draw(check_count("n", n), check_count("seed", seed, least=0))
    return Digits.from_bytes(images, labels, "digits")


@lru_cache(maxsize=4)  # 8 MB for 10,000; bytes, as the caller owns his floats and may change them
def _draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 ``(n, 28, 28)`` and labels ``(n,)``."""
    masks, sizes = _glyphs()
    bits = raw_bits(seed, Stream.SHAPES, 7, n)
    labels = np.arange(n) % CLASSES
    which = integers(bits[0], 0, len(FONTS) - 1) * CLASSES + labels
    placed, room = _fit(_shapes(bits[1:5]), sizes[which])
    shift = integers(bits[5:7].T, -ONE, ONE) * np.minimum(room, MAX_SHIFT) // ONE
    images = warp(masks, which, inverse(placed), shift)
    order = permutation(n, seed, Stream.ORDER)
    return images[order], labels[order]


def _shapes(bits: np.ndarray) -> np.ndarray:
    """Random maps from glyph to output pixels, ``(n, 2, 2)`` in fixed point: zoom, slant, turn."""
    angle = integers(bits[0], -MAX_DEGREES * ANGLE_STEPS, MAX_DEGREES * ANGLE_STEPS)
    slant = integers(bits[1], -MAX_SHEAR, MAX_SHEAR)
    wide, high = integers(bits[2:4], *ZOOM)
    cos, sin = cosine(angle), sine(angle)
    aside = slant * high // ONE
    rows = [cos * wide, cos * aside - sin * high, sin * wide, sin * aside + cos * high]
    return np.stack(rows, axis=1).reshape(-1, 2, 2) // (FINENESS * ONE)


def _fit(maps: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The maps, smaller where a digit would reach into the margin, and the room left to shift.

    Args:
        maps: from glyph to output pixels, ``(n, 2, 2)``.
        sizes: width and height of the glyphs, ``(n, 2)``.

    Returns:
        Maps ``(n, 2, 2)`` and room along x and y ``(n, 2)``, both in fixed point.
    """
    limit = SIDE * ONE // 2 - MARGIN
    reach = (np.abs(maps) * sizes[:, None, :]).sum(axis=2) // 2  # of the box's corners
    longest = np.maximum(reach.max(axis=1), limit)[:, None]
    return maps * limit // longest[:, :, None], limit - reach * limit // longest


@lru_cache(maxsize=1)
def _glyphs() -> tuple[np.ndarray, np.ndarray]:
    """Every digit of every font, centred and smoothed, and its width and height.

    Returns:
        uint8 masks ``(fonts · 10, 112, 112)`` and sizes ``(fonts · 10, 2)`` in glyph pixels.
    """
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    side = FINENESS * SIDE
    masks, sizes = [], []
    for name in FONTS:
        large = _font(folder / f"{name}.ttf", 1000)
        _, top, _, bottom = large.getbbox("8")
        font = _font(folder / f"{name}.ttf", round(1000 * FINENESS * HEIGHT / (bottom - top)))
        for digit in "0123456789":
            left, top, right, bottom = font.getbbox(digit)
            size = right - left, bottom - top
            canvas = Image.new("L", (side, side))
            corner = (side - size[0]) // 2 - left, (side - size[1]) // 2 - top
            ImageDraw.Draw(canvas).text(corner, digit, fill=255, font=font)
            masks.append(np.asarray(canvas))
            sizes.append(size)
    return _soften(np.stack(masks)), np.array(sizes, np.int64)


def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    # The basic layout, as Raqm is not in every build of Pillow.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _soften(masks: np.ndarray) -> np.ndarray:
    """The masks averaged over a window as wide as an output pixel, along both axes."""
    weights = (1, 2, 2, 2, 1)  # four glyph pixels wide and centred on one
    total = masks.astype(np.int64)
    for axis in (1, 2):
        total = sum(w * np.roll(total, k - 2, axis) for k, w in enumerate(weights))
    return ((total + 32) >> 6).astype(np.uint8)
