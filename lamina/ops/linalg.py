"""The ops of linear algebra, as `keras.ops.linalg` lists them."""

from lamina.ops.decompositions import cholesky as cholesky
from lamina.ops.decompositions import det as det
from lamina.ops.decompositions import eigh as eigh
from lamina.ops.decompositions import inv as inv
from lamina.ops.decompositions import qr as qr
from lamina.ops.decompositions import solve as solve
from lamina.ops.decompositions import solve_triangular as solve_triangular
from lamina.ops.decompositions import svd as svd
from lamina.ops.linear_algebra import norm as norm
