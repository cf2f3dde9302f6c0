//! Separates a PATCH of a group into operations on its attributes and on its membership.

use serde_json::{Map, Value};

use super::{Member, parse_members};
use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::mode::Mode;
use crate::patch_request::{Op, PatchOperation, PatchRequest};
use crate::path::PatchPath;
use crate::quirks;
use crate::schema::ResourceType;
use crate::target::{Schemas, Target};

/// One operation on a group's membership.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberOp {
    /// Adds members. Existing members stay.
    Add(Vec<Member>),
    /// Removes members by id. Ids of other resources have no effect.
    Remove(Vec<String>),
    /// Removes every member that satisfies a filter that does not select by id alone.
    RemoveMatching(Filter),
    /// Replaces all members.
    Replace(Vec<Member>),
    /// Removes all members.
    Clear,
}

/// Separates a PATCH of a group into the operations on its attributes and, in order, those on its
/// membership.
///
/// The two are independent, so the order between them does not matter.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] or [`ScimError::InvalidPath`] for a malformed value,
/// [`ScimError::Mutability`] for a change of a member's sub-attribute, [`ScimError::NoTarget`] for
/// an operation that selects nothing.
pub fn separate_members(
    request: PatchRequest,
    mode: Mode,
) -> Result<(PatchRequest, Vec<MemberOp>), ScimError> {
    let mut rest = Vec::new();
    let mut changes = Vec::new();
    for operation in request.operations {
        let PatchOperation { op, path, value } = operation;
        let Some(path) = path else {
            rest.extend(separate_value(op, value, mode, &mut changes)?);
            continue;
        };
        match Place::of(&path, mode) {
            Place::Members(sub) => add_change(op, &path, sub, value, &mut changes)?,
            // The URN of the core schema as a path is equivalent to no path.
            Place::Core => rest.extend(separate_value(op, value, mode, &mut changes)?),
            Place::Elsewhere => rest.push(PatchOperation { op, path: Some(path), value }),
        }
    }
    Ok((PatchRequest { schemas: request.schemas, operations: rest }, changes))
}

/// Takes the members out of the value of an operation without path, and returns the rest of the
/// operation.
fn separate_value(
    op: Op,
    value: Option<Value>,
    mode: Mode,
    changes: &mut Vec<MemberOp>,
) -> Result<Option<PatchOperation>, ScimError> {
    let mut rest = Map::new();
    for (path, value) in op.value_entries(value)? {
        match Place::of(&path, mode) {
            Place::Members(sub) => add_change(op, &path, sub, Some(value), changes)?,
            Place::Core => {
                let within = separate_value(op, Some(value), mode, changes)?;
                if let Some(Value::Object(within)) = within.and_then(|within| within.value) {
                    rest.extend(within);
                }
            }
            Place::Elsewhere => {
                rest.insert(path.to_string(), value);
            }
        }
    }
    let value = Some(Value::Object(rest)).filter(|rest| !quirks::is_unassigned(rest));
    Ok(value.map(|value| PatchOperation { op, path: None, value: Some(value) }))
}

/// Returns whether the body of a PUT has `members`, even an empty list.
///
/// An empty list and null are unassigned (RFC 7643 §2.5), so normalising drops them. They differ
/// from a body without `members`, which leaves the members unchanged.
pub fn has_members(body: &Value) -> bool {
    body.as_object().into_iter().flatten().any(|(name, value)| {
        PatchPath::parse(name).is_ok_and(|path| match Place::of(&path, Mode::Lenient) {
            Place::Members(sub) => path.filter.is_none() && sub.is_none(),
            Place::Core => has_members(value),
            Place::Elsewhere => false,
        })
    })
}

/// The part of a group that a path names.
enum Place<'a> {
    /// `members`, or this sub-attribute of it.
    Members(Option<&'a str>),
    /// The core schema as a whole.
    Core,
    /// Anything else, also a path that the mode does not accept. [`crate::patch`] resolves it.
    Elsewhere,
}

impl<'a> Place<'a> {
    fn of(path: &'a PatchPath, mode: Mode) -> Self {
        match Target::resolve(&path.attr, Schemas::of_type(ResourceType::group())) {
            Ok(target) if !target.is_accepted(mode) => Self::Elsewhere,
            Ok(target) if target.is_core("members") => {
                Self::Members(path.sub.as_deref().or(target.sub))
            }
            Ok(target) if target.is_whole_core() => Self::Core,
            Ok(_) | Err(_) => Self::Elsewhere,
        }
    }
}

/// Appends the membership operation at a path of `members`, or at its sub-attribute `sub`.
fn add_change(
    op: Op,
    path: &PatchPath,
    sub: Option<&str>,
    value: Option<Value>,
    changes: &mut Vec<MemberOp>,
) -> Result<(), ScimError> {
    if op == Op::Replace && value.is_none() {
        return Err(ScimError::InvalidValue(format!("replace of {path} requires a value")));
    }
    match (&path.filter, sub) {
        (None, None) => changes.push(change_of_all(op, value)?),
        (Some(filter), None) => add_selected_change(op, filter, value, changes)?,
        // `members.value` is another form of `members` for the id alone.
        (None, Some(sub)) if sub.eq_ignore_ascii_case("value") && op != Op::Remove => {
            changes.push(change_of_all(op, value)?);
        }
        // A change of the display name is ignored.
        (_, Some(sub)) if sub.eq_ignore_ascii_case("display") => {}
        (_, Some(_)) => {
            return Err(ScimError::Mutability(format!(
                "{path} is immutable; remove the member and add another"
            )));
        }
    }
    Ok(())
}

