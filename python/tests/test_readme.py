import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("readme", [ROOT / "README.md", ROOT / "python/README.md"], ids=["project", "package"])
def test_the_example_runs_and_prints_the_answer(readme, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)
    exec(compile(example, str(readme), "exec"), {"__name__": "readme"})  # noqa: S102
    assert capsys.readouterr().out == "tabby cat\n"


def test_the_plan_of_the_readme_leads_to_the_verdicts_that_it_says(tmp_path):
    section = (ROOT / "README.md").read_text().split("## Your own plan\n")[1].split("\n## ")[0]
    (plan,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (shell,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    (tmp_path / "plan.yaml").write_text(plan)
    ends = []
    for line in shell.splitlines():
        program, *words = shlex.split(line)
        if program != "canary":
            continue
        done = subprocess.run(
            [sys.executable, "-m", "canary", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        ends.append((done.returncode, done.stdout + done.stderr))
    assert [status for status, _ in ends] == [0, 0, 3], ends
    assert "promoted: " in ends[1][1]
    assert "rolled back: agreement: " in ends[2][1]
    assert "rolled back: agreement: " in (tmp_path / "report.html").read_text()
