//! The stub of the extension: which classes, methods and functions there are, and how they are documented.

use std::collections::BTreeMap;

/// A class or a function, or a member of a class.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Its documentation, without the indentation.
    pub(crate) doc: Option<String>,
    /// Its arguments as they are written, a name or `name: type = default` each; empty for a class.
    pub(crate) arguments: Vec<String>,
}

/// A class of the stub.
#[derive(Debug, Default)]
pub(crate) struct Class {
    pub(crate) doc: Option<String>,
    bases: Vec<String>,
    members: BTreeMap<String, Entry>,
}

/// The stub. Its form is that of `ruff format`: four spaces for a member, and a signature on lines of its own when it is
/// long.
#[derive(Debug, Default)]
pub(crate) struct Stub {
    classes: BTreeMap<String, Class>,
    functions: BTreeMap<String, Entry>,
}

impl Stub {
    pub(crate) fn read(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut stub = Self::default();
        let mut class: Option<String> = None;
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let member = line.starts_with("    ");
            let code = line.trim_start();
            if let Some(rest) = code.strip_prefix("class ").filter(|_| !member) {
                let head = rest.split(':').next().unwrap_or_default();
                let (name, bases) = head.split_once('(').unwrap_or((head, ""));
                let bases =
                    bases.trim_end_matches(')').split(',').map(|base| base.trim().to_owned());
                let (doc, next) = docstring(&lines, at + 1);
                let made = Class { doc, bases: bases.collect(), members: BTreeMap::new() };
                stub.classes.insert(name.to_owned(), made);
                class = Some(name.to_owned());
                at = next;
            } else if let Some(rest) = code.strip_prefix("def ") {
                let name = rest.split('(').next().unwrap_or_default().to_owned();
                let (arguments, after) = arguments(&lines, at);
                let (doc, next) = docstring(&lines, after);
                let members = match &class {
                    Some(class) if member => {
                        &mut stub.classes.entry(class.clone()).or_default().members
                    }
                    _ => &mut stub.functions,
                };
                // Of overloads the first one that is documented counts.
                let entry = members.entry(name).or_default();
                if entry.doc.is_none() {
                    *entry = Entry { doc, arguments };
                }
                at = next;
            } else {
                if !line.is_empty() && !member {
                    class = None;
                }
                at += 1;
            }
        }
        stub
    }

    pub(crate) fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }

    /// A member of a class, or of its bases.
    pub(crate) fn member(&self, class: &str, name: &str) -> Option<&Entry> {
        let class = self.classes.get(class)?;
        let inherited = || class.bases.iter().find_map(|base| self.member(base, name));
        class.members.get(name).or_else(inherited)
    }

    pub(crate) fn function(&self, name: &str) -> Option<&Entry> {
        self.functions.get(name)
    }
}

/// The arguments of the function whose head begins in that line, and the line after its head.
fn arguments(lines: &[&str], begin: usize) -> (Vec<String>, usize) {
    let mut depth = 0_usize;
    let mut found = vec![String::new()];
    let mut at = begin;
    while let Some(line) = lines.get(at) {
        at += 1;
        for letter in line.trim().chars() {
            match letter {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            match letter {
                ')' if depth == 0 => {
                    for one in &mut found {
                        *one = one.trim().to_owned();
                    }
                    found.retain(|one| !one.is_empty());
                    return (found, at.max(end_of_head(lines, at - 1)));
                }
                '(' if depth == 1 => found = vec![String::new()],
                ',' if depth == 1 => found.push(String::new()),
                letter if depth > 0 => {
                    found.last_mut().into_iter().for_each(|one| one.push(letter));
                }
                _ => {}
            }
        }
    }
    (found, at)
}

/// The line after the one that ends the head of a function; the type that it gives may take several.
fn end_of_head(lines: &[&str], from: usize) -> usize {
    let ends = |line: &&str| line.ends_with(':') || line.ends_with(": ...");
    lines.iter().skip(from).position(ends).map_or(lines.len(), |more| from + more + 1)
}

/// The docstring that begins in that line, without its indentation, and the line after it.
fn docstring(lines: &[&str], at: usize) -> (Option<String>, usize) {
    let Some(first) = lines.get(at) else { return (None, at) };
    let indent = first.len() - first.trim_start().len();
    let Some(text) = first.trim_start().strip_prefix("\"\"\"") else { return (None, at) };
    if let Some(text) = text.strip_suffix("\"\"\"") {
        return (Some(text.to_owned()), at + 1);
    }
    let mut doc = text.to_owned();
    for (more, line) in lines.iter().skip(at + 1).enumerate() {
        let text = line.get(indent..).unwrap_or_default();
        if let Some(text) = text.strip_suffix("\"\"\"") {
            doc.push('\n');
            doc.push_str(text);
            return (Some(doc.trim_end().to_owned()), at + more + 2);
        }
        doc.push('\n');
        doc.push_str(text);
    }
    (Some(doc), lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
class _Base:
    """Base."""

    def records(self) -> Any:
        """Give rows."""

@final
class Client(_Base, _Shown):
    """A client.

    Example:
        >>> Client("x")
        Client("x")
    """

    def __new__(
        cls,
        url: str,
        *,
        headers: Mapping[str, tuple[str, int]] | None = None,
    ) -> Client: ...
    @property
    def name(
        self,
    ) -> Literal["continue"]:
        """The name."""
    @overload
    def many(self, items: Iterable[Any]) -> Answers:
        """Send each."""
    @overload
    def many(self, items: AsyncIterable[Any]) -> AsyncIterator[Any]:
        """Send each of an async one."""
    def bare(self) -> None: ...

def load(path: str) -> list[Any]:
    """Read it.

    Raises:
        ManifestError: It is none.
    """
"#;

    #[test]
    fn reads_classes_members_and_functions() {
        let stub = Stub::read(TEXT);
        let client = stub.class("Client").and_then(|class| class.doc.as_deref());
        assert_eq!(client, Some("A client.\n\nExample:\n    >>> Client(\"x\")\n    Client(\"x\")"));
        let doc = |name| stub.member("Client", name).and_then(|entry| entry.doc.as_deref());
        assert_eq!(doc("name"), Some("The name."));
        assert_eq!(doc("many"), Some("Send each."));
        assert_eq!(doc("records"), Some("Give rows."));
        assert_eq!(doc("bare"), None);
        let load = stub.function("load").and_then(|entry| entry.doc.as_deref());
        assert_eq!(load, Some("Read it.\n\nRaises:\n    ManifestError: It is none."));
    }

    #[test]
    fn splits_arguments_outside_of_brackets() {
        let stub = Stub::read(TEXT);
        let new = stub.member("Client", "__new__").map(|entry| entry.arguments.as_slice());
        let expected =
            ["cls", "url: str", "*", "headers: Mapping[str, tuple[str, int]] | None = None"];
        assert_eq!(new, Some(expected.map(str::to_owned).as_slice()));
    }
}
