"""Pictures that tests draw by themselves: gradients, shapes and lines by a seed. Never a picture of anything real.

Decides how they look and in which ways a picture is changed; a place and a seed give the same bytes every time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Picture = Image.Image
SIZE = (480, 360)
MARK = b"planted-9f1c-this-pattern-must-be-found-nowhere"


def drawn(seed: int, size: tuple[int, int] = SIZE) -> Picture:
    """A picture with large and small shapes on a gradient, as rich as a photograph is."""
    chance = np.random.default_rng(seed)
    width, height = size
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    waves = [chance.uniform(0.5, 6, 2) for _ in range(3)]
    sheets = [128 + 100 * np.sin(6.3 * (fx * across + fy * down) + seed) for fx, fy in waves]
    picture = Image.fromarray(np.stack(sheets, axis=2).clip(0, 255).astype(np.uint8))
    brush = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = chance.integers(0, width), chance.integers(0, height)
        wide, high = chance.integers(width // 40, width // 4), chance.integers(height // 40, height // 4)
        colour = tuple(int(part) for part in chance.integers(0, 256, 3))
        shape = (brush.ellipse, brush.rectangle)[chance.integers(0, 2)]
        shape((x, y, x + wide, y + high), fill=colour)
    return picture


def plain(size: tuple[int, int] = SIZE) -> Picture:
    """One colour and nothing to see."""
    return Image.new("RGB", size, (90, 120, 150))


def jpeg(picture: Picture, quality: int = 90, *, marked: bool = False, **how: object) -> bytes:
    """The bytes of a JPEG file; `marked` ones carry the mark as a comment and behind their end."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, **({"comment": MARK} if marked else {}), **how)
    return out.getvalue() + (MARK if marked else b"")


def png(picture: Picture) -> bytes:
    """The bytes of a PNG file."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def opened(content: bytes) -> Picture:
    """A file decoded again."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def _gamma(power: float) -> Callable[[Picture], Picture]:
    return lambda picture: picture.point([int(255 * (level / 255) ** power) for level in range(256)] * 3)


def _sized(share: float) -> Callable[[Picture], Picture]:
    return lambda picture: picture.resize((int(picture.width * share), int(picture.height * share)))


def _compressed(quality: int) -> Callable[[Picture], Picture]:
    return lambda picture: opened(jpeg(picture, quality))


def _cropped(share: float) -> Callable[[Picture], Picture]:
    return lambda p: p.crop((int(p.width * share), int(p.height * share), p.width, p.height))


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    **{f"JPEG {quality}": _compressed(quality) for quality in (95, 75, 50, 20)},
    **{f"size {share}": _sized(share) for share in (0.13, 0.5, 0.77, 2.0)},
    **{f"crop {share}": _cropped(share) for share in (0.05, 0.3)},
    **{f"gamma {power}": _gamma(power) for power in (0.6, 1.8)},
    "mirror": ImageOps.mirror,
    "flip": ImageOps.flip,
    "rotated 90": lambda picture: picture.rotate(90, expand=True),
    "rotated 180": lambda picture: picture.rotate(180),
    "grey": lambda picture: ImageOps.grayscale(picture).convert("RGB"),
    "blur": lambda picture: picture.filter(ImageFilter.GaussianBlur(3)),
    "contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.4),
}


def transforms(pictures: int) -> Iterator[tuple[str, Picture]]:
    """Every change of so many pictures: twenty for each."""
    for seed in range(pictures):
        picture = drawn(seed, (SIZE[0] + 37 * seed, SIZE[1] + 11 * seed))
        for name, change in CHANGES.items():
            yield f"{seed} {name}", change(picture)
