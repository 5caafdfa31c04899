"""What the data path costs: ratios measured side by side in one run, never absolute promises."""
