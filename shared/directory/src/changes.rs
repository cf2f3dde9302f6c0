//! The events of a change: from the states before and after it. Every change of a version of a
//! user or group has at least one event.

use serde_json::{Map, Value, json};

use super::event::{EventType, NewEvent};
use super::view::{Group, User};
use scim::schema::ResourceKind;
use types::ids::ResourceId;

/// Returns the events of a change of a user: a creation without `before`, a deletion without
/// `after`. None without both.
pub fn of_user(before: Option<User<'_>>, after: Option<User<'_>>) -> Vec<NewEvent> {
    let (id, version) = match (&before, &after) {
        (_, Some(after)) => (after.id, after.version),
        (Some(before), None) => (before.id, before.version + 1),
        (None, None) => return Vec::new(),
    };
    let event =
        |event_type, data, previous| NewEvent { event_type, resource: id, version, data, previous };
    let (Some(old), Some(new)) = (before, after) else {
        let (event_type, data) = match (before, after) {
            (_, Some(after)) => (EventType::UserCreated, after.to_json()),
            (before, None) => (EventType::UserDeleted, before.map(tombstone).unwrap_or_default()),
        };
        return vec![event(event_type, data, Map::new())];
    };
    let (old_view, view) = (old.to_json(), new.to_json());
    let previous = difference(&old_view, &view);
    let event_type = match (old.active, new.active) {
        (true, false) => EventType::UserDeactivated,
        (false, true) => EventType::UserReactivated,
        (true, true) | (false, false) => EventType::UserUpdated,
    };
    let mut events = vec![event(event_type, view.clone(), previous)];
    if old.licence != new.licence {
        let previous = Map::from_iter([("license".to_owned(), json!(old.licence.as_str()))]);
        events.push(event(EventType::LicenseChanged, view, previous));
    }
    events
}

/// Returns the event of a change of the attributes of a group: a creation without `before`, a
/// deletion without `after`; `None` if no attribute differs.
pub fn of_group(before: Option<Group<'_>>, after: Option<Group<'_>>) -> Option<NewEvent> {
    let event = |event_type, group: Group<'_>, version, data, previous| NewEvent {
        event_type,
        resource: group.id,
        version,
        data,
        previous,
    };
    match (before, after) {
        (None, Some(after)) => {
            let data = after.to_json();
            Some(event(EventType::GroupCreated, after, after.version, data, Map::new()))
        }
        (Some(before), None) => {
            let data = without_times(before.to_json());
            Some(event(EventType::GroupDeleted, before, before.version + 1, data, Map::new()))
        }
        (Some(before), Some(after)) => {
            let view = after.to_json();
            let previous = difference(&before.to_json(), &view);
            let differs = before.resource != after.resource;
            differs.then(|| event(EventType::GroupUpdated, after, after.version, view, previous))
        }
        (None, None) => None,
    }
}

/// A group as the events of its members name it.
#[derive(Clone, Copy, Debug)]
pub struct GroupName<'a> {
    /// Id of the group.
    pub id: ResourceId,
    /// Its name at the time of the change; `None` where only the id is known.
    pub display_name: Option<&'a str>,
    /// Its version after the change.
    pub version: u64,
}

/// Returns the events of members that were added or removed, each of at most
/// [`MEMBERS_OF_AN_EVENT`]. `event_type` is one of [`EventType::GroupMemberAdded`] and
/// [`EventType::GroupMemberRemoved`].
pub fn of_members(
    event_type: EventType,
    group: GroupName<'_>,
    members: &[(ResourceId, ResourceKind)],
) -> Vec<NewEvent> {
    let member = |(id, kind): &(ResourceId, ResourceKind)| json!({"id": id, "type": kind.as_str().to_lowercase()});
    members
        .chunks(MEMBERS_OF_AN_EVENT)
        .map(|chunk| {
            let members: Vec<Value> = chunk.iter().map(member).collect();
            let mut named = Map::from_iter([("id".to_owned(), json!(group.id))]);
            if let Some(name) = group.display_name {
                named.insert("display_name".to_owned(), name.into());
            }
            let data = [("group", Value::Object(named)), ("members", Value::Array(members))];
            NewEvent {
                event_type,
                resource: group.id,
                version: group.version,
                data: data.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
                previous: Map::new(),
            }
        })
        .collect()
}

/// Maximum number of members of one event.
pub const MEMBERS_OF_AN_EVENT: usize = 100;

/// The members of the last state by which an app finds its row. The rest of the person is gone.
fn tombstone(user: User<'_>) -> Map<String, Value> {
    let kept = ["id", "user_name", "external_id"];
    user.to_json().into_iter().filter(|(name, _)| kept.contains(&name.as_str())).collect()
}

