"""Train, distil, export, quantize and measure the bundled CIFAR-10 ladder."""
