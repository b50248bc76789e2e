"""Every test: JAX behind both libraries, and a home folder of its own."""

import os
import pathlib
import tempfile

HOME = pathlib.Path(tempfile.mkdtemp(prefix="lamina-tests-"))
os.environ["KERAS_HOME"] = str(HOME)
os.environ["KERAS_BACKEND"] = os.environ["LAMINA_BACKEND"] = "jax"
