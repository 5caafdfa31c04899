"""Backgrounds, textures and light for the demo frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]
Floats = npt.NDArray[np.float64]
SIZE = 384  # drawn large, kept small


@dataclass
class Canvas:
    """A picture in the making; coordinates run from 0 to 1, y downwards."""

    image: Image.Image
    rng: np.random.Generator

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """A filled polygon."""
        scaled = [(x * SIZE, y * SIZE) for x, y in points]
        ImageDraw.Draw(self.image).polygon(scaled, fill=colour)

    def oval(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, angle: float = 0.0
    ) -> None:
        """A filled ellipse around (x, y), turned by ``angle`` radians."""
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        dx, dy = rx * np.cos(turn), ry * np.sin(turn)
        c, s = np.cos(angle), np.sin(angle)
        self.polygon(list(zip(x + c * dx - s * dy, y + s * dx + c * dy, strict=True)), colour)

    def line(self, points: list[Point], width: float, colour: Colour) -> None:
        """A stroke of ``width``."""
        scaled = [(x * SIZE, y * SIZE) for x, y in points]
        ImageDraw.Draw(self.image).line(
            scaled, fill=colour, width=max(1, round(width * SIZE)), joint="curve"
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def vary(self, colour: Colour, amount: float = 14) -> Colour:
        """The colour, a little lighter or darker and a trace off in hue."""
        shift = self.rng.normal(0, amount) + self.rng.normal(0, amount / 4, 3)
        r, g, b = np.clip(np.array(colour) + shift, 0, 255).astype(int)
        return int(r), int(g), int(b)

    def pick(self, *colours: Colour) -> Colour:
        """One of the colours, a little off."""
        return self.vary(colours[int(self.rng.integers(len(colours)))])


def noise(rng: np.random.Generator, octaves: tuple[int, ...]) -> Floats:
    """Smooth random texture in about -1..1, coarse to fine."""
    total = np.zeros((SIZE, SIZE))
    for cells in octaves:
        grid = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
        total += np.asarray(grid.resize((SIZE, SIZE), Image.Resampling.BICUBIC)) / len(octaves)
    return total


def backdrop(
    rng: np.random.Generator, top: Colour, bottom: Colour, rough: float, coarse: int = 4
) -> Canvas:
    """A vertical gradient with texture of strength ``rough``."""
    ramp = np.linspace(0, 1, SIZE)[:, None, None]
    picture = (1 - ramp) * np.array(top) + ramp * np.array(bottom) + np.zeros((SIZE, SIZE, 3))
    picture += noise(rng, (coarse, coarse * 3, coarse * 9))[..., None] * rough
    return Canvas(Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)), rng)


def ground(canvas: Canvas, horizon: float, colour: Colour, rough: float) -> None:
    """Cover everything below ``horizon`` with textured ground."""
    below = backdrop(canvas.rng, canvas.vary(colour), canvas.vary(colour), rough, 10).image
    line = round(horizon * SIZE)
    canvas.image.paste(below.crop((0, line, SIZE, SIZE)), (0, line))


def finish(canvas: Canvas, side: int, *, mirror: bool = False) -> Image.Image:
    """Uneven light, slight tilt, lens blur, sensor noise, and the final size."""
    rng = canvas.rng
    tilted = canvas.image.rotate(
        rng.normal(0, 3), Image.Resampling.BICUBIC, fillcolor=canvas.image.getpixel((2, 2))
    )
    if mirror:
        tilted = tilted.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    margin = round(SIZE * 0.04)
    framed = tilted.crop((margin, margin, SIZE - margin, SIZE - margin))
    blurred = framed.filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 3)))
    small = np.asarray(blurred.resize((side, side), Image.Resampling.LANCZOS)).astype(np.float64)
    light = 1 + 0.12 * noise(rng, (2, 3))[:: SIZE // side, :: SIZE // side, None]
    grain = rng.normal(0, 1.5, small.shape)
    return Image.fromarray(np.clip(small * light + grain, 0, 255).astype(np.uint8))
