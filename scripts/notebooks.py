"""Run the notebooks of docs/notebooks and keep their outputs: `python scripts/notebooks.py [NAME…]`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "docs/notebooks"


def main(names):
    for path in sorted(FOLDER.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        print(path.name, flush=True)
        book = nbformat.read(path, as_version=4)
        NotebookClient(book, timeout=300, kernel_name="python3").execute()
        for cell in book.cells:
            cell.metadata.pop("execution", None)
        nbformat.write(book, path)


if __name__ == "__main__":
    main(sys.argv[1:])
