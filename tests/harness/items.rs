//! Reads and writes the rows of the table in DynamoDB's JSON, for the tests of versions and
//! restores.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared::store::Store;

use crate::TestApp;

impl TestApp {
    /// Returns all rows, in order of their keys.
    pub async fn items(&self) -> Vec<Value> {
        let scan = self.dynamodb.scan().table_name(&self.app.config.table);
        let mut pages = scan.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(to_json(&item.expect("a row")));
        }
        items.sort_by_key(|item: &Value| (text(item, "pk"), text(item, "sk")));
        items
    }

    /// Puts rows, which replaces existing ones.
    pub async fn put_items(&self, items: &[Value]) {
        self.put_into(&self.app.config.table, items).await;
    }

    /// Creates an empty table beside that of the deployment.
    pub async fn table(&self, name: &str) -> Store {
        let store = Store::new(self.dynamodb.clone(), name);
        store.create_table().await.expect("a table");
        store
    }

    /// Copies all rows to another table, as a point-in-time restore does.
    pub async fn copy_to(&self, table: &str) {
        self.put_into(table, &self.items().await).await;
    }

    async fn put_into(&self, table: &str, items: &[Value]) {
        for item in items {
            let put = self.dynamodb.put_item().table_name(table);
            put.set_item(Some(from_json(item))).send().await.expect("a put");
        }
    }
}

/// Returns a text attribute of a row; empty if it has none.
pub fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap_or_default().to_owned()
}

fn to_json(item: &HashMap<String, AttributeValue>) -> Value {
    let attribute = |value: &AttributeValue| match (
        value.as_s(),
        value.as_n(),
        value.as_bool(),
        value.as_b(),
    ) {
        (Ok(text), ..) => json!({"S": text}),
        (_, Ok(number), ..) => json!({"N": number}),
        (_, _, Ok(flag), _) => json!({"BOOL": flag}),
        (.., Ok(bytes)) => json!({"B": BASE64_STANDARD.encode(bytes)}),
        _ => panic!("no row has {value:?}"),
    };
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn from_json(item: &Value) -> HashMap<String, AttributeValue> {
    let attribute = |value: &Value| match value.as_object().and_then(|of| of.iter().next()) {
        Some((name, Value::String(text))) if name == "S" => AttributeValue::S(text.clone()),
        Some((name, Value::String(number))) if name == "N" => AttributeValue::N(number.clone()),
        Some((name, Value::Bool(flag))) if name == "BOOL" => AttributeValue::Bool(*flag),
        Some((name, Value::String(bytes))) if name == "B" => {
            AttributeValue::B(Blob::new(BASE64_STANDARD.decode(bytes).expect("base64")))
        }
        _ => panic!("no row has {value}"),
    };
    let item = item.as_object().expect("a row");
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}
