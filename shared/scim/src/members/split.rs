//! A PATCH of a group, taken apart.

use serde_json::{Map, Value};

use super::{Member, read_all};
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::patch::{Op, Operation, PatchRequest, entries};
use crate::path::PatchPath;
use crate::quirks;
use crate::schema::ResourceType;
use crate::target::Target;

/// One change of a group's membership.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberOp {
    /// Adds members; who is one already stays one.
    Add(Vec<Member>),
    /// Removes members by id; who is none stays none.
    Remove(Vec<String>),
    /// Removes every member that satisfies a filter other than by ids.
    RemoveMatching(Filter),
    /// Makes these the only members.
    Replace(Vec<Member>),
    /// Removes all members.
    Clear,
}

/// Splits a PATCH of a group into the operations on its attributes and, in order, those on its
/// membership.
///
/// The two do not touch each other, so the order between them does not matter.
pub fn split(request: PatchRequest) -> Result<(PatchRequest, Vec<MemberOp>), ScimError> {
    let mut rest = Vec::new();
    let mut changes = Vec::new();
    for operation in request.operations {
        let Operation { op, path, value } = operation;
        match path {
            Some(path) if is_members(&path) => change(op, &path, value, &mut changes)?,
            Some(path) if !is_core(&path) => {
                rest.push(Operation { op, path: Some(path), value });
            }
            // The URN of the core schema as a path says as much as none.
            Some(_) | None => {
                if let Some(value) = without_path(op, value, &mut changes)? {
                    rest.push(Operation { op, path: None, value: Some(value) });
                }
            }
        }
    }
    Ok((PatchRequest { operations: rest }, changes))
}

/// Takes the members out of the value of an operation without path; what is left is the rest.
fn without_path(
    op: Op,
    value: Option<Value>,
    changes: &mut Vec<MemberOp>,
) -> Result<Option<Value>, ScimError> {
    let mut rest = Map::new();
    for (path, value) in entries(op, value)? {
        if is_members(&path) {
            change(op, &path, Some(value), changes)?;
        } else if is_core(&path) {
            if let Some(Value::Object(within)) = without_path(op, Some(value), changes)? {
                rest.extend(within);
            }
        } else {
            rest.insert(path.to_string(), value);
        }
    }
    Ok((!rest.is_empty()).then_some(Value::Object(rest)))
}

/// Whether the body of a PUT says who the members are, if only that there are none.
///
/// An empty list and null are no value (RFC 7643 §2.5), so normalising drops them; but a client
/// that sends one has not left `members` out.
pub fn says_members(body: &Value) -> bool {
    body.as_object().into_iter().flatten().any(|(name, value)| {
        PatchPath::parse(name).is_ok_and(|path| {
            let is_whole = path.filter.is_none() && path.attr.sub.is_none();
            is_whole && is_members(&path) || is_core(&path) && says_members(value)
        })
    })
}

fn is_members(path: &PatchPath) -> bool {
    Target::of(&path.attr, ResourceType::group()).is_core("members")
}

/// Whether a path is the URN of the core schema.
fn is_core(path: &PatchPath) -> bool {
    let target = Target::of(&path.attr, ResourceType::group());
    target.name.is_none() && target.extension.is_none()
}

fn change(
    op: Op,
    path: &PatchPath,
    value: Option<Value>,
    changes: &mut Vec<MemberOp>,
) -> Result<(), ScimError> {
    let part = path.sub.as_deref().or(path.attr.sub.as_deref());
    match (&path.filter, part) {
        (None, None) => changes.push(whole(op, value)?),
        (Some(filter), None) => selected(op, filter, value, changes)?,
        // `members.value` alone is another way to write the id.
        (None, Some(part)) if part.eq_ignore_ascii_case("value") && op != Op::Remove => {
            changes.push(whole(op, value)?);
        }
        // What a member is called is not ours to keep.
        (_, Some(part)) if part.eq_ignore_ascii_case("display") => {}
        (_, Some(_)) => {
            return Err(ScimError::Mutability(format!(
                "{path} is immutable; remove the member and add another one"
            )));
        }
    }
    Ok(())
}

fn whole(op: Op, value: Option<Value>) -> Result<MemberOp, ScimError> {
    match op {
        Op::Add => Ok(MemberOp::Add(read_all(&value.unwrap_or_default())?)),
        Op::Replace => Ok(MemberOp::Replace(read_all(&value.unwrap_or_default())?)),
        Op::Remove => match quirks::values_to_remove(value.map(quirks::unwrap_members)) {
            None => Ok(MemberOp::Clear),
            Some(values) => Ok(MemberOp::Remove(ids(read_all(&Value::Array(values))?))),
        },
    }
}

