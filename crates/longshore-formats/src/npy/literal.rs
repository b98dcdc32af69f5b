//! The part of Python's literal syntax that `.npy` headers are written in.
//!
//! Strings with their prefixes and escapes, whole numbers with Python 2's `L`, `True`, `False`, `None`, tuples and
//! lists, in any nesting up to a limit. Format source: the Python language reference, "Lexical analysis".

use std::borrow::Cow;

use super::NpyError;

/// Deeper nesting than any type needs, and far from what a thread's stack holds.
const DEPTH_LIMIT: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Bool(bool),
    None,
    Tuple(Vec<Value>),
    List(Vec<Value>),
}

/// Parses a dictionary that is all of `text`. Each entry comes with its value's source text.
pub(super) fn dictionary(text: &str) -> Result<Vec<(String, Value, &str)>, NpyError> {
    let mut parser = Parser { text, at: 0 };
    let mut entries = Vec::new();
    parser.expect('{')?;
    while !parser.accept('}') {
        let Value::Text(key) = parser.value(0)? else {
            return Err(parser.error("a key is not a string"));
        };
        parser.expect(':')?;
        parser.skip_space();
        let start = parser.at;
        let value = parser.value(0)?;
        entries.push((key, value, &text[start..parser.at]));
        if !parser.accept(',') {
            parser.expect('}')?;
            break;
        }
    }
    parser.finish()?;
    Ok(entries)
}

/// Parses a value that is all of `text`.
pub(super) fn value(text: &str) -> Result<Value, NpyError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.finish()?;
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, reason: impl Into<Cow<'static, str>>) -> NpyError {
        let reason = reason.into();
        NpyError::invalid(format!("{reason}, at byte {} of its text", self.at))
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0c');
        self.at += rest.len() - rest.trim_start_matches(space).len();
    }

    /// Steps over `wanted`, and the space before it, if it comes next.
    fn accept(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), NpyError> {
        match self.accept(wanted) {
            true => Ok(()),
            false => Err(self.error(format!("expected {wanted:?}"))),
        }
    }

    fn finish(&mut self) -> Result<(), NpyError> {
        self.skip_space();
        match self.rest() {
            "" => Ok(()),
            _ => Err(self.error("something follows the end")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, NpyError> {
        if depth > DEPTH_LIMIT {
            return Err(self.error("nested too deeply"));
        }
        if self.accept('(') {
            let (mut values, comma) = self.values(')', depth)?;
            // Parentheses without a comma only group.
            return Ok(match values.pop() {
                Some(only) if values.is_empty() && !comma => only,
                Some(last) => {
                    values.push(last);
                    Value::Tuple(values)
                }
                None => Value::Tuple(values),
            });
        }
        if self.accept('[') {
            return self.values(']', depth).map(|(values, _)| Value::List(values));
        }
        let rest = self.rest();
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(rest, |end| &rest[..end]);
        if rest[word.len()..].starts_with(['\'', '"']) {
            return self.string(word).map(Value::Text);
        }
        let constant = match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::None,
            _ => return self.integer(),
        };
        self.at += word.len();
        Ok(constant)
    }

    /// The values up to `close`, and whether a comma followed the last of them.
    fn values(&mut self, close: char, depth: usize) -> Result<(Vec<Value>, bool), NpyError> {
        let mut values = Vec::new();
        let mut comma = false;
        while !self.accept(close) {
            values.push(self.value(depth + 1)?);
            comma = self.accept(',');
            if !comma {
                self.expect(close)?;
                break;
            }
        }
        Ok((values, comma))
    }

    fn integer(&mut self) -> Result<Value, NpyError> {
        let rest = self.rest();
        let unsigned = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let digits = unsigned.find(|c: char| !c.is_ascii_digit()).map_or(unsigned, |end| &unsigned[..end]);
        if digits.is_empty() {
            return Err(self.error("expected a value"));
        }
        let length = rest.len() - unsigned.len() + digits.len();
        let number = rest[..length].parse().map_err(|_| self.error("a number is too large"))?;
        self.at += length;
        if self.rest().starts_with(['L', 'l']) {
            self.at += 1;
        }
        match self.rest().chars().next() {
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | '.') => Err(self.error("a number is not a whole one")),
            _ => Ok(Value::Integer(number)),
        }
    }

    fn string(&mut self, prefix: &str) -> Result<String, NpyError> {
        let raw = match prefix.to_ascii_lowercase().as_str() {
            "" | "b" | "u" => false,
            "r" | "br" | "rb" => true,
            _ => return Err(self.error("expected a value")),
        };
        self.at += prefix.len();
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map_or('\'', |(_, quote)| quote);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at += at + 1;
                return Ok(text);
            }
            if c == '\n' {
                break;
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            let Some((_, escape)) = chars.next() else {
                break;
            };
            if raw {
                text.extend(['\\', escape]);
            } else {
                let tail = chars.as_str();
                let used = self.escape(escape, tail, &mut text)?;
                // Escapes are spelled in ASCII, so characters are bytes.
                for _ in 0..used {
                    chars.next();
                }
            }
        }
        Err(self.error("a string does not end"))
    }

    /// Adds what `\escape` stands for, and returns how many characters of `tail` belong to it.
    fn escape(&self, escape: char, tail: &str, text: &mut String) -> Result<usize, NpyError> {
        let simple = match escape {
            '\n' => return Ok(0),
            '\\' | '\'' | '"' => escape,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => return self.code_point(tail, 2, text),
            'u' => return self.code_point(tail, 4, text),
            'U' => return self.code_point(tail, 8, text),
            '0'..='7' => return Ok(octal(escape, tail, text)),
            'N' => return Err(self.error("a string names a character")),
            _ => {
                // Python keeps the backslash of an escape that it does not know.
                text.extend(['\\', escape]);
                return Ok(0);
            }
        };
        text.push(simple);
        Ok(0)
    }

    fn code_point(&self, tail: &str, digits: usize, text: &mut String) -> Result<usize, NpyError> {
        let code = tail
            .get(..digits)
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                text.push(c);
                Ok(digits)
            }
            None => Err(self.error("a string has an escape that is no character")),
        }
    }
}

fn octal(first: char, tail: &str, text: &mut String) -> usize {
    let more = tail.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let code = std::iter::once(first)
        .chain(tail[..more].chars())
        .filter_map(|digit| digit.to_digit(8))
        .fold(0, |code, digit| 8 * code + digit);
    text.extend(char::from_u32(code));
    more
}
