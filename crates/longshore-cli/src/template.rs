//! Names of generated objects: a text with places for the index and the count, as Python's `str.format` has them.

use std::str::FromStr;

/// A template that can be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Which of the two numbers, and how it is written.
    Number {
        which: usize,
        width: usize,
        zeros: bool,
    },
}

impl Template {
    /// The name of object `index` of `count`.
    pub(crate) fn fill(&self, index: usize, count: usize) -> String {
        let write = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Number { which, width, zeros } => {
                let number = if *which == 0 { index } else { count };
                if *zeros { format!("{number:0width$}") } else { format!("{number:width$}") }
            }
        };
        self.0.iter().map(write).collect()
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal, mut next) = (Vec::new(), String::new(), 0);
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            literal.push_str(&rest[..brace]);
            let (found, after) = rest[brace..].split_at(1);
            if after.starts_with(found) {
                literal.push_str(found);
                rest = &after[1..];
                continue;
            }
            let (field, after) = match (found, after.split_once('}')) {
                ("{", Some(split)) => split,
                _ => return Err(format!("{found} stands alone; write {found}{found} for the character itself")),
            };
            let (position, format) = field.split_once(':').unwrap_or((field, ""));
            let which = match position {
                "" => next,
                "0" => 0,
                "1" => 1,
                other => return Err(format!("there is no {{{other}}}; {{0}} is the index, {{1}} the count")),
            };
            if which > 1 {
                return Err("there are two numbers to put into names, the index and the count".into());
            }
            next += usize::from(position.is_empty());
            let digits = format.strip_suffix('d').unwrap_or(format);
            let width = match digits {
                "" => 0,
                digits => digits.parse().ok().filter(|width| *width <= 64).ok_or_else(|| {
                    format!("{format:?} is no width of a number; write {{:06}} for six digits with zeros")
                })?,
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Number { which, width, zeros: digits.starts_with('0') });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> String {
        template.parse::<Template>().unwrap().fill(7, 100)
    }

    #[test]
    fn numbers_go_where_the_braces_are() {
        for (template, name) in [
            ("object_{}_of_{}.dat", "object_7_of_100.dat"),
            ("{1}/{0}", "100/7"),
            ("{:06}", "000007"),
            ("{0:06d}-{1:4}", "000007- 100"),
            ("{{{}}}", "{7}"),
            ("plain", "plain"),
            ("é{}é", "é7é"),
        ] {
            assert_eq!(fill(template), name, "{template}");
        }
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        for template in ["{", "}", "{x}", "{2}", "{}{}{}", "{:x}", "{:999999}", "a}b", "{0"] {
            assert!(template.parse::<Template>().is_err(), "{template}");
        }
    }
}
