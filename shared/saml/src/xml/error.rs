//! The reasons why the gate, or the reader of an element, refuses a document.

use super::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES};

/// A document that does not pass the gate, or does not have the required shape.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum XmlError {
    /// The document has more than [`super::Bounds::bytes`].
    #[error("{0} bytes exceed the limit")]
    TooLarge(usize),
    /// The document is not UTF-8, or declares another encoding.
    #[error("not UTF-8, the only accepted encoding")]
    Encoding,
    /// There is a document type or other markup declaration.
    #[error("contains a DTD or markup declaration")]
    Doctype,
    /// There is a comment.
    #[error("contains a comment")]
    Comment,
    /// There is a processing instruction.
    #[error("contains a processing instruction")]
    ProcessingInstruction,
    /// There is a CDATA section.
    #[error("contains a CDATA section")]
    Cdata,
    /// Elements are nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// There are more than [`super::Bounds::nodes`].
    #[error("too many nodes")]
    TooManyNodes,
    /// One element has more than [`MAX_ATTRIBUTES`].
    #[error("more than {MAX_ATTRIBUTES} attributes on one element")]
    TooManyAttributes,
    /// More than [`MAX_NAMESPACES`] are in scope.
    #[error("more than {MAX_NAMESPACES} namespaces in scope")]
    TooManyNamespaces,
    /// A namespace name has no scheme, or undeclares a prefix.
    #[error("namespace \"{0}\" is not an absolute URI")]
    RelativeNamespace(String),
    /// The document is not well-formed. The text is the parser's; for administrators only.
    #[error("not well-formed XML: {0}")]
    Malformed(String),
    /// An `ID` attribute has a namespace: readers disagree whether it is an identifier.
    #[error("contains an ID attribute with a namespace prefix")]
    QualifiedId,
    /// Two elements have the same identifier.
    #[error("ID \"{0}\" occurs twice")]
    DuplicateId(String),
    /// The root is not the expected element.
    #[error("the root is {received}, not {expected}")]
    Root {
        /// Expected element name.
        expected: &'static str,
        /// Qualified name of the root.
        received: String,
    },
    /// A required element or attribute is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An element that may occur once occurs more often.
    #[error("{0} occurs more than once")]
    Repeated(&'static str),
    /// An element is at a forbidden place, or has the name of an element of another namespace.
    #[error("{0} is not allowed here")]
    Misplaced(String),
    /// An element has child elements instead of text only.
    #[error("{0} must contain only text")]
    NotText(String),
    /// Text is not base64.
    #[error("{0} is not base64")]
    NotBase64(String),
}

impl XmlError {
    /// Returns the received value, for the record of a sign-in.
    pub fn received(&self) -> String {
        match self {
            Self::TooLarge(bytes) => format!("{bytes} bytes"),
            Self::Encoding => "another encoding than UTF-8".to_owned(),
            Self::Doctype => "a DTD or markup declaration".to_owned(),
            Self::Comment => "a comment".to_owned(),
            Self::ProcessingInstruction => "a processing instruction".to_owned(),
            Self::Cdata => "a CDATA section".to_owned(),
            Self::TooDeep => format!("more than {MAX_DEPTH} levels"),
            Self::TooManyNodes => "more elements".to_owned(),
            Self::TooManyAttributes => format!("an element with over {MAX_ATTRIBUTES} attributes"),
            Self::TooManyNamespaces => format!("over {MAX_NAMESPACES} namespaces"),
            Self::RelativeNamespace(namespace) => format!("the namespace \"{namespace}\""),
            Self::Malformed(_) => "text that is not well-formed".to_owned(),
            Self::QualifiedId => "an ID attribute with a prefix".to_owned(),
            Self::DuplicateId(id) => format!("two elements with the ID \"{id}\""),
            Self::Root { received, .. } => format!("the root {received}"),
            Self::Missing(name) => format!("no {name}"),
            Self::Repeated(name) => format!("several {name}"),
            Self::Misplaced(what) => what.clone(),
            Self::NotText(name) => format!("{name} with child elements"),
            Self::NotBase64(name) => format!("{name} with other text"),
        }
    }
}
