"""What every op is tried on, family by family."""

from tests.ops import table, table_image, table_linear, table_nn, table_numpy
from tests.ops.table import Case

FAMILIES = (
    *(table.TABLE, table_numpy.TABLE, table_image.IMAGE, table_linear.TABLE, table_nn.TABLE_NN),
)
TABLE: dict[str, list[Case]] = {
    name: cases for family in FAMILIES for name, cases in family.items()
}
assert len(TABLE) == sum(map(len, FAMILIES)), "an op stands in two tables"
# Their errors grow with the condition of a matrix, which nothing bounds in what Hypothesis draws.
ILL_CONDITIONED = {"lstsq", "pinv"}
