//! Wildcards over keys, in two dialects: `*` within one level and `**` across levels, or a command line's `*` and `?`.

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
    /// `?` of a command line: any one character.
    One,
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

    /// Compiles a pattern as object storage's command lines have it: `*` is any characters, `/` included, and `?` any one. A
    /// backslash before `*`, `?` or another backslash takes away its meaning; elsewhere it is a character like others.
    ///
    /// ```
    /// # use longshore_config::Pattern;
    /// let pattern = Pattern::shell("runs/*.np?");
    /// assert!(pattern.matches("runs/a/b/x.npz") && !pattern.matches("runs/x.np"));
    /// assert_eq!(Pattern::shell(r"100\?").literal(), Some("100?"));
    /// ```
    pub fn shell(raw_key: &str) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut characters = raw_key.chars().peekable();
        while let Some(character) = characters.next() {
            let part = match character {
                '*' => Part::Any,
                '?' => Part::One,
                '\\' => {
                    literal.push(characters.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\'));
                    continue;
                }
                other => {
                    literal.push(other);
                    continue;
                }
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            // Two stars in a row say no more than one.
            if part == Part::One || parts.last() != Some(&Part::Any) {
                parts.push(part);
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self { parts }
    }

    /// The one key that matches, where the pattern has no wildcard.
    pub fn literal(&self) -> Option<&str> {
        match &self.parts[..] {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
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
        let mut reached = vec![false; bytes.len() + 1];
        reached[0] = true;
        for part in &self.parts {
            reached = part.step(bytes, &reached);
        }
        reached[bytes.len()]
    }

    /// Whether there could be a matching key below `folder`, which has no slash at its end; the root is an empty text.
    ///
    /// ```
    /// # use longshore_config::Pattern;
    /// let pattern = Pattern::new("runs/*/step_*.npz");
    /// assert!(pattern.may_match_below("runs/a"));
    /// assert!(!pattern.may_match_below("runs/a/b") && !pattern.may_match_below("logs"));
    /// ```
    pub fn may_match_below(&self, folder: &str) -> bool {
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let bytes = folder.as_bytes();
        let mut reached = vec![false; bytes.len() + 1];
        reached[0] = true;
        for part in &self.parts {
            // With the folder used up and a part to go, the rest of the key is up to that part. So it is from within a part.
            let goes_beyond = match part {
                Part::Any | Part::Levels => reached.contains(&true),
                Part::Level | Part::One => reached[bytes.len()],
                Part::Literal(text) => (0..reached.len()).any(|start| {
                    reached[start] && text.len() > bytes.len() - start && text.as_bytes().starts_with(&bytes[start..])
                }),
            };
            if goes_beyond {
                return true;
            }
            reached = part.step(bytes, &reached);
        }
        false
    }
}

impl Part {
    /// `reached[i]`: the parts before this one can end just before byte `i`. The result says the same with this one.
    fn step(&self, bytes: &[u8], reached: &[bool]) -> Vec<bool> {
        let mut next = vec![false; reached.len()];
        match self {
            Self::Literal(text) => {
                for start in (0..reached.len()).filter(|&i| reached[i]) {
                    if bytes[start..].starts_with(text.as_bytes()) {
                        next[start + text.len()] = true;
                    }
                }
            }
            Self::Level | Self::Any => {
                let mut open = false;
                for i in 0..reached.len() {
                    open |= reached[i];
                    next[i] = open;
                    if *self == Self::Level && bytes.get(i) == Some(&b'/') {
                        open = false;
                    }
                }
            }
            Self::One => {
                let continues = |i: usize| bytes.get(i).is_some_and(|byte| byte & 0xc0 == 0x80);
                for start in (0..bytes.len()).filter(|&i| reached[i] && !continues(i)) {
                    let end = (start + 1..).find(|&i| !continues(i)).unwrap_or(bytes.len());
                    next[end] = true;
                }
            }
            Self::Levels => {
                let mut open = false;
                for i in 0..reached.len() {
                    next[i] = reached[i] || (open && i > 0 && bytes[i - 1] == b'/');
                    open |= reached[i];
                }
            }
        }
        next
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
    fn a_command_lines_star_crosses_levels_and_its_question_mark_is_one_character() {
        for (pattern, yes, no) in [
            ("a/*", &["a/", "a/b", "a/b/c"][..], &["a", "b/a"][..]),
            ("*.npz", &["x.npz", "d/e/x.npz", ".npz"], &["x.npy"]),
            ("a**b", &["ab", "a/x/b"], &["a"]),
            ("a?c", &["abc", "a/c", "aéc", "a\u{1F980}c"], &["ac", "abbc"]),
            ("*?", &["x", "é", "a/b"], &[""]),
            ("??", &["ab", "éé"], &["é", "abc"]),
            ("?*?", &["ab", "a\u{1F980}"], &["a", "\u{1F980}"]),
            (r"a\*b\?\\*", &[r"a*b?\", r"a*b?\x"], &["aXb?", r"a*bX\"]),
            (r"a\b", &[r"a\b"], &["ab"]),
            ("", &[""], &["a"]),
        ] {
            let compiled = Pattern::shell(pattern);
            for key in yes {
                assert!(compiled.matches(key), "{pattern} should match {key}");
            }
            for key in no {
                assert!(!compiled.matches(key), "{pattern} should not match {key}");
            }
        }
    }

    #[test]
    fn a_command_lines_pattern_without_wildcards_is_one_key() {
        assert_eq!(Pattern::shell(r"a\*b\\c").literal(), Some(r"a*b\c"));
        assert_eq!(Pattern::shell("").literal(), Some(""));
        assert_eq!(Pattern::shell("a?").literal(), None);
        assert_eq!(Pattern::shell("*").literal(), None);
        assert_eq!(Pattern::shell(r"a/b\?c*").prefix(), "a/b?c");
    }

    #[test]
    fn only_folders_that_can_hold_a_match_are_looked_into() {
        for (pattern, yes, no) in [
            ("a/*.npz", &["", "a"][..], &["a/b", "b", "ab"][..]),
            ("a/b*/c", &["", "a", "a/b", "a/bx"], &["a/c", "a/b/c", "a/bx/c"]),
            ("a/*", &["", "a"], &["a/b", "b"]),
            ("a/**", &["", "a", "a/b/c"], &["b", "ab"]),
            ("**.npz", &["", "a", "a/b"], &[]),
            ("a/**/b/*.c", &["", "a", "a/b", "a/q/r", "a/q/b"], &["b"]),
            ("a**b", &["", "a", "ax", "ab/c"], &["b"]),
            (r"lit\*/*", &["", "lit*"], &["lit", "litX"]),
            ("a/b/c", &["", "a", "a/b"], &["a/b/c", "a/x"]),
            ("*é*/x", &["", "é", "xéy"], &["e", "é/y"]),
        ] {
            let compiled = Pattern::new(pattern);
            for folder in yes {
                assert!(compiled.may_match_below(folder), "{pattern} below {folder}");
            }
            for folder in no {
                assert!(!compiled.may_match_below(folder), "{pattern} below {folder}");
            }
        }
    }

    #[test]
    fn whatever_matches_is_found_by_looking_below_its_folders() {
        let keys = ["", "a", "a/", "a/b", "a/b/c.npz", "ab/c", "x.npz", "a/a/a/a", "b/a.b/c"];
        for pattern in ["*", "**", "a/*", "a*/**", "**/c*", "**/*.npz", "*/*/*", "a**c", "a/**/a", "**/**/a", "*a*/b"] {
            let compiled = Pattern::new(pattern);
            for key in keys.into_iter().filter(|key| compiled.matches(key)) {
                assert!(compiled.may_match_below(""), "{pattern} has {key}");
                for (slash, _) in key.match_indices('/').filter(|(slash, _)| slash + 1 < key.len()) {
                    assert!(compiled.may_match_below(&key[..slash]), "{pattern} has {key}");
                }
            }
        }
        for pattern in ["*", "a/*", "a?b*", "*/?.npz", "?/?/?", "*c", "b?a.b/?"] {
            let compiled = Pattern::shell(pattern);
            for key in keys.into_iter().filter(|key| compiled.matches(key)) {
                for (slash, _) in key.match_indices('/').filter(|(slash, _)| slash + 1 < key.len()) {
                    assert!(compiled.may_match_below(&key[..slash]), "{pattern} has {key}");
                }
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
