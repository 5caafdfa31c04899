"""Card files: the measured figures of one variant, written by a machine and read by people and the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from edgerund.config.source import Strict, read_yaml, validate
from edgerund.types import Card

NOT_MEASURED = "not measured"
NotMeasured = Literal["not measured"]


def _absent(value: Any) -> Any:
    return None if value == NOT_MEASURED else value


Figure = Annotated[
    Annotated[float, Field(ge=0)] | None,
    BeforeValidator(_absent, json_schema_input_type=float | NotMeasured | None),
]
Count = Annotated[
    Annotated[int, Field(ge=0)] | None,
    BeforeValidator(_absent, json_schema_input_type=int | NotMeasured | None),
]
Share = Annotated[float, Field(ge=0, le=1)]
Note = Annotated[str, StringConstraints(max_length=4096)]


class Timing(Strict):
    """Warm latency with one number of threads; runs that the kernel interrupted are left out."""

    threads: int = Field(ge=1, le=1024, description="Threads of one inference.")
    backend: Note | None = Field(default=None, description="Where it is not the variant's own.")
    latency_ms: Figure = Field(default=None, description="Median.")
    latency_p99_ms: Figure = Field(default=None, description="99th percentile.")
    latency_p10_ms: Figure = Field(default=None, description="10th percentile.")
    cpu_ms: Figure = Field(default=None, description="Processor time of all threads, median.")
    runs: Count = Field(default=None, description="How many were counted.")
    disturbed: Count = Field(default=None, description="How many were left out.")


class CardFile(Strict):
    """Every figure is measured on ``device``, or absent, or says ``not measured``."""

    accuracy: Figure = Field(default=None, le=1, description="0..1 by the ladder's own metric.")
    metric: Note | None = Field(
        default=None, description="What accuracy counts, such as top1 or mAP50-95."
    )
    images: Count = Field(default=None, description="How many images accuracy was counted on.")
    dataset: Note | None = Field(default=None, description="Where those images come from.")
    agreement: Figure = Field(
        default=None, le=1, description="0..1: how often it says what agreement_with says."
    )
    agreement_with: Note | None = Field(
        default=None, description="The variant that it agrees with."
    )
    robust: dict[str, Share] = Field(
        default={}, description="Accuracy by corruption and severity (1 to 5), such as noise 3."
    )
    robust_images: Count = Field(default=None, description="How many images each of robust is of.")
    latency_ms: Figure = Field(default=None, description="Median of one warm inference alone.")
    latency_p99_ms: Figure = Field(default=None, description="99th percentile of the same.")
    load_ms: Figure = Field(default=None, description="From the file to the first answer.")
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="Threads of one inference."
    )
    timings: list[Timing] = Field(
        default=[],
        max_length=256,
        description="The same with other numbers of threads and backends.",
    )
    warmup_ms: Figure = Field(
        default=None, description="The first inference alone; part of load_ms."
    )
    device: Note | None = Field(
        default=None, description="The computer on which time, memory and energy were measured."
    )
    backend: Note | None = Field(default=None, description="The backend that was measured.")
    runtime: Note | None = Field(
        default=None, description="Name and version of the backend's library."
    )
    memory_bytes: Count = Field(default=None, description="Growth of resident memory when loaded.")
    peak_memory_bytes: Count = Field(
        default=None, description="The same at its highest, while it was being loaded."
    )
    energy_mj: Figure = Field(default=None, description="Above idle, per inference.")
    energy_source: Note | None = Field(default=None, description="The power rail that told it.")
    energy_estimate_mj: Figure = Field(
        default=None, description="A guess, never taken for energy_mj; energy_note says from what."
    )
    energy_note: Note | None = Field(
        default=None, description="Why it was not measured, how sure it is, how it was estimated."
    )
    file_bytes: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Size of the file, of a cascade with its members."
    )
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="Fingerprint of the file that was measured."
    )
    dominated_by: Note | None = Field(
        default=None,
        description="A variant of this ladder that is at least as good in everything and better in something.",
    )
    params: Count = Field(default=None, description="Weights and biases.")
    macs: Count = Field(default=None, description="Multiply-accumulates of one inference.")
    made_by: Note | None = Field(
        default=None, description="The tool and version that made the file."
    )
    how: Note | list[Note] | None = Field(default=None, description="How it was made, for people.")
    measured_at: Note | None = Field(default=None, description="When, as people write it.")
    extra: dict[str, Any] = Field(default={}, description="Anything else worth keeping; not read.")

    def figures(self) -> Card:
        """What the controller may use."""
        return Card(
            accuracy=self.accuracy,
            latency_ms=self.latency_ms,
            latency_p99_ms=self.latency_p99_ms,
            energy_mj=self.energy_mj,
            memory_bytes=self.memory_bytes,
            load_ms=self.load_ms,
            file_bytes=self.file_bytes,
            agreement=self.agreement,
        )


def read_card(path: Path) -> CardFile:
    """One card file.

    Raises:
        ConfigError: every mistake, each with its line.
    """
    return validate(CardFile, read_yaml(path))


def card_schema() -> dict[str, Any]:
    """The JSON Schema of a card file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edgerund card",
        **{k: v for k, v in CardFile.model_json_schema().items() if k != "title"},
    }
