//! One conditional write.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::StoreError;
use super::error::Operation;
use super::item::{Item, number};
use super::keys::{Key, PK, SK};
use super::retry::random;

/// One write and the condition under which it may happen.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) kind: WriteKind,
    pub(super) condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

/// The kind of a write.
#[derive(Clone, Debug)]
pub(super) enum WriteKind {
    Put(Item),
    Replace(Replace),
    Update {
        key: Key,
        expression: String,
    },
    Delete(Key),
    /// Writes nothing: the condition alone, which only a transaction can have.
    Check(Key),
}

/// Attributes that a row gets, and others that it loses. All others stay: a newer version of
/// Gatehouse may have put them there, and both versions work on the same table while a deployment
/// moves from one to the other.
#[derive(Clone, Debug)]
pub(super) struct Replace {
    /// With the row's key.
    row: Item,
    absent: Vec<&'static str>,
}

impl Replace {
    /// Returns the key of the row.
    pub(super) fn key(&self) -> Item {
        self.row.iter().filter(|(name, _)| is_key(name)).map(cloned).collect()
    }

    /// Returns `SET … REMOVE …`. Every name is a placeholder, since DynamoDB reserves many words.
    pub(super) fn expression(&self) -> String {
        let sets: Vec<_> = self.set_names().map(|name| format!("#{name} = :_{name}")).collect();
        let removes: Vec<_> = self.absent.iter().map(|name| format!("#{name}")).collect();
        let remove = if removes.is_empty() { "" } else { " REMOVE " };
        format!("SET {}{remove}{}", sets.join(", "), removes.join(", "))
    }

    /// Returns the names behind the placeholders.
    pub(super) fn names(&self) -> HashMap<String, String> {
        let absent = self.absent.iter().copied();
        self.set_names().chain(absent).map(|name| (format!("#{name}"), name.to_owned())).collect()
    }

    fn values(&self) -> impl Iterator<Item = (String, AttributeValue)> {
        let set = self.row.iter().filter(|(name, _)| !is_key(name));
        set.map(|(name, value)| (format!(":_{name}"), value.clone()))
    }

    fn set_names(&self) -> impl Iterator<Item = &str> {
        self.row.keys().map(String::as_str).filter(|name| !is_key(name))
    }

    fn is_done(&self, found: &Item) -> bool {
        self.row.iter().all(|(name, value)| found.get(name) == Some(value))
            && self.absent.iter().all(|name| !found.contains_key(*name))
    }
}

fn is_key(name: &str) -> bool {
    name == PK || name == SK
}

fn cloned((name, value): (&String, &AttributeValue)) -> (String, AttributeValue) {
    (name.clone(), value.clone())
}

impl Write {
    fn new(kind: WriteKind) -> Self {
        Self { kind, condition: None, values: HashMap::new() }
    }

    /// Writes a whole row, whatever was there.
    pub(super) fn put(row: Item) -> Self {
        Self::new(WriteKind::Put(row))
    }

    /// Writes a row that must not exist yet.
    pub(super) fn insert(row: Item) -> Self {
        Self::put(row).when("attribute_not_exists(pk)")
    }

    /// Sets the attributes of `row` and removes those of `optional` that `row` lacks.
    pub(super) fn replace(row: Item, optional: &[&'static str]) -> Self {
        let absent = optional.iter().copied().filter(|name| !row.contains_key(*name)).collect();
        Self::new(WriteKind::Replace(Replace { row, absent }))
    }

    /// Applies an update expression.
    pub(super) fn update(key: Key, expression: impl Into<String>) -> Self {
        Self::new(WriteKind::Update { key, expression: expression.into() })
    }

    pub(super) fn delete(key: Key) -> Self {
        Self::new(WriteKind::Delete(key))
    }

    /// Writes nothing, but requires that a row exists.
    pub(super) fn check_exists(key: Key) -> Self {
        Self::new(WriteKind::Check(key)).when("attribute_exists(pk)")
    }

    /// Sets the condition.
    pub(super) fn when(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// Gives a placeholder of the condition or the expression its value.
    pub(super) fn bind(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// Returns the key of the row.
    pub(super) fn key(&self) -> Key {
        match &self.kind {
            WriteKind::Put(row) | WriteKind::Replace(Replace { row, .. }) => Key::of(row),
            WriteKind::Update { key, .. } | WriteKind::Delete(key) | WriteKind::Check(key) => {
                key.clone()
            }
        }
    }

    /// Returns the values of all placeholders.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        let mut values = self.values.clone();
        if let WriteKind::Replace(replace) = &self.kind {
            values.extend(replace.values());
        }
        (!values.is_empty()).then_some(values)
    }

    /// Returns the same write with a random mark in the row, by which [`Write::is_done`] recognises
    /// it.
    pub(super) fn marked(&self) -> Result<Self, StoreError> {
        let mut marked = self.clone();
        if let WriteKind::Put(row) | WriteKind::Replace(Replace { row, .. }) = &mut marked.kind {
            row.insert("w".to_owned(), number(random()?));
        }
        Ok(marked)
    }

    /// Returns whether the row that did not meet the condition is what this write makes of it. Then
    /// an earlier attempt, whose answer was lost, has done it. (A transaction has its token for
    /// that.)
    pub(super) fn is_done(&self, found: Option<&Item>) -> bool {
        match &self.kind {
            WriteKind::Put(row) => found == Some(row),
            WriteKind::Replace(replace) => found.is_some_and(|found| replace.is_done(found)),
            WriteKind::Update { .. } | WriteKind::Delete(_) | WriteKind::Check(_) => false,
        }
    }

    /// Returns the write as part of a transaction, whose refusal returns the row.
    pub(super) fn transact(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let item = TransactWriteItem::builder();
        let item = match &self.kind {
            WriteKind::Put(row) => Put::builder()
                .table_name(table)
                .set_item(Some(row.clone()))
                .set_condition_expression(self.condition.clone())
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(all_old)
                .build()
                .map(|put| item.put(put)),
            WriteKind::Replace(replace) => Update::builder()
                .table_name(table)
                .set_key(Some(replace.key()))
                .update_expression(replace.expression())
                .set_condition_expression(self.condition.clone())
                .set_expression_attribute_names(Some(replace.names()))
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(all_old)
                .build()
                .map(|update| item.update(update)),
            WriteKind::Update { key, expression } => Update::builder()
                .table_name(table)
                .set_key(Some(key.item()))
                .update_expression(expression)
                .set_condition_expression(self.condition.clone())
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(all_old)
                .build()
                .map(|update| item.update(update)),
            WriteKind::Delete(key) => Delete::builder()
                .table_name(table)
                .set_key(Some(key.item()))
                .set_condition_expression(self.condition.clone())
                .set_expression_attribute_values(self.values())
                .return_values_on_condition_check_failure(all_old)
                .build()
                .map(|delete| item.delete(delete)),
            WriteKind::Check(key) => ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(key.item()))
                .set_condition_expression(self.condition.clone())
                .set_expression_attribute_values(self.values())
                .build()
                .map(|check| item.condition_check(check)),
        };
        let item =
            item.map_err(|error| StoreError::unavailable(Operation::write(&self.key()), error))?;
        Ok(item.build())
    }
}
