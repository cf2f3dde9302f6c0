//! How to find the resources that a filter may match, without reading all of them.

use crate::attr_path::AttrPath;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::schema::ResourceType;
use crate::target::Target;

/// The lookups that yield every resource that a filter can match, and perhaps others: the matcher
/// is always run on what they yield.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plan {
    /// The resource of this id.
    Id(String),
    /// The user of this `userName`, to be folded.
    UserName(String),
    /// The resource of this `externalId`.
    ExternalId(String),
    /// Users with this e-mail address, to be folded.
    Email(String),
    /// Groups of this `displayName`, to be folded.
    DisplayName(String),
    /// Groups with this member.
    Member(String),
    /// Members of this group.
    Group(String),
    /// What any of these finds; none of them is a list or a scan.
    AnyOf(Vec<Self>),
    /// No lookup fits: every resource must be looked at.
    Scan,
}

impl Plan {
    /// Picks the cheapest lookup from the terms that must all hold.
    ///
    /// An `or` has one if each of its terms has; a `not` is a scan.
    pub fn of(filter: &Filter, resource_type: &ResourceType) -> Self {
        filter
            .terms()
            .iter()
            .map(|term| Self::of_term(term, resource_type))
            .min_by_key(Self::rank)
            .unwrap_or(Self::Scan)
    }

    /// The lookups to make; none for a scan.
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

