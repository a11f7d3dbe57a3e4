//! Findings as a compiler writes them.

use std::fmt::Write;

use canary_core::Severity;

use super::{Checked, Found, Source};
use crate::output::{ERROR, NOTE, WARNING, styled};

/// The findings, and a line with their numbers.
pub(super) fn of(checked: &Checked) -> String {
    let mut text = String::new();
    for Found { source, finding } in &checked.found {
        let style = match finding.severity {
            Severity::Error => ERROR,
            Severity::Warning => WARNING,
            _ => NOTE,
        };
        let head = styled(style, &format!("{}[{}]", finding.severity, finding.code));
        let Source { name, text: lines, .. } = &checked.sources[*source];
        let about = format!("{} {}", finding.object, finding.path);
        let _ = writeln!(text, "{head}: {}", finding.message);
        let (Some(line), Some(column)) = (finding.line, finding.column) else {
            let _ = writeln!(text, "  --> {name}: {}\n", about.trim());
            continue;
        };
        let place = format!("  --> {name}:{line}:{column}: {}", about.trim());
        let _ = writeln!(text, "{}", place.trim_end_matches([' ', ':']));
        if let Some(shown) = lines.lines().nth(line - 1) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let before: String = shown
                .chars()
                .take(column - 1)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let carets = styled(style, &"^".repeat(width(shown, column)));
            let _ = writeln!(text, "{margin} |\n{number} | {shown}\n{margin} | {before}{carets}");
        }
        if let Some(help) = &finding.help {
            let _ = writeln!(text, "  = help: {help}");
        }
        text.push('\n');
    }
    let (objects, errors) = (checked.objects().count(), checked.count(Severity::Error));
    let warnings = checked.count(Severity::Warning);
    let _ = write!(text, "{objects} objects, {errors} errors, {warnings} warnings");
    if !checked.unjudged.is_empty() {
        let open = checked.unjudged.len();
        let _ = write!(text, ", {open} questions left open (--output json lists them)");
    }
    text
}

/// The number of characters of the value that begins at `column`.
fn width(text: &str, column: usize) -> usize {
    let rest: String = text.chars().skip(column - 1).collect();
    let value = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
        _ => rest.find([',', '}', ']', ' ', ':']).unwrap_or(rest.len()),
    };
    rest.get(..value).map_or(1, |value| value.chars().count()).max(1)
}
