"""Files in the formats that the data sets were published in, with few rows."""

import io
import struct
import tarfile
import zipfile

import numpy as np
from numpy.lib import format as npy


def python2_pickle(value):
    """A pickle as Python 2 wrote it (protocol 2): of a dictionary, list, text, number or array."""
    return b"\x80\x02" + _written(value) + b"."


def _written(value):
    if isinstance(value, dict):
        return b"}(" + b"".join(map(_written, [x for pair in value.items() for x in pair])) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_written, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_written, value)) + b"t"
    if isinstance(value, str):
        return _written(value.encode())
    if isinstance(value, bytes):
        short = len(value) < 256
        return (struct.pack("<cB", b"U", len(value)) if short else
                struct.pack("<ci", b"T", len(value))) + value  # fmt: skip
    if isinstance(value, np.ndarray):
        return _written_array(value)
    if value is None:
        return b"N"
    if 0 <= value < 2**16:
        return struct.pack("<cB", b"K", value) if value < 256 else struct.pack("<cH", b"M", value)
    return struct.pack("<ci", b"J", value)


def _written_array(array):
    objects = array.dtype == object
    order = "|" if array.dtype.itemsize == 1 or objects else "<"
    kind = (
        b"cnumpy\ndtype\n" + _written(("O8" if objects else array.dtype.str[1:], 0, 1)) + b"R"
        + _written((3, order, None, None, None, -1, -1, 63 if objects else 0)) + b"b"
    )  # fmt: skip
    content = array.ravel().tolist() if objects else array.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _written((0,)) + b"U\x01b"
        b"\x87R(" + _written(1) + _written(array.shape) + kind + b"\x89" + _written(content) + b"tb"
    )  # fmt: skip


def npz_bytes(pickled=python2_pickle, **arrays):
    """A compressed `.npz` file, with arrays of lists as `pickled` writes them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            if array.dtype == object:
                npy.write_array_header_1_0(member, npy.header_data_from_array_1_0(array))
                member.write(pickled(array))
            else:
                npy.write_array(member, array)
            archive.writestr(f"{name}.npy", member.getvalue())
    return buffer.getvalue()


def tar_gz(members):
    """A gzipped tar of folders and files, as CIFAR's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def lists(*sizes, most=90_000):
    """An array of lists of word numbers, 1 to `most`, of those lengths."""
    random = np.random.RandomState(0)
    found = np.empty(len(sizes), object)
    for place, size in enumerate(sizes):
        found[place] = random.randint(1, most, size).tolist()
    return found


def cifar10_batch(rows, number):
    """A batch of CIFAR-10: rows of pixels, labels, and what else it tells."""
    pixels = np.random.RandomState(number).randint(0, 256, (rows, 3072)).astype("uint8")
    return {
        "batch_label": f"training batch {number} of 5",
        "labels": [(place + number) % 10 for place in range(rows)],
        "data": pixels,
        "filenames": [f"picture_{place}.png" for place in range(rows)],
    }


def cifar10(batches):
    folder = "cifar-10-batches-py"
    names = [*(f"data_batch_{number}" for number in range(1, len(batches))), "test_batch"]
    files = {f"{folder}/{n}": python2_pickle(b) for n, b in zip(names, batches, strict=True)}
    meta = python2_pickle({"num_cases_per_batch": 10000, "label_names": ["airplane"]})
    # In another order than they are read in, as in the archive itself.
    files = dict(reversed(files.items()))
    return tar_gz({folder: None, f"{folder}/batches.meta": meta} | files)


def cifar100_part(rows, number):
    batch = cifar10_batch(rows, number)
    del batch["labels"]
    fine = [(place * 7 + number) % 100 for place in range(rows)]
    return batch | {"fine_labels": fine, "coarse_labels": [label // 5 for label in fine]}


def cifar100(train, test):
    folder = "cifar-100-python"
    parts = {f"{folder}/{n}": python2_pickle(p) for n, p in (("test", test), ("train", train))}
    return tar_gz({folder: None} | parts)
