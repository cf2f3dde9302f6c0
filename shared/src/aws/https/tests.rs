use std::net::SocketAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDnsError};
use aws_smithy_types::retry::ErrorKind;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Whether a host closes the connection after its response.
#[derive(Clone, Copy)]
enum Manner {
    Closes,
    Stays,
}

/// A host that sends `answer` to every request, with `N` replaced by the number of the connection.
async fn host(answer: &'static str, manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for connection in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.replace('N', &connection.to_string());
            let mut request = [0; 4_096];
            while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                stream.write_all(answer.as_bytes()).await.unwrap();
                if matches!(manner, Manner::Closes) {
                    break;
                }
            }
        }
    });
    address
}

fn client() -> Https {
    Https::new(Trust::Only(&[]), SystemDns).unwrap()
}

async fn get(client: &Https, url: String) -> Result<String, ConnectorError> {
    let response = client.call(HttpRequest::get(url).unwrap()).await?;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_connection_is_reused() {
    let host = host("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nN", Manner::Stays).await;
    let client = client();
    for _ in 0..2 {
        assert_eq!(get(&client, format!("http://{host}/")).await.unwrap(), "1");
    }
}

#[tokio::test]
async fn a_poisoned_connection_is_not_reused() {
    let host = host("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nN", Manner::Stays).await;
    let client = client();
    let capture = CaptureSmithyConnection::new();
    let mut request = HttpRequest::get(format!("http://{host}/")).unwrap();
    request.add_extension(capture.clone());
    let response = client.call(request).await.unwrap();
    let connection = capture.get().unwrap();
    assert_eq!(connection.remote_addr(), Some(host));
    connection.poison();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "1");
    assert_eq!(get(&client, format!("http://{host}/")).await.unwrap(), "2");
}

#[tokio::test]
async fn a_truncated_response_is_retried() {
    let host = host("HTTP/1.1 20", Manner::Closes).await;
    let error = get(&client(), format!("http://{host}/")).await.unwrap_err();
    assert_eq!(error.as_other(), Some(ErrorKind::TransientError), "{error:?}");
}

#[tokio::test]
async fn a_refused_connection_is_an_io_error() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = get(&client(), format!("http://{unused}/")).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[tokio::test]
async fn an_unknown_host_is_an_io_error() {
    #[derive(Debug)]
    struct Nowhere;
    impl ResolveDns for Nowhere {
        fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
            DnsFuture::ready(Err(ResolveDnsError::new(format!("where is {name}?"))))
        }
    }
    let client = Https::new(Trust::Only(&[]), Nowhere).unwrap();
    let error = get(&client, "http://host.example/".to_owned()).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_tls_host_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let error = get(&client(), url).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_host_without_tls_is_an_io_error() {
    let host = host("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nN", Manner::Closes).await;
    let error = get(&client(), format!("https://{host}/")).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[test]
fn trust_anchors_that_are_no_certificates_are_refused() {
    for anchor in [b"".as_slice(), b"\x30\0", b"-----BEGIN CERTIFICATE-----"] {
        assert!(Https::new(Trust::Only(&[anchor]), SystemDns).is_err());
    }
}
