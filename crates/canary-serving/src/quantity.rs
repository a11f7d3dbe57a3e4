//! Kubernetes' quantities: a number with a suffix, such as `500m`, `3` or `4Gi`.
//!
//! The grammar is that of
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>, without exponents.

/// A quantity as a number; `None` when the text is not a quantity.
///
/// ```
/// assert_eq!(canary_serving::quantity::parse("500m"), Some(0.5));
/// assert_eq!(canary_serving::quantity::parse("many"), None);
/// ```
pub fn parse(text: &str) -> Option<f64> {
    let digits = text.find(|found: char| !found.is_ascii_digit() && found != '.');
    let (number, suffix) = text.split_at(digits.unwrap_or(text.len()));
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, value) in [
            ("1", 1.0),
            ("0.5", 0.5),
            ("500m", 0.5),
            ("4Gi", 4_294_967_296.0),
            ("2k", 2000.0),
            ("1.5Ti", 1.5 * 1024_f64.powi(4)),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        for bad in ["", "Gi", "4 Gi", "4gb", "-1", "1.2.3", "NaN"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
