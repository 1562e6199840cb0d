//! Charts as SVG, drawn once, with nothing to run: lines, steps, dots, bars and whiskers over two axes.
//!
//! Floats are for the eye alone; positions are written with one digit after the point, so that equal answers give equal
//! bytes.

use core::fmt::Write;
use downdraft_insight::report::html::Escaped;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;

/// How an axis writes its numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Print {
    /// As they are, large ones in thousands, millions and so on.
    Plain,
    /// In percent.
    Percent,
}

/// An axis.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Axis {
    label: String,
    low: f64,
    high: f64,
    log: bool,
    print: Print,
    /// Names at whole numbers from 0, instead of numbers.
    names: Vec<String>,
}

impl Axis {
    /// From the least of the values, or `from`, to the largest.
    pub(super) fn over(label: &str, from: f64, values: impl Iterator<Item = f64>, print: Print) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((from, from), |(low, high), value| (low.min(value), high.max(value)));
        let high = if high > low { high } else { low + 1.0 };
        Self { label: label.to_owned(), low, high, log: false, print, names: Vec::new() }
    }

    /// From 0 to 1, in percent.
    pub(super) fn share(label: &str) -> Self {
        Self::over(label, 0.0, [1.0].into_iter(), Print::Percent)
    }

    /// From 1 up, by powers of ten.
    pub(super) fn powers(label: &str, values: impl Iterator<Item = f64>) -> Self {
        let axis = Self::over(label, 1.0, values, Print::Plain);
        Self { low: 1.0, high: axis.high.max(10.0), log: true, ..axis }
    }

    /// Names beside one another.
    pub(super) fn named(label: &str, names: Vec<String>) -> Self {
        let high = names.len().max(1) as f64 - 0.5;
        Self { label: label.to_owned(), low: -0.5, high, log: false, print: Print::Plain, names }
    }

    /// The part of the axis at which a value is, 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let part = match self.log {
            true => libm::log10(value.max(self.low) / self.low) / libm::log10(self.high / self.low),
            false => (value - self.low) / (self.high - self.low),
        };
        part.clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        if !self.names.is_empty() {
            return self.names.iter().enumerate().map(|(n, name)| (n as f64, name.clone())).collect();
        }
        if self.log {
            let powers = (0..18).map(|n| libm::pow(10.0, f64::from(n)));
            return powers
                .filter(|power| *power <= self.high)
                .map(|power| (power, self.number(power, power)))
                .collect();
        }
        let rough = (self.high - self.low) / 5.0;
        let unit = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * unit).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = libm::ceil(self.low / step);
        let places = (0..12).map(|n| (first + f64::from(n)) * step);
        places.filter(|place| *place <= self.high + step * 1e-9).map(|at| (at, self.number(at, step))).collect()
    }

    fn number(&self, value: f64, step: f64) -> String {
        let (value, step, sign) = match self.print {
            Print::Percent => (value * 100.0, step * 100.0, "%"),
            Print::Plain => (value, step, ""),
        };
        let (unit, name) = match value.abs() {
            size if size >= 1e9 => (1e9, "G"),
            size if size >= 1e6 => (1e6, "M"),
            size if size >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        let digits = (-libm::floor(libm::log10(step / unit))).clamp(0.0, 6.0) as usize;
        format!("{:.digits$}{name}{sign}", value / unit).replace('-', "\u{2212}")
    }
}

/// A chart under way. Series are numbered; each has a colour of its own.
pub(super) struct Chart {
    x: Axis,
    y: Axis,
    marks: String,
    keys: Vec<(usize, String)>,
}