    fn of_term(term: &Filter, resource_type: &ResourceType) -> Self {
        if let Filter::Or(terms) = term {
            return Self::any_of(terms, resource_type);
        }
        let Some((path, value)) = equality(term) else { return Self::Scan };
        let target = Target::of(path, resource_type);
        let plain = target.sub.is_none() && !matches!(term, Filter::ValuePath(..));
        let by_value = target.sub.is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        let is_user = std::ptr::eq(resource_type, ResourceType::user());
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
            match Self::of(term, resource_type) {
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
        if plans.len() > MOST_LOOKUPS { Self::Scan } else { Self::AnyOf(plans) }
    }

    /// Fewest candidates first.
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

/// Which memberships must be loaded before a filter can be decided: members of a group, groups of
/// a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Needed {
    /// The filter does not look at them, or at these ids only: for `members eq "…"`, which
    /// Entra ID asks before every change of a membership, one membership decides, not the list.
    Only(Vec<String>),
    /// The filter looks at them in another way.
    All,
}

impl Needed {
    /// What a filter needs to know of a core attribute, `members` or `groups`.
    pub fn of(filter: &Filter, resource_type: &ResourceType, attribute: &str) -> Self {
        let mut ids = Vec::new();
        let is_it = |path: &AttrPath| Target::of(path, resource_type).is_core(attribute);
        if collect(filter, &is_it, &mut ids) { Self::Only(ids) } else { Self::All }
    }
}

/// Collects the ids that an attribute is tested for; false if a term needs more than that.
fn collect(filter: &Filter, is_it: &dyn Fn(&AttrPath) -> bool, ids: &mut Vec<String>) -> bool {
    match filter {
        Filter::Present(path) => !is_it(path),
        Filter::Compare(path, ..) | Filter::ValuePath(path, _) if is_it(path) => {
            match equality(filter) {
                Some((path, id)) if has_no_sub_but_value(path) => {
                    ids.push(id);
                    true
                }
                Some(_) | None => false,
            }
        }
        Filter::Compare(..) | Filter::ValuePath(..) => true,
        Filter::Not(inner) => collect(inner, is_it, ids),
        Filter::And(terms) | Filter::Or(terms) => {
            terms.iter().all(|term| collect(term, is_it, ids))
        }
    }
}

fn has_no_sub_but_value(path: &AttrPath) -> bool {
    path.sub.as_deref().is_none_or(|sub| sub.eq_ignore_ascii_case("value"))
}

/// The attribute and value of `a eq "x"`, or of the only use of `value` in `a[value eq "x"]` and
/// `a[type eq "work" and value eq "x"]`.
fn equality(term: &Filter) -> Option<(&AttrPath, String)> {
    match term {
        Filter::Compare(path, CompareOp::Eq, value) => match value {
            CompareValue::String(text) => Some((path, text.clone())),
            // It may have lost its quotes on the way.
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
                Some((inner, value)) if inner.name.eq_ignore_ascii_case("value") => {
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

/// With more, reading the collection is no dearer.
const MOST_LOOKUPS: usize = 50;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::fold::fold;
    use crate::matcher::matches;

    #[track_caller]
    fn users(filter: &str, plan: &Plan) {
        assert_eq!(&Plan::of(&Filter::parse(filter).unwrap(), ResourceType::user()), plan);
    }

    #[track_caller]
    fn groups(filter: &str, plan: &Plan) {
        assert_eq!(&Plan::of(&Filter::parse(filter).unwrap(), ResourceType::group()), plan);
    }

    fn x() -> String {
        "x".to_owned()
    }

    #[test]
    fn what_connectors_match_users_by_is_a_lookup() {
        users(r#"id eq "x""#, &Plan::Id(x()));
        users(r#"USERNAME Eq "x""#, &Plan::UserName(x()));
        users(
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x""#,
            &Plan::UserName(x()),
        );
        users("externalId eq x", &Plan::ExternalId(x()));
        users("externalId eq 12", &Plan::ExternalId("12".to_owned()));
        users(r#"emails.value eq "x""#, &Plan::Email(x()));
        users(r#"emails eq "x""#, &Plan::Email(x()));
        users(r#"emails[value eq "x"]"#, &Plan::Email(x()));
        users(r#"emails[type eq "work"].value eq "x""#, &Plan::Email(x()));
        users(r#"active eq true and userName eq "x""#, &Plan::UserName(x()));
        users(r#"groups eq "x""#, &Plan::Group(x()));
        users(r#"groups.value eq "x""#, &Plan::Group(x()));
        users(r#"groups[value eq "x"]"#, &Plan::Group(x()));
        users(r#"groups eq "y" and userName eq "x""#, &Plan::UserName(x()));
        users(r#"emails eq "y" and userName eq "z" and id eq "x""#, &Plan::Id(x()));
    }

    #[test]
    fn what_connectors_match_groups_by_is_a_lookup() {
        groups(r#"displayName eq "x""#, &Plan::DisplayName(x()));
        groups(r#"externalId eq "x""#, &Plan::ExternalId(x()));
        groups(r#"members eq "x""#, &Plan::Member(x()));
        groups(r#"members.value eq "x""#, &Plan::Member(x()));
        groups(r#"members[value eq "x"]"#, &Plan::Member(x()));
        groups(r#"members eq "y" and id eq "x""#, &Plan::Id(x()));
    }

    #[test]
    fn alternatives_with_a_lookup_each_are_lookups() {
        let y = || "y".to_owned();
        let both = Plan::AnyOf(vec![Plan::UserName(x()), Plan::Email(y())]);
        users(r#"userName eq "x" or emails.value eq "y""#, &both);
        users(r#"active eq true and (userName eq "x" or emails eq "y")"#, &both);
        users(r#"(userName eq "x" and title pr) or (emails eq "y")"#, &both);
        let three = Plan::AnyOf(vec![Plan::Id(x()), Plan::Id(y()), Plan::ExternalId(x())]);
        users(r#"(id eq "x" or id eq "y") or externalId eq "x""#, &three);
        users(r#"(id eq "x" or id eq "y") and userName eq "x""#, &Plan::UserName(x()));
        let many = |count| vec![r#"id eq "x""#; count].join(" or ");
        users(&many(MOST_LOOKUPS), &Plan::AnyOf(vec![Plan::Id(x()); MOST_LOOKUPS]));
        users(&many(MOST_LOOKUPS + 1), &Plan::Scan);
    }

    #[test]
    fn everything_else_is_a_scan() {
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
            users(filter, &Plan::Scan);
        }
        groups(r#"userName eq "x""#, &Plan::Scan);
        groups(r#"groups eq "x""#, &Plan::Scan);
    }

    #[test]
    fn a_test_for_one_member_needs_that_member_only() {
        let needed = |filter: &str| {
            Needed::of(&Filter::parse(filter).unwrap(), ResourceType::group(), "members")
        };
        assert_eq!(needed(r#"displayName eq "x""#), Needed::Only(Vec::new()));
        assert_eq!(needed(r#"id eq "g" and members eq "x""#), Needed::Only(vec![x()]));
        assert_eq!(
            needed(r#"not (members.value eq "x") or members[value eq "y"]"#),
            Needed::Only(vec![x(), "y".to_owned()])
        );
        assert_eq!(needed("members pr"), Needed::All);
        assert_eq!(needed(r#"members ne "x""#), Needed::All);
        assert_eq!(needed(r#"members.type eq "User""#), Needed::All);
        assert_eq!(needed(r#"members[type eq "User"]"#), Needed::All);
    }

    /// Filters over few names and values, so that many of them match.
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
        fn a_lookup_yields_every_user_that_matches(
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
            let of = ResourceType::user();
            if matches(&filter, of, &user) {
                let finds = |lookup: &Plan| match lookup {
                    Plan::Id(x) => id == *x,
                    Plan::UserName(x) => fold(&name) == fold(x),
                    Plan::ExternalId(x) => external == *x,
                    Plan::Email(x) => [fold("b"), fold(&email)].contains(&fold(x)),
                    Plan::Group(x) => fold(&group) == fold(x),
                    Plan::DisplayName(_) | Plan::Member(_) | Plan::AnyOf(_) | Plan::Scan => false,
                };
                let plan = Plan::of(&filter, of);
                let found = plan == Plan::Scan || plan.lookups().iter().any(finds);
                prop_assert!(found, "{}", filter);
            }
        }

        #[test]
        fn the_members_that_a_filter_needs_decide_it_as_all_would(
            filter in filter(&[
                "members eq ?", "members.value eq ?", "members[value eq ?]", "members ne ?",
                "members[type eq User and value eq ?]", "members pr", "members.type eq ?",
                "displayName eq ?", "members[not (value eq ?)]",
            ]),
            members in prop::collection::btree_set(VALUES, 0..4),
        ) {
            let of = ResourceType::group();
            let with = |loaded: &dyn Fn(&str) -> bool| {
                let members: Vec<Value> = members
                    .iter()
                    .filter(|id| loaded(id))
                    .map(|id| json!({"value": id, "type": "User"}))
                    .collect();
                object(json!({"id": "g", "displayName": "a", "members": members}))
            };
            if let Needed::Only(ids) = Needed::of(&filter, of, "members") {
                let few = with(&|id| ids.iter().any(|needed| needed == id));
                let all = with(&|_| true);
                prop_assert_eq!(matches(&filter, of, &few), matches(&filter, of, &all), "{}", filter);
            }
        }
    }
}
