//! Plans how to find the resources that a filter may match without reading the whole collection.
//!
//! [`LookupPlan`] selects the lookups, [`NeededMemberships`] the memberships to load before the
//! filter can be evaluated. The calls of the store are in `scim_api` of the crate `shared`.

use crate::attr_path::AttrPath;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::schema::{ResourceKind, ResourceType};
use crate::target::{Schemas, Target};

/// Lookups that together find every resource that a filter can match. They may find others, so the
/// caller evaluates the filter on the result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LookupPlan {
    /// The resource with this id.
    Id(String),
    /// The user with this `userName`, not folded yet.
    UserName(String),
    /// The resources with this `externalId`.
    ExternalId(String),
    /// The users with this e-mail address, not folded yet.
    Email(String),
    /// The group with this `displayName`, not folded yet.
    DisplayName(String),
    /// The groups with this member.
    Member(String),
    /// The members of this group.
    Group(String),
    /// The union of these lookups. None of them is `AnyOf` or `Scan`.
    AnyOf(Vec<Self>),
    /// No lookup applies: the filter must be evaluated on every resource.
    Scan,
}

impl LookupPlan {
    /// Selects the cheapest lookup among the terms that must all hold.
    ///
    /// An `or` has lookups if each of its terms has one; a `not` is a scan.
    pub fn new(filter: &Filter, resource_type: &ResourceType) -> Self {
        filter
            .terms()
            .iter()
            .map(|term| Self::for_term(term, resource_type))
            .min_by_key(Self::rank)
            .unwrap_or(Self::Scan)
    }

    /// Returns the lookups to make; none for a scan.
    pub fn lookups(&self) -> &[Self] {
        match self {
            Self::Scan => &[],
            Self::AnyOf(lookups) => lookups,
            Self::Id(_)
            | Self::UserName(_)
            | Self::ExternalId(_)
            | Self::Email(_)
            | Self::DisplayName(_)
            | Self::Member(_)
            | Self::Group(_) => std::slice::from_ref(self),
        }
    }

    fn for_term(term: &Filter, resource_type: &ResourceType) -> Self {
        if let Filter::Or(terms) = term {
            return Self::any_of(terms, resource_type);
        }
        let Some((path, value)) = equality(term) else { return Self::Scan };
        let Ok(target) = Target::resolve(path, Schemas::of_type(resource_type)) else {
            return Self::Scan;
        };
        let plain = target.sub.is_none() && !matches!(term, Filter::ValuePath(..));
        let by_value = target.sub.is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        let is_user = resource_type.kind == ResourceKind::User;
        if plain && target.is_core("id") {
            Self::Id(value)
        } else if plain && target.is_core("externalId") {
            Self::ExternalId(value)
        } else if is_user && plain && target.is_core("userName") {
            Self::UserName(value)
        } else if is_user && by_value && target.is_core("emails") {
            Self::Email(value)
        } else if !is_user && plain && target.is_core("displayName") {
            Self::DisplayName(value)
        } else if !is_user && by_value && target.is_core("members") {
            Self::Member(value)
        } else if is_user && by_value && target.is_core("groups") {
            Self::Group(value)
        } else {
            Self::Scan
        }
    }

    fn any_of(terms: &[Filter], resource_type: &ResourceType) -> Self {
        let mut plans = Vec::with_capacity(terms.len());
        for term in terms {
            match Self::new(term, resource_type) {
                Self::Scan => return Self::Scan,
                Self::AnyOf(several) => plans.extend(several),
                one @ (Self::Id(_)
                | Self::UserName(_)
                | Self::ExternalId(_)
                | Self::Email(_)
                | Self::DisplayName(_)
                | Self::Member(_)
                | Self::Group(_)) => plans.push(one),
            }
        }
        if plans.len() > MAX_LOOKUPS { Self::Scan } else { Self::AnyOf(plans) }
    }

    /// Orders lookups by the number of resources that they find, fewest first.
    const fn rank(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::UserName(_) => 1,
            Self::ExternalId(_) => 2,
            Self::Email(_) => 3,
            Self::DisplayName(_) => 4,
            Self::Member(_) => 5,
            Self::Group(_) => 6,
            Self::AnyOf(_) => 7,
            Self::Scan => 8,
        }
    }
}

