"""The same simulated streams judged by other rules: false rollbacks, misses, requests to detect."""

from __future__ import annotations

from measure import Line, Row, Settings, json_lines

PROGRAM = "examples/compare_rules"
OURS = "e-process"


def _rules(settings: Settings) -> list[Line]:
    runs = 2_000 if settings.rounds > 2 else 200
    (table,) = json_lines(PROGRAM, "--runs", str(runs), "--json", whole=True)
    lines = []
    for scenario in table["scenarios"]:
        rules = {rule["rule"]: rule for rule in scenario["rules"]}
        harmful, name = scenario["harmful"], scenario["scenario"]
        rolled_back = {rule: 100 * found["rollbacks"] / runs for rule, found in rules.items()}
        wrong = {rule: 100 - share if harmful else share for rule, share in rolled_back.items()}
        what = "missed" if harmful else "false rollbacks"
        if not harmful:
            lines.append(Line(f"{what}, {name}", "at most 5 %", wrong[OURS], 5, 1, unit="%"))
        # A rule that rolls back nearly everything misses nothing: only false rollbacks have a goal.
        note = "no goal was set" if harmful else ""
        others = [rule for rule in rules if rule != OURS]
        lines += [Line(f"{what}, {name}", rule, wrong[OURS], wrong[rule], 1, unit="%", note=note) for rule in others]
        if harmful:
            took = {rule: found["median_requests_to_rollback"] for rule, found in rules.items()}
            lines += [
                Line(f"requests to detect, {name}", rule, took[OURS], took[rule], 1, unit="", note=note)
                for rule in others
            ]
    return lines


ROWS = [Row("rules", _rules, (PROGRAM,))]
