//! Results as JUnit's XML, which CI servers show as tests.

use anyhow::Result;
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

/// The cases of one file.
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
}

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) end: End,
}

/// The outcome of a case.
pub(crate) enum End {
    Passed,
    /// Passed, with a note.
    Noted(String),
    /// It could not be judged.
    Skipped(String),
    /// The summary in one line, and the details.
    Failed(String, String),
}

/// The suites as one document.
///
/// # Errors
/// As of writing.
pub(crate) fn document(suites: &[Suite]) -> Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    let [tests, failures, skipped] = counts(&all());
    let mut element = writer.create_element("testsuites").with_attribute(("name", "canary"));
    for (name, count) in [("tests", &tests), ("failures", &failures), ("skipped", &skipped)] {
        element = element.with_attribute((name, count.as_str()));
    }
    element.write_inner_content(|writer| {
        for suite in suites {
            write(writer, suite)?;
        }
        Ok(())
    })?;
    Ok(String::from_utf8(writer.into_inner())?)
}

fn counts<'c>(cases: &(impl Iterator<Item = &'c Case> + Clone)) -> [String; 3] {
    let count = |of: fn(&End) -> bool| cases.clone().filter(|case| of(&case.end)).count();
    [
        count(|_| true),
        count(|end| matches!(end, End::Failed(..))),
        count(|end| matches!(end, End::Skipped(_))),
    ]
    .map(|count| count.to_string())
}

fn write(writer: &mut Writer<Vec<u8>>, suite: &Suite) -> std::io::Result<()> {
    let [tests, failures, skipped] = counts(&suite.cases.iter());
    let name = allowed(&suite.name);
    let attributes = [
        ("name", name.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("skipped", &skipped),
        ("errors", "0"),
    ];
    writer.create_element("testsuite").with_attributes(attributes).write_inner_content(
        |writer| {
            for Case { name, end } in &suite.cases {
                let name = allowed(name);
                let attributes = [("name", name.as_str()), ("classname", &allowed(&suite.name))];
                let case = writer.create_element("testcase").with_attributes(attributes);
                match end {
                    End::Passed => case.write_empty()?,
                    End::Noted(text) => case.write_inner_content(|writer| {
                        let text = allowed(text);
                        writer
                            .create_element("system-out")
                            .write_text_content(BytesText::new(&text))?;
                        Ok(())
                    })?,
                    End::Skipped(reason) => case.write_inner_content(|writer| {
                        let reason = allowed(reason);
                        let skipped = writer.create_element("skipped");
                        skipped.with_attribute(("message", reason.as_str())).write_empty()?;
                        Ok(())
                    })?,
                    End::Failed(summary, details) => case.write_inner_content(|writer| {
                        let (summary, details) = (allowed(summary), allowed(details));
                        let failure = writer.create_element("failure");
                        let failure = failure.with_attribute(("message", summary.as_str()));
                        failure.write_text_content(BytesText::new(&details))?;
                        Ok(())
                    })?,
                };
            }
            Ok(())
        },
    )?;
    Ok(())
}

/// The text without the characters that XML 1.0 cannot represent.
fn allowed(text: &str) -> String {
    let odd = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if odd(c) { '\u{fffd}' } else { c }).collect()
}
