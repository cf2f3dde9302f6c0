//! The event that invokes the function: records of the table's stream, or a call of the schedule.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::store::Lane;

/// The input of the function. That of the schedule has no records.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Invocation {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

/// A change of a row: with keys only, as the stream is configured.
#[derive(Debug, Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Keys,
}

#[derive(Debug, Deserialize)]
struct Keys {
    pk: Text,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl Invocation {
    /// Returns the lanes with new events; `None` for a call of the schedule, which knows none.
    pub(super) fn lanes(&self) -> Option<BTreeSet<Lane>> {
        let records = Some(&self.records).filter(|records| !records.is_empty())?;
        let partitions = records.iter().map(|record| record.dynamodb.keys.pk.text.as_str());
        Some(partitions.filter_map(Lane::of_partition).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn lanes(invocation: Value) -> Option<usize> {
        let invocation: Invocation = serde_json::from_value(invocation).unwrap();
        invocation.lanes().map(|lanes| lanes.len())
    }

    fn record(pk: &str) -> Value {
        json!({
            "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": "x"}}, "StreamViewType": "KEYS_ONLY"},
        })
    }

    #[test]
    fn records_name_their_lanes_and_a_call_of_the_schedule_none() {
        assert_eq!(lanes(json!({})), None);
        assert_eq!(lanes(json!({"Records": []})), None);
        assert_eq!(
            lanes(json!({"Records": [record("OUT#0"), record("OUT#f"), record("OUT#0")]})),
            Some(2)
        );
        assert_eq!(lanes(json!({"Records": [record("TENANTS")]})), Some(0));
    }
}
