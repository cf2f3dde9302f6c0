//! A plaintext in the place where it was encrypted: the prefixes that its ancestors declare apply to
//! it (XML Encryption §4.3.3). Some providers leave them out of the plaintext.

use roxmltree::Node;

use super::xml::{child_elements, escape};

/// The start tag of an element that declares the namespaces in scope at a place.
#[derive(Debug)]
pub struct Place(String);

impl Place {
    /// The place of the children of `parent`.
    pub fn within(parent: Node<'_, '_>) -> Self {
        let declarations = parent.namespaces().filter_map(|namespace| {
            let uri = escape(namespace.uri());
            match namespace.name() {
                Some("xml") => None,
                Some(prefix) => Some(format!(" xmlns:{prefix}=\"{uri}\"")),
                None => Some(format!(" xmlns=\"{uri}\"")),
            }
        });
        Self(format!("<plaintext{}>", declarations.collect::<String>()))
    }

    /// Returns a document whose root, of any name, is this place and contains the plaintext.
    pub fn put(&self, plaintext: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), plaintext, b"</plaintext>"].concat()
    }
}

/// Returns the one element of the plaintext, or `None` if there is another one or text beside it.
/// `root`: that of a parse of [`Place::put`].
pub fn only_element<'a, 'i>(root: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    let mut elements = child_elements(root);
    let only = elements.next().filter(|_| elements.next().is_none())?;
    let mut texts = root.children().filter(Node::is_text);
    let is_blank = texts.all(|text| text.text().unwrap_or_default().trim().is_empty());
    is_blank.then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::StrictDocument;

    #[test]
    fn a_plaintext_has_the_prefixes_of_its_place_and_is_one_element() {
        let place = StrictDocument::parse(b"<a xmlns='u:d' xmlns:p='u:p&amp;'><b/></a>").unwrap();
        let place = place.root().first_element_child().unwrap();
        let read = |plaintext: &str| {
            let text = Place::within(place).put(plaintext.as_bytes());
            let document = StrictDocument::parse(&text).ok()?;
            let name = only_element(document.root())?.tag_name();
            Some((name.namespace()?.to_owned(), name.name().to_owned()))
        };
        let named = |namespace: &str| Some((namespace.to_owned(), "c".to_owned()));
        assert_eq!(read("<p:c/>"), named("u:p&"));
        assert_eq!(read(" <c/>\n"), named("u:d"));
        assert_eq!(read("<c xmlns='u:own'/>"), named("u:own"));
        for other in ["", "x", "<c/><c/>", "<c/>x", "</plaintext><c/><plaintext>", "<q:c/>"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
