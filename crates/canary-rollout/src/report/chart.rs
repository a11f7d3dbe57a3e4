//! Line charts as inline SVG; colours come from the page's style, so that they follow light and dark.

use std::fmt::Write as _;

use super::axis::{tick_label, ticks, time_ticks, time_unit};

// Drawn at about this width on a desktop and on a phone alike, so that the text is readable on both.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// A shorter line is not visible.
const SHORT: f64 = 3.0;

/// The vertical axis of a chart: its ends, its ticks, and their labels.
pub(super) struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis with round ticks, each followed by the unit.
    pub(super) fn between(low: f64, high: f64, unit: &str) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let ticks = ticks(low, high);
        let step = ticks[1] - ticks[0];
        let label = |tick: f64| (tick, format!("{}{unit}", tick_label(tick, step)));
        Self { low, high, ticks: ticks.into_iter().map(label).collect() }
    }

    /// An axis of powers of ten, between two exponents.
    pub(super) fn powers_of_ten(low: f64, high: f64) -> Self {
        let ticks = ticks(low, high.max(low + 1.0));
        let whole = ticks.into_iter().filter(|tick| tick.fract() == 0.0);
        let label = |tick: f64| (tick, format!("10{}", superscript(tick)));
        Self { low, high: high.max(low + 1.0), ticks: whole.map(label).collect() }
    }
}

/// A chart over time.
pub(super) struct Chart {
    seconds: f64,
    axis: Axis,
    body: String,
}

impl Chart {
    /// An empty chart over that many seconds.
    pub(super) fn new(seconds: f64, axis: Axis) -> Self {
        Self { seconds: seconds.max(1e-3), axis, body: String::new() }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + seconds / self.seconds * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let Axis { low, high, .. } = self.axis;
        TOP + (high - value.clamp(low, high)) / (high - low) * (HEIGHT - TOP - BOTTOM)
    }

    /// A line through points of (seconds, value); a dot when it is too short to be seen.
    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let at = |(seconds, value)| (self.x(seconds), self.y(value));
        let points: Vec<(f64, f64)> = points.into_iter().map(at).collect();
        let Some(&(x, y)) = points.last() else { return };
        if points.iter().all(|point| (point.0 - x).hypot(point.1 - y) < SHORT) {
            // A line from a point to itself is drawn as its round ends.
            let dot = format!("{x:.1},{y:.1} {x:.1},{y:.1}");
            let _ = write!(self.body, "<polyline class=\"{class} dot\" points=\"{dot}\"/>");
            return;
        }
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(self.body, "<polyline class=\"{class}\" points=\"{}\"/>", path.join(" "));
    }

    /// A line that keeps each value until the next one, to the end of the chart.
    pub(super) fn steps(&mut self, class: &str, points: &[(f64, f64)]) {
        self.steps_to(class, points, self.seconds);
    }

    /// A line that keeps each value until the next one, to an earlier end.
    pub(super) fn steps_to(&mut self, class: &str, points: &[(f64, f64)], end: f64) {
        let mut path = Vec::with_capacity(points.len() * 2);
        for pair in points.windows(2) {
            path.push(pair[0]);
            path.push((pair[1].0, pair[0].1));
        }
        path.extend(points.last().copied());
        path.extend(points.last().map(|last| (end, last.1)));
        self.line(class, path);
    }

    /// The area between two lines, given as (seconds, low, high); a bar when it is too narrow to be seen.
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        if self.x(last.0) - self.x(first.0) < SHORT {
            let (x, low, high) = (self.x(last.0), self.y(last.1), self.y(last.2));
            let (left, right) = (x - SHORT, x + SHORT);
            let _ = write!(
                self.body,
                "<polygon class=\"{class}\" points=\"{left:.1},{high:.1} {right:.1},{high:.1} \
                 {right:.1},{low:.1} {left:.1},{low:.1}\"/>"
            );
            return;
        }
        let mut path = String::new();
        for &(seconds, _, high) in points {
            let _ = write!(path, "{:.1},{:.1} ", self.x(seconds), self.y(high));
        }
        for &(seconds, low, _) in points.iter().rev() {
            let _ = write!(path, "{:.1},{:.1} ", self.x(seconds), self.y(low));
        }
        let _ = write!(self.body, "<polygon class=\"{class}\" points=\"{}\"/>", path.trim_end());
    }

    /// A level across the whole chart; none where it lies outside.
    pub(super) fn level(&mut self, class: &str, value: f64) {
        if value < self.axis.low || value > self.axis.high {
            return;
        }
        let y = self.y(value);
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            WIDTH - RIGHT,
        );
    }

    /// Writes the reason why there is no line in the middle of the chart.
    pub(super) fn note(&mut self, text: &str) {
        let _ = write!(
            self.body,
            "<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            f64::midpoint(TOP, HEIGHT - BOTTOM) - 6.0,
        );
    }

    /// The chart, with its axes; `description`, which is escaped already, is for screen readers.
    pub(super) fn finish(self, description: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{description}\" \
             xmlns=\"http://www.w3.org/2000/svg\">"
        );
        for (value, label) in &self.axis.ticks {
            let y = self.y(*value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                WIDTH - RIGHT,
                LEFT - 5.0,
                y + 4.0,
            );
        }
        let (unit, symbol) = time_unit(self.seconds);
        let times = time_ticks(self.seconds);
        let step = times.get(1).map_or(1.0, |second| second / unit);
        for (place, seconds) in times.iter().enumerate() {
            let x = self.x(*seconds);
            // A label in the middle below the last tick must not leave the picture.
            let anchor = match place {
                0 => "start",
                _ if x > WIDTH - RIGHT - 14.0 => "end",
                _ => "middle",
            };
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"axis\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{} {symbol}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 4.0,
                HEIGHT - 6.0,
                tick_label(seconds / unit, step),
            );
        }
        svg.push_str(&self.body);
        svg.push_str("</svg>");
        svg
    }
}

