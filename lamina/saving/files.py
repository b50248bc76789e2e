"""Saving and loading, for programs: models as a whole, and weights alone."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lamina.core import registry
from lamina.core.atomic import atomic_write
from lamina.core.blank import Blanks, blank
from lamina.core.budget import limited
from lamina.core.load_errors import LoadError
from lamina.saving import assets, legacy, model_file, safetensors, shards
from lamina.saving.config_rules import modernised
from lamina.saving.hdf5 import Hdf5Reader, is_hdf5
from lamina.saving.model_file import write_arrays, write_model
from lamina.saving.paths import (
    LEGACY,
    MODEL,
    WEIGHTS,
    as_path,
    check_kind,
    check_there,
    first_bytes,
    loading_from,
    may_replace,
)
from lamina.saving.report import LoadReport
from lamina.saving.rules import left_to_the_backend, present
from lamina.saving.weights import Loading, Stored, by_group, load


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Write a model to a file: its layers, weights, and how it was compiled and trained.

    The file is written beside its place, flushed to the disk and put in place when it is whole:
    whatever happens meanwhile, there is the old file or the new one. Keras opens it.

    Args:
        model: the model.
        filepath: ends in `.keras`, or in `.h5` or `.hdf5` for the form of Keras 2.
        overwrite: whether to replace a file that is there; else the user is asked.
        zipped: False for a folder of files instead of one archive.
        **kwargs: `include_optimizer`, for `.h5`; and `save_format`, which programs for Keras 2
            pass. The form is what the path's end says: a warning tells of any other.

    Raises:
        ValueError: if the path ends in something else, or an argument is unknown.
        FileExistsError: if a file is there, `overwrite` is False and nobody can be asked.
        TypeError: if a config holds an object that has no `get_config`.

    Example:
        >>> import lamina, os, tempfile
        >>> model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
        >>> save_model(model, path)
        >>> load_model(path).output_shape
        (None, 2)
    """
    path = as_path(filepath)
    old = path.name.endswith(LEGACY) and zipped is not False
    asked = kwargs.pop("save_format", None)
    if not (old or path.name.endswith(MODEL) or zipped is False):
        also = f", whatever save_format={asked!r} says" if asked else ""
        raise ValueError(
            f"A model's file ends in .keras, or in .h5 for the form of Keras 2, and {path} does "
            f"not{also}. For weights alone call save_weights, for a folder pass zipped=False, for "
            "a SavedModel of TensorFlow call export."
        )
    with_optimizer = kwargs.pop("include_optimizer", True)
    _refuse("save", kwargs)
    if asked not in (*_FORMS[old], None):
        _say_unused("save_format", asked, f"the form of a file is what its name ends in: {path}")
    if not (with_optimizer or old):
        why = "a .keras file has the optimizer, and load_model(compile=False) leaves it out"
        _say_unused("include_optimizer", with_optimizer, why)
    if may_replace(path, overwrite):
        with model_file.saving_to(path):
            if old:
                _write_legacy(model, path, with_optimizer)
            else:
                write_model(model, path, zipped is not False)


# What `save_format` may call the forms of Keras 3, and of Keras 2.
_FORMS = (("keras", "keras_v3"), ("h5", "hdf5"))


def _say_unused(name: str, value: Any, why: str) -> None:
    """Warn of an argument of Keras 2, which Keras 3 takes without doing what it says."""
    warnings.warn(f"{name}={value!r} was not followed: {why}.", stacklevel=4)


def _refuse(method: str, options: dict[str, Any]) -> None:
    if options:
        raise ValueError(f"{method} has no argument {', '.join(options)}.")


