//! Asks DNS for the TXT records that prove domains.
//!
//! Only functions that check domains link this. A time-out or a failing server is an error and
//! never an absent record, so that an outage of DNS takes no domain away.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};

/// DNS could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum DnsClientError {
    /// The resolver of this machine is not configured.
    #[error("could not read the configuration of DNS")]
    Configuration(#[source] Box<NetError>),
    /// No server answered, or one answered with a failure.
    #[error("could not get an answer from DNS")]
    NoAnswer(#[source] Box<NetError>),
}

/// A client of one resolver. It keeps no answers.
pub struct DnsClient {
    resolver: TokioResolver,
}

impl DnsClient {
    /// A client of `server`, or of the resolver that the machine is configured with.
    ///
    /// # Errors
    ///
    /// [`DnsClientError::Configuration`] when the machine has no usable configuration.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, DnsClientError> {
        let configuration = |error| DnsClientError::Configuration(Box::new(error));
        let mut builder = match server {
            Some(server) => {
                let config = ResolverConfig::from_name_servers(vec![name_server(server)]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => Resolver::builder_tokio().map_err(configuration)?,
        };
        *builder.options_mut() = options();
        Ok(Self { resolver: builder.build().map_err(configuration)? })
    }

    /// The values of the TXT records of a name, each with its strings joined (RFC 7208 §3.3). No
    /// values when the name does not exist or has no TXT record.
    ///
    /// # Errors
    ///
    /// [`DnsClientError::NoAnswer`] when no server answers in time, or one refuses or fails.
    pub async fn txt_values(&self, name: &str) -> Result<Vec<String>, DnsClientError> {
        let answer = match self.resolver.txt_lookup(format!("{name}.")).await {
            Ok(answer) => answer,
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) if is_absent(none.response_code) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(DnsClientError::NoAnswer(Box::new(error))),
        };
        let values = answer.answers().iter().filter_map(|record| {
            let RData::TXT(txt) = &record.data else { return None };
            Some(joined(txt.txt_data.iter().map(AsRef::as_ref)))
        });
        // A message has at most 64 KiB, which bounds their number.
        Ok(values.collect())
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let with_port = |mut connection: ConnectionConfig| {
        connection.port = server.port();
        connection
    };
    let connections = vec![with_port(ConnectionConfig::udp()), with_port(ConnectionConfig::tcp())];
    NameServerConfig::new(server.ip(), true, connections)
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = TIMEOUT;
    options.attempts = ATTEMPTS;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.edns_payload_len = 1_232;
    options
}

/// NXDOMAIN, or an answer without the record.
fn is_absent(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::NXDomain | ResponseCode::NoError)
}

fn joined<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let bytes: Vec<u8> = parts.flatten().copied().take(LONGEST_VALUE).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Time for one attempt.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Attempts after the first.
const ATTEMPTS: usize = 1;

/// Bytes of a value that are looked at; ours has 57.
const LONGEST_VALUE: usize = 512;
