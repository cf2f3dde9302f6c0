//! The strict gate: the only way from untrusted bytes to a tree.
//!
//! Invariants (*bounded*, *one reading*):
//! - Size, depth, elements, attributes and namespaces are bounded by one linear pass before any
//!   parser sees the text, so work is proportional to a constant whatever is sent.
//! - UTF-8 only; no DTD, entity declaration, comment, processing instruction or CDATA section.
//!   What is left has one reading: text is one run, and no two parsers can see different trees.
//! - Identifiers are unqualified, namespaces absolute.

mod scan;

use roxmltree::{Document, Node, ParsingOptions};

/// Largest document, in bytes. A response with 2,000 groups has 250 kB.
pub const MAX_BYTES: usize = 512 * 1024;
/// Deepest nesting. A response with an encrypted assertion has 11 levels.
pub const MAX_DEPTH: usize = 40;
/// Most nodes, elements and texts together.
pub const MAX_NODES: u32 = 20_000;
/// Most attributes and namespace declarations on one element.
pub const MAX_ATTRIBUTES: usize = 40;
/// Most namespace declarations in scope at one element.
pub const MAX_NAMESPACES: usize = 64;

/// What the gate lets through.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest document, in bytes.
    pub bytes: usize,
    /// Most nodes.
    pub nodes: u32,
    /// Whether comments may stand. They are in metadata that people wrote, and never in a value.
    pub comments: bool,
}

/// The bounds of a response or an assertion.
pub const MESSAGE: Bounds = Bounds { bytes: MAX_BYTES, nodes: MAX_NODES, comments: false };

/// Why a document did not pass the gate, or does not have the shape it must have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum XmlError {
    /// More than [`Bounds::bytes`].
    #[error("{0} bytes are more than are read")]
    TooLarge(usize),
    /// Not UTF-8, or declares to be something else.
    #[error("not UTF-8; XML is read as UTF-8 only")]
    Encoding,
    /// A document type or other markup declaration.
    #[error("holds a DTD or markup declaration")]
    Doctype,
    /// A comment.
    #[error("holds a comment")]
    Comment,
    /// A processing instruction.
    #[error("holds a processing instruction")]
    ProcessingInstruction,
    /// A CDATA section.
    #[error("holds a CDATA section")]
    Cdata,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`Bounds::nodes`].
    #[error("more nodes than are read")]
    TooManyNodes,
    /// More than [`MAX_ATTRIBUTES`] on one element.
    #[error("more than {MAX_ATTRIBUTES} attributes on one element")]
    TooManyAttributes,
    /// More than [`MAX_NAMESPACES`] in scope.
    #[error("more than {MAX_NAMESPACES} namespaces in scope")]
    TooManyNamespaces,
    /// A namespace name without a scheme, or an undeclared prefix.
    #[error("namespace \"{0}\" is not an absolute URI")]
    RelativeNamespace(String),
    /// Not well-formed; the text is the parser's and for the administrator only.
    #[error("not well-formed XML: {0}")]
    Malformed(String),
    /// An `ID` with a namespace, which some readers take for an identifier and some do not.
    #[error("holds an ID attribute with a namespace prefix")]
    QualifiedId,
    /// Two elements with one identifier.
    #[error("ID \"{0}\" is there twice")]
    DuplicateId(String),
    /// Another root than the message calls for.
    #[error("the root is {received}, not {expected}")]
    Root {
        /// What it must be.
        expected: &'static str,
        /// What it is.
        received: String,
    },
    /// A required element or attribute is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something that stands once at most stands more often.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// An element where it must not be, or under a name that is another namespace's.
    #[error("{0} must not be there")]
    Misplaced(String),
    /// Elements where only text belongs.
    #[error("{0} must hold text only")]
    NotText(String),
    /// Text that is not base64.
    #[error("{0} is not base64")]
    NotBase64(String),
}

/// A document that has passed the gate.
pub struct Strict<'input>(Document<'input>);

impl<'input> Strict<'input> {
    /// Reads untrusted bytes of a message.
    pub fn parse(bytes: &'input [u8]) -> Result<Self, XmlError> {
        Self::parse_within(bytes, MESSAGE)
    }

    /// Reads untrusted bytes within other bounds.
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
        // The scan refuses both by their markup. Should it ever be fooled, the tree tells.
        let odd = |node: Node<'_, '_>| node.is_pi() || (node.is_comment() && !bounds.comments);
        if document.descendants().any(odd) {
            return Err(XmlError::Comment);
        }
        Ok(Self(document))
    }

    /// The one root element.
    pub fn root(&self) -> Node<'_, 'input> {
        self.0.root_element()
    }

    /// The root element, when it is `name` of `namespace`.
    pub fn root_of(
        &self,
        namespace: &str,
        name: &'static str,
    ) -> Result<Node<'_, 'input>, XmlError> {
        let root = self.root();
        if is(root, namespace, name) {
            return Ok(root);
        }
        Err(XmlError::Root { expected: name, received: described(root) })
    }
}

/// Whether `node` is the element `name` of `namespace`.
pub fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element()
        && node.tag_name().name() == name
        && node.tag_name().namespace() == Some(namespace)
}

/// The child elements, in document order.
pub fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// The child elements of one name.
pub fn named<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, namespace, name))
}

/// The child of that name, which stands at most once.
pub fn at_most_one<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Option<Node<'a, 'i>>, XmlError> {
    let mut found = named(node, namespace, name);
    let first = found.next();
    if found.next().is_some() { Err(XmlError::Repeated(name)) } else { Ok(first) }
}

/// The child of that name, which stands exactly once.
pub fn exactly_one<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Node<'a, 'i>, XmlError> {
    at_most_one(node, namespace, name)?.ok_or(XmlError::Missing(name))
}

/// The text of an element that holds nothing else. Every run is taken: no comment or element can
/// cut a name short.
pub fn text(node: Node<'_, '_>) -> Result<String, XmlError> {
    let mut whole = String::new();
    for child in node.children() {
        if !child.is_text() {
            return Err(XmlError::NotText(described(node)));
        }
        whole.push_str(child.text().unwrap_or_default());
    }
    Ok(whole)
}

/// The bytes of an element that holds base64, white space ignored.
pub fn base64(node: Node<'_, '_>) -> Result<Vec<u8>, XmlError> {
    decode_base64(&text(node)?).ok_or_else(|| XmlError::NotBase64(described(node)))
}

/// Decodes base64 with line breaks in it; padding may be missing.
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

/// Standard base64 on one line.
pub fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// An element's name for a message, never long.
pub fn described(node: Node<'_, '_>) -> String {
    let name = clipped(node.tag_name().name(), 64);
    match node.tag_name().namespace() {
        Some(namespace) => format!("{{{}}}{name}", clipped(namespace, 96)),
        None => name,
    }
}

/// Text for an XML document that we write.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// At most `limit` characters of what somebody else sent.
pub fn clipped(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
