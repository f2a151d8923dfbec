//! TLS at the port, with real certificates over loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keytide::api::{Limits, Openness, Tls, TlsFiles, TlsListener, bind_tcp, router, serve};
use keytide::client::{Client, Error, Method, Request};
use keytide::disk::SystemDisk;
use keytide::door::Door;
use tokio::sync::{Notify, watch};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::certificate::{certificate, certificate_until, pem};
use crate::server::Server;
use crate::slow::SHORT;

/// A port with TLS, and the files that its certificate comes from.
struct Port {
    server: Server,
    folder: tempfile::TempDir,
    address: SocketAddr,
    tls: Arc<Tls>,
    asked: Arc<Notify>,
    _stop: watch::Sender<bool>,
}

fn write(path: &Path, text: &str, mode: u32) {
    // As what renews certificates does: the new file takes the place of the old one.
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(beside, path).unwrap();
}

impl Port {
    fn with(pair: &(Vec<u8>, Vec<u8>)) -> Self {
        Self::within(pair, Limits::default())
    }

    fn within(pair: &(Vec<u8>, Vec<u8>), limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        put(&files, pair);
        let tls = Tls::read(Arc::new(SystemDisk), files).unwrap();
        let server = Server::new();
        let runtime = server.daemon().runtime();
        let port = runtime.block_on(bind_tcp("127.0.0.1:0".parse().unwrap(), Openness::Encrypted)).unwrap();
        let address = port.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let handle = server.daemon().handle().clone();
        let asked = Arc::new(Notify::new());
        runtime.spawn(tls.clone().follow(handle.clone(), asked.clone(), stopping.clone()));
        let listener = TlsListener { port, tls: tls.clone() };
        runtime.spawn(serve(limits, listener, move || router(handle, Door::Clients), stopping));
        Self { server, folder, address, tls, asked, _stop: stop }
    }

    fn files(&self) -> TlsFiles {
        files(self.folder.path())
    }

    /// Asks for the health, trusting this certificate.
    fn ask(&self, authority: &[u8]) -> Result<u16, Error> {
        let authority = pem("CERTIFICATE", authority);
        let client = Client::of_server_with(&format!("https://{}", self.address), None, Some(authority.as_bytes()))?;
        let request = Request { method: Method::GET, path: &["health"], query: &[], body: None };
        client.call(&request).map(|reply| reply.status)
    }

    /// Waits until the problem with TLS is as wanted.
    fn until_problem(&self, wanted: impl Fn(Option<&str>) -> bool) {
        self.asked.notify_one();
        self.server.until("/api/keytide/problems", |problems| {
            let of_tls = problems.as_array().unwrap().iter().find(|problem| problem["place"] == "TLS");
            wanted(of_tls.map(|problem| problem["message"].as_str().unwrap()))
        });
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") }
}

fn put(files: &TlsFiles, (certificate, key): &(Vec<u8>, Vec<u8>)) {
    write(&files.certificate, &pem("CERTIFICATE", certificate), 0o644);
    write(&files.key, &pem("PRIVATE KEY", key), 0o600);
}

/// Connects, and says hello.
fn connect(address: SocketAddr, authority: &[u8]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.to_vec())).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    StreamOwned::new(client, TcpStream::connect(address).unwrap())
}