impl Chart {
    pub(super) const fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, marks: String::new(), keys: Vec::new() }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = LEFT + self.x.part(x) * (WIDTH - LEFT - RIGHT);
        (across, HEIGHT - BOTTOM - self.y.part(y) * (HEIGHT - TOP - BOTTOM))
    }

    /// Names a series.
    pub(super) fn key(&mut self, series: usize, name: &str) {
        self.keys.push((series, name.to_owned()));
    }

    pub(super) fn line(&mut self, series: usize, points: &[(f64, f64)]) {
        let path: Vec<String> = points
            .iter()
            .map(|point| {
                let (x, y) = self.at(*point);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = writeln!(self.marks, "<polyline class=\"line c{}\" points=\"{}\"/>", series % 6, path.join(" "));
    }

    /// As a line that goes across first, then up.
    pub(super) fn steps(&mut self, series: usize, points: &[(f64, f64)]) {
        let mut path = Vec::with_capacity(points.len() * 2);
        for (place, point) in points.iter().enumerate() {
            if let Some(before) = place.checked_sub(1).and_then(|before| points.get(before)) {
                path.push((point.0, before.1));
            }
            path.push(*point);
        }
        self.line(series, &path);
    }

    pub(super) fn dot(&mut self, series: usize, point: (f64, f64), title: &str) {
        let (x, y) = self.at(point);
        let title = Escaped(title);
        let _ = writeln!(
            self.marks,
            "<circle class=\"dot c{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{title}</title></circle>",
            series % 6
        );
    }

    /// An interval at a place.
    pub(super) fn whisker(&mut self, series: usize, x: f64, low: f64, high: f64) {
        let ((across, from), (_, to)) = (self.at((x, low)), self.at((x, high)));
        let series = series % 6;
        let _ = writeln!(
            self.marks,
            "<path class=\"line c{series}\" d=\"M{across:.1},{from:.1}V{to:.1}M{:.1},{from:.1}h8M{:.1},{to:.1}h8\"/>",
            across - 4.0,
            across - 4.0
        );
    }

    /// A bar from zero, between two places.
    pub(super) fn bar(&mut self, series: usize, (from, to): (f64, f64), value: f64, title: &str) {
        let ((left, zero), (right, top)) = (self.at((from, 0.0)), self.at((to, value)));
        let (y, height) = (zero.min(top), (zero - top).abs().max(0.5));
        let title = Escaped(title);
        let _ = writeln!(
            self.marks,
            "<rect class=\"bar c{}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{title}</title></rect>",
            series % 6,
            (right - left).max(1.0)
        );
    }

    /// A dashed line across at a value, with its name so far below it.
    pub(super) fn level(&mut self, value: f64, name: &str, below: f64) {
        let (x, y) = self.at((self.x.high, value));
        let _ = writeln!(
            self.marks,
            "<path class=\"dash\" d=\"M{LEFT:.1},{y:.1}H{x:.1}\"/><text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            x - 2.0,
            y + below,
            Escaped(name)
        );
    }

    /// The figure: what it shows, for those who see it and for those who do not.
    pub(super) fn figure(self, title: &str, about: &str) -> String {
        let mut html = format!("<figure class=\"chart\">\n<h3>{}</h3>\n", Escaped(title));
        html += "<div class=\"legend\">";
        for (series, name) in &self.keys {
            let _ = write!(html, "<span class=\"key\"><i class=\"c{}\"></i>{}</span>", series % 6, Escaped(name));
        }
        let _ = write!(
            html,
            "</div>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}: {}\">\n",
            Escaped(title),
            Escaped(about)
        );
        html += &self.axes();
        html += &self.marks;
        let _ = write!(html, "</svg>\n<figcaption>{}</figcaption>\n</figure>\n", Escaped(about));
        html
    }

    fn axes(&self) -> String {
        let mut svg = String::new();
        let base = HEIGHT - BOTTOM;
        for (value, name) in self.y.ticks() {
            let (_, y) = self.at((self.x.low, value));
            let _ = writeln!(
                svg,
                "<path class=\"rule\" d=\"M{LEFT:.1},{y:.1}H{:.1}\"/><text class=\"tick mid\" x=\"{:.1}\" y=\"{y:.1}\" \
                 text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                Escaped(&name)
            );
        }
        for (value, name) in self.x.ticks() {
            let (x, _) = self.at((value, self.y.low));
            let _ = writeln!(
                svg,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                base + 16.0,
                Escaped(&name)
            );
        }
        let _ = writeln!(
            svg,
            "<path class=\"edge\" d=\"M{LEFT:.1},{TOP:.1}V{base:.1}H{:.1}\"/><text class=\"note\" x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{}</text><text class=\"note\" transform=\"translate(13 {:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{}</text>",
            WIDTH - RIGHT,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
            Escaped(&self.x.label),
            (TOP + base) / 2.0,
            Escaped(&self.y.label)
        );
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        let over = |high: f64| Axis::over("", 0.0, [high].into_iter(), Print::Plain);
        assert_eq!(names(&over(9.0)), ["0", "2", "4", "6", "8"]);
        assert_eq!(names(&over(0.3)), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(names(&over(2.4e6)), ["0", "500k", "1.0M", "1.5M", "2.0M"]);
        assert_eq!(names(&Axis::share("")), ["0%", "20%", "40%", "60%", "80%", "100%"]);
        assert_eq!(names(&Axis::powers("", [700.0].into_iter())), ["1", "10", "100"]);
        assert_eq!(names(&Axis::over("", 0.0, [-0.02, 0.01].into_iter(), Print::Percent))[0], "\u{2212}2%");
        assert_eq!(names(&Axis::named("", vec!["a".to_owned(), "b".to_owned()])), ["a", "b"]);
    }

    #[test]
    fn values_are_where_the_axis_says() {
        let log = Axis::powers("", [1_000.0].into_iter());
        assert_eq!([0.5, 1.0, 10.0, 1_000.0].map(|v| libm::rint(log.part(v) * 3.0)), [0.0, 0.0, 1.0, 3.0]);
        let mut chart = Chart::new(Axis::share("x"), Axis::share("y"));
        chart.steps(0, &[(0.0, 0.0), (1.0, 1.0)]);
        assert!(chart.marks.contains("points=\"64.0,254.0 582.0,254.0 582.0,12.0\""), "{}", chart.marks);
        let figure = chart.figure("<a>", "b & c");
        assert!(figure.contains("&lt;a&gt;: b &amp; c") && !figure.contains("<a>"));
    }
}
