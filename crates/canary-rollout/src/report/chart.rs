//! Line charts as inline SVG; colours come from the page's style, so that they follow light and dark.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 20.0;

/// A chart over time.
pub(super) struct Chart {
    seconds: f64,
    low: f64,
    high: f64,
    body: String,
    /// Formats a value on the vertical axis.
    label: fn(f64) -> String,
}

impl Chart {
    /// An empty chart over that many seconds and between these values.
    pub(super) fn new(seconds: f64, low: f64, high: f64, label: fn(f64) -> String) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { seconds: seconds.max(1e-3), low, high, body: String::new(), label }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + seconds / self.seconds * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
    }

    /// A line through points of (seconds, value).
    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (seconds, value) in points {
            let _ = write!(path, "{:.1},{:.1} ", self.x(seconds), self.y(value));
        }
        if !path.is_empty() {
            let _ =
                write!(self.body, "<polyline class=\"{class}\" points=\"{}\"/>", path.trim_end());
        }
    }

    /// A line that keeps each value until the next one.
    pub(super) fn steps(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = Vec::with_capacity(points.len() * 2);
        for pair in points.windows(2) {
            path.push(pair[0]);
            path.push((pair[1].0, pair[0].1));
        }
        path.extend(points.last().copied());
        path.extend(points.last().map(|last| (self.seconds, last.1)));
        self.line(class, path);
    }

    /// The area between two lines, given as (seconds, low, high).
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        if points.is_empty() {
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

    /// A level across the whole chart, with its name at the right.
    pub(super) fn level(&mut self, class: &str, value: f64, name: &str) {
        if value < self.low || value > self.high {
            return;
        }
        let y = self.y(value);
        let above = if y < TOP + 14.0 { y + 11.0 } else { y - 3.0 };
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"name\" x=\"{:.1}\" y=\"{above:.1}\" text-anchor=\"end\">{name}</text>",
            WIDTH - RIGHT,
            WIDTH - RIGHT - 2.0,
        );
    }

    /// Says in the middle of the chart why there is no line.
    pub(super) fn note(&mut self, text: &str) {
        let _ = write!(
            self.body,
            "<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            f64::midpoint(TOP, HEIGHT - BOTTOM) - 6.0,
        );
    }

    /// The chart, with its axes; `title` is read to those who cannot see it.
    pub(super) fn finish(self, title: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\" xmlns=\"http://www.w3.org/2000/svg\">"
        );
        for part in [0.0, 0.5, 1.0] {
            let value = self.low + (self.high - self.low) * part;
            let y = self.y(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 5.0,
                y + 3.5,
                (self.label)(value)
            );
        }
        for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let x = self.x(self.seconds * part);
            let anchor = match part {
                0.0 => "start",
                1.0 => "end",
                _ => "middle",
            };
            let _ = write!(
                svg,
                "<text class=\"axis\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                HEIGHT - 5.0,
                time(self.seconds * part, self.seconds)
            );
        }
        svg.push_str(&self.body);
        svg.push_str("</svg>");
        svg
    }
}

/// A time on an axis of that length, in the unit that suits it.
pub(super) fn time(seconds: f64, whole: f64) -> String {
    if whole < 10.0 {
        format!("{seconds:.1} s")
    } else if whole < 180.0 {
        format!("{seconds:.0} s")
    } else if whole < 3.0 * 3600.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_the_chart_stay_at_its_edge() {
        let mut chart = Chart::new(10.0, 0.0, 1.0, |value| format!("{value:.0}"));
        chart.line("a", [(0.0, -5.0), (10.0, f64::INFINITY)]);
        let svg = chart.finish("test");
        assert!(svg.contains("points=\"46.0,130.0 632.0,8.0\""), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }
}