/// Returns the operation on `members` as a whole.
fn change_of_all(op: Op, value: Option<Value>) -> Result<MemberOp, ScimError> {
    match op {
        Op::Add => Ok(MemberOp::Add(parse_members(&value.unwrap_or_default())?)),
        Op::Replace => Ok(MemberOp::Replace(parse_members(&value.unwrap_or_default())?)),
        Op::Remove => match quirks::values_to_remove(value.map(quirks::unwrap_members)) {
            None => Ok(MemberOp::Clear),
            Some(values) => Ok(MemberOp::Remove(ids(parse_members(&Value::Array(values))?))),
        },
    }
}

/// Appends the operations on the members that a value filter selects.
fn add_selected_change(
    op: Op,
    filter: &Filter,
    value: Option<Value>,
    changes: &mut Vec<MemberOp>,
) -> Result<(), ScimError> {
    match (op, exact_ids(filter)) {
        (Op::Remove, Some(ids)) => changes.push(MemberOp::Remove(ids)),
        (Op::Remove, None) => changes.push(MemberOp::RemoveMatching(filter.clone())),
        // The filter creates the member that it names (see `quirks::creates_missing`).
        (Op::Add, Some(ids)) => {
            let members =
                ids.into_iter().map(|value| Member { value, kind: None, display: None }).collect();
            changes.push(MemberOp::Add(members));
        }
        (Op::Replace, Some(ids)) => {
            changes.push(MemberOp::Remove(ids));
            changes.push(MemberOp::Add(parse_members(&value.unwrap_or_default())?));
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

/// Returns the ids that a filter of `value eq "…"` terms, joined by `or`, selects. `None` for any
/// other filter.
fn exact_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(
            AttrPath::Plain { name, sub: None },
            CompareOp::Eq,
            CompareValue::String(id),
        ) if name.eq_ignore_ascii_case("value") => Some(vec![id.clone()]),
        Filter::Or(terms) => {
            let ids: Option<Vec<_>> = terms.iter().map(exact_ids).collect();
            ids.map(|ids| ids.concat())
        }
        Filter::Present(_)
        | Filter::Compare(..)
        | Filter::ValuePath(..)
        | Filter::Not(_)
        | Filter::And(_) => None,
    }
}

/// Returns the only ids that a member can have to satisfy a filter, as `value eq "…" and type eq
/// "User"`. `None` if it can have any id.
pub fn candidate_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::And(terms) => terms.iter().find_map(candidate_ids),
        Filter::Or(terms) => {
            let ids: Option<Vec<_>> = terms.iter().map(candidate_ids).collect();
            ids.map(|ids| ids.concat())
        }
        Filter::Compare(..) => exact_ids(filter),
        Filter::Present(_) | Filter::ValuePath(..) | Filter::Not(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::GROUP;

    fn run(operations: &Value) -> Result<(PatchRequest, Vec<MemberOp>), ScimError> {
        separate_members(
            PatchRequest::parse(json!({"Operations": operations})).unwrap(),
            Mode::Lenient,
        )
    }

    fn members(ids: &[&str]) -> Vec<Member> {
        ids.iter().map(|id| Member { value: (*id).to_owned(), kind: None, display: None }).collect()
    }

    fn removed(ids: &[&str]) -> MemberOp {
        MemberOp::Remove(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    /// Separates one operation on members only.
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
    fn a_replacement_requires_a_value() {
        for path in ["members", "MEMBERS", "members[value eq \"1\"]", &format!("{GROUP}:members")] {
            let error = run(&json!([{"op": "replace", "path": path}])).unwrap_err();
            assert_eq!(error.scim_type(), Some("invalidValue"), "{path}");
        }
        check(
            &json!({"op": "replace", "path": "members", "value": null}),
            MemberOp::Replace(Vec::new()),
        );
    }

    #[test]
    fn members_are_found_under_every_form_of_the_urn() {
        let form = "urn:scim:schemas:core:1.0.members";
        let operation = json!({"op": "add", "path": form, "value": "1"});
        check(&operation, MemberOp::Add(members(&["1"])));
        let request = PatchRequest::parse(json!({"Operations": [operation]})).unwrap();
        let (rest, changes) = separate_members(request, Mode::Strict).unwrap();
        assert_eq!((rest.operations.len(), changes.len()), (1, 0));
    }

    #[test]
    fn a_filter_other_than_by_id_is_kept_for_the_current_members() {
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
    fn the_id_of_a_member_is_immutable() {
        let change = |path| run(&json!([{"op": "replace", "path": path, "value": "x"}]));
        for path in ["members[value eq \"1\"].value", "members.type", "members.$ref"] {
            assert_eq!(change(path).unwrap_err().scim_type(), Some("mutability"), "{path}");
        }
        assert_eq!(change("members[value eq \"1\"].display").unwrap().1, []);
    }

    #[test]
    fn an_empty_list_counts_as_members() {
        for members in [json!([]), json!(null), json!([{"value": "1"}])] {
            let urn = format!("{GROUP}:members");
            assert!(has_members(&json!({"displayName": "g", "MEMBERS": members})));
            assert!(has_members(&json!({"displayName": "g", urn: members})));
            assert!(has_members(&json!({GROUP: {"displayName": "g", "members": members}})));
        }
        for body in [
            json!({"displayName": "g"}),
            json!({"displayName": "g", "members[broken": [], "members.value": null}),
            json!({"displayName": "g", GROUP: {"displayName": "g"}, "urn:example:members": []}),
            json!([]),
        ] {
            assert!(!has_members(&body), "{body}");
        }
    }

    #[test]
    fn other_operations_keep_their_order() {
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
