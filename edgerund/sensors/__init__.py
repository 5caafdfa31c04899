"""One file per reader. Adding one: write the file, add its line here, and run the contract suite."""

from __future__ import annotations

TABLE: dict[str, str] = {
    "thermal": "edgerund.sensors.thermal:ThermalZones",
    "ina3221": "edgerund.sensors.ina3221:Ina3221",
    "power_supply": "edgerund.sensors.power_supply:PowerSupplies",
    "memory": "edgerund.sensors.memory:Memory",
    "load": "edgerund.sensors.load:Load",
}

ON_REQUEST: frozenset[str] = frozenset()
"""Readers that open sockets or start helpers: they run only where the settings name them."""
