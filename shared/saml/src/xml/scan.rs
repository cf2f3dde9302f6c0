//! One linear pass over the markup, before any parser: bounds and bans.
//!
//! It knows just enough XML to count. Where it cannot follow, the text is not well-formed and is
//! refused, so it never sees less than the parser does.

use super::{Bounds, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES, XmlError};

pub(super) fn scan(text: &str, bounds: Bounds) -> Result<(), XmlError> {
    let mut rest = after_declaration(text)?;
    let mut elements = 0_u32;
    // One entry for each open element: how many declarations are in scope there.
    let mut open: Vec<usize> = Vec::with_capacity(MAX_DEPTH);
    while let Some((_, markup)) = rest.split_once('<') {
        if let Some(comment) = markup.strip_prefix("!--").filter(|_| bounds.comments) {
            rest = comment.split_once("-->").ok_or_else(|| malformed("an unfinished comment"))?.1;
            continue;
        }
        if markup.starts_with('!') {
            return Err(declaration(markup));
        }
        if markup.starts_with('?') {
            return Err(XmlError::ProcessingInstruction);
        }
        if markup.starts_with('/') {
            open.pop().ok_or_else(|| malformed("an end tag without a start tag"))?;
            rest = markup.split_once('>').ok_or_else(|| malformed("an unfinished tag"))?.1;
            continue;
        }
        elements += 1;
        if elements > bounds.nodes {
            return Err(XmlError::TooManyNodes);
        }
        let tag = Tag::read(markup)?;
        let in_scope = open.last().unwrap_or(&0) + tag.namespaces;
        if in_scope > MAX_NAMESPACES {
            return Err(XmlError::TooManyNamespaces);
        }
        if open.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if !tag.empty {
            open.push(in_scope);
        }
        rest = tag.rest;
    }
    character_references(text)
}

/// A reference to what is no character has no one reading: some parsers replace it, some stop.
fn character_references(text: &str) -> Result<(), XmlError> {
    for reference in text.split("&#").skip(1) {
        let digits = reference.split(';').next().unwrap_or_default();
        let number = match digits.strip_prefix('x') {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => digits.parse(),
        };
        if number.ok().and_then(char::from_u32).is_none() {
            return Err(malformed("a reference to what is no character"));
        }
    }
    Ok(())
}

fn after_declaration(text: &str) -> Result<&str, XmlError> {
    let Some(declaration) = text.strip_prefix("<?xml") else { return Ok(text) };
    let (declaration, rest) =
        declaration.split_once("?>").ok_or_else(|| malformed("an unfinished XML declaration"))?;
    if !declaration.starts_with([' ', '\t', '\r', '\n']) {
        return Err(XmlError::ProcessingInstruction);
    }
    let declaration = declaration.to_ascii_lowercase();
    if declaration.contains("encoding") && !declaration.contains("utf-8") {
        return Err(XmlError::Encoding);
    }
    // XML 1.1 has other line ends and control characters: another reading of the same bytes.
    if !declaration.contains("1.0") {
        return Err(malformed("another version than XML 1.0"));
    }
    Ok(rest)
}

fn declaration(markup: &str) -> XmlError {
    if markup.starts_with("!--") {
        XmlError::Comment
    } else if markup.starts_with("![CDATA[") {
        XmlError::Cdata
    } else {
        XmlError::Doctype
    }
}

fn malformed(what: &str) -> XmlError {
    XmlError::Malformed(what.to_owned())
}

/// A start tag or empty-element tag.
struct Tag<'a> {
    namespaces: usize,
    empty: bool,
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn read(markup: &'a str) -> Result<Self, XmlError> {
        let name_end = markup.find(ends_name).ok_or_else(|| malformed("an unfinished tag"))?;
        let mut rest = markup.get(name_end..).unwrap_or_default();
        let (mut attributes, mut namespaces) = (0, 0);
        loop {
            rest = rest.trim_start_matches(is_space);
            if let Some(rest) = rest.strip_prefix('>') {
                return Ok(Self { namespaces, empty: false, rest });
            }
            if let Some(rest) = rest.strip_prefix("/>") {
                return Ok(Self { namespaces, empty: true, rest });
            }
            let (name, value, after) = attribute(rest)?;
            attributes += 1;
            if attributes > MAX_ATTRIBUTES {
                return Err(XmlError::TooManyAttributes);
            }
            namespaces += usize::from(check_name(name, value)?);
            rest = after;
        }
    }
}

/// Splits `name = "value"` off the front.
fn attribute(text: &str) -> Result<(&str, &str, &str), XmlError> {
    let unfinished = || malformed("an unfinished attribute");
    let (name, rest) = text.split_once('=').ok_or_else(unfinished)?;
    let rest = rest.trim_start_matches(is_space);
    let quoted = rest
        .strip_prefix('"')
        .and_then(|rest| rest.split_once('"'))
        .or_else(|| rest.strip_prefix('\'').and_then(|rest| rest.split_once('\'')));
    let (value, rest) = quoted.ok_or_else(unfinished)?;
    let name = name.trim_end_matches(is_space);
    let odd = |c: char| is_space(c) || matches!(c, '<' | '>' | '/' | '"' | '\'');
    if name.is_empty() || name.contains(odd) || value.contains('<') {
        return Err(unfinished());
    }
    Ok((name, value, rest))
}

