//! Where a host is.

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

/// Asks the operating system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl ResolveDns for System {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// One who knows, as hyper asks.
#[derive(Clone, Debug)]
pub(super) struct Names(SharedDnsResolver);

impl Names {
    pub(super) fn new(names: impl ResolveDns + 'static) -> Self {
        Self(SharedDnsResolver::new(names))
    }
}

impl Service<Name> for Names {
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
            // hyper puts the port of the URL in its place.
            let found: Vec<_> = found.into_iter().map(without_port).collect();
            Ok(found.into_iter())
        })
    }
}

fn without_port(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, 0)
}
