//! Enforces bounds and bans in one linear pass over the markup, before any parser (*bounded*).
//!
//! It knows just enough XML to count, and refuses text that it cannot follow, so that it never sees
//! less than the parser does.

use super::{Bounds, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES, XmlError};

/// Checks `text` against `bounds` and the bans of [`super`].
pub(super) fn scan(text: &str, bounds: Bounds) -> Result<(), XmlError> {
    let mut rest = skip_declaration(text)?;
    let mut elements = 0_u32;
    // For each open element, the number of namespace declarations in scope.
    let mut open: Vec<usize> = Vec::with_capacity(MAX_DEPTH);
    while let Some((_, markup)) = rest.split_once('<') {
        if let Some(comment) = markup.strip_prefix("!--").filter(|_| bounds.comments) {
            rest = comment.split_once("-->").ok_or_else(|| malformed("an unfinished comment"))?.1;
            continue;
        }
        if markup.starts_with('!') {
            return Err(banned_markup(markup));
        }
        // Outside the root a processing instruction says nothing about what is read.
        if let Some(instruction) = markup.strip_prefix('?') {
            if !(bounds.comments && open.is_empty()) {
                return Err(XmlError::ProcessingInstruction);
            }
            let after = instruction.split_once("?>");
            rest = after.ok_or_else(|| malformed("an unfinished processing instruction"))?.1;
            continue;
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
        if !tag.is_empty {
            open.push(in_scope);
        }
        rest = tag.rest;
    }
    check_character_references(text)
}

/// Refuses references to code points that are not characters: some parsers replace them, others
/// stop (*one reading*).
fn check_character_references(text: &str) -> Result<(), XmlError> {
    for reference in text.split("&#").skip(1) {
        let digits = reference.split(';').next().unwrap_or_default();
        let number = match digits.strip_prefix('x') {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => digits.parse(),
        };
        if number.ok().and_then(char::from_u32).is_none() {
            return Err(malformed("a reference to a code point that is not a character"));
        }
    }
    Ok(())
}

/// Skips the XML declaration, if any, after checking its encoding and version.
fn skip_declaration(text: &str) -> Result<&str, XmlError> {
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
    // XML 1.1 has other line ends and control characters, so the same bytes read differently.
    if !declaration.contains("1.0") {
        return Err(malformed("a version other than XML 1.0"));
    }
    Ok(rest)
}

fn banned_markup(markup: &str) -> XmlError {
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
    is_empty: bool,
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn read(markup: &'a str) -> Result<Self, XmlError> {
        let name_end = markup.find(is_end_of_name).ok_or_else(|| malformed("an unfinished tag"))?;
        let mut rest = markup.get(name_end..).unwrap_or_default();
        let (mut attributes, mut namespaces) = (0, 0);
        loop {
            rest = rest.trim_start_matches(is_white_space);
            if let Some(rest) = rest.strip_prefix('>') {
                return Ok(Self { namespaces, is_empty: false, rest });
            }
            if let Some(rest) = rest.strip_prefix("/>") {
                return Ok(Self { namespaces, is_empty: true, rest });
            }
            let (name, value, after) = split_attribute(rest)?;
            attributes += 1;
            if attributes > MAX_ATTRIBUTES {
                return Err(XmlError::TooManyAttributes);
            }
            namespaces += usize::from(check_attribute(name, value)?);
            rest = after;
        }
    }
}

/// Splits `name = "value"` off the front; returns name, value and rest.
fn split_attribute(text: &str) -> Result<(&str, &str, &str), XmlError> {
    let unfinished = || malformed("an unfinished attribute");
    let (name, rest) = text.split_once('=').ok_or_else(unfinished)?;
    let rest = rest.trim_start_matches(is_white_space);
    let quoted = rest
        .strip_prefix('"')
        .and_then(|rest| rest.split_once('"'))
        .or_else(|| rest.strip_prefix('\'').and_then(|rest| rest.split_once('\'')));
    let (value, rest) = quoted.ok_or_else(unfinished)?;
    let name = name.trim_end_matches(is_white_space);
    let is_foreign = |c: char| is_white_space(c) || matches!(c, '<' | '>' | '/' | '"' | '\'');
    if name.is_empty() || name.contains(is_foreign) || value.contains('<') {
        return Err(unfinished());
    }
    Ok((name, value, rest))
}

/// Reports whether an attribute declares a namespace.
///
/// # Errors
///
/// [`XmlError::RelativeNamespace`] and [`XmlError::QualifiedId`].
fn check_attribute(name: &str, value: &str) -> Result<bool, XmlError> {
    if let Some(prefix) = name.strip_prefix("xmlns").filter(|p| p.is_empty() || p.starts_with(':'))
    {
        // Namespaces in XML §3 forbids a declaration of `xmlns`.
        if prefix == ":xmlns" {
            return Err(malformed("a declaration of xmlns"));
        }
        let absolute = value.contains(':') || (value.is_empty() && prefix.is_empty());
        let relative = || XmlError::RelativeNamespace(super::truncate(value, 96));
        return if absolute { Ok(true) } else { Err(relative()) };
    }
    match name.split_once(':') {
        Some((_, local)) if local.eq_ignore_ascii_case("id") => Err(XmlError::QualifiedId),
        _ => Ok(false),
    }
}

fn is_white_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_end_of_name(c: char) -> bool {
    is_white_space(c) || matches!(c, '/' | '>')
}

#[cfg(test)]
mod tests {
    use crate::xml::{MAX_BYTES, StrictDocument, XmlError};

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expect: &str) {
        let outcome = match StrictDocument::parse(text.as_ref()) {
            Ok(_) => "passes".to_owned(),
            Err(XmlError::Malformed(_)) => "malformed".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(outcome, expect, "{}", String::from_utf8_lossy(text.as_ref()));
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
    fn ambiguous_markup_is_refused() {
        check("<a><!-- x --></a>", "contains a comment");
        check("<a/><!-- x -->", "contains a comment");
        check("<a><![CDATA[x]]></a>", "contains a CDATA section");
        check("<!DOCTYPE a><a/>", "contains a DTD or markup declaration");
        check("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "contains a DTD or markup declaration");
        check("<a><?x y?></a>", "contains a processing instruction");
        check("<?xml-stylesheet href='x'?><a/>", "contains a processing instruction");
        check(" <?xml version='1.0'?><a/>", "contains a processing instruction");
    }

    #[test]
    fn other_encodings_are_refused() {
        let utf8_only = "not UTF-8, the only accepted encoding";
        check("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", utf8_only);
        check("<?xml version='1.0' encoding='UTF-7'?><a/>", utf8_only);
        check(b"<a>\xff</a>", utf8_only);
        check(b"\xff\xfe<\0a\0/\0>\0", utf8_only);
        check(b"<\0a\0/\0>\0", "malformed");
        check("<?xml version='1.1'?><a/>", "malformed");
    }

    #[test]
    fn malformed_documents_are_refused() {
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
        check("<a xml:id='x'/>", "contains an ID attribute with a namespace prefix");
        check("<a xmlns:p='u:x' p:ID='x'/>", "contains an ID attribute with a namespace prefix");
        check("<a xmlns='x'/>", "namespace \"x\" is not an absolute URI");
        check("<a xmlns:p=''/>", "namespace \"\" is not an absolute URI");
        check("<a xmlns:p='../x'/>", "namespace \"../x\" is not an absolute URI");
    }

    #[test]
    fn size_depth_and_counts_are_bounded() {
        let big = format!("<a>{}</a>", "x".repeat(MAX_BYTES));
        check(&big, &format!("{} bytes exceed the limit", big.len()));
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        check(deep(40), "passes");
        check(deep(41), "nested deeper than 40 levels");
        check(deep(60_000), "nested deeper than 40 levels");
        let wide = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n));
        check(wide(19_000), "passes");
        check(wide(20_000), "too many nodes");
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
