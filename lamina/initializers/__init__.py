"""First values of weights. Each is drawn on the host, and so the same on every backend."""

from typing import Any

from lamina.core import registry
from lamina.initializers.drawn import Orthogonal as Orthogonal
from lamina.initializers.drawn import RandomNormal as RandomNormal
from lamina.initializers.drawn import RandomUniform as RandomUniform
from lamina.initializers.drawn import TruncatedNormal as TruncatedNormal
from lamina.initializers.fixed import Constant as Constant
from lamina.initializers.fixed import Identity as Identity
from lamina.initializers.fixed import Ones as Ones
from lamina.initializers.fixed import Zeros as Zeros
from lamina.initializers.fixed import from_array
from lamina.initializers.fourier import STFT as STFT
from lamina.initializers.initializer import Initializer as Initializer
from lamina.initializers.initializer import RandomInitializer as RandomInitializer
from lamina.initializers.scaling import GlorotNormal as GlorotNormal
from lamina.initializers.scaling import GlorotUniform as GlorotUniform
from lamina.initializers.scaling import HeNormal as HeNormal
from lamina.initializers.scaling import HeUniform as HeUniform
from lamina.initializers.scaling import LecunNormal as LecunNormal
from lamina.initializers.scaling import LecunUniform as LecunUniform
from lamina.initializers.scaling import VarianceScaling as VarianceScaling

constant = Constant
zeros = Zeros
ones = Ones
identity = IdentityInitializer = Identity
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
stft = STFTInitializer = STFT
orthogonal = OrthogonalInitializer = Orthogonal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform


def get(identifier: Any) -> Any:
    """The initializer that a name, config, class, instance or function stands for.

    An array or a tensor stands for itself: the first value of a weight of its shape.

    Raises:
        ValueError: if there is no such initializer.

    Example:
        >>> get("glorot_uniform")
        GlorotUniform()
    """
    if hasattr(identifier, "__array__") and not callable(identifier):
        return from_array(identifier)
    return registry.identify("initializers", identifier)


def serialize(initializer: Any) -> Any:
    """The config of an initializer, with its class's name."""
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described; names in `custom_objects` are known."""
    with registry.CustomObjectScope(custom_objects):
        return get(config)
