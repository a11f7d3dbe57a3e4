//! Numbers in patterns: code points and bounds of repetitions.

/// Reads `41` or `{10FFFF}` after `\x`: the code point and the bytes used.
pub(super) fn hexadecimal(text: &str) -> Option<(u32, usize)> {
    if let Some(braced) = text.strip_prefix('{') {
        let end = braced.find('}')?;
        let digits = &braced[..end];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let code =
            if significant.is_empty() { 0 } else { u32::from_str_radix(significant, 16).ok()? };
        return (code <= 0x0010_FFFF).then_some((code, end + 2));
    }
    let digits = text.get(..2)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, 2))
}

/// The least and the most times of a repetition, and the bytes it is written in.
pub(super) type Counted = (u32, Option<u32>, usize);

/// Reads `{2}`, `{2,}` or `{2,3}`: the bounds and the bytes used; `Err` with the bytes when the bounds are refused;
/// `None` when it is not a repetition, and the brace stands for itself.
pub(super) fn counted(text: &str) -> Option<Result<Counted, usize>> {
    let inner = text.strip_prefix('{')?;
    let (min, rest) = integer(inner)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = integer(rest)?;
            (Some(max), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    let length = text.len() - rest.len();
    if min > 1000 || max.is_some_and(|max| max > 1000 || max < min) {
        return Some(Err(length));
    }
    Some(Ok((min, max, length)))
}

/// A decimal number without leading zeros; large ones saturate.
fn integer(text: &str) -> Option<(u32, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let digits = &text[..end];
    if digits.is_empty() || (end > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), &text[end..]))
}
