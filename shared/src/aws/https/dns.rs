//! Name resolution.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use aws_smithy_runtime_api::client::dns::{
    DnsFuture, ResolveDns, ResolveDnsError, SharedDnsResolver,
};
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemDns;

impl ResolveDns for SystemDns {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Adapts a resolver of the SDK to hyper.
#[derive(Clone, Debug)]
pub(super) struct Dns(SharedDnsResolver);

impl Dns {
    pub(super) fn new(dns: impl ResolveDns + 'static) -> Self {
        Self(SharedDnsResolver::new(dns))
    }
}

impl Service<Name> for Dns {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = ResolveDnsError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveDnsError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveDnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.0.clone();
        Box::pin(async move {
            let found = resolver.resolve_dns(name.as_str()).await?;
            // hyper sets the port of the URL.
            let found: Vec<_> = found.into_iter().map(without_port).collect();
            Ok(found.into_iter())
        })
    }
}

fn without_port(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, 0)
}
