"""From a settings file to a running daemon: what ``edgerund serve`` does, in the order that is ready soonest."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgerund.clock import SystemClock
from edgerund.daemon.preload import engine_modules
from edgerund.daemon.spawn import start_fork_server

if TYPE_CHECKING:
    from edgerund.clock import Clock
    from edgerund.config.assembly import Assembly
    from edgerund.daemon.launch import Launch
    from edgerund.daemon.notify import Notifier
    from edgerund.daemon.signals import Signals
    from edgerund.ports import SysRoot


def serve(config: Path | None) -> int:
    """Run the daemon until SIGTERM or SIGINT.

    The fork server imports the engines while this process reads the configuration, and READY goes out before the
    policy and the sensors are imported. Hence the imports in the middle.

    Raises:
        ConfigError, LadderError, PluginError, StartError: at start, each with its exit code.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would scan what is installed
    clock = SystemClock()
    started_s = clock.monotonic_s()
    start_fork_server(engine_modules(config))
    from edgerund.config.assembly import load_assembly
    from edgerund.daemon.launch import launch, wait_until_live
    from edgerund.daemon.notify import Notifier
    from edgerund.daemon.signals import Signals
    from edgerund.observe.journal import set_up_logging
    from edgerund.sensors.sysroot import FileRoot

    set_up_logging(sys.stderr, os.environ)
    assembly = load_assembly(config)
    root = FileRoot(assembly.settings.sensors.sysroot)
    signals = Signals()  # before READY: a SIGHUP right after it must not end us
    begun = launch(assembly, root, clock, started_s)
    notifier = Notifier(os.environ)
    log = logging.getLogger("edgerund")
    try:
        if not wait_until_live(begun, signals, notifier, clock):
            log.info("stopping before it was ready")
            begun.abandon()
            return 0
        notifier.ready()
        log.info(
            "ready after %.0f ms; policy %s",
            (clock.monotonic_s() - started_s) * 1e3,
            assembly.policy.name,
        )
        _supervise(assembly, begun, root, notifier, signals, clock)
    except BaseException:
        begun.abandon()
        raise
    finally:
        signals.close()
    return 0


def _supervise(
    assembly: Assembly,
    begun: Launch,
    root: SysRoot,
    notifier: Notifier,
    signals: Signals,
    clock: Clock,
) -> None:
    from edgerund.daemon.actuation import Actuation
    from edgerund.daemon.supervisor import Supervisor
    from edgerund.observe.decision_log import DecisionLog
    from edgerund.sensors.hub import SensorHub

    settings = assembly.settings
    hub = SensorHub(root, clock, settings.sensors.enabled, settings.sensors.options)
    supervisor = Supervisor(assembly, begun, hub, notifier, clock)
    with contextlib.ExitStack() as stack:
        hub.start()
        stack.callback(hub.stop)
        actuation = Actuation(root)
        actuation.use(assembly, actuation.make(assembly))
        stack.callback(actuation.close)
        supervisor.actuation = actuation
        supervisor.observers.append(lambda *_: actuation.want(supervisor.controller.caps()))
        past = DecisionLog(assembly.runtime_dir, clock)
        stack.callback(past.close)
        supervisor.observers.append(lambda _snapshot, decisions: past.note(decisions))
        if settings.metrics is not None:
            from edgerund.observe.metrics import MetricsServer

            server = MetricsServer(settings.metrics.address, settings.metrics.port)
            stack.callback(server.stop)
            supervisor.observers.append(lambda *_: server.publish(supervisor.status()))
        if settings.recorder is not None:
            from edgerund.daemon.flight import Flight

            flight = Flight(settings.recorder, supervisor.controller, clock)
            stack.callback(flight.close)
            supervisor.observers.append(flight.observe)
        supervisor.run(signals)
