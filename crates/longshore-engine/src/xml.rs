//! XML, read event by event: text is taken as it stands, spaces included. Names are without their prefixes.

use std::io;

use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::EscapeError;
use quick_xml::events::Event;

/// Deeper than any document that servers send: they have six levels.
const DEEPEST: usize = 64;

/// An element of Azure's that says `Encoded="true"` holds what XML cannot spell, percent-encoded; it is decoded.
///
/// Calls `on_end` for each closing element with its path and its text; an element with children has no text of note.
pub(crate) fn elements(document: &[u8], mut on_end: impl FnMut(&[String], &str)) -> Result<(), quick_xml::Error> {
    let mut reader = Reader::from_reader(document);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut encoded = false;
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                encoded = start.try_get_attribute("Encoded")?.is_some_and(|value| &*value.value == b"true");
                if path.len() == DEEPEST {
                    return Err(io::Error::other(format!("elements nest more than {DEEPEST} deep")).into());
                }
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                text.clear();
            }
            Event::Empty(start) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                on_end(&path, "");
                path.pop();
            }
            Event::Text(part) => text.push_str(&part.decode()?),
            Event::CData(part) => text.push_str(&part.decode()?),
            Event::GeneralRef(reference) => {
                if let Some(character) = reference.resolve_char_ref()? {
                    text.push(character);
                } else if let Some(value) = quick_xml::escape::resolve_predefined_entity(&reference.decode()?) {
                    text.push_str(value);
                } else {
                    // Nothing is ever expanded that a document defines itself, and a text without it would be another text.
                    let name = reference.decode()?.into_owned();
                    return Err(EscapeError::UnrecognizedEntity(0..name.len(), name).into());
                }
            }
            Event::End(_) => {
                if std::mem::take(&mut encoded) {
                    text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
                }
                on_end(&path, &text);
                path.pop();
                text.clear();
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Code and message of an error document, as far as it is one.
pub(crate) fn error(document: &[u8]) -> (Option<String>, Option<String>) {
    let (mut code, mut message) = (None, None);
    // What was read before a syntax error still helps.
    let _ = elements(document, |path, text| match path.last().map(String::as_str) {
        Some("Code") if code.is_none() => code = Some(text.to_owned()),
        Some("Message") if message.is_none() => message = Some(text.to_owned()),
        _ => {}
    });
    (code, message.filter(|message| !message.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_document_gives_code_and_message() {
        let document = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
        assert_eq!(error(document), (Some("NoSuchKey".into()), Some("gone".into())));
        assert_eq!(error(b"<html>"), (None, None));
        assert_eq!(error(b"\xff\xfe"), (None, None));
    }

    #[test]
    fn elements_do_not_nest_without_end() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(elements(nested(20).as_bytes(), |_, _| {}).is_ok());
        assert!(elements(nested(DEEPEST + 1).as_bytes(), |_, _| {}).is_err());
    }

    #[test]
    fn entities_that_a_document_defines_are_not_expanded() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        assert!(elements(bomb, |_, _| {}).is_err());
        let mut texts = Vec::new();
        elements(b"<a><b>&lt;&#x26;&gt;</b></a>", |_, text| texts.push(text.to_owned())).unwrap();
        assert_eq!(texts[0], "<&>");
    }
}
