"""Dtype policies: what names, configs and paths say, and what layers make of them."""

import numpy as np
import pytest

import lamina
from lamina import dtype_policies, layers, ops
from lamina.dtype_policies import DTypePolicy, DTypePolicyMap

keras = pytest.importorskip("keras")
NAMES = [
    "float32",
    "float16",
    "uint8",
    "mixed_bfloat16",
    "mixed_float16",
    "mixed_float32",
    "nothing",
    "",
    "int8",
    "int4",
    "float8",
    "int8_from_float32",
    "int8_from_mixed_bfloat16",
    "int8_from_mixed_float16",
    "int8_from_int8_from_float32",
    "int8_from_nothing",
    "None_from_float32",
    "float8_from_mixed_float16",
    "int4_from_float16",
    "int4/128_from_float32",
    "int4/-1_from_mixed_bfloat16",
    "int4/0_from_float32",
    "int4/x_from_float32",
    "int4/1/2_from_float32",
    "gptq_from_float32",
    "gptq/4/128_from_float16",
    "gptq/5/128_from_float32",
    "gptq/4/0_from_float32",
    "gptq/4/x_from_float32",
    "awq/4/128_from_float32",
    "awq/4/-1_from_float32",
    "awq/8/128_from_float32",
]
CLASSES = [
    ("DTypePolicy", ("mixed_bfloat16",)),
    ("FloatDTypePolicy", ("float16",)),
    ("QuantizedDTypePolicy", ("int8", "mixed_bfloat16")),
    ("QuantizedDTypePolicy", ("int8",)),
    ("QuantizedDTypePolicy", ("int8", "float16")),
    ("QuantizedDTypePolicy", ("gptq", "float32")),
    ("QuantizedDTypePolicy", ("gptq/4/128", "float32")),
    ("QuantizedDTypePolicy", (None, "float32")),
    ("QuantizedFloat8DTypePolicy", ("float8", "float32")),
    ("QuantizedFloat8DTypePolicy", ("float8", "float32", 3)),
    ("QuantizedFloat8DTypePolicy", ("float8", "float32", "3")),
    ("Int4DTypePolicy", ("int4/64", "float32")),
    ("Int4DTypePolicy", ("int4", "float32")),
    ("GPTQDTypePolicy", ("gptq/3/64", "float32")),
    ("GPTQDTypePolicy", ("awq/4/64", "float32")),
    ("AWQDTypePolicy", ("awq/4/64", "mixed_float16")),
]
DETAILS = ("block_size", "weight_bits", "group_size", "amax_history_length")


def described(make):
    try:
        policy = make()
    except Exception as error:
        return type(error)
    types = policy.name, policy.compute_dtype, policy.variable_dtype, policy.quantization_mode
    details = [getattr(policy, one, None) for one in DETAILS]
    return type(policy).__name__, types, details, policy.get_config(), repr(policy)


@pytest.mark.parametrize("name", [*NAMES, None, np.float16, np.dtype("float16"), 3, {"a": 1}])
def test_names_mean_what_they_mean_in_keras(name):
    ours = described(lambda: dtype_policies.get(name))
    assert ours == described(lambda: keras.dtype_policies.get(name))
    if isinstance(ours, tuple):
        again = dtype_policies.get(dtype_policies.get(name).name)
        assert again == dtype_policies.get(name)


@pytest.mark.parametrize(("name", "arguments"), CLASSES)
def test_classes_are_those_of_keras(name, arguments):
    cls, theirs = (getattr(module.dtype_policies, name) for module in (lamina, keras))
    ours = described(lambda: cls(*arguments))
    assert ours == described(lambda: theirs(*arguments))
    if not isinstance(ours, tuple):
        return
    policy = cls(*arguments)
    config = dtype_policies.serialize(policy)
    assert config == keras.dtype_policies.serialize(theirs(*arguments))
    assert dtype_policies.deserialize(config) == policy == cls.from_config(policy.get_config())
    assert lamina.saving.deserialize_keras_object(config) == policy
    assert keras.dtype_policies.deserialize(config) == theirs(*arguments)


def test_equal_policies():
    q = dtype_policies.QuantizedDTypePolicy
    float8 = dtype_policies.QuantizedFloat8DTypePolicy
    assert DTypePolicy("float32") == dtype_policies.FloatDTypePolicy("float32")
    assert q("int8", "float32") not in (
        DTypePolicy("float32"),
        q("int8", "mixed_bfloat16"),
        q("int4", "float32"),
        "int8_from_float32",
    )
    assert float8("float8", "float32") not in (float8("float8", "float32", 3), q("float8"))


def test_a_map_finds_policies_as_keras_does():
    paths = ["dense", "x/dense", "dense/kernel", "block/a/out", "block/out", "a/conv1", "a/conv1/x"]

    def made(module):
        policies = module.dtype_policies
        found = policies.DTypePolicyMap("mixed_bfloat16")
        found["dense"] = policies.DTypePolicy("float16")
        found["block/.*/out"] = policies.DTypePolicy("bfloat16")
        found[r".*/conv\d"] = policies.QuantizedDTypePolicy("int8", "float32")
        return found

    ours, theirs = made(lamina), made(keras)
    assert [repr(ours[path]) for path in paths] == [repr(theirs[path]) for path in paths]
    assert ours.get_config() == theirs.get_config()
    config = dtype_policies.serialize(ours)
    assert config == keras.dtype_policies.serialize(theirs)
    assert dtype_policies.get(config) == ours != DTypePolicyMap("mixed_bfloat16")
    assert list(ours) == list(theirs) and len(ours) == 3 and "dense" in ours
    assert (ours.name, ours.compute_dtype) == (theirs.name, theirs.compute_dtype)
    assert repr(ours).partition("default")[2] == repr(theirs).partition("default")[2]
    del ours["dense"]
    assert ours["dense"] == DTypePolicy("mixed_bfloat16")