/// The memberships that must be loaded before a filter can be evaluated: the members of a group, or
/// the groups of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NeededMemberships {
    /// Only the memberships of these ids, or none. Entra ID filters by `members eq "…"` before
    /// every change of a membership; one membership decides that filter, not the whole list.
    Only(Vec<String>),
    /// All memberships: the filter uses more than their ids.
    All,
}

impl NeededMemberships {
    /// Returns the memberships that a filter needs of `members` or `groups`, a core attribute.
    pub fn new(filter: &Filter, resource_type: &ResourceType, attribute: &str) -> Self {
        let mut ids = Vec::new();
        let resolve = |path| {
            let target = Target::resolve(path, Schemas::of_type(resource_type)).ok()?;
            target.is_core(attribute).then_some(Membership { sub: target.sub })
        };
        if collect(filter, &resolve, &mut ids) { Self::Only(ids) } else { Self::All }
    }
}

/// A path of the membership attribute.
struct Membership<'a> {
    sub: Option<&'a str>,
}

impl Membership<'_> {
    fn is_value_or_whole(&self) -> bool {
        self.sub.is_none_or(|sub| sub.eq_ignore_ascii_case("value"))
    }
}

/// Collects the ids that an attribute is compared with. Returns false if a term needs more.
fn collect<'f>(
    filter: &'f Filter,
    resolve: &dyn Fn(&'f AttrPath) -> Option<Membership<'f>>,
    ids: &mut Vec<String>,
) -> bool {
    match filter {
        Filter::Present(path) => resolve(path).is_none(),
        Filter::Compare(path, ..) | Filter::ValuePath(path, _) => {
            let Some(membership) = resolve(path) else { return true };
            match equality(filter) {
                Some((_, id)) if membership.is_value_or_whole() => {
                    ids.push(id);
                    true
                }
                Some(_) | None => false,
            }
        }
        Filter::Not(inner) => collect(inner, resolve, ids),
        Filter::And(terms) | Filter::Or(terms) => {
            terms.iter().all(|term| collect(term, resolve, ids))
        }
    }
}

/// Returns the attribute and value of `a eq "x"`, also if written as `a[value eq "x"]` or
/// `a[type eq "work" and value eq "x"]`.
fn equality(term: &Filter) -> Option<(&AttrPath, String)> {
    match term {
        Filter::Compare(path, CompareOp::Eq, value) => match value {
            CompareValue::String(text) => Some((path, text.clone())),
            // It may be a string that the client sent without quotes.
            CompareValue::Number(number) => Some((path, number.to_string())),
            CompareValue::Bool(_) | CompareValue::Null => None,
        },
        Filter::ValuePath(path, inner) => {
            let terms = match &**inner {
                Filter::And(terms) => terms.as_slice(),
                Filter::Present(_)
                | Filter::Compare(..)
                | Filter::ValuePath(..)
                | Filter::Not(_)
                | Filter::Or(_) => std::slice::from_ref(&**inner),
            };
            terms.iter().find_map(|term| match equality(term) {
                Some((inner, value)) if inner.in_element().0.eq_ignore_ascii_case("value") => {
                    Some((path, value))
                }
                Some(_) | None => None,
            })
        }
        Filter::Compare(..)
        | Filter::Present(_)
        | Filter::Not(_)
        | Filter::And(_)
        | Filter::Or(_) => None,
    }
}

