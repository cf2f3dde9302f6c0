//! SIGKILL under load.

use std::collections::HashSet;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::demo::create_user_at;
use crate::instance::{Instance, directory, http, try_http};

const WRITERS: usize = 20;

#[test]
fn a_killed_process_loses_no_acknowledged_item_or_secret() {
    let directory = directory("killed");
    let instance = Instance::on(&directory);
    let dynamodb = instance.fact("/aws/dynamodb_endpoint").to_owned();
    let secrets = instance.fact("/aws/secretsmanager_endpoint").to_owned();
    let table = instance.fact("/aws/table").to_owned();
    let keys = kill_under_load(instance, 400, move |key, number| {
        // One secret for many items, as one token is for many users.
        let sent = if number % 8 == 7 {
            put_secret(&secrets, key)
        } else {
            put_item(&dynamodb, &table, key)
        };
        sent.then(|| key.to_owned())
    });
    let stored = stored(&Instance::on(&directory));
    let lost: Vec<_> = keys.iter().filter(|key| !stored.contains(*key)).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", keys.len());
}

#[test]
fn a_killed_process_loses_no_acknowledged_user() {
    let directory = directory("killed_users");
    let instance = Instance::on(&directory);
    let users = format!("{}/Users", instance.fact("/scim/base_url"));
    let token = instance.fact("/scim/token").to_owned();
    let ids = kill_under_load(instance, 200, move |key, _| create_user_at(&users, &token, key));

    let instance = Instance::on(&directory);
    let token = format!("Bearer {}", instance.fact("/scim/token"));
    for id in ids {
        let url = format!("{}/Users/{id}", instance.fact("/scim/base_url"));
        assert_eq!(http("GET", &url, &[("Authorization", &token)], "").0, 200, "{id}");
    }
}

/// Writes from many threads until `enough` writes are acknowledged, then kills the process. `write`
/// gets a unique key and the number of earlier keys of its thread. It returns the acknowledged
/// value, or `None` once the process has ended. Returns all acknowledged values.
fn kill_under_load(
    instance: Instance,
    enough: usize,
    write: impl Fn(&str, usize) -> Option<String> + Clone + Send + 'static,
) -> Vec<String> {
    let (acknowledge, acknowledged) = mpsc::channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (write, acknowledge) = (write.clone(), acknowledge.clone());
            thread::spawn(move || {
                let mut number = 0;
                while let Some(key) = write(&format!("{writer}-{number}"), number) {
                    acknowledge.send(key).unwrap();
                    number += 1;
                }
            })
        })
        .collect();
    drop(acknowledge);

    let mut keys: Vec<String> = acknowledged.iter().take(enough).collect();
    assert_eq!(keys.len(), enough);
    instance.kill();
    for writer in writers {
        writer.join().unwrap();
    }
    // Writes that were acknowledged before the signal arrived.
    keys.extend(acknowledged);
    keys
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

/// Returns the keys of all items and secrets.
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

/// Returns the response, or `None` once the process has ended. An error response fails the test.
fn call(endpoint: &str, target: &str, body: &Value) -> Option<Value> {
    let (status, response) =
        try_http("POST", endpoint, &[("X-Amz-Target", target)], &body.to_string())?;
    assert_eq!(status, 200, "{response}");
    Some(serde_json::from_str(&response).unwrap_or_default())
}
