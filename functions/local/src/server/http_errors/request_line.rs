//! Encodes the target of a request line.

/// Place of the next bytes in the requests of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A request may begin: nothing was read since the last answer.
    Start,
    /// Within a request line.
    RequestLine,
    /// In headers or a body.
    Elsewhere,
}

/// Returns the bytes with the target of the request line encoded; `None` if there is nothing to
/// encode. Moves the place to that of the bytes that follow.
///
/// Blanks stay: the target ends at the first one.
pub(super) fn encode(bytes: &[u8], place: &mut Place) -> Option<Vec<u8>> {
    let is_start = || METHODS.iter().any(|method| bytes.starts_with(method.as_bytes()));
    let is_line = match *place {
        Place::Start => is_start(),
        Place::RequestLine => true,
        Place::Elsewhere => false,
    };
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    *place = if is_line && end.is_none() { Place::RequestLine } else { Place::Elsewhere };
    let (line, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len()))?;
    if !is_line || !line.iter().any(|byte| must_be_encoded(*byte)) {
        return None;
    }
    let mut encoded = Vec::with_capacity(bytes.len() + 16);
    for byte in line {
        if must_be_encoded(*byte) {
            encoded.extend(format!("%{byte:02X}").bytes());
        } else {
            encoded.push(*byte);
        }
    }
    encoded.extend(rest);
    Some(encoded)
}

const fn must_be_encoded(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

/// Beginnings of request lines. No JSON body begins with one.
const METHODS: [&str; 7] =
    ["GET /", "HEAD /", "POST /", "PUT /", "PATCH /", "DELETE /", "OPTIONS /"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes bytes that are read in these pieces.
    fn encoded(pieces: &[&str]) -> String {
        let mut place = Place::Start;
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(encode(piece.as_bytes(), &mut place).unwrap_or_else(|| (*piece).into()));
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn the_quotes_of_a_target_are_encoded_and_nothing_else() {
        let pieces =
            ["GET /Users?filter=", "a+eq+\"b\"", " HTTP/1.1\r\nhost: \"x\"\r\n", "\r\n\"\""];
        let expected = "GET /Users?filter=a+eq+%22b%22 HTTP/1.1\r\nhost: \"x\"\r\n\r\n\"\"";
        assert_eq!(encoded(&pieces), expected);
        assert_eq!(encoded(&[&pieces.concat()]), expected);
        for other in ["GET /Users?a=%22 HTTP/1.1\r\n\r\n", "{\"userName\": \"GET /\"}"] {
            assert_eq!(encoded(&[other]), other);
        }
    }
}