def _write_legacy(model: Any, path: Path, include_optimizer: bool) -> None:
    with atomic_write(path) as file:
        legacy.write_legacy(model, file, include_optimizer)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    report: bool = False,
    strict: bool = False,
) -> Any:
    """The model in a file that Lamina or Keras wrote.

    A file is data: no code in it is run, in any mode, and no other file is opened. Names in it are
    looked up among Lamina's own classes and functions, what is registered, and `custom_objects`.

    Args:
        filepath: a `.keras` file or folder, or a whole model in an `.h5` file.
        custom_objects: classes and functions of one's own, by name.
        compile: whether to compile the model as it was, its optimizer's state included.
        safe_mode: kept for programs that pass it; False allows nothing more.
        report: whether to return what was mapped, left out or set to a default, too.
        strict: whether to refuse weights that are NaN or infinite, and arrays without digests.

    Returns:
        The model; with `report=True`, the model and a `LoadReport`.

    Raises:
        LoadError: in one of its forms, says what is wrong, where, and what to do.

    Example:
        >>> import lamina, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
        >>> lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)]).save(path)
        >>> model, report = load_model(path, report=True)
        >>> report.written_by.split()[:3]
        ['written', 'by', 'Lamina']
    """
    path = as_path(filepath)
    check_there(path)
    notes = LoadReport(str(path))
    with loading_from(path), limited(), registry.CustomObjectScope(custom_objects):
        if _is_legacy_file(path):
            model = _from_legacy(path, compile, notes, strict)
        elif path.is_dir() or path.name.endswith(MODEL):
            model = _from_archive(path, compile, notes, strict)
        else:
            raise LoadError(
                f"{path} is no model's file by its name: those end in .keras or .h5. For weights "
                "call load_weights of a model."
            )
    notes.finish(strict)
    return (model, notes) if report else model


def _is_legacy_file(path: Path) -> bool:
    """Whether a path is to be read as HDF5: what Keras 2.12 and older wrote is, by any name."""
    if path.is_dir():
        return False
    return path.name.endswith(LEGACY) or is_hdf5(first_bytes(path))


def _from_legacy(path: Path, compile: bool, notes: LoadReport, strict: bool) -> Any:
    check_kind(path, "HDF5")
    with Hdf5Reader(path, str(path)) as reader:
        model, blanks = _made(legacy.read_config(reader, notes, compile), path)
        how = Loading(notes, load_optimizer=compile, strict=strict, blanks=blanks, partial=True)
        stored = legacy.stored_by_order(model, reader, how)
        if compile:
            stored |= legacy.stored_optimizer(model, reader, notes)
        load(model, present(model, stored, notes), how)
    return model


def _made(config: dict[str, Any], path: Path) -> tuple[Any, Blanks]:
    """The model that a config describes, its optimizer's variables made, its values yet to come."""
    with blank() as blanks:
        model = registry.deserialize(config)
        if not hasattr(model, "load_own_variables"):
            raise LoadError(f"{path} describes a {type(model).__name__}, and no model.")
        _ready_optimizer(model)
    return model, blanks


def _from_archive(path: Path, compile: bool, notes: LoadReport, strict: bool) -> Any:
    with model_file.opened(path) as members:
        config = left_to_the_backend(model_file.read_config(members, notes), notes)
        if not compile:
            config.pop("compile_config", None)
        model, blanks = _made(modernised(config, notes), path)
        with model_file.arrays_of(members, notes) as stored:
            how = Loading(notes, load_optimizer=compile, strict=strict, blanks=blanks)
            stored = present(model, stored, notes)
            _scale_as_stored(model, stored)
            load(model, stored, how)
        assets.restore(model, members)
    return model


def _ready_optimizer(model: Any) -> None:
    """Have a compiled model's optimizer make its variables, which a file has values for."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and model.built and not optimizer.built:
        optimizer.build(model.trainable_variables)


def _scale_as_stored(model: Any, stored: Stored) -> None:
    """Wrap the optimizer of a compiled model in a `LossScaleOptimizer`, if it was when saved.

    Keras does that in `compile`, by the policy of that process, and tells of it in a file by the
    places of arrays alone.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built and "optimizer/inner_optimizer" in stored:
        model._scale_loss()
        _ready_optimizer(model)


def save_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    **kwargs: Any,
) -> None:
    """Write the weights of a model, and its optimizer's state, to a file, or to shards.

    Args:
        model: the model.
        filepath: ends in `.weights.h5`; in `.weights.json`, the index, for shards; in
            `.safetensors` for weights without the optimizer's state, under names such as
            `layers.dense_1.kernel`.
        overwrite: whether to replace a file that is there; else the user is asked.
        max_shard_size: the greatest size of a shard, in GB. None for one file.
        **kwargs: `save_format="h5"`, which programs for Keras 2 pass; nothing else.

    Raises:
        ValueError: if the path ends in something else, an array is larger than a shard, or the
            model has no weights yet.

    Example:
        >>> import lamina, os, tempfile
        >>> model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
        >>> save_weights(model, path)
        >>> load_weights(model, path)
    """
    path = as_path(filepath)
    if (asked := kwargs.pop("save_format", None)) not in (*_FORMS[True], None):
        raise ValueError(
            f"save_weights has no form {asked!r}: leave save_format out, and end the path in "
            ".weights.h5."
        )
    _refuse("save_weights", kwargs)
    path, write = _writer_to(path, max_shard_size)
    if not (model.built or model.variables):
        raise ValueError(
            f"{type(model).__name__} {model.name!r} has not been built and so has no weights to "
            "save. Call it on some data, or its build(input_shape), first. Nothing was written."
        )
    if may_replace(path, overwrite):
        with model_file.saving_to(path):
            write(model, path)


