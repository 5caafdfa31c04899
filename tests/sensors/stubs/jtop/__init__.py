"""Stands in for jetson-stats in its helper process: one sample a tenth of a second, shaped as version 7 gives it."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any


class JtopException(Exception):
    pass


class jtop:
    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.power = {
            "rail": {
                "VDD_CPU_GPU_CV": {
                    "volt": 4920,
                    "curr": 312,
                    "power": 1535,
                    "avg": 1500,
                    "online": True,
                },
                "VDD_SOC": {"volt": 0, "curr": 0, "power": 0, "avg": 0, "online": False},
            },
            "tot": {
                "name": "VDD_IN",
                "volt": 4928,
                "curr": 1480,
                "power": 7293,
                "avg": 7200,
                "online": True,
            },
        }
        self.temperature = {
            "cpu": {"temp": 49.8, "online": True},
            "gpu": {"temp": -256, "online": False},
            "nvme Composite": {"temp": 41.8, "online": True},
        }
        self.gpu = {"gpu": {"type": "integrated", "status": {"load": 23.7}}}
        self.cpu = {
            "cpu": [
                {"online": True, "idle": 80.0},
                {"online": True, "idle": 60.0},
                {"online": False},
            ]
        }
        self.memory = {"RAM": {"tot": 8_000_000, "used": 3_000_000}}
        self.nvpmodel = SimpleNamespace(id=0, name="15W")

    def __enter__(self) -> jtop:
        if os.environ.get("JTOP_STUB") == "denied":
            raise JtopException(
                "I can't access jtop.service. Please add your user to the group jtop: no permission"
            )
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def ok(self) -> bool:
        time.sleep(self.interval)
        return True
