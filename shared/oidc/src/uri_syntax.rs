//! The syntax that all URIs of an app have in common: no form in which two programs could read it
//! differently.

use std::net::Ipv6Addr;

/// The reason why a URI cannot be registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUri(pub(super) &'static str);

/// Checks the length of a URI, and that all its characters are ones that a URI can hold.
pub(super) fn check_characters(text: &str) -> Result<(), InvalidUri> {
    let is_plain = |b: u8| b.is_ascii_graphic() && !FORBIDDEN.contains(&b);
    if text.len() > MAX_BYTES || !text.bytes().all(is_plain) {
        return Err(InvalidUri(
            "a URL has at most 2048 ASCII characters, none of them \" < > \\ ^ ` { | } # *",
        ));
    }
    Ok(())
}

/// Checks that a path, which a query may follow, has no dot segment.
pub(super) fn check_path(path: &str) -> Result<(), InvalidUri> {
    let path = path.split('?').next().unwrap_or_default();
    if path.split('/').any(is_dot_segment) {
        return Err(InvalidUri("a path has no . or .. in it"));
    }
    Ok(())
}

/// Returns the host of an authority, if all programs read this form alike.
pub(super) fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, port)
        }
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|b| b.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
    };
    let is_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
    (is_port && !host.is_empty() && host.bytes().all(is_host)).then_some(host)
}

/// Whether a segment is `.` or `..`, also percent-encoded. A browser removes these before it sends
/// the request.
fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

const MAX_BYTES: usize = 2_048;

/// Characters that a URL cannot hold (RFC 3986 §2), the start of a fragment (forbidden by RFC 6749
/// §3.1.2), and the star, by which people mean a pattern.
const FORBIDDEN: &[u8] = b"\"<>\\^`{|}#*";
