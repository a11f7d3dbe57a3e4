//! Messages of which `type` names the one payload that is given.

/// Checks that a payload is given if and only if `type` names its field; a breach names the rule `code`.
///
/// `given` lists the payload fields with the value of `type` that each belongs to, and true for those that are given.
///
/// # Errors
/// The breach, as text for a reader of the manifest.
pub(super) fn check(
    code: &str,
    found: &str,
    given: &[(&'static str, &'static str, bool)],
) -> Result<(), String> {
    for (field, of, is_given) in given {
        match (*of == found, is_given) {
            (true, false) => {
                return Err(format!("type is `{found}`, and `{field}` is missing (rule {code})"));
            }
            (false, true) => {
                return Err(format!(
                    "type is `{found}`, so `{field}`, which belongs to `{of}`, must be absent (rule {code})"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
