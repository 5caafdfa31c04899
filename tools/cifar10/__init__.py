"""Train, distil, export and restore the networks of the bundled CIFAR-10 ladder."""