/// An entry of a chart's legend: the class of the line, and its meaning, escaped already.
pub(super) fn legend(entries: &[(&str, String)]) -> String {
    let mut html = String::from("<p class=\"legend\">");
    for (class, meaning) in entries {
        let _ = write!(html, "<span><i class=\"key {class}\"></i>{meaning}</span>");
    }
    html.push_str("</p>");
    html
}

/// A duration in the unit that suits it, such as `42 s` or `1.5 h`.
pub(super) fn duration(seconds: f64) -> String {
    let (unit, symbol) = time_unit(seconds);
    let value = seconds / unit;
    if seconds < 10.0 || (unit > 60.0 && value < 10.0) {
        format!("{value:.1} {symbol}")
    } else {
        format!("{value:.0} {symbol}")
    }
}

/// A whole exponent in raised digits.
fn superscript(value: f64) -> String {
    format!("{value:.0}")
        .chars()
        .map(|digit| match digit {
            '-' => '⁻',
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_the_chart_stay_at_its_edge() {
        let mut chart = Chart::new(10.0, Axis::between(0.0, 1.0, ""));
        chart.line("a", [(0.0, -5.0), (10.0, f64::INFINITY)]);
        let svg = chart.finish("test");
        assert!(svg.contains("points=\"46.0,126.0 390.0,10.0\""), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }

    #[test]
    fn a_moment_is_visible() {
        let mut chart = Chart::new(10.0, Axis::between(0.0, 1.0, ""));
        chart.line("a", [(4.99, 0.5), (5.0, 0.5)]);
        chart.band("b", &[(4.99, 0.0, 1.0), (5.0, 0.0, 1.0)]);
        let svg = chart.finish("test");
        assert!(svg.contains("class=\"a dot\" points=\"218.0,68.0 218.0,68.0\""), "{svg}");
        let bar = "class=\"b\" points=\"215.0,10.0 221.0,10.0 221.0,126.0 215.0,126.0\"";
        assert!(svg.contains(bar), "{svg}");
    }

    #[test]
    fn the_ends_of_a_share_are_its_bounds() {
        let svg = Chart::new(42.0, Axis::between(0.0, 1.0, "")).finish("test");
        for label in [">0.0<", ">0.5<", ">1.0<", ">0 s<", ">20 s<", ">40 s<"] {
            assert!(svg.contains(label), "{label}: {svg}");
        }
        let svg = Chart::new(42.0, Axis::powers_of_ten(-2.0, 2.5)).finish("test");
        assert!(svg.contains(">10⁻²<") && svg.contains(">10²<"), "{svg}");
    }
}
