#!/usr/bin/env bash
# Builds the documentation into site/: the pages by MkDocs, the crates by rustdoc beside them. Needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
crates=()
for folder in crates/*/; do crates+=(-p "$(basename "$folder")"); done
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --all-features "${crates[@]}"
NO_MKDOCS_2_WARNING=1 CANARY_RUSTDOC=target/doc .venv/bin/python -m mkdocs build --strict --quiet
.venv/bin/python - <<'PYTHON'
import re
from pathlib import Path

missing = [
    f"{page}: {link}"
    for page in Path("site").rglob("*.html")
    if "rust" not in page.parts
    for link in re.findall(r'href="([./]*rust/[^"#]+)', page.read_text())
    if not (page.parent / link).exists()
]
if missing:
    raise SystemExit("links to the crates that lead nowhere:\n" + "\n".join(missing))
PYTHON
echo "open site/index.html"
