"""Every class on one backend: how many configurations agree, how far apart, and which do not."""

from __future__ import annotations

import json
import sys
import time

from tests import conftest
from tests.agreement.case import Case
from tests.agreement.comparison import DisagreementError, Kind, agree, examples
from tests.agreement.kinds import KINDS


def surveyed(kind: Kind, name: str, count: int) -> dict:
    """What came of `count` configurations of a class; no failure ends it."""
    row = {"tried": 0, "refused": 0, "difference": 0.0, "disagreements": []}

    def examine(case: Case) -> None:
        row["tried"] += 1
        try:
            outcome = agree(kind, case)
        except DisagreementError as error:
            row["disagreements"].append(str(error))
        else:
            row["refused"] += outcome.refused
            row["difference"] = max(row["difference"], outcome.difference)

    examples(kind.draws[name], name, count, examine)
    return row


def main(count: int, only: list[str]) -> None:
    """Write what came of each class, as JSON, to standard output."""
    table = {}
    for kind in KINDS.values():
        for name in kind.present:
            if not only or name in only or kind.name in only:
                began = time.process_time()
                table[f"{kind.name}.{name}"] = row = surveyed(kind, name, count)
                seconds = time.process_time() - began
                known = f"{len(row['disagreements'])} disagree" if row["disagreements"] else ""
                print(
                    f"{conftest.BACKEND} {kind.name}.{name} {seconds:.1f} s {known}",
                    file=sys.stderr,
                    flush=True,
                )
    json.dump(table, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
