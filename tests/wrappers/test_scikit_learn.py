"""The estimators pass scikit-learn's own checks, and do what its users and Keras's expect."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import lamina
from lamina import layers, optimizers, wrappers

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import DataConversionWarning, NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402

pytestmark = pytest.mark.above_backends

X = np.random.default_rng(0).normal(size=(24, 3))
NUMBERS = X @ [1.0, -2.0, 0.5]
NAMES = np.where(NUMBERS > 0, "up", "down")
KINDS = {
    wrappers.SKLearnClassifier: {},
    wrappers.SKLearnRegressor: {"loss": "mse", "activation": None},
    wrappers.SKLearnTransformer: {"loss": "mse", "activation": None},
}


def full(test):
    """All checks are fast on PyTorch; elsewhere something is compiled in each of 300 fits."""
    test = pytest.mark.filterwarnings("ignore")(test)
    return test if os.environ["LAMINA_BACKEND"] == "torch" else pytest.mark.slow(test)


def build(X, y, loss="categorical_crossentropy", activation="softmax", units=0, rate=0.1):
    lamina.utils.set_random_seed(1)
    hidden = [layers.Dense(units, "relu")] if units else []
    model = lamina.Sequential([*hidden, layers.Dense(y.shape[1], activation)])
    model.compile(optimizers.Adam(rate), loss, run_eagerly=True)
    return model


def made(kind, epochs=1, **kwargs):
    fit = {"epochs": epochs, "batch_size": 64, "verbose": 0}
    return kind(build, model_kwargs={**KINDS.get(kind, {}), **kwargs}, fit_kwargs=fit)


class _Strict:
    """With this seed in `build` the estimators are deterministic and learn well."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        for one in (tags.classifier_tags, tags.regressor_tags):
            if one is not None:
                one.poor_score = False
        return tags


class StrictClassifier(_Strict, wrappers.SKLearnClassifier):
    pass


class StrictRegressor(_Strict, wrappers.SKLearnRegressor):
    pass


class StrictTransformer(_Strict, wrappers.SKLearnTransformer):
    pass


def strict():
    linear = {"loss": "mse", "activation": None}
    return [
        made(StrictClassifier, 40, units=8),
        made(StrictRegressor, 40, units=8, **linear),
        made(StrictTransformer, **linear),
    ]


def checks(estimators, names=None):
    found = []
    for estimator in estimators:
        for i, (_, check) in enumerate(estimator_checks_generator(estimator)):
            name = check.func.__name__
            if names is None or name in names:
                label = f"{type(estimator).__name__}-{name}-{i}"
                found.append(pytest.param(estimator, check, id=label))
    return pytest.mark.parametrize(("estimator", "check"), found)


@full
@checks([made(kind, 20) for kind in KINDS])
def test_every_check_of_scikit_learn(estimator, check):
    check(estimator)


