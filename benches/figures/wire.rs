//! A client that keeps one connection, and does no more than it must: what is measured is the server.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Outcome;

/// Where the head of an answer ends.
const END: &[u8] = b"\r\n\r\n";

/// A connection to a server.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub(crate) async fn to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(16 << 10) })
    }

    /// Sends a request.
    pub(crate) async fn send(&mut self, request: &str) -> io::Result<()> {
        self.stream.write_all(request.as_bytes()).await
    }

    /// Reads until these bytes have come.
    pub(crate) async fn until(&mut self, part: &[u8]) -> Result<usize, String> {
        loop {
            if let Some(at) = self.read.windows(part.len()).position(|window| window == part) {
                return Ok(at + part.len());
            }
            let count = self.stream.read_buf(&mut self.read).await.map_err(|error| error.to_string())?;
            if count == 0 {
                return Err("the server hung up".to_owned());
            }
        }
    }

    /// Asks, and returns the answer's body; what is no 200 is an error.
    pub(crate) async fn get(&mut self, request: &str) -> Result<&[u8], String> {
        self.read.clear();
        self.send(request).await.map_err(|error| error.to_string())?;
        let head = self.until(END).await?;
        let text = String::from_utf8_lossy(&self.read[..head]);
        if !text.starts_with("HTTP/1.1 200") {
            return Err(text.into_owned());
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let end = head + length.ok_or("an answer without a length")?;
        while self.read.len() < end {
            self.stream.read_buf(&mut self.read).await.map_err(|error| error.to_string())?;
        }
        Ok(&self.read[head..end])
    }

    /// Returns whether nothing has come that was not read.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.stream.try_read(&mut [0; 1]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Returns a request for a path.
pub(crate) fn request(address: SocketAddr, path: &str, token: Option<&str>) -> String {
    let token = token.map(|token| format!("X-Authorization: {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{token}\r\n")
}

/// Returns a port of this machine that nobody listens on.
pub(crate) fn free_port() -> Outcome<SocketAddr> {
    Ok(std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
