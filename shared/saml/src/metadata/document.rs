//! Reads the text of a metadata file: its encoding, and its first element. Recognises files that are
//! no metadata, for the text of the error.
//!
//! White space, byte order marks, the XML declaration, comments and processing instructions before
//! the first element are skipped.

use std::borrow::Cow;

use super::error::MetadataError;

/// Converts the bytes of a file to text. The encoding is that of the byte order mark, or else the
/// declared one: UTF-8, UTF-16, ISO-8859-1, ISO-8859-15, Windows-1252 or US-ASCII.
///
/// # Errors
///
/// [`MetadataError::Encoding`] when the bytes are not of that encoding, or it is another one.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, MetadataError> {
    let decoded = match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        // Without a mark: XML begins with an ASCII character, white space or `<`.
        [1..=u8::MAX, 0, ..] => decode_utf16(bytes, u16::from_le_bytes).map(Cow::Owned),
        [0, 1..=u8::MAX, ..] => decode_utf16(bytes, u16::from_be_bytes).map(Cow::Owned),
        // An ASCII or UTF-8 file says so or is one: names of encodings are often wrong.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => decode_single_bytes(bytes).map(Cow::Owned),
        },
    };
    decoded.ok_or_else(|| MetadataError::Encoding(declared_encoding(bytes)))
}

/// Decodes text of the declared encoding, one byte for each character.
fn decode_single_bytes(bytes: &[u8]) -> Option<String> {
    let character = match declared_encoding(bytes)?.as_str() {
        "iso-8859-15" | "latin-9" | "latin9" => of_iso_8859_15,
        // The encoding standard of browsers takes the other three for Windows-1252.
        "iso-8859-1" | "latin1" | "us-ascii" | "ascii" | "windows-1252" | "cp1252" => {
            of_windows_1252
        }
        _ => return None,
    };
    Some(bytes.iter().copied().map(character).collect())
}

const fn of_iso_8859_15(byte: u8) -> char {
    match byte {
        0xa4 => '\u{20ac}',
        0xa6 => '\u{160}',
        0xa8 => '\u{161}',
        0xb4 => '\u{17d}',
        0xb8 => '\u{17e}',
        0xbc => '\u{152}',
        0xbd => '\u{153}',
        0xbe => '\u{178}',
        _ => byte as char,
    }
}

fn of_windows_1252(byte: u8) -> char {
    let index = byte.checked_sub(0x80).map(usize::from);
    index.and_then(|index| WINDOWS_1252.get(index)).copied().unwrap_or(char::from(byte))
}

/// The characters of the bytes 80 to 9F.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().copied().map(unit)).collect::<Result<_, _>>();
    text.ok().filter(|_| rest.is_empty())
}

/// The encoding that an XML declaration names, in lower case.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head: String = bytes.iter().take(MAX_DECLARATION).copied().map(char::from).collect();
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?.to_lowercase();
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next().map(str::to_owned)
}

/// Returns the text from its first element on.
///
/// # Errors
///
/// The kind of file that it is, when it is clearly no XML or an HTML page.
pub(super) fn content(text: &str) -> Result<&str, MetadataError> {
    let rest = skip_prolog(text);
    let head: String = rest.chars().take(16).collect::<String>().to_ascii_lowercase();
    if rest.is_empty() {
        Err(MetadataError::Empty)
    } else if is_html(&head) {
        Err(MetadataError::Html)
    } else if head.starts_with(['{', '[']) {
        Err(MetadataError::Json)
    } else if head.starts_with("-----begin") {
        Err(MetadataError::Pem)
    } else if !head.starts_with('<') {
        Err(MetadataError::NotXml)
    } else {
        Ok(rest)
    }
}

/// Whether a page begins so. Programs leave out `<html>`, as HTML lets them (HTML §13.1.2.4).
fn is_html(head: &str) -> bool {
    let Some(markup) = head.strip_prefix('<') else { return false };
    let end = markup.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(markup.len());
    match markup.strip_prefix("!doctype") {
        Some(name) => name.trim_start().starts_with("html"),
        None => HTML_ELEMENTS.contains(&markup.get(..end).unwrap_or_default()),
    }
}