# What scikit-learn leaves out, or asks less of, where an estimator is not deterministic. The order
# of rows is not among it: float32 sums depend on it in the last digit.
OF_DETERMINISTIC = {
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_fit_idempotent",
    "check_methods_subset_invariance",
    "check_pipeline_consistency",
    "check_regressors_int",
    "check_regressors_train",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@checks(strict(), OF_DETERMINISTIC)
def test_estimators_that_are_deterministic(estimator, check):
    check(estimator)


FAST = {
    "check_classifiers_regression_target",
    "check_dict_unchanged",
    "check_estimators_pickle",
    "check_estimators_unfitted",
    "check_n_features_in_after_fitting",
    "check_no_attributes_set_in_init",
    "check_requires_y_none",
    "check_supervised_y_2d",
}


@pytest.mark.filterwarnings("ignore")
@checks([made(kind) for kind in KINDS], FAST)
def test_some_checks_of_scikit_learn(estimator, check):
    check(estimator)


def plain(library, units, loss, activation=None):
    """A model of `library` whose training leaves nothing to chance."""
    last = library.layers.Dense(units, activation, kernel_initializer="zeros")
    model = library.Sequential([library.Input((3,)), last])
    model.compile(library.optimizers.SGD(0.1), loss)
    return model


def test_results_are_those_of_keras(request):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    keras.utils.disable_interactive_logging()
    request.addfinalizer(keras.utils.enable_interactive_logging)
    three = np.array(["a", "b", "c"])[np.digitize(NUMBERS, [-1.0, 1.0])]

    def results(library):
        fit = {"shuffle": False, "batch_size": 8, "epochs": 2, "verbose": 0}
        model = plain(library, 3, "categorical_crossentropy", "softmax")
        classifier = library.wrappers.SKLearnClassifier(model, fit_kwargs=fit).fit(X, three)
        model = plain(library, 1, "mse")
        regressor = library.wrappers.SKLearnRegressor(model, fit_kwargs=fit).fit(X, NUMBERS)
        transformer = library.wrappers.SKLearnTransformer(model, fit_kwargs=fit).fit(X, NUMBERS)
        assert classifier.predict(X).tolist() == [
            classifier.classes_[i] for i in classifier.decision_function(X).argmax(axis=1)
        ]
        return (
            classifier.decision_function(X),
            regressor.predict(X),
            transformer.predict(X),
            transformer.transform(X),
            classifier.score(X, three),
        )

    for mine, theirs in zip(results(lamina), results(keras), strict=True):
        assert np.shape(mine) == np.shape(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_a_model_that_is_given_is_not_changed_and_one_like_it_is_trained():
    model = plain(lamina, 1, "mse")
    model.compile(optimizers.SGD(0.1, momentum=0.5), "mae", metrics=["mse"], run_eagerly=True)
    found = wrappers.SKLearnRegressor(model).fit(X, NUMBERS, verbose=0)
    assert not model.get_weights()[0].any() and found.model_.get_weights()[0].any()
    assert not model.optimizer.built and found.model_.optimizer.momentum == 0.5
    assert found.model_.run_eagerly and set(found.history_.history) == {"loss", "mse"}
    first = found.predict(X)
    again = found.fit(X, NUMBERS, verbose=0).predict(X)
    np.testing.assert_allclose(again, first, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("of_function", [False, True])
def test_a_warm_start_goes_on(of_function):
    model = plain(lamina, 1, "mse")
    given = (lambda X, y: model) if of_function else model
    found = wrappers.SKLearnRegressor(given, warm_start=True, fit_kwargs={"verbose": 0})
    for steps in (1, 2, 3):
        found.fit(X, NUMBERS)
        assert found.model_ is model and int(model.optimizer.iterations) == steps


def test_arguments_of_fit_win_and_nothing_that_was_given_is_changed():
    given = {"epochs": 2, "verbose": 0}
    found = wrappers.SKLearnRegressor(plain(lamina, 1, "mse"), fit_kwargs=given)
    assert not hasattr(found, "epoch_")
    assert found.fit(X, NUMBERS, epochs=3).epoch_ == 3 and given == {"epochs": 2, "verbose": 0}
    unweighted = found.fit(X, NUMBERS).predict(X)
    weights = np.linspace(0.0, 2.0, len(X))
    assert not np.allclose(found.fit(X, NUMBERS, sample_weight=weights).predict(X), unweighted)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = clone(found).set_fit_request(sample_weight=True).get_metadata_routing()
    assert asked.fit.requests == {"sample_weight": True}


def test_pipelines_and_searches():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), made(wrappers.SKLearnClassifier, 3)),
        {"sklearnclassifier__model_kwargs": [{"rate": 1e-6}, {"rate": 1.0}]},
        cv=2,
    )
    search.fit(X, NAMES)
    assert search.best_params_["sklearnclassifier__model_kwargs"] == {"rate": 1.0}
    assert search.score(X, NAMES) > 0.8
    again = pickle.loads(pickle.dumps(search))
    assert again.predict(X).tolist() == search.predict(X).tolist()


def _fitted(kind, y, *models):
    return kind(*models, fit_kwargs={"verbose": 0}).fit(X, y)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (
            lambda r, c, m: r(lamina.Sequential([layers.Dense(1)])).fit(X, NUMBERS),
            ValueError,
            "compile",
        ),
        (lambda r, c, m: r(3).fit(X, NUMBERS), TypeError, "model"),
        (lambda r, c, m: r(lambda X, y: 3).fit(X, NUMBERS), TypeError, "return a Model"),
        (
            lambda r, c, m: r(m(1), model_kwargs={"a": 1}).fit(X, NUMBERS),
            ValueError,
            "model_kwargs",
        ),
        (lambda r, c, m: r(m(1)).fit(X, NUMBERS, nope=1), TypeError, "nope"),
        (lambda r, c, m: r(m(1)).fit(X, X), ValueError, "1d"),
        (lambda r, c, m: r(m(1)).predict(X), NotFittedError, "not fitted"),
        (lambda r, c, m: _fitted(r, NUMBERS, m(2)).predict(X), ValueError, "one unit"),
        (lambda r, c, m: _fitted(r, NUMBERS, m(1)).predict(X[:, :2]), ValueError, "3 features"),
        (lambda r, c, m: c(m(2)).fit(X, ["one"] * len(X)), ValueError, "one class, 'one'"),
        (lambda r, c, m: c(m(2)).fit(X, NUMBERS), ValueError, "label type"),
        (lambda r, c, m: _fitted(c, np.arange(24) % 3, m(1)).predict(X), ValueError, "3 classes"),
    ],
)
def test_mistakes_are_refused(wrong, error, text):
    def model(units):
        return plain(lamina, units, lambda y, y_pred: lamina.ops.mean(y_pred))

    with pytest.raises(error, match=text) as caught:
        wrong(wrappers.SKLearnRegressor, wrappers.SKLearnClassifier, model)
    assert len(str(caught.value)) <= 600


def test_a_column_of_targets_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning):
        _fitted(wrappers.SKLearnRegressor, NUMBERS[:, None], plain(lamina, 1, "mse"))


def test_without_scikit_learn_an_error_says_how_to_install_it():
    program = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *rest: None if name == "sklearn" else find(name, *rest)
)
from lamina import dropin
dropin.install()
import keras
assert keras.wrappers.__name__ == "lamina.wrappers" and "sklearn" not in sys.modules
try:
    from keras.wrappers import SKLearnClassifier
except ImportError as error:
    assert "pip install scikit-learn" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
