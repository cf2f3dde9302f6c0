//! Events: their types, and who caused them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use types::ids::ResourceId;

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// The type of an event.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum EventType {
            $($(#[$doc])* $variant,)+
        }

        impl EventType {
            /// All types, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name, as `user.created`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

event_types! {
    /// A user was created, by SCIM, by a sign-in or by the operator.
    UserCreated = "user.created",
    /// Attributes of a user changed, but not whether the user is active.
    UserUpdated = "user.updated",
    /// A user may no longer sign in. Other attributes may have changed too.
    UserDeactivated = "user.deactivated",
    /// A user may sign in again. Other attributes may have changed too.
    UserReactivated = "user.reactivated",
    /// A user was deleted.
    UserDeleted = "user.deleted",
    /// A group was created. Its members follow as `group.member_added`.
    GroupCreated = "group.created",
    /// Attributes of a group changed.
    GroupUpdated = "group.updated",
    /// A group was deleted.
    GroupDeleted = "group.deleted",
    /// Users or groups became members of a group: up to 100.
    GroupMemberAdded = "group.member_added",
    /// Users or groups are no longer members of a group: up to 100.
    GroupMemberRemoved = "group.member_removed",
    /// The licence of a user changed. The event of the user comes first.
    LicenseChanged = "license.changed",
}

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(UnknownEventType)
    }
}

/// The text names no type of event.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no such type of event")]
pub struct UnknownEventType;

/// The way by which a change arrived: `source` of its events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A request of a SCIM client.
    Scim,
    /// A sign-in that created the user.
    Jit,
    /// A later sign-in.
    SignIn,
    /// The operator API.
    Operator,
}

impl Source {
    /// Returns the value of `source`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Jit => "jit",
            Self::SignIn => "sign_in",
            Self::Operator => "operator",
        }
    }
}

/// The party that caused a change: `actor` of its events.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A SCIM client, by its token.
    ScimToken {
        /// Id of the token.
        id: String,
    },
    /// The provider of a connection, in a sign-in.
    Connection {
        /// Name of the connection.
        name: String,
    },
    /// The operator, by the operator API.
    Operator,
}

/// The origin of a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The way by which the change arrived.
    pub source: Source,
    /// The party that caused it.
    pub actor: Actor,
}

/// One event of a change, before it has a place in the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// The type.
    pub event_type: EventType,
    /// Id of the user or group that changed.
    pub resource: ResourceId,
    /// Version of the resource after the change; of a deleted one, the version after its last.
    pub version: u64,
    /// State after the change, as in the directory API.
    pub data: Map<String, Value>,
    /// The members of `data` that differ, with their values before the change; empty if nothing
    /// was there before.
    pub previous: Map<String, Value>,
}

impl NewEvent {
    /// Returns the members of the event that the change determines: `source`, `actor`, `resource`,
    /// `data` and `previous`. Above [`MAX_EVENT_BYTES`] the last two are left out and `truncated` is
    /// true: the reader fetches the resource.
    pub fn body(&self, origin: &Origin) -> String {
        let whole = Body {
            source: origin.source.as_str(),
            actor: &origin.actor,
            resource: Resource { id: self.resource, version: self.version },
            data: Some(&self.data),
            previous: Some(&self.previous).filter(|previous| !previous.is_empty()),
            truncated: None,
        };
        let text = whole.to_json();
        if text.len() <= MAX_EVENT_BYTES {
            return text;
        }
        Body { data: None, previous: None, truncated: Some(true), ..whole }.to_json()
    }
}

/// The members of an event that the change determines.
#[derive(Serialize)]
struct Body<'a> {
    source: &'static str,
    actor: &'a Actor,
    resource: Resource,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

#[derive(Serialize)]
struct Resource {
    id: ResourceId,
    version: u64,
}

impl Body<'_> {
    fn to_json(&self) -> String {
        // Texts, numbers and maps with keys of text always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Maximum size of an event without its id, cursor and tenant, in bytes.
pub const MAX_EVENT_BYTES: usize = 64 * 1024 - 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(text: String) -> NewEvent {
        NewEvent {
            event_type: EventType::UserUpdated,
            resource: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            version: 2,
            data: [("title".to_owned(), text.into())].into_iter().collect(),
            previous: Map::new(),
        }
    }

    fn origin() -> Origin {
        Origin { source: Source::Scim, actor: Actor::ScimToken { id: "t1".to_owned() } }
    }

    #[test]
    fn names_of_types_parse_back() {
        for known in EventType::ALL {
            assert_eq!(known.as_str().parse(), Ok(*known));
        }
        assert_eq!("user.renamed".parse::<EventType>(), Err(UnknownEventType));
    }

    #[test]
    fn a_body_says_where_the_change_came_from() {
        let body: Value = serde_json::from_str(&event("x".to_owned()).body(&origin())).unwrap();
        let expect = json!({
            "source": "scim",
            "actor": {"type": "scim_token", "id": "t1"},
            "resource": {"id": "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111", "version": 2},
            "data": {"title": "x"},
        });
        assert_eq!(body, expect);
    }

    #[test]
    fn a_large_event_names_the_resource_alone() {
        let body = event("x".repeat(MAX_EVENT_BYTES)).body(&origin());
        assert!(body.len() < 500);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["truncated"], body.get("data")), (&json!(true), None));
    }
}
