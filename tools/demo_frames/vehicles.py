"""Vehicles of the demo frames, each with its surroundings."""

from __future__ import annotations

import numpy as np

from .scenes import Canvas, Colour, backdrop, ground

SKY: tuple[Colour, Colour] = ((88, 140, 205), (190, 212, 232))
ROAD, SEA = (112, 112, 114), (40, 78, 112)
BLACK, WHITE, GREY = (24, 24, 26), (236, 236, 232), (150, 152, 156)
TAN, RED, BLUE, GREEN = (186, 144, 92), (176, 32, 34), (36, 62, 140), (78, 132, 44)


def airplane(rng: np.random.Generator) -> Canvas:
    """A jet in the sky, from the side."""
    c = backdrop(rng, *SKY, rough=14)
    paint, y, up = c.pick(WHITE, GREY, WHITE), rng.uniform(0.45, 0.55), rng.uniform(-0.08, 0.02)
    c.polygon([(0.5, y), (0.62, y), (0.36, y - 0.24), (0.3, y - 0.24)], c.vary(GREY))
    c.oval(0.5, y, 0.4, 0.065, paint, up)
    c.polygon([(0.14, y), (0.26, y), (0.17, y - 0.2), (0.09, y - 0.2)], c.pick(RED, BLUE, GREY))
    c.polygon(
        [(0.42, y), (0.6, y + 0.02), (0.32, y + 0.26), (0.25, y + 0.26)], c.vary((120, 122, 128))
    )
    c.oval(0.5, y + 0.09, 0.06, 0.03, c.vary((90, 92, 96)))
    c.line([(0.3, y - 0.015), (0.8, y - 0.015 + up / 3)], 0.012, (60, 70, 90))
    return c


def wheels(c: Canvas, y: float, radius: float, *xs: float) -> None:
    """Tyres and hubs."""
    for x in xs:
        c.oval(x, y, radius, radius, BLACK)
        c.oval(x, y, radius * 0.5, radius * 0.5, (170, 170, 174))


def street(rng: np.random.Generator) -> Canvas:
    """A road before trees, walls or sky."""
    c = backdrop(
        rng,
        *[SKY, ((96, 112, 84), (74, 92, 60)), ((170, 160, 150), (150, 142, 136))][rng.integers(3)],
        18,
    )
    ground(c, rng.uniform(0.55, 0.62), ROAD, 8)
    c.oval(0.5, 0.79, 0.44, 0.035, (52, 52, 54))
    return c


def automobile(rng: np.random.Generator) -> Canvas:
    """A saloon car, from the side."""
    c = street(rng)
    paint, roof = c.pick(RED, BLUE, WHITE, GREY, BLACK), rng.uniform(0.32, 0.38)
    c.polygon([(0.22, 0.54), (0.34, roof), (0.64, roof), (0.8, 0.54)], paint)
    c.polygon([(0.27, 0.53), (0.36, roof + 0.03), (0.48, roof + 0.03), (0.48, 0.53)], (58, 70, 84))
    c.polygon([(0.51, 0.53), (0.51, roof + 0.03), (0.62, roof + 0.03), (0.74, 0.53)], (58, 70, 84))
    c.polygon(
        [(0.07, 0.72), (0.07, 0.55), (0.22, 0.52), (0.8, 0.52), (0.93, 0.58), (0.94, 0.72)], paint
    )
    c.box(0.07, 0.7, 0.94, 0.75, c.vary((48, 48, 50)))
    c.box(0.88, 0.59, 0.93, 0.63, (240, 232, 190))
    c.box(0.07, 0.57, 0.1, 0.63, (190, 30, 30))
    wheels(c, 0.74, rng.uniform(0.075, 0.09), 0.25, 0.75)
    return c


def truck(rng: np.random.Generator) -> Canvas:
    """A box truck, from the side."""
    c = street(rng)
    cargo, cab = c.pick(WHITE, GREY, TAN), c.pick(RED, BLUE, WHITE, (220, 150, 30))
    top = rng.uniform(0.2, 0.27)
    c.box(0.05, top, 0.64, 0.68, cargo)
    c.box(0.05, 0.64, 0.9, 0.72, (50, 50, 52))
    c.polygon(
        [(0.67, 0.68), (0.67, 0.34), (0.82, 0.34), (0.9, 0.5), (0.95, 0.52), (0.95, 0.7)], cab
    )
    c.polygon([(0.73, 0.49), (0.73, 0.38), (0.81, 0.38), (0.87, 0.49)], (60, 74, 90))
    c.box(0.9, 0.58, 0.95, 0.63, (240, 230, 180))
    wheels(c, 0.74, 0.075, 0.17, 0.33, 0.8)
    return c


def ship(rng: np.random.Generator) -> Canvas:
    """A cargo ship on the sea."""
    c = backdrop(rng, *SKY, rough=10)
    ground(c, 0.6, SEA, 14)
    hull = c.pick(RED, BLACK, BLUE, (70, 76, 84))
    c.box(0.16, 0.32, 0.36, 0.56, c.vary(WHITE))
    c.box(0.2, 0.22, 0.29, 0.34, c.pick(RED, BLUE, GREY))
    for row in range(2):
        c.box(0.17, 0.38 + row * 0.08, 0.35, 0.4 + row * 0.08, (60, 74, 92))
    for x in np.arange(0.4, 0.8, 0.09):
        c.box(x, rng.uniform(0.44, 0.52), x + 0.08, 0.56, c.pick(RED, TAN, BLUE, GREY, GREEN))
    c.line([(0.84, 0.34), (0.84, 0.56)], 0.012, (70, 70, 74))
    c.polygon([(0.06, 0.55), (0.97, 0.53), (0.88, 0.7), (0.12, 0.7)], hull)
    c.polygon([(0.1, 0.67), (0.9, 0.67), (0.88, 0.71), (0.12, 0.71)], c.vary((130, 40, 36)))
    return c
