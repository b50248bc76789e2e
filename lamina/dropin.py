"""`import keras` finds Lamina, for programs written for Keras, once `install()` was called.

One finder on `sys.meta_path` answers for `keras`, `keras.*` and `tensorflow.keras`. It gives the
very module objects of Lamina (`keras.layers is lamina.layers`), so nothing here has to know what
they hold. A process that the program starts afresh has to call `install()` itself.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

LAMINA = "lamina"

# Other names of the whole package: what follows them is looked up as if they were not there.
MIRRORS = frozenset({"api", "src", "_tf_keras", "_v2", "keras"})

# Modules of older Keras versions whose names the package above them now holds. Whatever stands
# below such a module (`keras.layers.core.dense`) is that package too.
FOLDED: dict[str, tuple[str, ...]] = {
    "keras": ("engine",),
    "keras.layers": (
        "activation",
        "advanced_activations",
        "attention",
        "convolutional",
        "convolutional_recurrent",
        "core",
        "embeddings",
        "experimental",
        "merge",
        "merging",
        "noise",
        "normalization",
        "pooling",
        "preprocessing",
        "recurrent",
        "recurrent_v2",
        "regularization",
        "reshaping",
        "rnn",
        "wrappers",
    ),
    "keras.optimizers": ("legacy",),
    "keras.utils": (
        "data_utils",
        "generic_utils",
        "image_utils",
        "layer_utils",
        "np_utils",
        "vis_utils",
    ),
}

_ABSENT = object()


def install() -> None:
    """Make `import keras` and `tensorflow.keras` find Lamina from now on in this process.

    Calling it twice is the same as calling it once. A real TensorFlow stays itself except for its
    `keras`; where none is installed, `import tensorflow` gives a module that has `keras` only.

    Raises:
        RuntimeError: if the real Keras was imported before; nothing is changed then.

    Example:
        from lamina import dropin
        dropin.install()
        import keras  # Lamina
    """
    if _installed() is not None:
        return
    loaded = sys.modules.get("keras") or sys.modules.get("tensorflow.keras")
    if loaded is not None:
        raise RuntimeError(
            f"Keras was already imported, from {getattr(loaded, '__file__', 'an unknown place')}, "
            "so Lamina cannot take its name in this process. Nothing was changed. Call "
            "lamina.dropin.install() before the first import of keras, or start the program with "
            "`lamina run`."
        )
    finder = DropIn()
    sys.meta_path.insert(0, finder)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        finder.redirect(tensorflow)


def uninstall() -> None:
    """Undo `install()`: the next `import keras` finds whatever is installed under that name.

    Names that a program bound while the drop-in was there keep pointing to Lamina.

    Example:
        from lamina import dropin
        dropin.install()
        dropin.uninstall()
    """
    finder = _installed()
    if finder is not None:
        sys.meta_path.remove(finder)
        finder.undo()


def _installed() -> "DropIn | None":
    return next((finder for finder in sys.meta_path if isinstance(finder, DropIn)), None)


def canonical(name: str) -> str:
    """The present Keras name of a module, whatever way a program spells it.

    Example:
        >>> canonical("tensorflow.keras.layers.convolutional")
        'keras.layers'
        >>> canonical("keras.api._v2.keras.datasets.mnist")
        'keras.datasets.mnist'
    """
    path = "keras"
    for part in name.removeprefix("tensorflow.").split(".")[1:]:
        if path == "keras" and part in MIRRORS:
            continue
        if part in FOLDED.get(path, ()):
            break
        path = f"{path}.{part}"
    return path


def resolve(name: str) -> ModuleType:
    """The module of Lamina that stands for the Keras module `name`.

    What `from keras import x` would give wins over a file of that name, so both spellings agree.

    Raises:
        ModuleNotFoundError: if Lamina has no such module.
    """
    target = canonical(name)
    if target == "keras":
        return importlib.import_module(LAMINA)
    parent_name, _, child = target.rpartition(".")
    parent = resolve(parent_name)
    public = getattr(parent, child, None)
    if isinstance(public, ModuleType) and public.__name__.startswith(f"{LAMINA}."):
        return public
    own_name = f"{parent.__name__}.{child}"
    try:
        return importlib.import_module(own_name)
    except ModuleNotFoundError as error:
        if error.name != own_name:
            raise
        message = (
            f"No module named {name!r}: `keras` is Lamina here, and Lamina has no {own_name!r}. "
            f"Import what you need from the public module {parent_name!r}."
        )
        raise ModuleNotFoundError(message, name=name) from None


class DropIn(MetaPathFinder):
    """Answers imports of Keras with the modules of Lamina, and remembers what to undo."""

    def __init__(self) -> None:
        self._bound: list[tuple[ModuleType, str, object]] = []

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module this finder answers for, or None for every other module."""
        top, _, below = name.partition(".")
        if top == "keras" or (top == "tensorflow" and below.split(".")[0] == "keras"):
            module = resolve(name)
            package = hasattr(module, "__path__")
            return ModuleSpec(
                name, _Alias(self, module), origin=module.__file__, is_package=package
            )
        if name == "tensorflow":
            return self._find_tensorflow()
        if top == "tensorflow" and isinstance(sys.modules.get(top), _KerasOnly):
            # Not ModuleNotFoundError: `from tensorflow import x` would swallow that and this text.
            raise ImportError(_no_tensorflow(below), name=name)
        return None

    def _find_tensorflow(self) -> ModuleSpec | None:
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec("tensorflow", None) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None:
            return ModuleSpec("tensorflow", _KerasOnlyLoader(), is_package=True)
        if spec.loader is not None:
            spec.loader = _ThenRedirect(self, spec.loader)
        return spec

    def redirect(self, tensorflow: ModuleType) -> None:
        """Make the attribute `keras` of an imported TensorFlow be Lamina."""
        self._bind(tensorflow, "keras", resolve("keras"))

    def adopt(self, name: str, module: ModuleType) -> None:
        """Prepare for `name` becoming one more name of `module`.

        The old names below it are bound at once, because `from keras.utils import np_utils` looks
        for an attribute, and then under the module's own name, for which this finder does not
        answer.
        """
        parent_name, _, child = name.rpartition(".")
        if parent_name:
            # The import system sets this attribute by itself; binding it here makes it undoable.
            self._bind(sys.modules[parent_name], child, module)
        if child != canonical(name).rpartition(".")[2]:
            return
        for old in FOLDED.get(canonical(name), ()):
            sys.modules[f"{name}.{old}"] = module
            # What is public under the old name stays; a file of ours of that name gives way.
            if isinstance(vars(module).get(old, module), ModuleType):
                self._bind(module, old, module)

    def _bind(self, owner: ModuleType, name: str, module: ModuleType) -> None:
        self._bound.append((owner, name, vars(owner).get(name, _ABSENT)))
        setattr(owner, name, module)

    def undo(self) -> None:
        """Take every name back that was given while this finder was installed."""
        for owner, name, before in reversed(self._bound):
            if before is _ABSENT:
                vars(owner).pop(name, None)
            else:
                setattr(owner, name, before)
        for name in list(sys.modules):
            if f"{name}.".startswith(("keras.", "tensorflow.keras.")):
                del sys.modules[name]
        if isinstance(sys.modules.get("tensorflow"), _KerasOnly):
            del sys.modules["tensorflow"]