fn without_times(mut view: Map<String, Value>) -> Map<String, Value> {
    view.retain(|name, _| !BOOKKEEPING.contains(&name.as_str()));
    view
}

/// The members of `new` that differ in `old`, with their values in `old`. `attributes` is compared
/// member by member.
fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut previous = Map::new();
    for (name, before) in old {
        let after = new.get(name).unwrap_or(&Value::Null);
        if before == after || BOOKKEEPING.contains(&name.as_str()) {
            continue;
        }
        let before = match (name.as_str(), before, after) {
            ("attributes", Value::Object(before), Value::Object(after)) => {
                Value::Object(difference_of_attributes(before, after))
            }
            _ => before.clone(),
        };
        previous.insert(name.clone(), before);
    }
    previous
}

/// The attributes that differ, with their values before; one that is new was `null`.
fn difference_of_attributes(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Map<String, Value> {
    let changed = before.iter().filter(|(name, value)| after.get(*name) != Some(*value));
    let changed = changed.map(|(name, value)| (name.clone(), value.clone()));
    let added = after.keys().filter(|name| !before.contains_key(*name));
    changed.chain(added.map(|name| (name.clone(), Value::Null))).collect()
}

/// Members that say when a view was written. `version` is in `resource` of the event.
const BOOKKEEPING: [&str; 3] = ["created_at", "updated_at", "version"];

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use scim::licence::Licence;

    use super::*;

    const ID: &str = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111";

    fn user(
        resource: &Map<String, Value>,
        active: bool,
        licence: Licence,
        version: u64,
    ) -> User<'_> {
        User {
            id: ID.parse().unwrap(),
            resource,
            active,
            licence,
            created: Timestamp::UNIX_EPOCH,
            last_modified: Timestamp::UNIX_EPOCH,
            version,
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("not an object") };
        object
    }

    #[test]
    fn each_change_of_a_user_has_its_type() {
        let ada = object(json!({"userName": "ada"}));
        let full = |active, version| Some(user(&ada, active, Licence::Full, version));
        for (before, after, expect) in [
            (None, full(true, 1), EventType::UserCreated),
            (full(true, 1), full(true, 2), EventType::UserUpdated),
            (full(true, 1), full(false, 2), EventType::UserDeactivated),
            (full(false, 1), full(true, 2), EventType::UserReactivated),
            (full(false, 1), full(false, 2), EventType::UserUpdated),
            (full(true, 1), None, EventType::UserDeleted),
        ] {
            let events = of_user(before, after);
            assert_eq!(events.len(), 1);
            assert_eq!(
                (events[0].event_type, events[0].version),
                (expect, after.map_or(2, |new| new.version))
            );
        }
    }

    #[test]
    fn previous_has_what_changed_and_nothing_else() {
        let before = object(
            json!({"userName": "ada", "title": "Analyst", "userType": "A", "nickName": "a"}),
        );
        let after = object(json!({"userName": "ada", "title": "Chief", "nickName": "a", "x": 1}));
        let events = of_user(
            Some(user(&before, true, Licence::Full, 1)),
            Some(user(&after, true, Licence::Full, 2)),
        );
        let expect = json!({"title": "Analyst", "attributes": {"userType": "A", "x": null}});
        assert_eq!(Value::Object(events[0].previous.clone()), expect);
    }

    #[test]
    fn a_new_licence_has_an_event_of_its_own_after_that_of_the_user() {
        let ada = object(json!({"userName": "ada"}));
        let events = of_user(
            Some(user(&ada, true, Licence::Full, 1)),
            Some(user(&ada, true, Licence::ViewOnly, 2)),
        );
        let types: Vec<_> = events.iter().map(|event| event.event_type).collect();
        assert_eq!(types, [EventType::UserUpdated, EventType::LicenseChanged]);
        assert_eq!(Value::Object(events[1].previous.clone()), json!({"license": "full"}));
    }

    #[test]
    fn a_deleted_user_leaves_the_keys_of_a_row_alone() {
        let ada = object(json!({"userName": "ada", "externalId": "7", "title": "Analyst"}));
        let events = of_user(Some(user(&ada, true, Licence::Full, 1)), None);
        let data = Value::Object(events[0].data.clone());
        assert_eq!(data, json!({"id": ID, "user_name": "ada", "external_id": "7"}));
    }

    #[test]
    fn members_come_a_hundred_at_a_time() {
        let id: ResourceId = ID.parse().unwrap();
        let members = vec![(id, ResourceKind::User); 250];
        let group = GroupName { id, display_name: Some("Engineers"), version: 4 };
        let events = of_members(EventType::GroupMemberAdded, group, &members);
        let sizes: Vec<_> =
            events.iter().map(|event| event.data["members"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(events[0].data["members"][0], json!({"id": ID, "type": "user"}));
    }
}
