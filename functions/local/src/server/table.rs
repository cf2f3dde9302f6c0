//! The one table, until the store makes it itself.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

/// Makes the table unless it is there.
pub(super) async fn create(client: &Client, name: &str) -> Result<(), TableError> {
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (key, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        request = request
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(key)
                    .attribute_type(ScalarAttributeType::S)
                    .build()?,
            )
            .key_schema(KeySchemaElement::builder().attribute_name(key).key_type(kind).build()?);
    }
    match request.send().await.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
        Err(error) if !error.is_resource_in_use_exception() => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum TableError {
    /// The request is wrong.
    Request(#[from] BuildError),
    /// The database refuses.
    Refused(#[from] CreateTableError),
}