/// Whether an attribute declares a namespace; refuses relative namespaces and qualified IDs.
fn check_name(name: &str, value: &str) -> Result<bool, XmlError> {
    if let Some(prefix) = name.strip_prefix("xmlns").filter(|p| p.is_empty() || p.starts_with(':'))
    {
        // Namespaces in XML §3: `xmlns` is never declared.
        if prefix == ":xmlns" {
            return Err(malformed("a declaration of xmlns"));
        }
        let absolute = value.contains(':') || (value.is_empty() && prefix.is_empty());
        let relative = || XmlError::RelativeNamespace(super::clipped(value, 96));
        return if absolute { Ok(true) } else { Err(relative()) };
    }
    match name.split_once(':') {
        Some((_, local)) if local.eq_ignore_ascii_case("id") => Err(XmlError::QualifiedId),
        _ => Ok(false),
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn ends_name(c: char) -> bool {
    is_space(c) || matches!(c, '/' | '>')
}

#[cfg(test)]
mod tests {
    use crate::xml::{MAX_BYTES, Strict, XmlError};

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expect: &str) {
        let verdict = match Strict::parse(text.as_ref()) {
            Ok(_) => "passes".to_owned(),
            Err(XmlError::Malformed(_)) => "malformed".to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(verdict, expect, "{}", String::from_utf8_lossy(text.as_ref()));
    }

    #[test]
    fn plain_documents_pass() {
        for text in [
            "<a/>",
            "\u{feff}<a/>",
            "<?xml version=\"1.0\"?><a/>",
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a />\n",
            "<a b='>' c=\"/>\" d = 'x'>&lt;&#65;&quot;</a>",
            "<p:a xmlns:p=\"urn:x\" xmlns=\"\" xml:lang=\"en\" ID=\"i\"><p:b/></p:a >",
        ] {
            check(text, "passes");
        }
    }

    #[test]
    fn markup_that_can_be_read_two_ways_is_refused() {
        check("<a><!-- x --></a>", "holds a comment");
        check("<a/><!-- x -->", "holds a comment");
        check("<a><![CDATA[x]]></a>", "holds a CDATA section");
        check("<!DOCTYPE a><a/>", "holds a DTD or markup declaration");
        check("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "holds a DTD or markup declaration");
        check("<a><?x y?></a>", "holds a processing instruction");
        check("<?xml-stylesheet href='x'?><a/>", "holds a processing instruction");
        check(" <?xml version='1.0'?><a/>", "holds a processing instruction");
    }

    #[test]
    fn other_encodings_are_refused() {
        let utf8_only = "not UTF-8; XML is read as UTF-8 only";
        check("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", utf8_only);
        check("<?xml version='1.0' encoding='UTF-7'?><a/>", utf8_only);
        check(b"<a>\xff</a>", utf8_only);
        check(b"\xff\xfe<\0a\0/\0>\0", utf8_only);
        check(b"<\0a\0/\0>\0", "malformed");
        check("<?xml version='1.1'?><a/>", "malformed");
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            "x",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "<a b='1' b='2'/>",
            "<a b=x/>",
            "<a b/>",
            "<a b='<'/>",
            "<a b='1\"/>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>&#x110000;</a>",
            "<a>&#xFFFFFFFFFF;</a>",
            "<a>&#+65;</a>",
            "<a b='&#xDFFF;'/>",
            "<a><b></a></b>",
            "<a",
            "<a b='",
            "<?xml version='1.0'",
            "<a xmlns:p='u:x' xmlns:q='u:x' p:b='1' q:b='2'/>",
            "<a\0/>",
            "<a xmlns:xmlns='u:x'/>",
            "<a xmlns:xml='u:x'/>",
            "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        ] {
            check(text, "malformed");
        }
    }

    #[test]
    fn identifiers_are_unqualified_and_namespaces_absolute() {
        check("<a xml:id='x'/>", "holds an ID attribute with a namespace prefix");
        check("<a xmlns:p='u:x' p:ID='x'/>", "holds an ID attribute with a namespace prefix");
        check("<a xmlns='x'/>", "namespace \"x\" is not an absolute URI");
        check("<a xmlns:p=''/>", "namespace \"\" is not an absolute URI");
        check("<a xmlns:p='../x'/>", "namespace \"../x\" is not an absolute URI");
    }

    #[test]
    fn size_depth_and_counts_are_bounded() {
        let big = format!("<a>{}</a>", "x".repeat(MAX_BYTES));
        check(&big, &format!("{} bytes are more than are read", big.len()));
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        check(deep(40), "passes");
        check(deep(41), "nested deeper than 40 levels");
        check(deep(60_000), "nested deeper than 40 levels");
        let wide = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n));
        check(wide(19_000), "passes");
        check(wide(20_000), "more nodes than are read");
        let attributes = |n: usize| {
            format!("<a {}/>", (0..n).map(|i| format!("a{i}='' ")).collect::<Vec<_>>().concat())
        };
        check(attributes(40), "passes");
        check(attributes(41), "more than 40 attributes on one element");
        let scopes = |n: usize| {
            let own = |i: usize| {
                (0..30).map(|j| format!(" xmlns:p{i}x{j}='u:{j}'")).collect::<Vec<_>>().concat()
            };
            let open = (0..n).map(|i| format!("<a{}>", own(i))).collect::<Vec<_>>().concat();
            open + &"</a>".repeat(n)
        };
        check(scopes(2), "passes");
        check(scopes(3), "more than 64 namespaces in scope");
    }
}
