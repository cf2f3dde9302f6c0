//! Where security-relevant elements may stand (*closed shape*).
//!
//! Signature wrapping works by putting a second, unsigned element where another reader looks for
//! it. This pass refuses every document that has such an element anywhere: a signature stands
//! directly in the root or in the one assertion, an assertion is the root or its child, nothing
//! else is called like them in any namespace, and no identifier occurs twice.

use roxmltree::Node;

use super::names::{ASSERTION, DSIG, PROTOCOL, XENC};
use super::xml::{XmlError, clipped, described, is};

/// Checks a whole message or assertion, `root` and everything below.
pub fn check(root: Node<'_, '_>) -> Result<(), XmlError> {
    let mut identifiers = Vec::new();
    for node in root.descendants().filter(Node::is_element) {
        for name in ["ID", "Id", "id"] {
            identifiers.extend(node.attribute(name));
        }
        if !may_stand(root, node) {
            return Err(XmlError::Misplaced(described(node)));
        }
    }
    identifiers.sort_unstable();
    let twice = identifiers.iter().zip(identifiers.iter().skip(1)).find(|(one, next)| one == next);
    match twice {
        Some((id, _)) => Err(XmlError::DuplicateId(clipped(id, 96))),
        None => Ok(()),
    }
}

fn may_stand(root: Node<'_, '_>, node: Node<'_, '_>) -> bool {
    let parent = node.parent_element().filter(|_| node != root);
    let below = |namespace, name| parent.is_some_and(|parent| is(parent, namespace, name));
    // In an assertion that was decrypted, or read again from what was signed, there is no other.
    let top = node == root || parent.is_some_and(|parent| is(parent, PROTOCOL, "Response"));
    let space = node.tag_name().namespace().unwrap_or_default();
    match node.tag_name().name() {
        "Signature" => {
            let in_assertion = parent.is_some_and(|parent| {
                is(parent, ASSERTION, "Assertion") && parent.parent_element() == Some(root)
            });
            space == DSIG && (parent == Some(root) || in_assertion)
        }
        "SignedInfo" | "SignatureValue" => space == DSIG && below(DSIG, "Signature"),
        "Reference" if space == DSIG => below(DSIG, "SignedInfo"),
        "DigestValue" => space == DSIG && below(DSIG, "Reference"),
        // Places to hide another element in; no identity provider needs one.
        "Object" | "Manifest" | "SignatureProperties" | "Extensions" => false,
        "Assertion" | "EncryptedAssertion" => space == ASSERTION && top,
        // Of the three, only an encrypted assertion is ever decrypted.
        "EncryptedData" => {
            let places = ["EncryptedAssertion", "EncryptedID", "EncryptedAttribute"];
            space == XENC && places.iter().any(|name| below(ASSERTION, name))
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
    use crate::xml::Strict;

    #[track_caller]
    fn check_shape(inside: &str, expect: &str) {
        let text = format!(
            "<p:Response xmlns:p=\"{PROTOCOL}\" xmlns:a=\"{ASSERTION}\" xmlns:d=\"{DSIG}\" \
             xmlns:e=\"urn:evil\" xmlns:x=\"{XENC}\" ID=\"r\">{inside}</p:Response>"
        );
        let document = Strict::parse(text.as_bytes()).unwrap();
        let verdict =
            check(document.root()).map_or_else(|fault| fault.to_string(), |()| "fits".into());
        assert_eq!(verdict, expect, "{inside}");
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
    fn nothing_stands_where_a_wrapped_copy_would() {
        let misplaced = |name: &str, space: &str| format!("{{{space}}}{name} must not be there");
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
    fn an_assertion_holds_no_other() {
        for inside in
            ["<a:Assertion/>", "<a:EncryptedAssertion/>", "<a:Advice><a:Assertion/></a:Advice>"]
        {
            let text = format!("<a:Assertion xmlns:a=\"{ASSERTION}\">{inside}</a:Assertion>");
            let document = Strict::parse(text.as_bytes()).unwrap();
            let fault = check(document.root()).unwrap_err().to_string();
            assert!(fault.ends_with("Assertion must not be there"), "{fault}");
        }
    }

    #[test]
    fn nothing_borrows_a_name() {
        for name in ["Signature", "Assertion", "NameID", "Conditions", "Status", "AttributeValue"] {
            let expect = format!("{{urn:evil}}{name} must not be there");
            check_shape(&format!("<a:Assertion><e:{name}/></a:Assertion>"), &expect);
        }
    }

    #[test]
    fn no_identifier_occurs_twice() {
        let twice = |id: &str| format!("ID \"{id}\" is there twice");
        check_shape("<a:Assertion ID=\"r\"/>", &twice("r"));
        check_shape("<e:x id=\"r\"/>", &twice("r"));
    }
}
