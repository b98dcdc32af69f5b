//! Wildcards over keys: `*` within one level, `**` across levels.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `*`: any characters but `/`.
    Level,
    /// `**`: any characters.
    Any,
    /// `**/` at the start of a level: any number of whole levels, none included.
    Levels,
}

impl Pattern {
    /// Compiles the raw key of a location.
    ///
    /// ```
    /// # use longshore_config::Pattern;
    /// let pattern = Pattern::new("runs/**/step_*.npz");
    /// assert_eq!(pattern.prefix(), "runs/");
    /// assert!(pattern.matches("runs/step_1.npz") && pattern.matches("runs/a/b/step_2.npz"));
    /// assert!(!pattern.matches("runs/step_1/x.npz"));
    /// ```
    pub fn new(raw_key: &str) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = raw_key;
        while let Some(first) = rest.chars().next() {
            let starts_level = match parts.last() {
                None => literal.is_empty() || literal.ends_with('/'),
                Some(Part::Levels) => literal.is_empty() || literal.ends_with('/'),
                Some(_) => literal.ends_with('/'),
            };
            let (part, used) = if rest.starts_with(r"\*") {
                literal.push('*');
                rest = &rest[2..];
                continue;
            } else if rest.starts_with("**/") && starts_level {
                (Part::Levels, 3)
            } else if rest.starts_with("**") {
                (Part::Any, 2)
            } else if first == '*' {
                (Part::Level, 1)
            } else {
                literal.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = &rest[used..];
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self { parts }
    }

    /// What every matching key begins with.
    pub fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether the whole of `key` matches. Costs at most the pattern's parts times the key's length.
    pub fn matches(&self, key: &str) -> bool {
        let bytes = key.as_bytes();
        // `reached[i]`: the parts so far can end just before byte `i`.
        let mut reached = vec![false; bytes.len() + 1];
        reached[0] = true;
        for part in &self.parts {
            let mut next = vec![false; reached.len()];
            match part {
                Part::Literal(text) => {
                    for start in (0..reached.len()).filter(|&i| reached[i]) {
                        if bytes[start..].starts_with(text.as_bytes()) {
                            next[start + text.len()] = true;
                        }
                    }
                }
                Part::Level | Part::Any => {
                    let mut open = false;
                    for i in 0..reached.len() {
                        open |= reached[i];
                        next[i] = open;
                        if *part == Part::Level && bytes.get(i) == Some(&b'/') {
                            open = false;
                        }
                    }
                }
                Part::Levels => {
                    let mut open = false;
                    for i in 0..reached.len() {
                        next[i] = reached[i] || (open && i > 0 && bytes[i - 1] == b'/');
                        open |= reached[i];
                    }
                }
            }
            reached = next;
        }
        reached[bytes.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_match_as_documented() {
        for (pattern, yes, no) in [
            ("a/*", &["a/", "a/b", "a/b.c"][..], &["a", "a/b/c", "b/a"][..]),
            ("a/**", &["a/", "a/b/c"], &["a", "ab"]),
            ("*.npz", &["x.npz", ".npz"], &["x.npy", "d/x.npz"]),
            ("**.npz", &["x.npz", "d/e/x.npz"], &["x.npzz"]),
            ("**/x", &["x", "a/x", "a/b/x"], &["ax", "a/ax", "x/"]),
            ("a/**/b/*.c", &["a/b/.c", "a/q/b/z.c", "a/q/r/b/z.c"], &["a/b/z/y.c", "ab/z.c"]),
            ("a**b", &["ab", "a/x/b"], &["a", "b"]),
            ("a**/b", &["a/b", "ax/y/b"], &["ab"]),
            (r"lit\*eral", &["lit*eral"], &["literal", "litXeral"]),
            ("*é*", &["é", "xéy"], &["e"]),
            ("**/**/x", &["x", "a/b/x"], &["y"]),
        ] {
            let compiled = Pattern::new(pattern);
            for key in yes {
                assert!(compiled.matches(key), "{pattern} should match {key}");
            }
            for key in no {
                assert!(!compiled.matches(key), "{pattern} should not match {key}");
            }
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let compiled = Pattern::new(&"*a".repeat(200));
        assert!(!compiled.matches(&"a".repeat(1000).replace("aaaa", "aaab")));
    }

    #[test]
    fn the_prefix_is_the_literal_start() {
        assert_eq!(Pattern::new("a/b*/c").prefix(), "a/b");
        assert_eq!(Pattern::new("*").prefix(), "");
        assert_eq!(Pattern::new(r"a\*b*").prefix(), "a*b");
    }
}
