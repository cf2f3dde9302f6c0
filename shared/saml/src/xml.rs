//! The strict gate: the only way from untrusted bytes to an XML tree. Also the helpers that read
//! elements of such a tree and write text into XML.
//!
//! Invariants (*bounded*, *one reading*):
//! - One linear pass (`scan`) bounds size, depth, elements, attributes and namespaces before any
//!   parser sees the text, so that the work has a constant upper bound.
//! - UTF-8 only; no DTD, entity declaration, comment, processing instruction or CDATA section. The
//!   rest has one reading: text is one run, and two parsers cannot see different trees.
//! - Identifiers are unqualified and namespaces absolute.

mod error;
mod scan;

use roxmltree::{Document, Node, ParsingOptions};

pub use error::XmlError;

/// Largest document, in bytes. A response with 2,000 groups has 250 kB.
pub const MAX_BYTES: usize = 512 * 1024;
/// Deepest nesting, in levels. A response with an encrypted assertion has 11.
pub const MAX_DEPTH: usize = 40;
/// Most nodes, counting elements and texts.
pub const MAX_NODES: u32 = 20_000;
/// Most attributes and namespace declarations on one element.
pub const MAX_ATTRIBUTES: usize = 40;
/// Most namespace declarations in scope at one element.
pub const MAX_NAMESPACES: usize = 64;

/// The limits of the gate that depend on the kind of document.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest document, in bytes.
    pub bytes: usize,
    /// Most nodes.
    pub nodes: u32,
    /// Whether comments are allowed, and processing instructions outside the root. Hand-written
    /// metadata has them, never inside a value.
    pub comments: bool,
}

/// The bounds of a response or an assertion.
pub const MESSAGE: Bounds = Bounds { bytes: MAX_BYTES, nodes: MAX_NODES, comments: false };

/// A document that has passed the gate.
pub struct StrictDocument<'input>(Document<'input>);

impl<'input> StrictDocument<'input> {
    /// Parses the untrusted bytes of a message within [`MESSAGE`].
    pub fn parse(bytes: &'input [u8]) -> Result<Self, XmlError> {
        Self::parse_within(bytes, MESSAGE)
    }

    /// Parses untrusted bytes within other bounds.
    pub fn parse_within(bytes: &'input [u8], bounds: Bounds) -> Result<Self, XmlError> {
        if bytes.len() > bounds.bytes {
            return Err(XmlError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        scan::scan(text, bounds)?;
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: bounds.nodes,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(text, options).map_err(|error| {
            if error == roxmltree::Error::NodesLimitReached {
                XmlError::TooManyNodes
            } else {
                XmlError::Malformed(error.to_string())
            }
        })?;
        // Defence in depth: the scan has refused both already.
        let is_banned = |node: Node<'_, '_>| {
            let is_outside = node.parent() == Some(document.root());
            (node.is_pi() && !(bounds.comments && is_outside))
                || (node.is_comment() && !bounds.comments)
        };
        if document.descendants().any(is_banned) {
            return Err(XmlError::Comment);
        }
        Ok(Self(document))
    }

    /// The root element.
    pub fn root(&self) -> Node<'_, 'input> {
        self.0.root_element()
    }

    /// The root element, which must be `name` of `namespace`.
    pub fn root_of(
        &self,
        namespace: &str,
        name: &'static str,
    ) -> Result<Node<'_, 'input>, XmlError> {
        require_name(self.root(), namespace, name)
    }
}

/// Returns `root`, which must be the element `name` of `namespace`.
///
/// # Errors
///
/// [`XmlError::Root`].
pub fn require_name<'a, 'i>(
    root: Node<'a, 'i>,
    namespace: &str,
    name: &'static str,
) -> Result<Node<'a, 'i>, XmlError> {
    if has_name(root, namespace, name) {
        return Ok(root);
    }
    Err(XmlError::Root { expected: name, received: qualified_name(root) })
}

/// Reports whether `node` is the element `name` of `namespace`.
pub fn has_name(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element()
        && node.tag_name().name() == name
        && node.tag_name().namespace() == Some(namespace)
}

/// Returns the child elements, in document order.
pub fn child_elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// Returns the child elements of one name, in document order.
pub fn children_named<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| has_name(*child, namespace, name))
}

/// Returns the child of one name, if any.
///
/// # Errors
///
/// [`XmlError::Repeated`] when there is more than one.
pub fn optional_child<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Option<Node<'a, 'i>>, XmlError> {
    let mut found = children_named(node, namespace, name);
    let first = found.next();
    if found.next().is_some() { Err(XmlError::Repeated(name)) } else { Ok(first) }
}

/// Returns the only child of one name.
///
/// # Errors
///
/// [`XmlError::Missing`] or [`XmlError::Repeated`].
pub fn required_child<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Node<'a, 'i>, XmlError> {
    optional_child(node, namespace, name)?.ok_or(XmlError::Missing(name))
}

/// Returns the text of an element without child elements. Concatenates every text node, so that a
/// comment or an element cannot cut a name short.
pub fn text_of(node: Node<'_, '_>) -> Result<String, XmlError> {
    let mut whole = String::new();
    for child in node.children() {
        if !child.is_text() {
            return Err(XmlError::NotText(qualified_name(node)));
        }
        whole.push_str(child.text().unwrap_or_default());
    }
    Ok(whole)
}

/// Collapses white space as the schema types `xs:anyURI`, `xs:NCName` and `xs:token` do: a run is one
/// space, and none is left at the ends (XML Schema part 2 §4.3.6).
pub fn collapse_white_space(text: &str) -> String {
    const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    if !text.contains(WHITE_SPACE) {
        return text.to_owned();
    }
    let words = text.split(WHITE_SPACE).filter(|word| !word.is_empty());
    words.collect::<Vec<&str>>().join(" ")
}

/// Reads an attribute of the type `xs:anyURI` or `xs:NCName`.
pub fn collapsed_attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(collapse_white_space)
}

/// Reads an element of the type `xs:anyURI`.
///
/// # Errors
///
/// [`XmlError::NotText`] if it has child elements.
pub fn collapsed_text_of(node: Node<'_, '_>) -> Result<String, XmlError> {
    Ok(collapse_white_space(&text_of(node)?))
}

/// Decodes the base64 content of an element, ignoring white space.
pub fn bytes_of(node: Node<'_, '_>) -> Result<Vec<u8>, XmlError> {
    decode_base64(&text_of(node)?).ok_or_else(|| XmlError::NotBase64(qualified_name(node)))
}

/// Decodes base64, ignoring white space; padding may be missing.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let dense: Vec<u8> =
        text.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect();
    ENGINE.decode(dense).ok()
}

/// Encodes standard base64 on one line.
pub fn encode_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Returns the name of an element as `{namespace}name`, truncated, for messages.
pub fn qualified_name(node: Node<'_, '_>) -> String {
    let name = truncate(node.tag_name().name(), 64);
    match node.tag_name().namespace() {
        Some(namespace) => format!("{{{}}}{name}", truncate(namespace, 96)),
        None => name,
    }
}

/// Escapes text for an XML or HTML document that we write.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Truncates received text to `limit` characters and marks the cut with an ellipsis.
pub fn truncate(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
