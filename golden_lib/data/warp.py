"""Turning, scaling and shearing small grey images in integer arithmetic alone.

Integers, because the images must be the same to the bit on every machine: sums and fused
multiply-adds of floats differ in their last bits between libraries and processors.
"""

from typing import Final

import numpy as np

from golden_lib.data.digits import SIDE

ANGLE_STEPS: Final = 16
"""Angles are whole numbers of 1/16 degree."""

ONE: Final = 1 << 16
"""1 in fixed point: 16 bits after the point."""

_FRACTION: Final = 8  # bits after the point of a position in a source: 1/256 of a pixel
_BLOCK: Final = 256  # images at a time: arrays of 1.6 MB stay in the cache and bound the memory


def sine(angle: np.ndarray) -> np.ndarray:
    """Sine in fixed point, the same integer with every mathematics library.

    For no multiple of 1/16° does 2¹⁶ sin come nearer than 9·10⁻⁴ to the edge between two integers,
    and a double's error is about 10⁻¹¹ there: it cannot change the rounded value.

    Args:
        angle: integers from −360° to 360°, in units of 1/16 degree.

    Returns:
        int64 array: round(2¹⁶ sin(angle)).
    """
    return np.rint(ONE * np.sin(np.deg2rad(angle / ANGLE_STEPS))).astype(np.int64)


def cosine(angle: np.ndarray) -> np.ndarray:
    """Cosine in fixed point: the sine of the angle and 90°, so as exact as `sine`.

    Args:
        angle: integers from −270° to 270°, in units of 1/16 degree.

    Returns:
        int64 array: round(2¹⁶ cos(angle)).
    """
    return sine(angle + 90 * ANGLE_STEPS)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverses of 2 × 2 matrices in fixed point.

    Args:
        matrix: int64 array ``(B, 2, 2)`` in units of 2⁻¹⁶, entries below 2⁶ in size.

    Returns:
        int64 array ``(B, 2, 2)`` in units of 2⁻¹⁶.
    """
    a, b, c, d = matrix.reshape(-1, 4).T
    adjugate = np.stack([d, -b, -c, a], axis=1).reshape(-1, 2, 2)
    return adjugate * (ONE * ONE) // (a * d - b * c)[:, None, None]


def warp(
    sources: np.ndarray, which: np.ndarray, matrix: np.ndarray, shift: np.ndarray
) -> np.ndarray:
    """Images of 28 × 28 pixels, each sampled bilinearly from its source under an affine map.

    Output pixel (x, y) takes the source's value at
    ``source centre + matrix @ ((x, y) - output centre - shift)``; beyond the source is
    background. A source finer than the output must have been smoothed to the output's pixel.

    Args:
        sources: uint8 array ``(S, h, w)``.
        which: for each image its source, integers ``(B,)``.
        matrix: int64 array ``(B, 2, 2)``, source pixels per output pixel, in units of 2⁻¹⁶.
        shift: int64 array ``(B, 2)``, the way of the source's centre to the right and down, in
            output pixels, in units of 2⁻¹⁶.

    Returns:
        uint8 array ``(B, 28, 28)``.
    """
    framed = np.pad(sources, ((0, 0), (1, 1), (1, 1)))  # background beyond the edge
    height, width = framed.shape[1:]
    flat = framed.reshape(-1)
    centres = (2 * np.arange(SIDE) - (SIDE - 1)) * (ONE // 2)  # of pixels, from the middle
    images = np.empty((len(which), SIDE, SIDE), np.uint8)
    for start in range(0, len(which), _BLOCK):
        block = slice(start, start + _BLOCK)
        x = centres[None, None, :] - shift[block, 0, None, None]
        y = centres[None, :, None] - shift[block, 1, None, None]
        m = matrix[block, :, :, None, None]
        left, to_right = _position(m[:, 0, 0] * x + m[:, 0, 1] * y, width)
        top, to_bottom = _position(m[:, 1, 0] * x + m[:, 1, 1] * y, height)
        corner = (which[block, None, None] * height + top) * width + left
        upper = _mix(flat[corner], flat[corner + 1], to_right)
        lower = _mix(flat[corner + width], flat[corner + width + 1], to_right)
        half = 1 << (2 * _FRACTION - 1)
        images[block] = (_mix(upper, lower, to_bottom) + half) >> (2 * _FRACTION)
    return images


def _position(product: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole part and fraction of a place along an axis, held within the frame."""
    place = (product >> (32 - _FRACTION)) + ((size - 1) << (_FRACTION - 1))
    np.clip(place, 0, ((size - 1) << _FRACTION) - 1, out=place)
    return place >> _FRACTION, place & ((1 << _FRACTION) - 1)


def _mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """256 · first + weight · (second − first)."""
    first = first.astype(np.int64)
    return (first << _FRACTION) + weight * (second - first)
