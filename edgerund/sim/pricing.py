"""The thermal recursion in blocks, its adjoint, and the search for good prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgerund.sim.world import DT_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgerund.sim.plant import PlantLike

    Floats = NDArray[np.float64]

SOFTNESS = (0.3, 0.1, 0.03, 0.01, 0.003)


class Thermal:
    """x[t+1] = M[t] x[t] + u[t], seen at the end of every block of ``length`` ticks.

    ``kinds[k]`` picks the block's matrices (fan working or not); ``free_c`` is the die at the block ends without
    any variant's power; ``limit_c`` the limit there.
    """

    def __init__(
        self,
        matrices: Sequence[Floats],
        kinds: list[int],
        length: int,
        gain_k_per_w: float,
        free_c: Floats,
        limit_c: Floats,
    ) -> None:
        self.length = length
        self.blocks = len(kinds)
        self._limited = np.isfinite(limit_c)
        self._room_k = np.where(self._limited, limit_c - free_c, 0.0)
        powers = [
            np.stack([np.linalg.matrix_power(m, j) for j in range(length + 1)]) for m in matrices
        ]
        self._kinds = np.array(kinds)
        self._jump = [p[length].tolist() for p in powers]
        # the die-power of tick j of a block reaches the block's end through M^(length-1-j)
        self._reach = np.stack([p[:length][::-1, :, 0] * gain_k_per_w for p in powers])

    def price(self, lam: Floats) -> tuple[Floats, float]:
        """(price of one watt in each tick, constant term): the recursion run backwards."""
        lam = np.where(self._limited, lam, 0.0)
        n = self._reach.shape[2]
        costates = np.zeros((self.blocks, n))
        q = [0.0] * n
        values = lam.tolist()
        kinds = self._kinds.tolist()
        for k in range(self.blocks - 1, -1, -1):
            q[0] += values[k]
            costates[k] = q
            m = self._jump[kinds[k]]
            q = [sum(m[i][j] * q[i] for i in range(n)) for j in range(n)]
        pi = np.einsum("kn,kjn->kj", costates, self._reach[self._kinds]).reshape(-1)
        return pi, float(lam @ self._room_k)

    def slack(self, power_w: Floats) -> Floats:
        """Limit minus die temperature at the block ends (0 where there is no limit)."""
        n = self._reach.shape[2]
        inputs = np.einsum(
            "kj,kjn->kn", power_w.reshape(self.blocks, self.length), self._reach[self._kinds]
        ).tolist()
        kinds = self._kinds.tolist()
        x, rises = [0.0] * n, np.zeros(self.blocks)
        for k in range(self.blocks):
            m, u = self._jump[kinds[k]], inputs[k]
            x = [u[i] + sum(m[i][j] * x[j] for j in range(n)) for i in range(n)]
            rises[k] = x[0]
        return np.where(self._limited, self._room_k - rises, 0.0)


def thermal_of(plant: PlantLike, limits_c: Sequence[float], base_w: Floats) -> Thermal:
    """The recursion of this plant with the fan at full speed wherever it works."""
    world, chain = plant.world, plant.chain
    length = next(n for n in (3, 2, 1) if world.ticks % n == 0)
    n = len(chain.j_per_k)
    ends = np.array(limits_c).reshape(-1, length)[:, -1]
    finite = [c for c in limits_c if math.isfinite(c)]
    leak_w, leak_slope = chain.leakage_floor(max(finite, default=60.0))
    # one working tick makes the whole block one with a working fan: never hotter than the truth
    works = [any(world.fan_works[i : i + length]) for i in range(0, world.ticks, length)]
    matrices = []
    for fan in (0.0, 1.0):
        away = chain.still_w_per_k + chain.fan_w_per_k * fan
        m = np.eye(n)
        links = [*chain.w_per_k, away]
        for i in range(n):
            m[i, i] -= DT_S * links[i] / chain.j_per_k[i]
            if i:
                m[i, i] -= DT_S * links[i - 1] / chain.j_per_k[i]
                m[i, i - 1] += DT_S * links[i - 1] / chain.j_per_k[i]
            if i < n - 1:
                m[i, i + 1] += DT_S * links[i] / chain.j_per_k[i]
        m[0, 0] += DT_S * leak_slope / chain.j_per_k[0]
        matrices.append(m)
    free_c = []
    x = np.array(plant.start_c)
    for tick in range(world.ticks):
        fan = int(works[tick // length])
        u = np.zeros(n)
        u[0] = (base_w[tick] + leak_w) / chain.j_per_k[0]
        away = chain.still_w_per_k + chain.fan_w_per_k * fan
        # a sink colder than air may have the fan off: at most so much less heat flows in than at full speed,
        # and with more power the sink is only warmer
        not_blown_w = chain.fan_w_per_k * fan * max(0.0, world.ambient_c[tick] - x[-1])
        into_w = world.sun_w[tick] + away * world.ambient_c[tick] - not_blown_w
        u[-1] += into_w / chain.j_per_k[-1]
        x = matrices[fan] @ x + DT_S * u
        if tick % length == length - 1:
            free_c.append(x[0])
    return Thermal(
        matrices,
        [int(w) for w in works],
        length,
        DT_S / chain.j_per_k[0],
        np.array(free_c),
        ends,
    )


@dataclass(frozen=True, slots=True)
class Prices:
    """The best prices found: ``value`` is the bound, ``heat`` a watt's price per tick, ``mu`` a joule's."""

    value: float
    mu: float
    heat: Floats
    evaluations: int


DualFunction = Callable[["Floats", float], "tuple[float, Floats, Floats]"]


def improve(dual: DualFunction, blocks: int, evaluations: int) -> Prices:
    """Spectral projected gradient on the soft dual, harder step by step; the best hard value counts.

    Steps in mu are scaled: a joule's price is far smaller than a kelvin's.
    """
    scale = np.ones(blocks + 1)
    scale[-1] = 3e-4
    prices = np.zeros(blocks + 1)
    value, _, heat = dual(prices, 0.0)
    best, best_mu, best_heat = value, 0.0, heat
    for softness in SOFTNESS:
        prices = _descend(dual, prices, scale, softness, evaluations // len(SOFTNESS))
        value, _, heat = dual(prices, 0.0)
        if value < best:
            best, best_mu, best_heat = value, float(prices[-1]), heat
    return Prices(best, best_mu, best_heat, evaluations)


def _descend(
    dual: DualFunction, start: Floats, scale: Floats, softness: float, evaluations: int
) -> Floats:
    """Minimise over prices >= 0; a step may be worse than the last one but not than the worst of eight."""
    x = start
    f, g, _ = dual(x, softness)
    recent, step, best, best_x = [f], 1e-4, f, x
    for _ in range(evaluations):
        d = np.maximum(x - step * scale * g, 0.0) - x
        slope = float(d @ g)
        if slope > -1e-9 * abs(f):
            break
        share = 1.0
        while True:
            trial = x + share * d
            f_new, g_new, _ = dual(trial, softness)
            if f_new <= max(recent) + 1e-4 * share * slope or share < 1e-3:
                break
            share *= 0.3
        s, y = trial - x, g_new - g
        curvature = float(s @ y)
        step = min(1e3, max(1e-9, float((s / scale) @ s) / curvature)) if curvature > 0 else 1e-2
        x, f, g = trial, f_new, g_new
        recent = [*recent[-7:], f]
        if f < best:
            best, best_x = f, x
    return best_x
