//! Recognises the URNs of our schemas in the forms that clients give them.
//!
//! The URN of a schema is a stem, a version and the name of a resource type:
//! `urn:ietf:params:scim:schemas:core`, `2.0`, `User`. Clients write the stem of the drafts
//! (`urn:scim:schemas:core`), another version, no version, no type, or a dot for the colon after
//! the URN.

use std::sync::LazyLock;

use crate::schema::{ResourceKind, ResourceType, Schema};

/// The schema that a text begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaPrefix<'t> {
    /// The schema.
    pub(crate) schema: &'static Schema,
    /// Whether the URN and the separator are those of RFC 7644 §3.10, in any letter case.
    pub(crate) is_exact: bool,
    /// Whether the URN ends in the name of its resource type.
    pub(crate) has_kind: bool,
    /// Text after the separator. `None` if the URN is the whole text.
    pub(crate) rest: Option<&'t str>,
}

/// A text looks like the URN of one of our schemas, but names none of the resource type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NoSuchSchema;

/// Finds the schema of a resource type that a text begins with. `None` if the text begins with no
/// URN of ours.
///
/// # Errors
///
/// [`NoSuchSchema`] for the URN of another resource type, and for a misspelt one.
pub(crate) fn find_schema<'t>(
    resource_type: &ResourceType,
    text: &'t str,
) -> Result<Option<SchemaPrefix<'t>>, NoSuchSchema> {
    let Some((stem, after)) = STEMS.iter().find_map(|stem| Some((stem, stem.strip(text)?))) else {
        return if is_reserved(text) { Err(NoSuchSchema) } else { Ok(None) };
    };
    let (kind, after) = strip_kind(strip_version(after));
    let is_own_kind = kind.is_none_or(|kind| kind == resource_type.kind);
    let mut schemas = resource_type.schemas();
    match schemas.find(|schema| stem_of(schema) == stem.schema) {
        Some(schema) if is_own_kind => {
            let rest = strip_separator(after).ok_or(NoSuchSchema)?;
            let urn = text.strip_suffix(after).unwrap_or(text);
            let is_exact = urn.eq_ignore_ascii_case(&schema.id) && !after.starts_with('.');
            Ok(Some(SchemaPrefix { schema, is_exact, has_kind: kind.is_some(), rest }))
        }
        // `…:enterprise:2.0:Group` of a group: we have no such schema, so it is the client's own.
        None if is_own_kind && kind.is_some() => Ok(None),
        Some(_) | None => Err(NoSuchSchema),
    }
}

/// Returns whether a URN, in any form, is a schema of a resource type.
pub(crate) fn names_type(resource_type: &ResourceType, urn: &str) -> bool {
    find_schema(resource_type, urn)
        .is_ok_and(|found| found.is_some_and(|found| found.rest.is_none()))
}

/// Returns the kind of resources whose schema a URN names, in any form; `None` if it names none of
/// ours.
pub(crate) fn kind_of(urn: &str) -> Option<ResourceKind> {
    ResourceKind::ALL.into_iter().find(|kind| names_type(kind.resource_type(), urn))
}

/// The beginning of the URNs of a schema, up to the version.
struct Stem {
    /// As a client may write it.
    text: String,
    /// As the schema has it.
    schema: &'static str,
}

impl Stem {
    /// Returns the text after the stem: empty, or beginning with a separator.
    fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (start, after) = text.split_at_checked(self.text.len())?;
        (start.eq_ignore_ascii_case(&self.text) && strip_separator(after).is_some())
            .then_some(after)
    }
}

/// The stems of all schemas, each also in the form of the drafts.
static STEMS: LazyLock<Vec<Stem>> = LazyLock::new(|| {
    let mut stems = Vec::new();
    for schema in ResourceType::all().into_iter().flat_map(ResourceType::schemas) {
        let stem = stem_of(schema);
        stems.push(Stem { text: stem.to_owned(), schema: stem });
        if let Some(rest) = stem.strip_prefix(STANDARD) {
            stems.push(Stem { text: format!("{DRAFT}{rest}"), schema: stem });
        }
    }
    stems
});

