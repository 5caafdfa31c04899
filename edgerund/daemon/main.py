"""From a settings file to a running daemon: what ``edgerund serve`` does."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path

import edgerund
from edgerund.daemon.preload import engine_modules
from edgerund.daemon.spawn import start_fork_server


def serve(config: Path | None) -> int:
    """Run the daemon until SIGTERM or SIGINT.

    The fork server starts first, so that it imports the engines while this process reads the configuration.

    Raises:
        ConfigError, LadderError, PluginError, StartError: at start, each with its exit code.
    """
    start_fork_server(engine_modules(config))
    from edgerund.clock import SystemClock
    from edgerund.config.assembly import load_assembly
    from edgerund.daemon.notify import Notifier
    from edgerund.daemon.supervisor import Supervisor
    from edgerund.observe.journal import set_up_logging
    from edgerund.sensors.hub import SensorHub
    from edgerund.sensors.sysroot import FileRoot

    set_up_logging(sys.stderr, os.environ)
    assembly = load_assembly(config)
    sensors = assembly.settings.sensors
    clock = SystemClock()
    hub = SensorHub(FileRoot(sensors.sysroot), clock, sensors.enabled, sensors.options)
    supervisor = Supervisor(assembly, hub, Notifier(os.environ), clock)
    with contextlib.ExitStack() as stack:
        hub.start()
        stack.callback(hub.stop)
        if assembly.settings.metrics is not None:
            from edgerund.observe.metrics import MetricsServer

            m = assembly.settings.metrics
            server = MetricsServer(m.address, m.port)
            stack.callback(server.stop)
            supervisor.observers.append(lambda *_: server.publish(supervisor.status()))
        if assembly.settings.recorder is not None:
            from edgerund.observe.recorder import Recorder

            r = assembly.settings.recorder
            context = {"version": edgerund.__version__, "policy": assembly.policy.name}
            recorder = Recorder(r.file, clock, max_bytes=r.max_mb * 1024 * 1024, context=context)
            stack.callback(recorder.close)
            supervisor.observers.append(recorder.record)
        logging.getLogger("edgerund").info("policy %s", assembly.policy.name)
        supervisor.run()
    return 0
