"""Data sources: one iterator protocol behind every kind of input of fit, evaluate and predict."""

from lamina.data.arrays import ArraySource
from lamina.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from lamina.data.prefetch import Prefetch
from lamina.data.py_dataset import PyDataset, PyDatasetSource
from lamina.data.source import Batch, Chunk, EmptyDataError, Source, StepLimitedSource
from lamina.data.sources import make_source
from lamina.data.split import split_validation
from lamina.data.streams import IterableSource

__all__ = [
    "ArraySource",
    "Batch",
    "Chunk",
    "EmptyDataError",
    "IterableSource",
    "Prefetch",
    "PyDataset",
    "PyDatasetSource",
    "Source",
    "StepLimitedSource",
    "make_source",
    "pack_x_y_sample_weight",
    "split_validation",
    "unpack_x_y_sample_weight",
]