fn stem_of(schema: &'static Schema) -> &'static str {
    schema.id.rsplitn(3, ':').nth(2).unwrap_or(&schema.id)
}

/// Returns whether a text is a URN of SCIM itself that is none of our schemas: a message, or a core
/// schema with an error in its URN.
fn is_reserved(text: &str) -> bool {
    let mut parts = text.split([':', '.']);
    let starts_with = |start: &str| {
        text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    starts_with("urn:ietf:params:scim:api:")
        || (starts_with("urn:ietf:") || starts_with("urn:scim:"))
            && parts.any(|part| part.eq_ignore_ascii_case("core"))
}

/// Removes `:2.0` from the beginning.
fn strip_version(text: &str) -> &str {
    let Some(Some(after)) = strip_separator(text) else { return text };
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
    let (version, _) = after.split_at_checked(end).unwrap_or_default();
    let rest = after.strip_prefix(version.trim_end_matches('.')).unwrap_or(after);
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    if is_version && strip_separator(rest).is_some() { rest } else { text }
}

/// Removes `:User` from the beginning.
fn strip_kind(text: &str) -> (Option<ResourceKind>, &str) {
    let Some(Some(after)) = strip_separator(text) else { return (None, text) };
    let stripped = ResourceKind::ALL.into_iter().find_map(|kind| {
        let (name, rest) = after.split_at_checked(kind.as_str().len())?;
        let found = name.eq_ignore_ascii_case(kind.as_str()) && strip_separator(rest).is_some();
        found.then_some((Some(kind), rest))
    });
    stripped.unwrap_or((None, text))
}

/// Removes the `:` or `.` at the beginning. `Some(None)` is an empty text, `None` any other one.
#[expect(clippy::option_option, reason = "the outer one is the match, the inner one its rest")]
fn strip_separator(text: &str) -> Option<Option<&str>> {
    if text.is_empty() { Some(None) } else { text.strip_prefix([':', '.']).map(Some) }
}

/// Beginning of the URNs of RFC 7643.
const STANDARD: &str = "urn:ietf:params:scim:schemas:";
/// The same in the drafts and in SCIM 1.1.
const DRAFT: &str = "urn:scim:schemas:";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE_USER, LICENCE_USER, LUCID_USER, USER};

    #[track_caller]
    fn check(text: &str, schema: &str, is_exact: bool, rest: Option<&str>) {
        let found = find_schema(ResourceType::user(), text).unwrap().unwrap();
        let seen = (&*found.schema.id, found.is_exact, found.rest);
        assert_eq!(seen, (schema, is_exact, rest), "{text}");
    }

    #[test]
    fn a_urn_is_recognised_in_every_form_that_clients_send() {
        check(USER, USER, true, None);
        check(&format!("{USER}:active"), USER, true, Some("active"));
        check(&USER.to_lowercase(), USER, true, None);
        check(&format!("{USER}.name.givenName"), USER, false, Some("name.givenName"));
        for urn in [
            "urn:scim:schemas:core:2.0:User",
            "urn:scim:schemas:core:1.0",
            "urn:ietf:params:scim:schemas:core:2.0",
            "urn:ietf:params:scim:schemas:core:User",
            "urn:ietf:params:scim:schemas:core:2.0.User",
            "URN:SCIM:SCHEMAS:CORE",
        ] {
            check(urn, USER, false, None);
            check(&format!("{urn}:active"), USER, false, Some("active"));
            check(&format!("{urn}.active"), USER, false, Some("active"));
        }
        check("urn:scim:schemas:extension:enterprise:1.0", ENTERPRISE_USER, false, None);
        check(
            "urn:ietf:params:scim:schemas:extension:lucid:1.0:User:productLicenses.Lucidchart",
            LUCID_USER,
            false,
            Some("productLicenses.Lucidchart"),
        );
        let short = "urn:gatehouse:params:scim:schemas:extension:licence:license";
        check(short, LICENCE_USER, false, Some("license"));
    }

    #[test]
    fn a_urn_of_another_type_or_with_an_error_is_none_of_ours() {
        for text in [
            "urn:ietf:params:scim:schemas:core:2.0:Group",
            "urn:ietf:params:scim:schemas:core:2.0:Group:active",
            "urn:scim:schemas:core:1.0:group.active",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:Group:department",
            "urn:ietf:params:scim:schema:core:2.0:User:active",
            "urn:ietf:scim:schemas:core:2.0:User:active",
            "urn:scim:core:2.0:User",
            "urn:ietf:params:scim:api:messages:2.0:PatchOp",
        ] {
            assert_eq!(
                find_schema(ResourceType::user(), text).unwrap_err(),
                NoSuchSchema,
                "{text}"
            );
        }
        assert!(find_schema(ResourceType::group(), ENTERPRISE_USER).is_err());
        assert!(
            find_schema(ResourceType::group(), "urn:scim:schemas:extension:enterprise").is_err()
        );
    }

    #[test]
    fn other_urns_are_the_clients_own() {
        for text in [
            "urn:okta:onprem_app:1.0:user:custom",
            "urn:scim:wso2:schema",
            "urn:scim:schemas:extension:atlassian-external:1.0",
            "urn:ietf:params:scim:schemas:extension:enterprisedata:2.0:User",
            "urn:ietf:params:scim:schemas:extension:corelight:2.0:User",
            "urn:acme:core:2.0:User",
            "userName",
        ] {
            assert!(find_schema(ResourceType::user(), text).unwrap().is_none(), "{text}");
        }
        let own = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:Group";
        assert!(find_schema(ResourceType::group(), own).unwrap().is_none());
    }

    #[test]
    fn a_urn_names_a_kind() {
        assert_eq!(kind_of("urn:scim:schemas:core:1.0"), Some(ResourceKind::User));
        assert_eq!(kind_of(crate::schema::GROUP), Some(ResourceKind::Group));
        assert_eq!(kind_of(ENTERPRISE_USER), Some(ResourceKind::User));
        assert_eq!(kind_of("urn:x"), None);
    }
}
