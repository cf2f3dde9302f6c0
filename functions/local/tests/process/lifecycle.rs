//! Start, errors at the start, and stop.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::instance::{Instance, command, directory, http, split};

#[test]
fn a_new_instance_prints_one_line_and_responds() {
    let instance = Instance::ephemeral();
    let base_url = instance.fact("/base_url").to_owned();
    assert_eq!(http("GET", &format!("{base_url}/health"), &[], "").0, 200);
    instance.signal("TERM");
    let (status, rest) = instance.end();
    assert!(status.success());
    assert_eq!(rest, "");
}

#[test]
fn a_taken_port_is_reported_with_advice() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    check_start_error(&["--ephemeral", "--port", &port], &[&port, "is taken", "--port"]);
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let directory = directory("second_process");
    let path = directory.to_str().unwrap();
    let first = Instance::on(&directory);
    check_start_error(&["--data", path, "--port", "0"], &[path, "in use", "--data"]);

    // The lock ends with its process, even if that is killed.
    first.kill();
    Instance::on(&directory);
}

#[test]
fn an_unwritable_data_directory_is_reported_with_advice() {
    let file = directory("no_directory").join("file");
    std::fs::write(&file, "").unwrap();
    let path = file.to_str().unwrap();
    check_start_error(&["--data", path, "--port", "0"], &[path, "--data"]);
}

#[test]
fn a_request_in_progress_completes_before_the_stop() {
    for signal in ["INT", "TERM"] {
        let instance = Instance::ephemeral();
        let endpoint = instance.fact("/aws/dynamodb_endpoint").to_owned();
        let (authority, _) = split(&endpoint);
        let mut connection = TcpStream::connect(authority).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {authority}\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
             Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        // The server sends this when it waits for the body.
        let mut interim = [0; 25];
        connection.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

        instance.signal(signal);
        // The listener closes when the signal arrives.
        while TcpStream::connect(authority).is_ok() {}
        connection.write_all(b"{}").unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        assert!(instance.end().0.success());
    }
}

/// Checks that the process ends with exit code 1 and one line that contains all of `hints`.
fn check_start_error(arguments: &[&str], hints: &[&str]) {
    let output = command(arguments).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(output.stdout, b"");
    assert_eq!(error.lines().count(), 1, "{error}");
    for hint in hints {
        assert!(error.contains(hint), "{hint} in {error}");
    }
}
