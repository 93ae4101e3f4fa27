"""Whether an Ed25519 signature is right (RFC 8032, 5.1.7). Nothing in it is secret, so it may take any time."""

from __future__ import annotations

import hashlib
from typing import Final

#: A point in extended coordinates: X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z.
Point = tuple[int, int, int, int]

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
KEY_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 64
_D: Final = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
_ROOT: Final = pow(2, (PRIME - 1) // 4, PRIME)
_NEUTRAL: Final[Point] = (0, 1, 1, 0)


def signature_is_valid(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) of `message` was made with the private half of `key` (32 bytes). Never raises."""
    if len(key) != KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    public, nonce = _point(key), _point(signature[:KEY_LENGTH])
    scalar = int.from_bytes(signature[KEY_LENGTH:], "little")
    if public is None or nonce is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:KEY_LENGTH] + key + message).digest()
    factor = int.from_bytes(digest, "little") % ORDER
    return _equal(multiplied(scalar, BASE), _sum(nonce, multiplied(factor, public)))


def multiplied(factor: int, point: Point) -> Point:
    """A point, so many times."""
    result = _NEUTRAL
    while factor > 0:
        if factor & 1:
            result = _sum(result, point)
        point = _sum(point, point)
        factor >>= 1
    return result


def encoded(point: Point) -> bytes:
    """The 32 bytes of a point."""
    inverse = pow(point[2], PRIME - 2, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | ((x & 1) << 255)).to_bytes(KEY_LENGTH, "little")


def _sum(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * one[3] * other[3] * _D % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _equal(one: Point, other: Point) -> bool:
    same_x = (one[0] * other[2] - other[0] * one[2]) % PRIME == 0
    return same_x and (one[1] * other[2] - other[1] * one[2]) % PRIME == 0


def _point(encoding: bytes) -> Point | None:
    """The point of 32 bytes; None for bytes that are none."""
    y = int.from_bytes(encoding, "little")
    sign = y >> 255
    y &= 2**255 - 1
    if y >= PRIME:
        return None
    x = _x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % PRIME)


def _x_of(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, PRIME - 2, PRIME) % PRIME
    if square == 0:
        return None if sign else 0
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * _ROOT % PRIME
    if (x * x - square) % PRIME:
        return None
    return PRIME - x if (x & 1) != sign else x


def _base() -> Point:
    y = 4 * pow(5, PRIME - 2, PRIME) % PRIME
    x = _x_of(y, 0)
    assert x is not None  # noqa: S101 - a constant of the curve
    return x, y, 1, x * y % PRIME


BASE: Final = _base()