/// Maximum number of lookups; with more, reading the collection costs no more.
const MAX_LOOKUPS: usize = 50;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::fold::fold;
    use crate::matcher::Matcher;
    use crate::work::Meter;

    fn matches(filter: &Filter, kind: &ResourceType, resource: &Map<String, Value>) -> bool {
        Matcher::new(filter).matches(kind, resource, &Meter::default())
    }

    #[track_caller]
    fn users(filter: &str, plan: &LookupPlan) {
        assert_eq!(&LookupPlan::new(&Filter::parse(filter).unwrap(), ResourceType::user()), plan);
    }

    #[track_caller]
    fn groups(filter: &str, plan: &LookupPlan) {
        assert_eq!(&LookupPlan::new(&Filter::parse(filter).unwrap(), ResourceType::group()), plan);
    }

    fn x() -> String {
        "x".to_owned()
    }

    #[test]
    fn the_attributes_that_connectors_match_users_by_have_a_lookup() {
        users(r#"id eq "x""#, &LookupPlan::Id(x()));
        users(r#"USERNAME Eq "x""#, &LookupPlan::UserName(x()));
        users(
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x""#,
            &LookupPlan::UserName(x()),
        );
        users("externalId eq x", &LookupPlan::ExternalId(x()));
        users("externalId eq 12", &LookupPlan::ExternalId("12".to_owned()));
        users(r#"emails.value eq "x""#, &LookupPlan::Email(x()));
        users(r#"emails eq "x""#, &LookupPlan::Email(x()));
        users(r#"emails[value eq "x"]"#, &LookupPlan::Email(x()));
        users(r#"emails[type eq "work"].value eq "x""#, &LookupPlan::Email(x()));
        users(r#"active eq true and userName eq "x""#, &LookupPlan::UserName(x()));
        users(r#"groups eq "x""#, &LookupPlan::Group(x()));
        users(r#"groups.value eq "x""#, &LookupPlan::Group(x()));
        users(r#"groups[value eq "x"]"#, &LookupPlan::Group(x()));
        users(r#"groups eq "y" and userName eq "x""#, &LookupPlan::UserName(x()));
        users(r#"emails eq "y" and userName eq "z" and id eq "x""#, &LookupPlan::Id(x()));
    }

    #[test]
    fn the_attributes_that_connectors_match_groups_by_have_a_lookup() {
        groups(r#"displayName eq "x""#, &LookupPlan::DisplayName(x()));
        groups(r#"externalId eq "x""#, &LookupPlan::ExternalId(x()));
        groups(r#"members eq "x""#, &LookupPlan::Member(x()));
        groups(r#"members.value eq "x""#, &LookupPlan::Member(x()));
        groups(r#"members[value eq "x"]"#, &LookupPlan::Member(x()));
        groups(r#"members eq "y" and id eq "x""#, &LookupPlan::Id(x()));
    }

    #[test]
    fn an_or_of_lookups_is_the_union_of_them() {
        let y = || "y".to_owned();
        let both = LookupPlan::AnyOf(vec![LookupPlan::UserName(x()), LookupPlan::Email(y())]);
        users(r#"userName eq "x" or emails.value eq "y""#, &both);
        users(r#"active eq true and (userName eq "x" or emails eq "y")"#, &both);
        users(r#"(userName eq "x" and title pr) or (emails eq "y")"#, &both);
        let three = LookupPlan::AnyOf(vec![
            LookupPlan::Id(x()),
            LookupPlan::Id(y()),
            LookupPlan::ExternalId(x()),
        ]);
        users(r#"(id eq "x" or id eq "y") or externalId eq "x""#, &three);
        users(r#"(id eq "x" or id eq "y") and userName eq "x""#, &LookupPlan::UserName(x()));
        let many = |count| vec![r#"id eq "x""#; count].join(" or ");
        users(&many(MAX_LOOKUPS), &LookupPlan::AnyOf(vec![LookupPlan::Id(x()); MAX_LOOKUPS]));
        users(&many(MAX_LOOKUPS + 1), &LookupPlan::Scan);
    }

    #[test]
    fn every_other_filter_is_a_scan() {
        for filter in [
            "title pr",
            r#"userName ne "x""#,
            r#"userName sw "x""#,
            r#"userName eq "x" or title pr"#,
            r#"not (userName eq "x")"#,
            "userName eq null",
            r#"displayName eq "x""#,
            r#"emails[type eq "work"]"#,
            r#"emails[value eq "x" or type eq "work"]"#,
            r#"emails.type eq "x""#,
            r#"members eq "x""#,
            r#"groups.display eq "x""#,
            r#"groups ne "x""#,
            "groups pr",
            r#"urn:example:1.0:User:userName eq "x""#,
        ] {
            users(filter, &LookupPlan::Scan);
        }
        groups(r#"userName eq "x""#, &LookupPlan::Scan);
        groups(r#"groups eq "x""#, &LookupPlan::Scan);
    }

    #[test]
    fn a_comparison_with_one_member_needs_only_that_member() {
        let needed = |filter: &str| {
            NeededMemberships::new(
                &Filter::parse(filter).unwrap(),
                ResourceType::group(),
                "members",
            )
        };
        assert_eq!(needed(r#"displayName eq "x""#), NeededMemberships::Only(Vec::new()));
        assert_eq!(needed(r#"id eq "g" and members eq "x""#), NeededMemberships::Only(vec![x()]));
        assert_eq!(
            needed(r#"not (members.value eq "x") or members[value eq "y"]"#),
            NeededMemberships::Only(vec![x(), "y".to_owned()])
        );
        assert_eq!(needed("members pr"), NeededMemberships::All);
        assert_eq!(needed(r#"members ne "x""#), NeededMemberships::All);
        assert_eq!(needed(r#"members.type eq "User""#), NeededMemberships::All);
        assert_eq!(needed(r#"members[type eq "User"]"#), NeededMemberships::All);
    }

    /// Generates filters over few names and values, so that many of them match.
    fn filter(terms: &'static [&'static str]) -> impl Strategy<Value = Filter> {
        let term = (prop::sample::select(terms), prop::sample::select(vec!["a", "A", "b", "1"]));
        let term = term.prop_map(|(term, value)| Filter::parse(&term.replace('?', value)).unwrap());
        term.prop_recursive(2, 6, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
                prop::collection::vec(inner, 2..4).prop_map(Filter::Or),
            ]
        })
    }

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("not an object") };
        object
    }

    const VALUES: &str = "[abAB1]";

    proptest! {
        #[test]
        fn the_lookups_find_every_user_that_matches(
            filter in filter(&[
                "userName eq ?", "id eq ?", "externalId eq ?", "emails eq ?", "emails.type eq ?",
                "emails[type eq a].value eq ?", "emails[value eq a and value eq ?]",
                "emails[type eq ? or value eq ?]", "groups eq ?", "groups[value eq ?]", "userName ne ?", "title pr", "userName co ?",
            ]),
            id in VALUES, name in VALUES, external in VALUES, kind in VALUES, email in VALUES,
            group in VALUES,
        ) {
            let user = object(json!({
                "id": id, "userName": name, "externalId": external,
                "emails": [{"type": "a", "value": "b"}, {"type": kind, "value": email}],
                "groups": [{"value": group}],
            }));
            let resource_type = ResourceType::user();
            if matches(&filter, resource_type, &user) {
                let finds = |lookup: &LookupPlan| match lookup {
                    LookupPlan::Id(x) => id == *x,
                    LookupPlan::UserName(x) => fold(&name) == fold(x),
                    LookupPlan::ExternalId(x) => external == *x,
                    LookupPlan::Email(x) => [fold("b"), fold(&email)].contains(&fold(x)),
                    LookupPlan::Group(x) => fold(&group) == fold(x),
                    LookupPlan::DisplayName(_) | LookupPlan::Member(_) | LookupPlan::AnyOf(_) | LookupPlan::Scan => false,
                };
                let plan = LookupPlan::new(&filter, resource_type);
                let found = plan == LookupPlan::Scan || plan.lookups().iter().any(finds);
                prop_assert!(found, "{}", filter);
            }
        }

        #[test]
        fn the_needed_members_decide_a_filter_like_all_members(
            filter in filter(&[
                "members eq ?", "members.value eq ?", "members[value eq ?]", "members ne ?",
                "members[type eq User and value eq ?]", "members pr", "members.type eq ?",
                "displayName eq ?", "members[not (value eq ?)]",
            ]),
            members in prop::collection::btree_set(VALUES, 0..4),
        ) {
            let resource_type = ResourceType::group();
            let with = |loaded: &dyn Fn(&str) -> bool| {
                let members: Vec<Value> = members
                    .iter()
                    .filter(|id| loaded(id))
                    .map(|id| json!({"value": id, "type": "User"}))
                    .collect();
                object(json!({"id": "g", "displayName": "a", "members": members}))
            };
            if let NeededMemberships::Only(ids) = NeededMemberships::new(&filter, resource_type, "members") {
                let few = with(&|id| ids.iter().any(|needed| needed == id));
                let all = with(&|_| true);
                prop_assert_eq!(matches(&filter, resource_type, &few), matches(&filter, resource_type, &all), "{}", filter);
            }
        }
    }
}
