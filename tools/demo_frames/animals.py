"""Animals of the demo frames, each with its surroundings."""

from __future__ import annotations

import numpy as np

from .scenes import Canvas, Colour, Point, backdrop, ground

SKY: tuple[Colour, Colour] = ((120, 160, 205), (196, 212, 226))
WOOD: tuple[Colour, Colour] = ((58, 82, 46), (84, 104, 60))
WALL: tuple[Colour, Colour] = ((176, 160, 142), (140, 124, 108))
GRASS, EARTH = (92, 128, 58), (120, 96, 66)
BLACK, WHITE, GREY = (24, 24, 26), (236, 236, 232), (150, 152, 156)
BROWN, TAN, GREEN = (104, 66, 38), (186, 144, 92), (78, 132, 44)


def bird(rng: np.random.Generator) -> Canvas:
    """A small bird on a branch."""
    c = backdrop(
        rng,
        *[SKY, ((120, 150, 96), (84, 116, 70)), ((196, 200, 196), (168, 172, 166))][
            rng.integers(3)
        ],
        12,
    )
    coat = c.pick(BROWN, (70, 96, 150), GREY, (180, 70, 40))
    c.line([(0.0, 0.84), (1.0, 0.78)], 0.04, c.vary(BROWN))
    c.polygon([(0.34, 0.56), (0.06, 0.74), (0.1, 0.8), (0.42, 0.66)], c.vary((54, 46, 42)))
    c.oval(0.5, 0.54, 0.23, 0.16, coat, -0.45)
    c.oval(0.57, 0.6, 0.15, 0.11, c.pick(WHITE, TAN), -0.6)
    c.oval(0.42, 0.55, 0.19, 0.075, c.vary((66, 56, 52)), -0.3)
    c.oval(0.68, 0.34, 0.11, 0.1, coat)
    c.polygon([(0.77, 0.31), (0.91, 0.36), (0.77, 0.38)], (210, 160, 50))
    c.oval(0.71, 0.32, 0.018, 0.018, BLACK)
    for x in (0.5, 0.58):
        c.line([(x, 0.68), (x + 0.02, 0.82)], 0.013, (80, 60, 40))
    return c


def face(c: Canvas, x: float, y: float, r: float, coat: Colour, *, cat: bool) -> None:
    """The head of a cat or a dog, from the front."""
    dark = (max(0, coat[0] - 40), max(0, coat[1] - 40), max(0, coat[2] - 40))
    for side in (-1, 1):
        if cat:
            ear: list[Point] = [
                (x + side * 0.98 * r, y - 1.25 * r),
                (x + side * 0.15 * r, y - 0.85 * r),
            ]
            c.polygon([*ear, (x + side * r, y - 0.1 * r)], coat)
            c.polygon([(x + side * 0.85 * r, y - 1.02 * r), (x + side * 0.4 * r, y - 0.75 * r),
                       (x + side * 0.85 * r, y - 0.35 * r)], (190, 140, 130))  # fmt: skip
    c.oval(x, y, r, r * (0.88 if cat else 1.05), coat)
    c.oval(x, y + 0.42 * r, 0.45 * r, (0.3 if cat else 0.5) * r, c.vary(WHITE))
    for side in (-1, 1):
        if not cat:
            c.oval(x + side * 0.98 * r, y - 0.1 * r, 0.3 * r, 0.75 * r, dark, side * -0.2)
        c.oval(
            x + side * 0.42 * r,
            y - 0.1 * r,
            0.17 * r,
            0.15 * r,
            (170, 180, 70) if cat else (60, 40, 26),
        )
        c.oval(x + side * 0.42 * r, y - 0.1 * r, 0.06 * r, 0.14 * r, BLACK)
        if cat:
            for tilt in (-0.1, 0.05, 0.2):
                c.line(
                    [
                        (x + side * 0.3 * r, y + 0.4 * r),
                        (x + side * 1.25 * r, y + (0.35 + tilt) * r),
                    ],
                    0.005,
                    WHITE,
                )
    c.oval(x, y + (0.22 if cat else 0.3) * r, (0.1 if cat else 0.2) * r, (0.08 if cat else 0.15) * r,
           (190, 110, 110) if cat else BLACK)  # fmt: skip


def cat(rng: np.random.Generator) -> Canvas:
    """A sitting cat, from the front."""
    c = backdrop(rng, *[WALL, WOOD, ((120, 130, 150), (90, 96, 112))][rng.integers(3)], 14)
    coat = c.pick(GREY, TAN, (196, 120, 50), (60, 58, 60))
    c.oval(0.5, 0.92, 0.3, 0.4, coat)
    c.oval(0.5, 0.92, 0.13, 0.28, c.pick(WHITE, coat))
    face(c, rng.uniform(0.46, 0.54), 0.42, rng.uniform(0.24, 0.28), coat, cat=True)
    return c


