//! Combines a series of membership operations into their net change.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Member, MemberOp};
use crate::filter::Filter;
use crate::matcher::matches_element;
use crate::schema::ResourceType;

/// Net change of a group's membership: `reset`, then `remove_matching` and `remove`, then `add`. No
/// id is in both `add` and `remove`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetChange {
    /// Whether all members that are not in `add` are removed.
    pub reset: bool,
    /// Members to add, ordered by id.
    pub add: Vec<Member>,
    /// Ids of the members to remove, ordered. Empty with `reset`.
    pub remove: Vec<String>,
    /// Filters that select further members to remove. Evaluating them requires the current members.
    /// Empty with `reset`.
    pub remove_matching: Vec<Filter>,
}

impl NetChange {
    /// Returns whether the membership stays as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Combines operations. Of several operations on the same member, the last one counts.
pub fn net_change(operations: Vec<MemberOp>) -> NetChange {
    let mut net = NetChange::default();
    let mut last = BTreeMap::new();
    for operation in operations {
        match operation {
            MemberOp::Add(members) => add(&mut last, members),
            MemberOp::Remove(ids) => last.extend(ids.into_iter().map(|id| (id, Last::Remove))),
            MemberOp::RemoveMatching(filter) => {
                last.retain(|id, last| !last.is_added_and_satisfies(id, &filter));
                net.remove_matching.push(filter);
            }
            MemberOp::Replace(members) => {
                clear(&mut net, &mut last);
                add(&mut last, members);
            }
            MemberOp::Clear => clear(&mut net, &mut last),
        }
    }
    if net.reset {
        net.remove_matching.clear();
    }
    for (value, last) in last {
        match last {
            Last::Add(member) => net.add.push(member),
            Last::Remove if net.reset => {}
            Last::Remove => net.remove.push(value),
        }
    }
    net
}

/// The last operation on one id.
enum Last {
    Add(Member),
    Remove,
}

impl Last {
    fn is_added_and_satisfies(&self, id: &str, filter: &Filter) -> bool {
        let Self::Add(Member { kind, .. }) = self else { return false };
        let mut element = Map::from_iter([("value".to_owned(), Value::from(id))]);
        if let Some(kind) = kind {
            element.insert("type".to_owned(), kind.as_str().into());
        }
        let members = ResourceType::group().attribute("members");
        matches_element(filter, members, &Value::Object(element))
    }
}

fn add(last: &mut BTreeMap<String, Last>, members: Vec<Member>) {
    last.extend(members.into_iter().map(|member| (member.value.clone(), Last::Add(member))));
}

fn clear(net: &mut NetChange, last: &mut BTreeMap<String, Last>) {
    net.reset = true;
    last.clear();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::schema::ResourceKind;

    fn member(id: &str) -> Member {
        Member { value: id.to_owned(), kind: None, display: None }
    }

    fn members(ids: &[&str]) -> Vec<Member> {
        ids.iter().map(|id| Member { value: (*id).to_owned(), kind: None, display: None }).collect()
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn the_last_operation_on_a_member_counts() {
        let add = |added| MemberOp::Add(members(added));
        let remove = |removed| MemberOp::Remove(ids(removed));
        assert_eq!(
            net_change(vec![add(&["1", "2"]), remove(&["1", "3"]), add(&["3"])]),
            NetChange { add: members(&["2", "3"]), remove: ids(&["1"]), ..NetChange::default() }
        );
        assert_eq!(
            net_change(vec![add(&["1"]), MemberOp::Clear, remove(&["2"]), add(&["3"])]),
            NetChange { reset: true, add: members(&["3"]), ..NetChange::default() }
        );
        assert_eq!(
            net_change(vec![MemberOp::Replace(members(&["1", "2", "1"])), remove(&["2"])]),
            NetChange { reset: true, add: members(&["1"]), ..NetChange::default() }
        );
        assert!(net_change(vec![add(&[]), remove(&[])]).is_empty());
        assert!(!net_change(vec![MemberOp::Clear]).is_empty());
    }

    #[test]
    fn a_filter_does_not_remove_members_added_after_it() {
        let filter = Filter::parse("type eq \"Group\"").unwrap();
        let group = |id: &str| Member {
            value: id.to_owned(),
            kind: Some(ResourceKind::Group),
            display: None,
        };
        let net = net_change(vec![
            MemberOp::Add(vec![group("1")]),
            MemberOp::Add(members(&["2"])),
            MemberOp::RemoveMatching(filter.clone()),
            MemberOp::Add(vec![group("3")]),
        ]);
        assert_eq!(net.remove_matching, [filter]);
        assert_eq!(net.add, [members(&["2"]), vec![group("3")]].concat());
    }

    fn operation() -> impl Strategy<Value = MemberOp> {
        let ids = || prop::collection::vec("[a-f]", 0..4);
        let members = || {
            ids().prop_map(|ids| {
                ids.into_iter()
                    .map(|value| Member { value, kind: None, display: None })
                    .collect::<Vec<_>>()
            })
        };
        prop_oneof![
            members().prop_map(MemberOp::Add),
            ids().prop_map(MemberOp::Remove),
            members().prop_map(MemberOp::Replace),
            Just(MemberOp::Clear),
            "[a-f]".prop_map(|id| {
                MemberOp::RemoveMatching(Filter::parse(&format!("value le \"{id}\"")).unwrap())
            }),
        ]
    }

    /// Applies the operations one by one.
    fn apply_in_order(mut group: BTreeSet<String>, operations: &[MemberOp]) -> BTreeSet<String> {
        for operation in operations {
            match operation {
                MemberOp::Add(members) => group.extend(members.iter().map(|m| m.value.clone())),
                MemberOp::Remove(ids) => group.retain(|id| !ids.contains(id)),
                MemberOp::RemoveMatching(filter) => {
                    group.retain(|id| !Last::Add(member(id)).is_added_and_satisfies(id, filter));
                }
                MemberOp::Replace(members) => {
                    group = members.iter().map(|m| m.value.clone()).collect();
                }
                MemberOp::Clear => group.clear(),
            }
        }
        group
    }

    proptest! {
        #[test]
        fn the_net_change_equals_the_operations_in_order(
            group in prop::collection::btree_set("[a-f]", 0..6),
            operations in prop::collection::vec(operation(), 0..6),
        ) {
            let expected = apply_in_order(group.clone(), &operations);
            let net = net_change(operations);
            let mut sum = if net.reset { BTreeSet::new() } else { group };
            for filter in &net.remove_matching {
                sum.retain(|id| !Last::Add(member(id)).is_added_and_satisfies(id, filter));
            }
            sum.retain(|id| !net.remove.contains(id));
            sum.extend(net.add.into_iter().map(|member| member.value));
            prop_assert_eq!(sum, expected);
        }
    }
}
