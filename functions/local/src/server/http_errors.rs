//! Makes HTTP/1.1 of this server as tolerant and as talkative as API Gateway.
//!
//! API Gateway encodes the characters of a request target that should be encoded, as the quotes in
//! `?filter=userName eq "ada"` of many examples, and answers a malformed request with a JSON body.
//! hyper refuses such a target, and its answers to malformed requests are empty. Both are mended on
//! the connection, below hyper, since it has no hook for them.

mod request_line;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::request_line::{Place, encode};

/// A listener whose connections encode request targets and give answers to malformed requests a
/// body.
pub(super) struct HttpErrors<L>(pub(super) L);

impl<L: Listener> Listener for HttpErrors<L>
where
    L::Io: Unpin,
{
    type Io = Connection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (io, address) = self.0.accept().await;
        (Connection::new(io), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection of [`HttpErrors`].
pub(super) struct Connection<Io> {
    io: Io,
    /// Place of the next bytes to read.
    place: Place,
    /// Encoded bytes that did not fit in the buffer of the reader.
    unread: Vec<u8>,
    /// An answer that is written instead of hyper's, and the number of its bytes that are written.
    answer: Option<(Vec<u8>, usize)>,
}

impl<Io> Connection<Io> {
    const fn new(io: Io) -> Self {
        Self { io, place: Place::Start, unread: Vec::new(), answer: None }
    }

    /// Moves bytes that were read before into a buffer.
    fn deliver(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.unread.len().min(buffer.remaining());
        let rest = self.unread.split_off(length);
        buffer.put_slice(&self.unread);
        self.unread = rest;
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Connection<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            let Some(encoded) = encode(read, &mut self.place) else { return Poll::Ready(Ok(())) };
            buffer.set_filled(before);
            self.unread = encoded;
        }
        self.deliver(buffer);
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Connection<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.place = Place::Start;
        if this.answer.is_none() {
            this.answer = with_body(bytes).map(|answer| (answer, 0));
        }
        let Some((answer, written)) = &mut this.answer else {
            return Pin::new(&mut this.io).poll_write(context, bytes);
        };
        while let Some(rest) = answer.get(*written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut this.io).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => *written += length,
            }
        }
        this.answer = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        if let Some(first) = first
            && (self.answer.is_some() || with_body(first).is_some())
        {
            return self.poll_write(context, first);
        }
        self.place = Place::Start;
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// Returns an answer with a body, if the bytes are the whole of hyper's answer to a request that it
/// cannot parse.
fn with_body(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(bytes).ok()?;
    let (_, message) = MESSAGES.iter().find(|(status, _)| text.starts_with(status))?;
    let head = text.strip_suffix("\r\n\r\n").filter(|head| !head.contains("\r\n\r\n"))?;
    let (before, after) = head.split_once("\r\ncontent-length: 0")?;
    let body = format!("{{\"message\":\"{message}\"}}");
    let length = body.len();
    let headers = format!("content-type: application/json\r\ncontent-length: {length}");
    Some(format!("{before}\r\n{headers}{after}\r\n\r\n{body}").into_bytes())
}

/// The statuses of hyper's answers to requests that it cannot parse.
const MESSAGES: [(&str, &str); 3] = [
    ("HTTP/1.1 400 ", "Bad Request: the request line or a header is malformed"),
    ("HTTP/1.1 414 ", "URI Too Long"),
    ("HTTP/1.1 431 ", "Request Header Fields Too Large"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_answer_to_a_malformed_request_gets_a_body() {
        let head = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let answer = String::from_utf8(with_body(head).unwrap()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(body.starts_with("{\"message\":\"Bad Request"), "{body}");
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            "{\"title\":\"HTTP/1.1 400 \"}",
        ] {
            assert_eq!(with_body(other.as_bytes()), None, "{other}");
        }
    }
}
