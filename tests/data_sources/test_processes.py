"""PyDataset with worker processes, in a program of its own, as a user runs it."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os
import numpy as np
from lamina.data import PyDataset, make_source


class Numbers(PyDataset):
    offset = 0

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index + self.offset == 14:
            raise KeyError("lost")
        return np.array([[index + self.offset, os.getpid()]])

    def on_epoch_end(self):
        self.offset += 10


if __name__ == "__main__":
    source = make_source(Numbers(workers=2, use_multiprocessing=True))
    rows = [batch[0] for batch in source.epoch()]
    assert [row[0] for row in rows] == list(range(6))
    assert os.getpid() not in {row[1] for row in rows}
    source.on_epoch_end()
    try:
        list(source.epoch())
    except KeyError as error:
        assert any("__getitem__(4)" in note and "Process" in note for note in error.__notes__)
        print("named")
    source.close()
"""


def test_processes_get_batches_in_order_see_changes_and_name_errors(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PYTHONPATH": str(root), "PATH": "", "LAMINA_BACKEND": "numpy"},
    )
    assert ran.stdout == "named\n", ran.stderr