fn selected(
    op: Op,
    filter: &Filter,
    value: Option<Value>,
    changes: &mut Vec<MemberOp>,
) -> Result<(), ScimError> {
    match (op, by_ids(filter)) {
        (Op::Remove, Some(ids)) => changes.push(MemberOp::Remove(ids)),
        (Op::Remove, None) => changes.push(MemberOp::RemoveMatching(filter.clone())),
        // What the filter names is to be a member (see `quirks::creates_missing`).
        (Op::Add, Some(ids)) => {
            let members =
                ids.into_iter().map(|value| Member { value, kind: None, display: None }).collect();
            changes.push(MemberOp::Add(members));
        }
        (Op::Replace, Some(ids)) => {
            changes.push(MemberOp::Remove(ids));
            changes.push(MemberOp::Add(read_all(&value.unwrap_or_default())?));
        }
        (Op::Add | Op::Replace, None) => {
            return Err(ScimError::NoTarget(format!("members[{filter}] names no member")));
        }
    }
    Ok(())
}

fn ids(members: Vec<Member>) -> Vec<String> {
    members.into_iter().map(|member| member.value).collect()
}

/// The ids that `value eq "…"`, or several of them joined by `or`, names.
fn by_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(path, CompareOp::Eq, CompareValue::String(id))
            if path.schema.is_none()
                && path.sub.is_none()
                && path.name.eq_ignore_ascii_case("value") =>
        {
            Some(vec![id.clone()])
        }
        Filter::Or(terms) => {
            let ids: Option<Vec<_>> = terms.iter().map(by_ids).collect();
            ids.map(|ids| ids.concat())
        }
        Filter::Present(_)
        | Filter::Compare(..)
        | Filter::ValuePath(..)
        | Filter::Not(_)
        | Filter::And(_) => None,
    }
}