fn health(stream: &mut (impl Read + Write)) -> String {
    write!(stream, "GET /health HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_port_speaks_tls_and_nothing_else() {
    let pair = certificate();
    let port = Port::with(&pair);
    assert_eq!(port.ask(&pair.0).unwrap(), 200);
    assert!(port.ask(&certificate().0).is_err(), "a certificate that the client does not trust");
    let mut stream = connect(port.address, &pair.0);
    assert!(health(&mut stream).starts_with("HTTP/1.1 200"));
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut plain = TcpStream::connect(port.address).unwrap();
    write!(plain, "GET /health HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer));
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
}

#[test]
fn a_handshake_that_never_ends_loses_its_place() {
    let pair = certificate();
    let port = Port::within(&pair, Limits { connections: 1, handshake_patience: SHORT, ..Limits::default() });
    let silent = TcpStream::connect(port.address).unwrap();
    let mut begun = TcpStream::connect(port.address).unwrap();
    // The head of a greeting that says that 512 bytes follow.
    begun.write_all(&[0x16, 3, 1, 2, 0]).unwrap();
    // A slow machine may not end its own in time either, and asks again.
    assert!((0..100).any(|_| port.ask(&pair.0).is_ok_and(|status| status == 200)));
    for mut stream in [silent, begun] {
        let read = stream.read(&mut [0; 64]);
        assert!(!matches!(read, Ok(1..)), "it is hung up on: {read:?}");
    }
}

#[test]
fn a_new_pair_is_served_to_who_comes_and_who_is_there_stays() {
    let (old, new) = (certificate(), certificate());
    let port = Port::with(&old);
    let mut before = connect(port.address, &old.0);
    health(&mut before);
    put(&port.files(), &new);
    assert!(port.tls.renew(false).is_none());
    assert_eq!(port.ask(&new.0).unwrap(), 200);
    assert!(port.ask(&old.0).is_err());
    assert!(health(&mut before).starts_with("HTTP/1.1 200"), "an open connection goes on");
}

#[test]
fn a_broken_pair_changes_nothing_and_is_a_problem_until_it_is_mended() {
    let (old, other) = (certificate(), certificate());
    let port = Port::with(&old);
    let files = port.files();
    let key = pem("PRIVATE KEY", &old.1);
    let cases: [(&dyn Fn(), &str); 5] = [
        (&|| write(&files.certificate, "no certificate", 0o644), "holds no certificate"),
        (&|| write(&files.key, "no key", 0o600), "holds no private key"),
        (&|| write(&files.key, &pem("PRIVATE KEY", &other.1), 0o600), "cannot be used together"),
        (&|| write(&files.key, &key, 0o644), "chmod o-rwx,g-w"),
        (&|| std::fs::remove_file(&files.key).unwrap(), "cannot read"),
    ];
    for (breaks, said) in cases {
        put(&files, &old);
        port.until_problem(|problem| problem.is_none());
        breaks();
        port.until_problem(|problem| {
            problem.is_some_and(|message| message.contains(said) && message.contains("of before goes on"))
        });
        assert_eq!(port.ask(&old.0).unwrap(), 200, "{said}");
        let error = Tls::read(Arc::new(SystemDisk), files.clone()).err().unwrap().to_string();
        assert!(error.contains(said) && !error.contains("PRIVATE KEY"), "{error}");
    }
    put(&files, &other);
    port.until_problem(|problem| problem.is_none());
    assert_eq!(port.ask(&other.0).unwrap(), 200);
}

#[test]
fn a_certificate_that_ends_soon_or_has_ended_is_a_problem() {
    let port = Port::with(&certificate());
    port.until_problem(|problem| problem.is_none());
    let soon = keytide::words::Timestamp::from_millis(
        port.server.daemon().handle().now().as_millis() + 3 * 24 * 60 * 60 * 1_000,
    );
    let soon: String = soon.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    for (end, said) in [(format!("{soon}Z"), "ends at"), ("20210101000000Z".to_owned(), "has ended at 2021-01-01")] {
        put(&port.files(), &certificate_until(&end));
        port.until_problem(|problem| problem.is_some_and(|message| message.contains(said)));
    }
}

#[test]
fn a_group_may_read_a_key_and_others_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let (certificate, key) = certificate();
    for (mode, is_fine) in [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o604, false), (0o660, false)]
    {
        write(&files.certificate, &pem("CERTIFICATE", &certificate), 0o644);
        write(&files.key, &pem("PRIVATE KEY", &key), mode);
        assert_eq!(Tls::read(Arc::new(SystemDisk), files.clone()).is_ok(), is_fine, "{mode:o}");
    }
    let missing = TlsFiles { key: PathBuf::from("/nowhere/key.pem"), ..files };
    let error = Tls::read(Arc::new(SystemDisk), missing).err().unwrap().to_string();
    assert!(error.contains("/nowhere/key.pem"), "{error}");
}
