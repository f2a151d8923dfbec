//! Certificate authorities of one's own.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::super::HttpClient;
use super::certificates::{certificate, pem};
use super::{answer, call, client_with, listen, summary};
use crate::disk::SystemDisk;
use crate::settings::Settings;

async fn serve_tls(certificate: &[u8], key: Vec<u8>) -> SocketAddr {
    serve_tls_to(certificate, key, None).await
}

/// Serves those who show a certificate of this authority, or everybody.
async fn serve_tls_to(certificate: &[u8], key: Vec<u8>, client: Option<&[u8]>) -> SocketAddr {
    let chain = vec![CertificateDer::from(certificate.to_vec())];
    let builder = match client {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(authority.to_vec())).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into());
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    listen(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(answer("200 OK", "", "{}").as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    })
    .await
}

#[tokio::test]
async fn authority_of_the_task_or_of_the_settings_is_trusted_and_no_other_is() {
    let (certificate, key) = certificate();
    let address = serve_tls(&certificate, key).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), pem("CERTIFICATE", &certificate)).unwrap();
    std::fs::write(folder.path().join("none.pem"), "no certificate").unwrap();
    let client = |ca_file: Option<&str>| {
        let mut http = Settings::default().http;
        http.ca_file = ca_file.map(str::to_owned);
        HttpClient::new(http, Vec::new(), Arc::new(SystemDisk), folder.path().to_path_buf())
    };
    let input = |ca_file: &str| json!({"uri": format!("https://{address}/"), "method": "POST", "caFile": ca_file});
    let none = json!({"uri": format!("https://{address}/"), "method": "POST"});

    assert_eq!(summary(&call(&client(None), &input("ca.pem")).await), "response 200");
    assert_eq!(summary(&call(&client(Some("ca.pem")), &none).await), "response 200");
    let refused = summary(&call(&client_with(|_| {}, &[]), &none).await);
    assert!(refused.starts_with(&format!("not sent: no connection to {address}: ")), "{refused}");
    assert!(refused.contains("certificate"), "{refused}");
    let elsewhere =
        json!({"uri": format!("https://localhost:{}/", address.port()), "method": "POST", "caFile": "ca.pem"});
    let refused = summary(&call(&client(None), &elsewhere).await);
    assert!(refused.starts_with("not sent: ") && refused.contains("name"), "{refused}");
    let empty = "failed: the certificates in `none.pem` cannot be used: it holds no certificate";
    assert_eq!(summary(&call(&client(None), &input("none.pem")).await), empty);
    let missing = summary(&call(&client(None), &input("missing.pem")).await);
    assert!(missing.starts_with("failed: the certificates in `missing.pem` cannot be used: "), "{missing}");
}

#[tokio::test]
async fn a_client_shows_the_certificate_of_its_task_and_no_other_task_uses_its_connection() {
    let (server, server_key) = certificate();
    let (own, own_key) = certificate();
    let (other, other_key) = certificate();
    let address = serve_tls_to(&server, server_key, Some(&own)).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), pem("CERTIFICATE", &server)).unwrap();
    let client =
        HttpClient::new(Settings::default().http, Vec::new(), Arc::new(SystemDisk), folder.path().to_path_buf());
    let input = |more: Value| {
        let mut input = json!({"uri": format!("https://{address}/"), "method": "GET", "caFile": "ca.pem"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let made = |input: Value| {
        let client = &client;
        async move { summary(&call(client, &input).await) }
    };
    let (certificate, key) = (pem("CERTIFICATE", &own), pem("PRIVATE KEY", &own_key));
    assert_eq!(made(input(json!({"clientCertificate": certificate, "clientKey": key}))).await, "response 200");
    assert_eq!(made(input(json!({"clientCertificate": format!("{key}{certificate}")}))).await, "response 200");
    let stranger =
        json!({"clientCertificate": pem("CERTIFICATE", &other), "clientKey": pem("PRIVATE KEY", &other_key)});
    for refused in [json!({}), stranger] {
        let refused = made(input(refused)).await;
        assert!(!refused.starts_with("response"), "{refused}");
    }
    for (wrong, said) in [
        (json!({"clientKey": key}), "failed: `clientCertificate` must be given where there is a clientKey"),
        (json!({"clientCertificate": "no PEM", "clientKey": "nor this"}), "failed: `clientCertificate` must be PEM"),
        (json!({"clientCertificate": certificate}), "failed: `clientCertificate` must be PEM"),
        (
            json!({"clientCertificate": certificate, "clientKey": key, "uri": format!("http://{address}/")}),
            "failed: `uri` must be an https URL where a clientCertificate is given",
        ),
    ] {
        let told = made(input(wrong)).await;
        assert!(told.starts_with(said), "{told}");
    }
}
