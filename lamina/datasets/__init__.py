"""Small public data sets, downloaded once, with checked hashes."""

from lamina.datasets import fashion_mnist, mnist

__all__ = ["fashion_mnist", "mnist"]
