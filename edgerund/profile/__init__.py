"""What a variant costs and gives on this very device: time, memory, energy, accuracy, robustness.

::

    measure(ladder: LadderPlan, settings: Settings | None = None, *, samples: Samples | None = None,
            device: str = "", progress: Progress = ..., ...) -> Measured     # profile/measure.py
    read_samples(path: Path, labels: Sequence[str], most: int | None = None) -> Samples     # profile/samples_file.py
    Samples(frames=..., labels=...) or samples_of_inputs(inputs, labels, input_plan)         # network inputs at hand
    card_of(figures: Figures, measured: Measured, before: CardFile | None = None) -> CardFile   # profile/cards.py
    write_card(path: Path, card: CardFile) -> None
"""
