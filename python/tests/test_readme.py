import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_example_runs_and_prints_the_answer(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(example, str(README), "exec"), {"__name__": "readme"})  # noqa: S102
    assert capsys.readouterr().out == "tabby cat\n"