def _writer_to(path: Path, most: float | None) -> tuple[Path, Callable[[Any, Path], None]]:
    """The file that `save_weights` has to write, and what writes it."""
    if most is not None:
        return shards.index_of(path), lambda model, path: shards.save(model, path, most)
    if path.name.endswith(safetensors.ENDING):
        return path, safetensors.save
    if path.name.endswith(WEIGHTS):
        return path, _write_weights
    hint = " Pass max_shard_size for shards." * path.name.endswith(shards.INDEX)
    raise ValueError(
        f"A file of weights ends in .weights.h5 or .safetensors, and {path} does not.{hint}"
    )


def _write_weights(model: Any, path: Path) -> None:
    with atomic_write(path) as file:
        write_arrays(model, file)


def load_weights(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    *,
    by_name: bool = False,
    load_optimizer: bool = True,
    report: bool = False,
    strict: bool = False,
    **kwargs: Any,
) -> Any:
    """Put the weights in a file into a model: all of them, or none where one does not fit.

    Args:
        model: the model, built, so that its variables are known.
        filepath: a `.weights.h5` or `.keras` file, a model's folder, the index of shards
            (`.weights.json`), a `.safetensors` file, or an `.h5` file of Keras 2 or of a whole
            model, in which layers come in order.
        skip_mismatch: whether to leave out, with a warning, what does not fit.
        by_name: for `.h5` files of the form of Keras 2: whether to load those layers that have
            the same names, instead of all in order.
        load_optimizer: whether to load the optimizer's state where there is some; from a whole
            `.h5` model none is, as in Keras: `load_model` takes it from there.
        report: whether to return a `LoadReport`.
        strict: whether to refuse weights that are NaN or infinite, and arrays without digests.

    Raises:
        LoadError: says which array, what was expected and what came. The model is unchanged.

    Example:
        >>> import lamina, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
        >>> lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)]).save_weights(path)
        >>> other = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(2)])
        >>> try:
        ...     load_weights(other, path)
        ... except LoadError as error:
        ...     print(str(error).partition(" has the shape ")[2][:30])
        (4, 2), and the file's (3, 2).
    """
    _refuse("load_weights", kwargs)
    path = as_path(filepath)
    check_there(path)
    notes = LoadReport(str(path))
    how = Loading(notes, skip_mismatch, load_optimizer, strict)
    with loading_from(path), contextlib.ExitStack() as stack:
        if load_optimizer:
            _ready_optimizer(model)
        stored, how = stack.enter_context(_arrays_in(path, model, how, by_name))
        load(model, present(model, stored, notes), how)
    notes.finish(strict)
    return notes if report else None


@contextlib.contextmanager
def _arrays_in(
    path: Path, model: Any, how: Loading, by_name: bool
) -> Iterator[tuple[Stored, Loading]]:
    """The arrays of a file of weights, by part, and how they are to be taken."""
    with contextlib.ExitStack() as stack:
        if _is_legacy_file(path):
            check_kind(path, "HDF5")
            reader = stack.enter_context(Hdf5Reader(path, str(path)))
            if legacy.is_legacy(reader):
                how = dataclasses.replace(how, partial=True)
                find = legacy.stored_by_name if by_name else legacy.stored_by_order
                stored = find(model, reader, how)
                # As in Keras, which takes the optimizer's from such a file with the model only.
                yield stored, dataclasses.replace(how, load_optimizer=False)
                return
            stored = by_group(reader.arrays)
        elif path.is_dir() or path.name.endswith(MODEL):
            members = stack.enter_context(model_file.opened(path))
            stored = stack.enter_context(model_file.arrays_of(members, how.report))
        elif path.name.endswith(shards.INDEX):
            stored = stack.enter_context(shards.opened(path))
        elif path.name.endswith(safetensors.ENDING):
            stored = stack.enter_context(safetensors.opened(path, model))
        else:
            check_kind(path, "HDF5")
            raise LoadError(f"{path} is no file of weights.")
        if by_name:
            raise LoadError(
                f"{path} is of the form of Keras 3, which has no layers by name: load it without "
                "by_name=True."
            )
        yield stored, how
