//! The embedded database through the SDK client.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType,
    TimeToLiveSpecification, TransactWriteItem, Update,
};

use super::{CallLog, Dynamo, Endpoint, Fault, Faults, client_over};

const TABLE: &str = "table";

#[tokio::test]
async fn a_written_item_can_be_read() {
    let client = table(Dynamo::memory().unwrap().client()).await;
    put(&client, "a").await;
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn a_failed_condition_is_the_error_of_the_sdk() {
    let client = table(Dynamo::memory().unwrap().client()).await;
    put(&client, "a").await;
    let again = client
        .put_item()
        .table_name(TABLE)
        .item("pk", S("a".to_owned()))
        .condition_expression("attribute_not_exists(pk)");
    let error = again.send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
}

#[tokio::test]
async fn a_reopened_database_holds_the_written_items() {
    let directory = std::env::temp_dir().join(format!("gatehouse-reopen-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    {
        let client = table(Dynamo::open(&directory).unwrap().client()).await;
        put(&client, "a").await;
    }
    let client = Dynamo::open(&directory).unwrap().client();
    assert_eq!(count(&client).await, 1);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn only_expired_items_are_swept() {
    let dynamo = Dynamo::memory().unwrap();
    let client = table(dynamo.client()).await;
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name("ttl").build();
    client
        .update_time_to_live()
        .table_name(TABLE)
        .time_to_live_specification(ttl.unwrap())
        .send()
        .await
        .unwrap();
    for (key, ttl) in [("expired", "1"), ("live", "99999999999")] {
        let item = client.put_item().table_name(TABLE).item("pk", S(key.to_owned()));
        item.item("ttl", N(ttl.to_owned())).send().await.unwrap();
    }
    assert_eq!(dynamo.sweep_ttl().unwrap(), 1);
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn a_transaction_conflict_names_the_item_and_applies_nothing() {
    let faults = Faults::over(Dynamo::memory().unwrap());
    let client = table(client_over(faults.clone())).await;
    faults.fail("TransactWriteItems", 2, Fault::TransactionConflict);

    put_both(&client, ["a", "b"]).await.unwrap();
    let error = put_both(&client, ["c", "d"]).await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(error) = error else {
        panic!("{error:?}");
    };
    let codes: Vec<_> =
        error.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    assert_eq!(count(&client).await, 2);
    assert_eq!(faults.pending(), 0);
}

#[tokio::test]
async fn a_lost_response_is_applied_and_a_lost_request_is_not() {
    let faults = Faults::over(Dynamo::memory().unwrap());
    let client = table(retrying(&client_over(faults.clone()), RetryConfig::disabled())).await;
    for (fault, applied) in [(Fault::LostRequest, 0), (Fault::LostResponse, 2)] {
        faults.fail("TransactWriteItems", 1, fault);
        let error = put_both(&client, ["a", "b"]).await.unwrap_err();
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(count(&client).await, applied);
    }
}

#[tokio::test]
async fn the_sdk_retries_the_errors_that_it_retries_on_aws() {
    let faults = Faults::over(Dynamo::memory().unwrap());
    let quick = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let client = table(retrying(&client_over(faults.clone()), quick)).await;
    for fault in [
        Fault::ProvisionedThroughputExceeded,
        Fault::Throttling,
        Fault::InternalServerError,
        Fault::LostRequest,
    ] {
        faults.fail("PutItem", 1, fault);
        put(&client, "a").await;
        assert_eq!(faults.pending(), 0);
    }
}

#[tokio::test]
async fn the_call_log_has_operations_and_capacity_units() {
    let log = CallLog::over(Dynamo::memory().unwrap());
    let client = table(client_over(log.clone())).await;
    log.take();

    put(&client, "a").await;
    put_both(&client, ["b", "c"]).await.unwrap();
    client.get_item().table_name(TABLE).key("pk", S("a".to_owned())).send().await.unwrap();
    let calls: Vec<_> = log
        .take()
        .into_iter()
        .map(|call| (call.operation, call.status, call.read_units, call.write_units))
        .collect();
    let expected = [
        ("PutItem", 200, 0.0, 1.0),
        ("TransactWriteItems", 200, 0.0, 4.0),
        ("GetItem", 200, 0.5, 0.0),
    ];
    assert_eq!(
        calls,
        expected.map(|(name, status, reads, writes)| (name.to_owned(), status, reads, writes))
    );
    assert_eq!(log.take(), []);
}

#[tokio::test]
async fn a_transaction_has_a_token_only_where_its_response_may_be_lost() {
    let in_process = CallLog::over(Dynamo::memory().unwrap());
    assert_eq!(tokens_of_a_transaction(&in_process).await, [false]);
    let with_faults = CallLog::over(Faults::over(Dynamo::memory().unwrap()));
    assert_eq!(tokens_of_a_transaction(&with_faults).await, [true]);
}

#[tokio::test]
async fn a_transaction_whose_response_is_lost_is_sent_again_without_a_second_effect() {
    let faults = Faults::over(Dynamo::memory().unwrap());
    let client = table(client_over(faults.clone())).await;
    faults.fail("TransactWriteItems", 1, Fault::LostResponse);
    add_to_counter(&client).await;
    let counter = client.get_item().table_name(TABLE).key("pk", S("counter".to_owned()));
    let counter = counter.send().await.unwrap().item.unwrap();
    assert_eq!((faults.pending(), &counter["n"]), (0, &N("1".to_owned())));
}

/// Commits a transaction and returns whether it had a token.
async fn tokens_of_a_transaction<E: Endpoint + Clone>(log: &CallLog<E>) -> Vec<bool> {
    let client = table(client_over(log.clone())).await;
    put_both(&client, ["a", "b"]).await.unwrap();
    let calls = log.take().into_iter().filter(|call| call.operation == "TransactWriteItems");
    calls.map(|call| call.has_token).collect()
}

/// Adds 1 to a counter in a transaction.
async fn add_to_counter(client: &Client) {
    let update = Update::builder()
        .table_name(TABLE)
        .key("pk", S("counter".to_owned()))
        .update_expression("ADD n :one")
        .expression_attribute_values(":one", N("1".to_owned()));
    let item = TransactWriteItem::builder().update(update.build().unwrap()).build();
    client.transact_write_items().transact_items(item).send().await.unwrap();
}

async fn table(client: Client) -> Client {
    let key = AttributeDefinition::builder()
        .attribute_name("pk")
        .attribute_type(ScalarAttributeType::S)
        .build();
    let schema = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build();
    client
        .create_table()
        .table_name(TABLE)
        .attribute_definitions(key.unwrap())
        .key_schema(schema.unwrap())
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    client
}

async fn put(client: &Client, key: &str) {
    client.put_item().table_name(TABLE).item("pk", S(key.to_owned())).send().await.unwrap();
}

async fn put_both(
    client: &Client,
    keys: [&str; 2],
) -> Result<(), SdkError<TransactWriteItemsError>> {
    let put = |key: &str| {
        let put = Put::builder().table_name(TABLE).item("pk", S(key.to_owned())).build();
        TransactWriteItem::builder().put(put.unwrap()).build()
    };
    let [first, second] = keys.map(put);
    client
        .transact_write_items()
        .transact_items(first)
        .transact_items(second)
        .send()
        .await
        .map(drop)
}

async fn count(client: &Client) -> i32 {
    client.scan().table_name(TABLE).send().await.unwrap().count()
}

fn retrying(client: &Client, retries: RetryConfig) -> Client {
    let config = client.config().to_builder().retry_config(retries);
    Client::from_conf(config.build())
}
