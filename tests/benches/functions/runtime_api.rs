//! Serves Lambda's Runtime API, from which a function gets its requests and to which it sends its
//! answers.

use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::http;

/// The Runtime API of one process.
pub(crate) struct RuntimeApi {
    /// `host:port`, as in `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    events: Sender<String>,
    seen: Receiver<Seen>,
}

/// A call of the process.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It has asked for a request.
    Poll,
    /// It has sent this answer.
    Answer(String),
}

impl RuntimeApi {
    /// Listens for a process.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (events, waiting) = channel();
        let (see, seen) = channel();
        // One connection at a time, because the process makes one call after the other.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                connection.set_nodelay(true).unwrap();
                serve(connection, &waiting, &see);
            }
        });
        Self { address, events, seen }
    }

    /// Sends a request, now or as soon as the process asks for it.
    pub(crate) fn invoke(&self, event: &str) {
        self.events.send(event.to_owned()).unwrap();
    }

    /// Waits until the process has asked for a request.
    pub(crate) fn poll(&self) {
        match self.seen.recv().unwrap() {
            Seen::Poll => {}
            Seen::Answer(answer) => unreachable!("an answer without a request: {answer}"),
        }
    }

    /// Waits for the answer to a request.
    pub(crate) fn answer(&self) -> String {
        loop {
            if let Seen::Answer(answer) = self.seen.recv().unwrap() {
                return answer;
            }
        }
    }
}

fn serve(connection: TcpStream, events: &Receiver<String>, see: &Sender<Seen>) {
    let mut connection = BufReader::new(connection);
    while let Some(request) = http::read(&mut connection) {
        let reply = if request.first_line.starts_with("GET ") {
            // Fails at the end of a run, when the receiver is dropped.
            let _ = see.send(Seen::Poll);
            let Ok(event) = events.recv() else { return };
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                 lambda-runtime-aws-request-id: r1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
                 lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:bench\r\n\
                 content-length: {}\r\n\r\n{event}",
                event.len()
            )
        } else {
            let _ = see.send(Seen::Answer(String::from_utf8_lossy(&request.body).into_owned()));
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
        };
        if connection.get_mut().write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}
