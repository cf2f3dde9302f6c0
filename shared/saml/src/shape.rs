//! Checks the places of security-relevant elements (*closed shape*).
//!
//! Signature wrapping puts a second, unsigned element where another reader looks for it. This pass
//! refuses every document with such an element: a signature is a child of the root or of the one
//! assertion, an assertion is the root or its child, no element of another namespace has one of
//! these names, and identifiers are unique.

use roxmltree::Node;

use super::names::{ASSERTION, DSIG, PROTOCOL, XENC};
use super::xml::{XmlError, has_name, qualified_name, truncate};

/// Checks a whole message or assertion: `root` and all its descendants.
///
/// # Errors
///
/// [`XmlError::Misplaced`] or [`XmlError::DuplicateId`].
pub fn check(root: Node<'_, '_>) -> Result<(), XmlError> {
    let mut identifiers = Vec::new();
    for node in root.descendants().filter(Node::is_element) {
        for name in ["ID", "Id", "id"] {
            identifiers.extend(node.attribute(name));
        }
        if !is_allowed(root, node) {
            return Err(XmlError::Misplaced(qualified_name(node)));
        }
    }
    identifiers.sort_unstable();
    let duplicate =
        identifiers.iter().zip(identifiers.iter().skip(1)).find(|(one, next)| one == next);
    match duplicate {
        Some((id, _)) => Err(XmlError::DuplicateId(truncate(id, 96))),
        None => Ok(()),
    }
}

/// Reports whether `node` is allowed at its place.
fn is_allowed(root: Node<'_, '_>, node: Node<'_, '_>) -> bool {
    let parent = node.parent_element().filter(|_| node != root);
    let is_in = |namespace, name| parent.is_some_and(|parent| has_name(parent, namespace, name));
    // A decrypted assertion, or one parsed from its signed text, is the root.
    let is_top =
        node == root || parent.is_some_and(|parent| has_name(parent, PROTOCOL, "Response"));
    let space = node.tag_name().namespace().unwrap_or_default();
    match node.tag_name().name() {
        "Signature" => {
            let in_assertion = parent.is_some_and(|parent| {
                has_name(parent, ASSERTION, "Assertion") && parent.parent_element() == Some(root)
            });
            space == DSIG && (parent == Some(root) || in_assertion)
        }
        "SignedInfo" | "SignatureValue" => space == DSIG && is_in(DSIG, "Signature"),
        "Reference" if space == DSIG => is_in(DSIG, "SignedInfo"),
        "DigestValue" => space == DSIG && is_in(DSIG, "Reference"),
        // Containers that could hide another element; no identity provider sends them.
        "Object" | "Manifest" | "SignatureProperties" | "Extensions" => false,
        "Assertion" | "EncryptedAssertion" => space == ASSERTION && is_top,
        // Only the first of the three is ever decrypted.
        "EncryptedData" => {
            let places = ["EncryptedAssertion", "EncryptedID", "EncryptedAttribute"];
            space == XENC && places.iter().any(|name| is_in(ASSERTION, name))
        }
        "NameID"
        | "Subject"
        | "SubjectConfirmation"
        | "SubjectConfirmationData"
        | "Conditions"
        | "Audience"
        | "AudienceRestriction"
        | "Issuer"
        | "Attribute"
        | "AttributeValue"
        | "AttributeStatement"
        | "AuthnStatement" => space == ASSERTION,
        "Status" | "StatusCode" => space == PROTOCOL,
        "Response" => space == PROTOCOL && node == root,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::StrictDocument;

    #[track_caller]
    fn check_shape(inside: &str, expect: &str) {
        let text = format!(
            "<p:Response xmlns:p=\"{PROTOCOL}\" xmlns:a=\"{ASSERTION}\" xmlns:d=\"{DSIG}\" \
             xmlns:e=\"urn:evil\" xmlns:x=\"{XENC}\" ID=\"r\">{inside}</p:Response>"
        );
        let document = StrictDocument::parse(text.as_bytes()).unwrap();
        let outcome =
            check(document.root()).map_or_else(|error| error.to_string(), |()| "fits".into());
        assert_eq!(outcome, expect, "{inside}");
    }

    #[test]
    fn ordinary_responses_fit() {
        check_shape("", "fits");
        check_shape(
            "<d:Signature><d:SignedInfo><d:Reference><d:DigestValue/></d:Reference></d:SignedInfo></d:Signature>",
            "fits",
        );
        check_shape(
            "<a:Assertion ID=\"a\"><d:Signature/><a:Subject><a:NameID/></a:Subject></a:Assertion>",
            "fits",
        );
        check_shape(
            "<a:EncryptedAssertion><x:EncryptedData Id=\"e\"/></a:EncryptedAssertion>",
            "fits",
        );
    }

    #[test]
    fn elements_at_the_place_of_a_wrapped_copy_are_refused() {
        let misplaced = |name: &str, space: &str| format!("{{{space}}}{name} is not allowed here");
        let signature = misplaced("Signature", DSIG);
        check_shape("<p:Status><d:Signature/></p:Status>", &signature);
        check_shape("<a:Assertion><a:Subject><d:Signature/></a:Subject></a:Assertion>", &signature);
        check_shape("<d:Signature><d:Object/></d:Signature>", &misplaced("Object", DSIG));
        check_shape("<d:Signature><d:KeyInfo><d:Signature/></d:KeyInfo></d:Signature>", &signature);
        check_shape("<e:x><a:Assertion/></e:x>", &misplaced("Assertion", ASSERTION));
        check_shape(
            "<a:Assertion><a:Assertion/></a:Assertion>",
            &misplaced("Assertion", ASSERTION),
        );
        check_shape("<e:x><p:Response/></e:x>", &misplaced("Response", PROTOCOL));
        check_shape("<p:Extensions/>", &misplaced("Extensions", PROTOCOL));
    }

    #[test]
    fn nested_assertions_are_refused() {
        for inside in
            ["<a:Assertion/>", "<a:EncryptedAssertion/>", "<a:Advice><a:Assertion/></a:Advice>"]
        {
            let text = format!("<a:Assertion xmlns:a=\"{ASSERTION}\">{inside}</a:Assertion>");
            let document = StrictDocument::parse(text.as_bytes()).unwrap();
            let error = check(document.root()).unwrap_err().to_string();
            assert!(error.ends_with("Assertion is not allowed here"), "{error}");
        }
    }

    #[test]
    fn names_in_a_foreign_namespace_are_refused() {
        for name in ["Signature", "Assertion", "NameID", "Conditions", "Status", "AttributeValue"] {
            let expect = format!("{{urn:evil}}{name} is not allowed here");
            check_shape(&format!("<a:Assertion><e:{name}/></a:Assertion>"), &expect);
        }
    }

    #[test]
    fn duplicate_identifiers_are_refused() {
        let twice = |id: &str| format!("ID \"{id}\" occurs twice");
        check_shape("<a:Assertion ID=\"r\"/>", &twice("r"));
        check_shape("<e:x id=\"r\"/>", &twice("r"));
    }
}
