"""What a variant costs and gives on this very device: time, memory, energy, accuracy, robustness."""