class _Alias(Loader):
    """Gives a module that exists already."""

    def __init__(self, finder: DropIn, module: ModuleType) -> None:
        self._finder = finder
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just written the alias's spec over the module's own.
        alias, module.__spec__ = module.__spec__, self._spec
        assert alias is not None
        self._finder.adopt(alias.name, module)


class _ThenRedirect(Loader):
    """Loads the real TensorFlow with its own loader, then points its `keras` to Lamina."""

    def __init__(self, finder: DropIn, loader: Loader) -> None:
        self._finder = finder
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # TensorFlow must see its own loader: it reads resources through it.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._finder.redirect(module)


class _KerasOnly(ModuleType):
    """Stands for TensorFlow where none is installed: it has `keras` and nothing else."""

    def __getattr__(self, name: str) -> ModuleType:
        if name == "keras":
            return importlib.import_module("tensorflow.keras")
        raise AttributeError(_no_tensorflow(name), name=name, obj=self)


class _KerasOnlyLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _KerasOnly(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def _no_tensorflow(name: str) -> str:
    return (
        f"The program asks for 'tensorflow.{name}', and TensorFlow is not installed: only "
        "'tensorflow.keras' is here, which is Lamina. Install it with "
        "`pip install 'lamina[tensorflow]'`."
    )
