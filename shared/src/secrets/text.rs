//! Serialises a secret text in JSON, for `#[serde(with = "…")]`. The text is wiped when it is
//! dropped, and `Debug` does not print it.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

pub(crate) fn serialize<S: Serializer>(text: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text.expose_secret())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
pub(crate) fn serialize_option<S: Serializer>(
    text: &Option<SecretString>,
    to: S,
) -> Result<S::Ok, S::Error> {
    text.as_ref().map(ExposeSecret::expose_secret).serialize(to)
}
