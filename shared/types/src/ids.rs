//! Identifiers, one type for each kind, so that one cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an identifier in our form.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an identifier")]
pub struct InvalidId;

/// Parses a UUID in exactly the form that we print: 36 characters, lower case, hyphenated.
///
/// Other spellings are refused, so that one resource never has two identifiers.
fn canonical_uuid(text: &str) -> Result<Uuid, InvalidId> {
    let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
    let mut buffer = Uuid::encode_buffer();
    if uuid.hyphenated().encode_lower(&mut buffer) == text { Ok(uuid) } else { Err(InvalidId) }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the caller generated.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                canonical_uuid(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// Id of a tenant. UUID version 7, so that ids sort by creation time; never reused.
    TenantId
}

uuid_id! {
    /// Id of a SCIM resource, User or Group. UUID version 4: lists are in id order, and counters
    /// per uniform id prefix find any `startIndex`.
    ResourceId
}

uuid_id! {
    /// Id of the grant that a sign-in gave to an app. UUID version 4: the holders of its tokens see
    /// it.
    GrantId
}

uuid_id! {
    /// Id of a webhook. UUID version 4.
    WebhookId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_form_of_an_id_parses() {
        let id = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111";
        assert_eq!(id.parse::<ResourceId>().unwrap().to_string(), id);
        for odd in [
            "7C0E7A4E-3B1D-4A52-9D0E-3F1A0C9D1111",
            "{7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111}",
            "7c0e7a4e3b1d4a529d0e3f1a0c9d1111",
            "urn:uuid:7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111",
            "999",
            "",
            "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111 ",
        ] {
            assert_eq!(odd.parse::<ResourceId>(), Err(InvalidId), "{odd}");
        }
    }
}
