//! Groups of fields of which at most one may be given.

/// The one member that is given, if any.
///
/// # Errors
/// When two or more are given: the message names the first two.
pub(super) fn at_most_one<T, const N: usize>(
    members: [(&'static str, Option<T>); N],
) -> Result<Option<T>, String> {
    let mut chosen: Option<(&'static str, T)> = None;
    for (name, member) in members {
        if let Some(value) = member {
            if let Some((first, _)) = &chosen {
                return Err(format!("`{first}` and `{name}` exclude each other; keep one of them"));
            }
            chosen = Some((name, value));
        }
    }
    Ok(chosen.map(|(_, value)| value))
}
