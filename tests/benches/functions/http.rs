//! Reads and sends HTTP/1.1 messages, in the subset that the functions and `local` use.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

/// A request or an answer.
pub(crate) struct Message {
    /// Head and body as received.
    pub(crate) bytes: Vec<u8>,
    /// The request line or status line.
    pub(crate) first_line: String,
    /// The body, with its chunks joined.
    pub(crate) body: Vec<u8>,
}

/// Reads one message; `None` if the connection has ended.
pub(crate) fn read(from: &mut impl BufRead) -> Option<Message> {
    let mut bytes = Vec::new();
    let first_line = line(from, &mut bytes)?;
    let (mut length, mut chunked) = (0, false);
    loop {
        let line = line(from, &mut bytes)?.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        chunked |= line.starts_with("transfer-encoding:") && line.ends_with("chunked");
        if line.is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    while chunked {
        let size = usize::from_str_radix(&line(from, &mut bytes)?, 16).unwrap();
        take(from, size, &mut bytes, &mut body)?;
        line(from, &mut bytes)?;
        chunked = size > 0;
    }
    take(from, length, &mut bytes, &mut body)?;
    Some(Message { bytes, first_line, body })
}

/// Sends a request to `host:port` and reads the answer.
pub(crate) fn call(address: &str, request: &[u8]) -> Message {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_nodelay(true).unwrap();
    connection.write_all(request).unwrap();
    read(&mut std::io::BufReader::new(connection)).unwrap()
}

fn line(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> Option<String> {
    let start = bytes.len();
    // An error between messages is taken as the end of the connection.
    let read = from.read_until(b'\n', bytes).ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&bytes[start..]).trim_end().to_owned())
}

fn take(
    from: &mut impl Read,
    length: usize,
    bytes: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Option<()> {
    let mut part = vec![0; length];
    from.read_exact(&mut part).ok()?;
    bytes.extend_from_slice(&part);
    body.extend(part);
    Some(())
}
