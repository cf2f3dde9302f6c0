//! SIGKILL in the middle of everything.

use std::collections::HashSet;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::instance::{Instance, directory, try_http};

const WRITERS: usize = 20;

#[test]
fn killed_under_load_it_has_lost_nothing_it_acknowledged() {
    let directory = directory("killed");
    let instance = Instance::on(&directory);
    let dynamodb = instance.fact("/aws/dynamodb_endpoint").to_owned();
    let secrets = instance.fact("/aws/secretsmanager_endpoint").to_owned();
    let table = instance.fact("/aws/table").to_owned();

    let (acknowledge, acknowledged) = mpsc::channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (acknowledge, table) = (acknowledge.clone(), table.clone());
            let (dynamodb, secrets) = (dynamodb.clone(), secrets.clone());
            thread::spawn(move || {
                // Until the process is gone, which the writer sees as a failed call.
                for number in 0.. {
                    let key = format!("{writer}-{number}");
                    // One secret for many items, as one token is for many users.
                    let sent = if number % 8 == 7 {
                        put_secret(&secrets, &key)
                    } else {
                        put_item(&dynamodb, &table, &key)
                    };
                    if !sent || acknowledge.send(key).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(acknowledge);

    let mut keys: Vec<String> = acknowledged.iter().take(400).collect();
    instance.kill();
    for writer in writers {
        writer.join().unwrap();
    }
    // What was acknowledged between the decision to kill and the death.
    keys.extend(acknowledged);

    let instance = Instance::on(&directory);
    let stored = stored(&instance);
    let lost: Vec<_> = keys.iter().filter(|key| !stored.contains(*key)).collect();
    assert!(keys.len() >= 400);
    assert!(lost.is_empty(), "{lost:?} of {}", keys.len());
}

fn put_item(endpoint: &str, table: &str, key: &str) -> bool {
    let item = json!({"pk": {"S": key}, "sk": {"S": key}});
    call(endpoint, "DynamoDB_20120810.PutItem", &json!({"TableName": table, "Item": item}))
        .is_some()
}

fn put_secret(endpoint: &str, key: &str) -> bool {
    let secret = json!({"Name": key, "SecretString": key});
    call(endpoint, "secretsmanager.CreateSecret", &secret).is_some()
}

/// Every key, of items and of secrets.
fn stored(instance: &Instance) -> HashSet<String> {
    let dynamodb = instance.fact("/aws/dynamodb_endpoint");
    let mut keys = HashSet::new();
    let mut scan = json!({"TableName": instance.fact("/aws/table")});
    loop {
        let page = call(dynamodb, "DynamoDB_20120810.Scan", &scan).unwrap();
        let items = page["Items"].as_array().unwrap();
        keys.extend(items.iter().map(|item| item["pk"]["S"].as_str().unwrap().to_owned()));
        let Some(last) = page.get("LastEvaluatedKey") else { break };
        scan["ExclusiveStartKey"] = last.clone();
    }
    let secrets = instance.fact("/aws/secretsmanager_endpoint");
    let list = call(secrets, "secretsmanager.ListSecrets", &json!({})).unwrap();
    let secrets = list["SecretList"].as_array().unwrap();
    keys.extend(secrets.iter().map(|secret| secret["Name"].as_str().unwrap().to_owned()));
    keys
}

/// The answer, once there is one; anything but success fails the test.
fn call(endpoint: &str, target: &str, body: &Value) -> Option<Value> {
    let (status, answer) =
        try_http("POST", endpoint, &[("X-Amz-Target", target)], &body.to_string())?;
    assert_eq!(status, 200, "{answer}");
    Some(serde_json::from_str(&answer).unwrap_or_default())
}