/// The ids of which a member must have one to satisfy a filter: `value eq "…" and type eq "User"`.
/// None if it may have any.
pub fn only_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::And(terms) => terms.iter().find_map(only_ids),
        Filter::Or(terms) => {
            let ids: Option<Vec<_>> = terms.iter().map(only_ids).collect();
            ids.map(|ids| ids.concat())
        }
        Filter::Compare(..) => by_ids(filter),
        Filter::Present(_) | Filter::ValuePath(..) | Filter::Not(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::GROUP;

    fn run(operations: &Value) -> Result<(PatchRequest, Vec<MemberOp>), ScimError> {
        split(PatchRequest::parse(json!({"Operations": operations})).unwrap())
    }

    fn members(ids: &[&str]) -> Vec<Member> {
        ids.iter().map(|id| Member { value: (*id).to_owned(), kind: None, display: None }).collect()
    }

    fn removed(ids: &[&str]) -> MemberOp {
        MemberOp::Remove(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    /// One operation that is about members and nothing else.
    #[track_caller]
    fn check(operation: &Value, expected: MemberOp) {
        let (rest, changes) = run(&json!([operation])).unwrap();
        assert_eq!(changes, [expected], "{operation}");
        assert_eq!(rest.operations, []);
    }

    #[test]
    fn members_are_added() {
        let one = || MemberOp::Add(members(&["1"]));
        check(&json!({"op": "Add", "path": "members", "value": [{"value": "1"}]}), one());
        check(&json!({"op": "add", "path": "members", "value": "1"}), one());
        check(&json!({"op": "add", "path": "MEMBERS", "value": {"value": "1"}}), one());
        check(&json!({"op": "add", "path": "members.value", "value": "1"}), one());
        check(&json!({"op": "add", "value": {"members": [{"value": "1"}]}}), one());
        let path = format!("{GROUP}:members");
        check(&json!({"op": "add", "path": path, "value": [{"value": "1"}]}), one());
        check(
            &json!({"op": "add", "path": "members[value eq \"1\"]", "value": {"value": "1"}}),
            one(),
        );
        let members = json!({"members": [{"value": "1"}]});
        check(&json!({"op": "add", "path": GROUP, "value": members}), one());
        check(&json!({"op": "add", "value": {GROUP: members}}), one());
    }

    #[test]
    fn one_member_is_removed_in_every_form_that_connectors_send() {
        let one = || removed(&["1"]);
        let value = json!([{"$ref": null, "value": "1"}]);
        check(&json!({"op": "Remove", "path": "members", "value": value}), one());
        check(&json!({"op": "remove", "path": "members", "value": {"value": "1"}}), one());
        check(&json!({"op": "remove", "path": "members[value eq \"1\"]"}), one());
        check(&json!({"op": "remove", "value": {"members": [{"value": "1"}]}}), one());
        check(
            &json!({"op": "remove", "path": "members", "value": {"members": [{"value": "1"}]}}),
            one(),
        );
        check(
            &json!({"op": "remove", "path": "members[value eq \"1\" or value eq \"2\"]"}),
            removed(&["1", "2"]),
        );
        check(&json!({"op": "remove", "path": "members", "value": []}), removed(&[]));
    }

    #[test]
    fn all_members_are_removed_only_without_a_value() {
        check(&json!({"op": "remove", "path": "members"}), MemberOp::Clear);
        check(&json!({"op": "remove", "path": "members", "value": null}), MemberOp::Clear);
    }

    #[test]
    fn members_are_replaced() {
        let one = || MemberOp::Replace(members(&["1"]));
        check(&json!({"op": "replace", "path": "members", "value": [{"value": "1"}]}), one());
        check(&json!({"op": "replace", "value": {"members": [{"value": "1"}]}}), one());
        let none = MemberOp::Replace(Vec::new());
        check(&json!({"op": "replace", "path": "members", "value": []}), none);
        let (_, changes) = run(&json!([
            {"op": "replace", "path": "members[value eq \"1\"]", "value": {"value": "2"}},
        ]))
        .unwrap();
        assert_eq!(changes, [removed(&["1"]), MemberOp::Add(members(&["2"]))]);
    }

    #[test]
    fn members_by_another_filter_are_left_to_whoever_knows_them() {
        check(
            &json!({"op": "remove", "path": "members[type eq \"Group\"]"}),
            MemberOp::RemoveMatching(Filter::parse("type eq \"Group\"").unwrap()),
        );
        let error = run(&json!([
            {"op": "add", "path": "members[type eq \"User\"]", "value": {"value": "1"}},
        ]));
        assert_eq!(error.unwrap_err().scim_type(), Some("noTarget"));
    }

    #[test]
    fn a_member_cannot_become_another_one() {
        let change = |path| run(&json!([{"op": "replace", "path": path, "value": "x"}]));
        for path in ["members[value eq \"1\"].value", "members.type", "members.$ref"] {
            assert_eq!(change(path).unwrap_err().scim_type(), Some("mutability"), "{path}");
        }
        assert_eq!(change("members[value eq \"1\"].display").unwrap().1, []);
    }

    #[test]
    fn a_body_says_members_also_by_saying_none() {
        for members in [json!([]), json!(null), json!([{"value": "1"}])] {
            let urn = format!("{GROUP}:members");
            assert!(says_members(&json!({"displayName": "g", "MEMBERS": members})));
            assert!(says_members(&json!({"displayName": "g", urn: members})));
            assert!(says_members(&json!({GROUP: {"displayName": "g", "members": members}})));
        }
        for body in [
            json!({"displayName": "g"}),
            json!({"displayName": "g", "members[broken": [], "members.value": null}),
            json!({"displayName": "g", GROUP: {"displayName": "g"}, "urn:example:members": []}),
            json!([]),
        ] {
            assert!(!says_members(&body), "{body}");
        }
    }

    #[test]
    fn other_operations_stay_in_order() {
        let (rest, changes) = run(&json!([
            {"op": "replace", "value": {"id": "7", "displayName": "g", "members": []}},
            {"op": "remove", "path": "members[value eq \"1\"]"},
            {"op": "replace", "path": "externalId", "value": "E"},
            {"op": "add", "path": "members", "value": [{"value": "2"}]},
        ]))
        .unwrap();
        let expected = PatchRequest::parse(json!({"Operations": [
            {"op": "replace", "value": {"id": "7", "displayName": "g"}},
            {"op": "replace", "path": "externalId", "value": "E"},
        ]}));
        assert_eq!(Ok(rest), expected);
        let expected =
            [MemberOp::Replace(Vec::new()), removed(&["1"]), MemberOp::Add(members(&["2"]))];
        assert_eq!(changes, expected);
        assert_eq!(run(&json!([{"op": "remove"}])).unwrap_err().scim_type(), Some("noTarget"));
    }
}
