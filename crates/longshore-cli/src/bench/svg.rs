//! A few shapes of SVG, and axes with labels that people would choose.

use std::fmt::{Display, Write};

/// A drawing under construction. Coordinates are pixels from the upper left.
#[derive(Debug, Default)]
pub(crate) struct Drawing(String);

/// A rectangle to draw in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    pub(crate) fn bottom(self) -> f64 {
        self.top + self.height
    }

    pub(crate) fn right(self) -> f64 {
        self.left + self.width
    }
}

/// Which end of a text is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    pub(crate) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.add(format_args!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.add(format_args!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    pub(crate) fn path(&mut self, class: &str, style: &str, points: &[(f64, f64)]) {
        let mut data = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let _ = write!(data, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
        }
        self.add(format_args!(r#"<path class="{class}" style="{style}" d="{data}"/>"#));
    }

    pub(crate) fn rectangle(&mut self, class: &str, area: Area, title: &str) {
        let Area { left, top, width, height } = area;
        let title = escape(title);
        self.add(format_args!(
            r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}"><title>{title}</title></rect>"#
        ));
    }

    fn add(&mut self, shape: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{shape}");
    }

    /// Grid lines and labels for values from 0 to the returned end of the axis.
    pub(crate) fn values(&mut self, area: Area, largest: f64, unit: &str) -> f64 {
        let (end, step) = scale(largest);
        let mut index = 0;
        while f64::from(index) * step <= end * 1.0001 {
            let value = f64::from(index) * step;
            let y = area.bottom() - value / end * area.height;
            self.line(if index == 0 { "axis" } else { "grid" }, (area.left, y), (area.right(), y));
            self.text("label", (area.left - 8.0, y + 4.0), Anchor::End, &tick(value, step));
            index += 1;
        }
        self.text("unit", (area.left - 8.0, area.top - 12.0), Anchor::End, unit);
        end
    }

    /// The finished image. `label` tells those who do not see it what it shows.
    pub(crate) fn finish(self, (width, height): (f64, f64), label: &str, style: &str) -> String {
        let (label, shapes) = (escape(label), self.0);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{label}\">\n{style}{shapes}</svg>\n"
        )
    }
}

/// An axis from 0 that holds `largest`: its end, and the distance of its labels.
pub(crate) fn scale(largest: f64) -> (f64, f64) {
    if !(largest.is_finite() && largest > 0.0) {
        return (1.0, 0.5);
    }
    let rough = largest / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    ((largest / step - 1e-9).ceil() * step, step)
}

fn tick(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    // A step of 2.5 needs a digit more than its size says.
    let decimals = decimals + usize::from((step * 10f64.powi(decimals as i32)).fract() > 1e-6);
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_its_largest_value_in_round_steps() {
        for (largest, expected) in [
            (97.0, (100.0, 20.0)),
            (100.0, (100.0, 20.0)),
            (0.7, (0.8, 0.2)),
            (1234.0, (1250.0, 250.0)),
            (0.0, (1.0, 0.5)),
        ] {
            let (end, step) = scale(largest);
            assert!((end - expected.0).abs() < 1e-9 && (step - expected.1).abs() < 1e-9, "{largest}: {end} {step}");
            assert!(end >= largest);
        }
    }

    #[test]
    fn labels_have_the_digits_that_their_step_needs() {
        assert_eq!(tick(0.6, 0.2), "0.6");
        assert_eq!(tick(7.5, 2.5), "7.5");
        assert_eq!(tick(0.25, 0.25), "0.25");
        assert_eq!(tick(12500.0, 500.0), "12\u{2009}500");
        assert_eq!(tick(100.0, 20.0), "100");
    }

    #[test]
    fn a_text_cannot_become_markup() {
        let mut drawing = Drawing::default();
        drawing.text("label", (0.0, 0.0), Anchor::Start, "<script>&\"");
        let image = drawing.finish((1.0, 1.0), "a \"b\"", "");
        assert!(image.contains("&lt;script&gt;&amp;&quot;") && image.contains("a &quot;b&quot;"), "{image}");
    }
}
