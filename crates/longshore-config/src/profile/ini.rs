//! The dialect of AWS's files, as its command line reads it.
//!
//! A section begins with `[name]`, a setting is `name = value` or `name: value`, and a line that is indented further than
//! the setting before it belongs to that setting's value. A value that begins on such a line is a group of settings. A
//! comment is a line of its own that begins with `#` or `;`.

use std::collections::BTreeMap;

/// Sections by the text between their brackets; settings by name, in lower case; those of a group by `group.name`.
pub(super) type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// A line that cannot be read, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// The setting that the next line may continue.
struct Open {
    section: String,
    name: String,
    indent: usize,
}

pub(super) fn parse(text: &str) -> Result<Sections, Malformed> {
    let mut sections = Sections::new();
    let mut section: Option<String> = None;
    let mut open: Option<Open> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let malformed = |reason| Malformed { line: index + 1, reason };
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let Some(open) = open.as_ref().filter(|open| indent > open.indent) {
            let value = sections.entry(open.section.clone()).or_default().entry(open.name.clone()).or_default();
            value.push('\n');
            value.push_str(content);
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let (name, _) = rest.split_once(']').ok_or(malformed("a section's name ends with a bracket"))?;
            let name = section_name(name);
            sections.entry(name.clone()).or_default();
            (section, open) = (Some(name), None);
            continue;
        }
        let section = section.clone().ok_or(malformed("a setting stands below a section such as [default]"))?;
        let (name, value) =
            content.split_once(['=', ':']).ok_or(malformed("a setting has a = between name and value"))?;
        let name = name.trim().to_ascii_lowercase();
        if name.is_empty() {
            return Err(malformed("the name of a setting is missing"));
        }
        sections.entry(section.clone()).or_default().insert(name.clone(), value.trim().to_owned());
        open = Some(Open { section, name, indent });
    }
    for settings in sections.values_mut() {
        *settings = std::mem::take(settings).into_iter().flat_map(grouped).collect();
    }
    Ok(sections)
}

/// Words are separated by one space, and may be quoted.
fn section_name(name: &str) -> String {
    let (kind, rest) = name.trim().split_once(char::is_whitespace).unwrap_or(("", name.trim()));
    let rest = rest.trim().trim_matches(['"', '\'']);
    if kind.is_empty() { rest.to_owned() } else { format!("{kind} {rest}") }
}

/// A group as its settings; any other value as it is.
fn grouped((name, value): (String, String)) -> Vec<(String, String)> {
    let Some(lines) = value.strip_prefix('\n') else { return vec![(name, value)] };
    let setting = |line: &str| {
        let (inner, value) = line.split_once('=')?;
        Some((format!("{name}.{}", inner.trim().to_ascii_lowercase()), value.trim().to_owned()))
    };
    lines.lines().filter_map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, section: &str, name: &str) -> Option<String> {
        parse(text).unwrap().get(section)?.get(name).cloned()
    }

    #[test]
    fn settings_stand_in_sections() {
        let text = "\u{feff}# comment\r\n[default]\r\nregion=eu-west-1\r\n; another\r\n[profile  \"my work\"] ; here\n\
                    Region : us-east-2\nkey = a=b # no comment\n\n";
        assert_eq!(value(text, "default", "region").as_deref(), Some("eu-west-1"));
        assert_eq!(value(text, "profile my work", "region").as_deref(), Some("us-east-2"));
        assert_eq!(value(text, "profile my work", "key").as_deref(), Some("a=b # no comment"));
    }

    #[test]
    fn an_indented_line_belongs_to_the_setting_before_it() {
        let text = "[default]\ns3 =\n  addressing_style = virtual\n  # why\n  payload_signing_enabled=true\nregion = r\n\
                    [indented]\n  a = 1\n  b = 2\n    more\n";
        assert_eq!(value(text, "default", "s3.addressing_style").as_deref(), Some("virtual"));
        assert_eq!(value(text, "default", "s3.payload_signing_enabled").as_deref(), Some("true"));
        assert_eq!(value(text, "default", "region").as_deref(), Some("r"));
        assert_eq!(value(text, "indented", "a").as_deref(), Some("1"));
        assert_eq!(value(text, "indented", "b").as_deref(), Some("2\nmore"));
    }

    #[test]
    fn a_section_that_comes_twice_is_one_and_the_later_value_counts() {
        let text = "[a]\nx = 1\ny = 1\n[b]\n[a]\nx = 2\n";
        assert_eq!((value(text, "a", "x").as_deref(), value(text, "a", "y").as_deref()), (Some("2"), Some("1")));
        assert_eq!(value(text, "b", "x"), None);
    }

    #[test]
    fn a_line_that_is_neither_is_named() {
        for (text, line) in [("region = x", 1), ("[a]\n\nregion", 3), ("[a\n", 1), ("[a]\n = x", 2)] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
