"""One file per reader. Adding one: write the file, add its line here, and run the contract suite."""

from __future__ import annotations

TABLE: dict[str, str] = {
    "cooling": "edgerund.sensors.cooling:CoolingDevices",
    "cpufreq": "edgerund.sensors.cpufreq:CpuFreq",
    "devfreq": "edgerund.sensors.devfreq:GpuDevfreq",
    "hwmon": "edgerund.sensors.hwmon:Hwmon",
    "ina3221": "edgerund.sensors.ina3221:Ina3221",
    "ina3221x": "edgerund.sensors.ina3221x:Ina3221x",
    "jetson_stats": "edgerund.sensors.jetson_stats:JetsonStats",
    "load": "edgerund.sensors.load:Load",
    "mavlink": "edgerund.sensors.mavlink:Mavlink",
    "memory": "edgerund.sensors.memory:Memory",
    "network": "edgerund.sensors.network:Network",
    "nvml": "edgerund.sensors.nvml:Nvml",
    "nvpmodel": "edgerund.sensors.nvpmodel:PowerMode",
    "power_supply": "edgerund.sensors.power_supply:PowerSupplies",
    "rapl": "edgerund.sensors.rapl:Rapl",
    "rpi": "edgerund.sensors.rpi:RaspberryPi",
    "soctherm": "edgerund.sensors.soctherm:SocTherm",
    "thermal": "edgerund.sensors.thermal:ThermalZones",
}

ON_REQUEST = frozenset({"jetson_stats", "mavlink", "network"})
"""Readers that open sockets or start a process: they run only where the settings name them."""