const HTML_ELEMENTS: [&str; 15] = [
    "html", "head", "title", "base", "meta", "link", "style", "script", "body", "div", "p", "h1",
    "center", "form", "noscript",
];

fn skip_prolog(text: &str) -> &str {
    let mut rest = text;
    loop {
        let start = rest.trim_start_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK);
        let start = start.strip_prefix(MISREAD_BYTE_ORDER_MARK).unwrap_or(start);
        let skipped = match (start.strip_prefix("<?"), start.strip_prefix("<!--")) {
            (Some(instruction), _) => instruction.split_once("?>"),
            (None, Some(comment)) => comment.split_once("-->"),
            (None, None) => None,
        };
        match skipped {
            Some((_, after)) => rest = after,
            None if start.len() == rest.len() => return rest,
            None => rest = start,
        }
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The bytes of a byte order mark in UTF-8, read as ISO-8859-1.
const MISREAD_BYTE_ORDER_MARK: &str = "\u{ef}\u{bb}\u{bf}";

/// Bytes in which an XML declaration ends.
const MAX_DECLARATION: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_found() {
        let text = "<?xml version='1.0' encoding='UTF-16'?><a n='\u{e4}\u{1f600}'/>";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: [u8; 2], bytes: &[u8]| [&mark, bytes].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked([0xff, 0xfe], &little),
            marked([0xfe, 0xff], &big),
            little,
            big,
        ] {
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        let indented: Vec<u8> = "\n <a/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&indented).unwrap(), "\n <a/>");
        let latin = b"<?xml version=\"1.0\" encoding = 'ISO-8859-1' ?><a n='\xe4'/>";
        assert!(decode(latin).unwrap().ends_with("<a n='\u{e4}'/>"));
        for (encoding, byte, character) in [
            ("ISO-8859-15", 0xa4, '\u{20ac}'),
            ("iso-8859-15", 0xe4, '\u{e4}'),
            ("windows-1252", 0x80, '\u{20ac}'),
            ("Windows-1252", 0x9f, '\u{178}'),
            ("us-ascii", 0xa0, '\u{a0}'),
        ] {
            let mut bytes = format!("<?xml version='1.0' encoding='{encoding}'?><a>").into_bytes();
            bytes.push(byte);
            assert!(decode(&bytes).unwrap().ends_with(character), "{encoding} {byte:x}");
        }
        for bytes in [
            &b"<a n='\xe4'/>"[..],
            b"<?xml encoding='koi8-r'?>\xe4",
            b"\xff\xfe<",
            b"\xff\xfe\0\xd8",
        ] {
            let declared = bytes.starts_with(b"<?xml").then(|| "koi8-r".to_owned());
            assert_eq!(decode(bytes), Err(MetadataError::Encoding(declared)));
        }
    }

    #[test]
    fn what_stands_before_the_first_element_is_skipped() {
        for before in [
            "",
            "\n ",
            "\u{feff}",
            "\u{ef}\u{bb}\u{bf}",
            "\u{feff}\n<?xml version='1.0' encoding='ISO-8859-1'?>\n",
            "<!-- by hand --><?xml-stylesheet href='a'?>\n<!-- <b> -->",
        ] {
            assert_eq!(content(&format!("{before}<a/>")), Ok("<a/>"), "{before:?}");
        }
        assert_eq!(content("<!-- a"), Ok("<!-- a"));
    }

    #[test]
    fn a_file_that_is_no_metadata_is_told_as_what_it_is() {
        for (text, error) in [
            (" \n", MetadataError::Empty),
            ("<?xml version='1.0'?>", MetadataError::Empty),
            ("<!DOCTYPE HTML><html>", MetadataError::Html),
            ("\n<HTML lang='en'>", MetadataError::Html),
            ("<!doctype  html PUBLIC 'x'>", MetadataError::Html),
            ("<head><title>Sign in</title>", MetadataError::Html),
            ("<!-- 1 --><script>", MetadataError::Html),
            ("<body>", MetadataError::Html),
            ("{\"a\": 1}", MetadataError::Json),
            ("[]", MetadataError::Json),
            ("-----BEGIN CERTIFICATE-----", MetadataError::Pem),
            ("https://idp.example/metadata", MetadataError::NotXml),
        ] {
            assert_eq!(content(text), Err(error), "{text}");
        }
    }
}
