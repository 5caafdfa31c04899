"""The metric families, as one scrape of a small invented status shows them."""

from __future__ import annotations

from edgerund.observe.metrics import FAMILIES, StatusCollector
from tools.reference.markdown import table

_LADDER = {
    "name": "l",
    "live": "v",
    "outcomes": {"ok": 1},
    "variants": [
        {
            "name": "v",
            "answered": 1,
            "resident": True,
            "quarantined": None,
            "counters": {"frames": 1},
        }
    ],
    "agreements": [
        {"variant": "v", "share": 1.0, "expected": 1.0, "accuracy": 1.0, "drifted": False}
    ],
    "swaps": [{"variant": "v", "reason": "best", "count": 1}],
    "restarts": 0,
    "cpu_s": 0.0,
    "rss_bytes": 0,
    "serving": {},
    "headroom": {"temp_c": 1.0},
    "histograms": {"total": {"counts": [], "sum_ms": 0.0}},
}
_STATUS = {
    "version": "",
    "policy": "",
    "ready": True,
    "up_s": 0.0,
    "control_failures": 0,
    "learned": {"trouble": ""},
    "ladders": [_LADDER],
    "senses": [{"name": "temp_c", "value": 1.0, "unit": "C", "age_s": 0.0}],
}


def metrics() -> str:
    """The page."""
    from edgerund.types.worker import BUCKETS_MS

    _LADDER["histograms"] = {"total": {"counts": [0] * (len(BUCKETS_MS) + 1), "sum_ms": 0.0}}
    collector = StatusCollector()
    collector.publish(_STATUS)
    rows = []
    for family in collector.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = sorted({label for s in family.samples for label in s.labels} - {"le"})
        rows.append(
            (f"`{name}`", family.type, ", ".join(f"`{x}`" for x in labels) or "-", FAMILIES[name])
        )
    unseen = set(FAMILIES) - {row[0].strip("`") for row in rows}
    if unseen:
        raise SystemExit(f"cannot document {', '.join(sorted(unseen))}: no scrape shows it")
    return table(("metric", "type", "labels", "meaning"), rows)
