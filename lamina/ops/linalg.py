"""The ops of linear algebra, as `keras.ops.linalg` lists them."""

from lamina.ops.control import jvp as jvp
from lamina.ops.decompositions import cholesky as cholesky
from lamina.ops.decompositions import cholesky_inverse as cholesky_inverse
from lamina.ops.decompositions import det as det
from lamina.ops.decompositions import eig as eig
from lamina.ops.decompositions import eigh as eigh
from lamina.ops.decompositions import inv as inv
from lamina.ops.decompositions import lu_factor as lu_factor
from lamina.ops.decompositions import qr as qr
from lamina.ops.decompositions import solve as solve
from lamina.ops.decompositions import solve_triangular as solve_triangular
from lamina.ops.decompositions import svd as svd
from lamina.ops.least_squares import lstsq as lstsq
from lamina.ops.least_squares import matrix_rank as matrix_rank
from lamina.ops.least_squares import pinv as pinv
from lamina.ops.norms import norm as norm
