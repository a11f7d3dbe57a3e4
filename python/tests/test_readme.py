import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("readme", [ROOT / "README.md", ROOT / "python/README.md"], ids=["project", "package"])
def test_the_example_runs_and_prints_the_answer(readme, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)
    exec(compile(example, str(readme), "exec"), {"__name__": "readme"})  # noqa: S102
    assert capsys.readouterr().out == "tabby cat\n"