def dog(rng: np.random.Generator) -> Canvas:
    """A sitting dog with hanging ears, from the front."""
    c = backdrop(rng, *[WALL, (GRASS, GRASS), WOOD][rng.integers(3)], 14)
    coat = c.pick(BROWN, TAN, BLACK, WHITE)
    c.oval(0.5, 0.95, 0.28, 0.4, coat)
    face(c, rng.uniform(0.46, 0.54), 0.4, rng.uniform(0.21, 0.25), coat, cat=False)
    c.oval(0.5, 0.6, 0.035, 0.06, (200, 90, 100))
    return c


def quadruped(c: Canvas, coat: Colour, slim: float) -> None:
    """Body, four legs and a raised neck with a head, facing right."""
    dark = (coat[0] * 3 // 4, coat[1] * 3 // 4, coat[2] * 3 // 4)
    for x, shade in ((0.3, dark), (0.6, dark), (0.24, coat), (0.66, coat)):
        foot = x + c.rng.uniform(-0.04, 0.04)
        c.line([(x, 0.56), (foot, 0.72), (foot, 0.87)], 0.055 * slim, shade)
    c.oval(0.45, 0.52, 0.28, 0.125, coat)
    c.oval(0.28, 0.5, 0.12, 0.13, coat)
    c.polygon([(0.56, 0.5), (0.74, 0.2), (0.84, 0.26), (0.72, 0.58)], coat)
    c.oval(0.84, 0.27, 0.13 * slim + 0.02, 0.055, coat, 0.55)
    c.polygon([(0.76, 0.2), (0.76, 0.1), (0.81, 0.19)], dark)
    c.oval(0.83, 0.235, 0.012, 0.012, BLACK)


def deer(rng: np.random.Generator) -> Canvas:
    """A stag before a wood."""
    c = backdrop(rng, *WOOD, rough=22, coarse=9)
    ground(c, rng.uniform(0.66, 0.74), c.pick(GRASS, EARTH), 14)
    quadruped(c, c.pick((150, 104, 62), (132, 92, 58)), 0.7)
    c.oval(0.18, 0.48, 0.03, 0.05, WHITE)
    for lean in (-0.1, 0.08):
        tip = (0.77 + 2.2 * lean, -0.0)
        c.line([(0.77, 0.2), (0.77 + lean * 1.6, 0.12), tip], 0.018, (176, 150, 116))
        c.line([(0.77 + lean * 1.6, 0.12), (0.79 + lean * 0.4, 0.03)], 0.014, (176, 150, 116))
    return c


def horse(rng: np.random.Generator) -> Canvas:
    """A horse on a meadow."""
    c = backdrop(rng, *[SKY, WOOD][rng.integers(2)], 12)
    ground(c, rng.uniform(0.55, 0.68), GRASS, 14)
    coat = c.pick(BROWN, (136, 74, 40), BLACK, (206, 200, 190))
    c.line([(0.18, 0.46), (0.09, 0.6), (0.1, 0.74)], 0.06, BLACK)
    quadruped(c, coat, 1.0)
    c.line([(0.56, 0.46), (0.68, 0.25), (0.75, 0.16)], 0.06, BLACK)
    return c


def frog(rng: np.random.Generator) -> Canvas:
    """A frog sitting on a leaf or on the ground, half from the side."""
    c = backdrop(rng, *[(EARTH, EARTH), (GREEN, GRASS), WALL][rng.integers(3)], 20, 6)
    skin = c.pick(GREEN, (110, 104, 56), (96, 84, 52))
    dark, belly = (skin[0] * 2 // 3, skin[1] * 2 // 3, skin[2] * 2 // 3), c.vary((196, 196, 140))
    c.oval(0.5, 0.86, 0.44, 0.06, (50, 46, 38))
    c.oval(0.26, 0.7, 0.2, 0.13, dark, -0.5)
    c.oval(0.52, 0.6, 0.3, 0.2, skin, -0.35)
    c.oval(0.62, 0.7, 0.17, 0.13, belly, -0.2)
    c.oval(0.7, 0.46, 0.2, 0.13, skin)
    c.line([(0.56, 0.5), (0.72, 0.53), (0.89, 0.48)], 0.01, dark)
    for x in (0.6, 0.78):
        c.oval(x, 0.34, 0.06, 0.06, skin)
        c.oval(x, 0.34, 0.04, 0.04, (200, 170, 60))
        c.oval(x, 0.34, 0.022, 0.03, BLACK)
    for start, foot in ((0.42, 0.5), (0.7, 0.78)):
        c.line([(start, 0.68), (foot - 0.06, 0.78), (foot, 0.86), (foot + 0.1, 0.87)], 0.05, dark)
    c.line([(0.16, 0.74), (0.3, 0.82), (0.12, 0.87)], 0.05, skin)
    for _ in range(9):
        x, y = rng.uniform(0.32, 0.62), rng.uniform(0.48, 0.64)
        c.oval(x, y, 0.018, 0.014, dark)
    return c
