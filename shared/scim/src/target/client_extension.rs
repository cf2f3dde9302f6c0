//! Finds the end of the URN of an extension that we do not declare.

use std::borrow::Cow;

use serde_json::Value;

use super::Schemas;
use crate::attr_path::{is_version, split_name};
use crate::schema::ResourceKind;

/// An extension of the client, and the attribute of it that a path names.
pub(super) struct ClientExtension<'a> {
    pub(super) urn: Cow<'a, str>,
    /// Attribute and sub-attribute; `None` for the whole extension.
    pub(super) rest: Option<(&'a str, Option<&'a str>)>,
}

/// Finds the longest URN that a text begins with, among the extensions of the resource and those
/// that the request names.
pub(super) fn find_extension<'a>(
    text: &'a str,
    schemas: Schemas<'_>,
) -> Option<ClientExtension<'a>> {
    let of_resource = schemas.resource.into_iter().flatten();
    let of_resource = of_resource.filter(|(_, value)| value.is_object()).map(|(name, _)| name);
    let mut longest = None;
    for urn in of_resource.chain(schemas.named).filter(|urn| urn.contains(':')) {
        let is_longer =
            longest.as_ref().is_none_or(|(known, _): &(&String, _)| known.len() < urn.len());
        if is_longer && let Some(rest) = strip_urn(text, urn) {
            longest = Some((urn, rest));
        }
    }
    let (urn, rest) = longest?;
    Some(ClientExtension { urn: Cow::Owned(urn.clone()), rest })
}

/// Returns what a text names after a URN: nothing more, or an attribute. `None` if the text does
/// not begin with the URN.
#[expect(clippy::option_option, reason = "the outer one is the match, the inner one its rest")]
fn strip_urn<'a>(text: &'a str, urn: &str) -> Option<Option<(&'a str, Option<&'a str>)>> {
    let (start, after) = text.split_at_checked(urn.len())?;
    if !start.eq_ignore_ascii_case(urn) {
        return None;
    }
    if after.is_empty() {
        return Some(None);
    }
    split_name(after.strip_prefix([':', '.'])?).map(Some)
}

/// Guesses the end of a URN that is not known yet.
///
/// A URN that ends in a version or in a version and one more part (`…:2.0:User`) is a whole
/// extension, and so is any other one with an object as its value, unless it continues such a URN
/// with `User` or `Group` at its end. Else the attribute follows the last colon.
pub(super) fn guess_extension<'a>(text: &'a str, value: Option<&Value>) -> ClientExtension<'a> {
    let whole = || ClientExtension { urn: Cow::Borrowed(text), rest: None };
    let attribute = |urn: &'a str, rest| {
        let urn = Cow::Borrowed(urn);
        split_name(rest).map(|rest| ClientExtension { urn, rest: Some(rest) })
    };
    let mut parts = text.rsplit(':');
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (urn, _) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_kind = |text: &str| ResourceKind::ALL.iter().any(|kind| kind.as_str() == text);
    if is_version(last) {
        return whole();
    }
    if is_version(before) {
        return match last.split_once('.') {
            None => whole(),
            Some((end, rest)) => {
                let end = text.len() - last.len() + end.len();
                let urn = text.split_at_checked(end).map_or(text, |(urn, _)| urn);
                attribute(urn, rest).unwrap_or_else(whole)
            }
        };
    }
    let continues_version = parts.next().is_some_and(is_version) && is_kind(before);
    if value.is_some_and(Value::is_object) && !continues_version {
        return whole();
    }
    let after_colon = if urn.contains(':') { attribute(urn, last) } else { None };
    let after_dot = || {
        let (end, rest) = last.split_once('.')?;
        let end = text.len() - last.len() + end.len();
        attribute(text.split_at_checked(end)?.0, rest)
    };
    after_colon.or_else(after_dot).unwrap_or_else(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, value: &Value, urn: &str, name: Option<&str>, sub: Option<&str>) {
        let guess = guess_extension(text, Some(value));
        assert_eq!(guess.urn, urn, "{text}");
        assert_eq!(guess.rest, name.map(|name| (name, sub)), "{text}");
    }

    #[test]
    fn a_urn_ends_after_its_version_and_one_part() {
        let x = &json!("x");
        check("urn:x:1.0:User", x, "urn:x:1.0:User", None, None);
        check("urn:x:1.0", x, "urn:x:1.0", None, None);
        check("urn:x:1.0:User:a", x, "urn:x:1.0:User", Some("a"), None);
        check("urn:x:1.0:User:a.b", x, "urn:x:1.0:User", Some("a"), Some("b"));
        check("urn:x:1.0:User.a.b", x, "urn:x:1.0:User", Some("a"), Some("b"));
        check("urn:x:thing", x, "urn:x", Some("thing"), None);
        check("urn:x:thing:a", x, "urn:x:thing", Some("a"), None);
        check("urn:UserAttributes", x, "urn:UserAttributes", None, None);
        check("urn:UserAttributes.a", x, "urn:UserAttributes", Some("a"), None);
        check("http://x/ADSCIM/2.0/Group", x, "http://x/ADSCIM/2.0/Group", None, None);
        check("http://x/ADSCIM/2.0/Group:a", x, "http://x/ADSCIM/2.0/Group", Some("a"), None);
    }

    #[test]
    fn a_urn_with_an_object_is_a_whole_extension_unless_it_continues_one() {
        let object = &json!({"a": 1});
        let okta = "urn:okta:app:1.0:user:custom";
        check(okta, object, okta, None, None);
        check("urn:scim:wso2:schema", object, "urn:scim:wso2:schema", None, None);
        check("urn:x:1.0:User:a", object, "urn:x:1.0:User", Some("a"), None);
    }
}