def test_a_map_refuses_what_is_not_clear():
    policies = DTypePolicyMap("float32", {".*a": "float16", "a.*": "bfloat16"})
    with pytest.raises(ValueError, match=r"'\.\*a', 'a\.\*' of a DTypePolicyMap all match"):
        policies["aa"]
    with pytest.raises(ValueError, match="already"):
        policies["a.*"] = "float32"
    with pytest.raises(ValueError, match="given by its name"):
        policies["b"] = 3
    with pytest.raises(TypeError, match="path of layers"):
        policies[3] = "float32"
    with pytest.raises(KeyError):
        del policies["nothing"]
    with pytest.raises(ValueError, match="a map itself"):
        DTypePolicyMap(policies)
    with pytest.raises(TypeError, match="dictionary of policies"):
        DTypePolicyMap("float32", [("a", "float16")])


def model(module, policies):
    class Block(module.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.d1 = module.layers.Dense(2, name="d1", dtype=self.dtype_policy)
            self.d2 = module.layers.Dense(2, name="d2", dtype=self.dtype_policy)

        def call(self, x):
            return self.d2(self.d1(x))

    class Outer(module.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.block = Block(name="block", dtype=self.dtype_policy)
            self.d0 = module.layers.Dense(3, name="d0", dtype=self.dtype_policy)

        def call(self, x):
            return self.d0(self.block(x))

    outer = Outer(name="outer", dtype=policies)
    assert (outer.block.path, outer.block.compute_dtype) == (None, "float32")
    return outer, [outer, outer.block, outer.block.d1, outer.block.d2, outer.d0]


def test_layers_have_the_policy_of_their_path():
    found = []
    for module in (lamina, keras):
        names = {
            "outer/block/d1": "float16",
            ".*block/d2": "bfloat16",
            "outer/d0": "mixed_bfloat16",
        }
        policies = module.dtype_policies.DTypePolicyMap(
            "float32", {key: module.DTypePolicy(name) for key, name in names.items()}
        )
        outer, inside = model(module, policies)
        output = outer(np.ones((1, 2), "float32"))
        types = [(one.path, one.compute_dtype, one.variable_dtype) for one in inside]
        kernels = [keras.backend.standardize_dtype(one.kernel.dtype) for one in inside[2:]]
        found.append((types, kernels, keras.backend.standardize_dtype(output.dtype)))
        assert outer.block.dtype_policy is policies
    assert found[0] == found[1]


def test_a_built_layer_is_computed_in_the_policy_of_its_path_from_the_first_call_on():
    policies = DTypePolicyMap("float32", {"narrow": "bfloat16"})
    layer = layers.Dense(2, name="narrow", dtype=policies)
    outputs = [layer(np.ones((1, 2), "float32")) for _ in range(2)]
    assert {ops.dtype(output) for output in outputs} == {"bfloat16"}
    again = layers.Dense.from_config(layer.get_config())
    assert again.dtype_policy == policies


def test_the_map_of_the_process_reaches_the_layers_made_after():
    try:
        lamina.config.set_dtype_policy(DTypePolicyMap("mixed_bfloat16", {"wide": "float32"}))
        assert DTypePolicy().name == "mixed_bfloat16"
        x = lamina.Input((2,))
        found = lamina.Model(x, [layers.Dense(2, name=name)(x) for name in ("wide", "other")])
        assert [one.compute_dtype for one in found.layers[1:]] == ["float32", "bfloat16"]
    finally:
        lamina.config.set_dtype_policy(None)


@pytest.mark.parametrize("name", ["int8_from_float32", "gptq/4/128_from_mixed_bfloat16"])
def test_layers_are_not_quantized_in_silence(name):
    source = name.partition("_from_")[2]
    with pytest.raises(ValueError, match=f"Layer 'd' .*Give it the policy '{source}'"):
        layers.Dense(2, name="d", dtype=name)
    layer = layers.Dense(2, name="d", dtype=DTypePolicyMap("float32", {"d": name}))
    with pytest.raises(ValueError, match="does not quantize"):
        layer(np.ones((1, 2), "float32"))


def test_inputs_of_integers_need_no_policy():
    assert lamina.Input((2,), dtype="int8").dtype == "int8"


def test_paths_of_layers_are_those_of_keras():
    found = []
    for module in (lamina, keras):
        dense = module.layers.Dense
        inner = module.Sequential([module.Input((2,)), dense(2, name="a")], name="inner")
        outer = module.Sequential([module.Input((2,)), inner, dense(2, name="b")], name="outer")
        late = module.Sequential([dense(2, name="a")], name="late")
        late(np.ones((1, 2), "float32"))
        with module.name_scope("scope"):
            scoped = dense(2, name="c")
            assert scoped.path is None
            scoped(np.ones((1, 2), "float32"))
        inside = [*inner.layers, *outer.layers[1:], *late.layers, scoped]
        found.append([one.path for one in inside])
    assert found[0] == found[1]
