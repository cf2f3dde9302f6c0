//! A small DNS server on the loopback, for the TXT records that prove domains.
//!
//! It answers by UDP and by TCP on one port, for each name as the test says.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// The reaction of the server to a question about a name.
#[derive(Clone, Debug)]
pub enum DnsAnswer {
    /// TXT records with these values.
    Txt(Vec<String>),
    /// The same, too long for UDP: the answer there is truncated, and whole by TCP.
    TxtByTcp(Vec<String>),
    /// The name exists and has no TXT record.
    NoData,
    /// The server fails (SERVFAIL), as a lame or broken one does.
    Fails,
    /// The server refuses (REFUSED).
    Refuses,
    /// The server says nothing.
    Silent,
}

/// A running server. It stops when dropped.
pub struct DnsServer {
    address: SocketAddr,
    answers: Answers,
    _tasks: JoinSet<()>,
}

type Answers = Arc<Mutex<HashMap<String, DnsAnswer>>>;

impl DnsServer {
    /// Starts a server that knows no name: every question gets NXDOMAIN.
    pub async fn start() -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().expect("an address");
        let answers = Answers::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&answers)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&answers)));
        Self { address, answers, _tasks: tasks }
    }

    /// The address to ask.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the answer for a name.
    pub fn set(&self, name: &str, answer: DnsAnswer) {
        self.answers.lock().expect("no panic").insert(name.to_owned(), answer);
    }

    /// Answers NXDOMAIN for a name again.
    pub fn remove(&self, name: &str) {
        self.answers.lock().expect("no panic").remove(name);
    }
}

/// A UDP and a TCP socket on one port.
async fn sockets() -> (UdpSocket, TcpListener) {
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    for _ in 0..50 {
        let udp = UdpSocket::bind(any).await.expect("a UDP socket");
        let address = udp.local_addr().expect("an address");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

async fn serve_udp(socket: UdpSocket, answers: Answers) {
    let mut question = [0; 1_500];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut question).await else { continue };
        if let Some(response) = respond(&question[..length], &answers, false) {
            let _ = socket.send_to(&response, from).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, answers: Answers) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve_stream(stream, Arc::clone(&answers)));
    }
}

async fn serve_stream(mut stream: TcpStream, answers: Answers) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; length.into()];
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        let Some(response) = respond(&question, &answers, true) else { return };
        let length = u16::try_from(response.len()).expect("a DNS message");
        let message = [length.to_be_bytes().as_slice(), &response].concat();
        if stream.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// The response to a message with one question (RFC 1035 §4.1); none to stay silent.
fn respond(message: &[u8], answers: &Answers, by_tcp: bool) -> Option<Vec<u8>> {
    let (name, end) = question_name(message)?;
    let answer = answers.lock().expect("no panic").get(&name).cloned();
    let question = &message[12..end + 4];
    let none = Vec::new();
    let (code, truncated, values) = match &answer {
        None => (NXDOMAIN, false, &none),
        Some(DnsAnswer::Txt(values)) => (NOERROR, false, values),
        Some(DnsAnswer::TxtByTcp(values)) if by_tcp => (NOERROR, false, values),
        Some(DnsAnswer::TxtByTcp(_)) => (NOERROR, true, &none),
        Some(DnsAnswer::NoData) => (NOERROR, false, &none),
        Some(DnsAnswer::Fails) => (SERVFAIL, false, &none),
        Some(DnsAnswer::Refuses) => (REFUSED, false, &none),
        Some(DnsAnswer::Silent) => return None,
    };
    let flags = 0x8180_u16 | (u16::from(truncated) << 9) | code;
    let count = u16::try_from(values.len()).expect("few records");
    let mut response = message[..2].to_vec();
    for field in [flags, 1, count, 0, 0] {
        response.extend(field.to_be_bytes());
    }
    response.extend(question);
    for value in values {
        response.extend(txt_record(value));
    }
    Some(response)
}

/// The name of the first question in lower case, and where it ends.
fn question_name(message: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*message.get(at)?);
        if length == 0 {
            return Some((labels.join("."), at + 1));
        }
        let label = message.get(at + 1..at + 1 + length)?;
        labels.push(String::from_utf8_lossy(label).to_lowercase());
        at += 1 + length;
    }
}

/// A TXT record of the name in the question, its value in strings of up to 255 bytes.
fn txt_record(value: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for part in value.as_bytes().chunks(255) {
        data.push(u8::try_from(part.len()).expect("a chunk"));
        data.extend(part);
    }
    if value.is_empty() {
        data.push(0);
    }
    let length = u16::try_from(data.len()).expect("a record");
    let mut record = vec![0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60];
    record.extend(length.to_be_bytes());
    record.extend(data);
    record
}

const NOERROR: u16 = 0;
const SERVFAIL: u16 = 2;
const NXDOMAIN: u16 = 3;
const REFUSED: u16 = 5;
