//! Who may knock: a browser that shows another site may not, by whatever name it reached us.
//!
//! A page of another site can make a browser send requests to loopback, and with a name that changes its address
//! (DNS rebinding) it can even read the answers. It cannot choose the Host, Origin and Sec-Fetch-Site headers.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::caller::Standing;
use crate::api::error::Error;
use crate::daemon::Handle;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The port that a Host header leaves out.
const HTTP_PORT: u16 = 80;

/// Where requests come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// The daemon's socket: no name leads there, so the Host is not asked.
    Socket,
    /// Loopback, without signing in: this is where we listen.
    Loopback(SocketAddr),
    /// A port where clients sign in. It has whatever names its machine has, so the Host is not asked: a page of another site
    /// that gets here has no token, and cannot send one.
    Clients,
}

impl Door {
    /// Returns who acts: who can open the socket can read the identity, and the open door is open.
    fn standing(&self, handle: &Handle, headers: &HeaderMap) -> Standing {
        match self {
            Self::Socket | Self::Loopback(_) => Standing::Owner,
            Self::Clients => Standing::of_client(handle, headers),
        }
    }

    /// Returns whether a host with its port is us.
    fn is_us(&self, host: &str) -> bool {
        match self {
            Self::Socket | Self::Clients => true,
            Self::Loopback(listen) => {
                let port = listen.port();
                let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), own_name(*listen)];
                names.iter().any(|name| {
                    host.eq_ignore_ascii_case(&format!("{name}:{port}"))
                        || port == HTTP_PORT && host.eq_ignore_ascii_case(name)
                })
            }
        }
    }

    /// Returns why a request is refused.
    fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        if matches!(self, Self::Loopback(_)) && !self.is_addressed(uri, headers) {
            return Some("the Host is not the address that keytide listens on");
        }
        let foreign = |origin: &str| match (self, origin.strip_prefix("http://")) {
            (Self::Socket | Self::Clients, _) | (Self::Loopback(_), None) => true,
            (Self::Loopback(_), Some(host)) => !self.is_us(host),
        };
        if headers.get_all(ORIGIN).iter().any(|origin| origin.to_str().map_or(true, foreign)) {
            return Some("the Origin is another site");
        }
        // `same-site` is another port of this machine: a page of another program.
        let own = |site: &str| matches!(site, "same-origin" | "none");
        if headers.get_all(SEC_FETCH_SITE).iter().any(|site| !site.to_str().is_ok_and(own)) {
            return Some("the request comes from a page of another site");
        }
        None
    }

    fn is_addressed(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let in_target = uri.authority().is_none_or(|authority| self.is_us(authority.as_str()));
        in_target && host.to_str().is_ok_and(|host| self.is_us(host))
    }
}

fn own_name(listen: SocketAddr) -> String {
    match listen {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// Lets a request in, or answers 403 before anything else is looked at.
pub(super) async fn guard(door: Door, handle: Handle, mut request: Request, next: Next) -> Response {
    if let Some(reason) = door.refusal(request.uri(), request.headers()) {
        return Error::new(StatusCode::FORBIDDEN, reason).into_response();
    }
    let standing = door.standing(&handle, request.headers());
    request.extensions_mut().insert(standing);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Uri};

    use super::Door;

    /// Name and value of each header.
    fn is_refused(door: &Door, target: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        door.refusal(&target.parse::<Uri>().unwrap(), &map).is_some()
    }

    fn loopback() -> Door {
        Door::Loopback("127.0.0.1:8321".parse().unwrap())
    }

    #[test]
    fn only_our_own_names_are_hosts() {
        for host in ["127.0.0.1:8321", "localhost:8321", "LOCALHOST:8321", "[::1]:8321"] {
            assert!(!is_refused(&loopback(), "/health", &[("host", host)]), "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:8321",
            "localhost",
            "127.0.0.1",
            "localhost:80",
            "localhost.:8321",
            "localhost:8321@evil.com",
            "127.0.0.2:8321",
            "0.0.0.0:8321",
            "",
        ] {
            assert!(is_refused(&loopback(), "/health", &[("host", host)]), "{host}");
        }
        assert!(is_refused(&loopback(), "/health", &[]), "no Host");
        assert!(is_refused(&loopback(), "/health", &[("host", "localhost:8321"), ("host", "evil.com")]), "two Hosts");
        assert!(is_refused(&loopback(), "http://evil.com/health", &[("host", "localhost:8321")]), "absolute form");
        assert!(!is_refused(&loopback(), "http://localhost:8321/health", &[("host", "localhost:8321")]));
    }

    #[test]
    fn the_default_port_may_be_left_out() {
        let door = Door::Loopback("[::1]:80".parse().unwrap());
        assert!(!is_refused(&door, "/health", &[("host", "localhost")]));
        assert!(!is_refused(&door, "/health", &[("host", "[::1]:80")]));
        assert!(is_refused(&door, "/health", &[("host", "evil.com")]));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let host = ("host", "localhost:8321");
        for (header, value, refused) in [
            ("origin", "http://localhost:8321", false),
            ("origin", "http://127.0.0.1:8321", false),
            ("origin", "https://localhost:8321", true),
            ("origin", "http://localhost:3000", true),
            ("origin", "http://evil.com", true),
            ("origin", "null", true),
            ("origin", "", true),
            ("sec-fetch-site", "same-origin", false),
            ("sec-fetch-site", "none", false),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", true),
        ] {
            let is = is_refused(&loopback(), "/api/workflow", &[host, (header, value)]);
            assert_eq!(is, refused, "{header}: {value}");
        }
    }

    #[test]
    fn the_socket_takes_any_host_and_no_browser() {
        assert!(!is_refused(&Door::Socket, "/health", &[("host", "anything")]));
        assert!(!is_refused(&Door::Socket, "/health", &[]));
        assert!(is_refused(&Door::Socket, "/health", &[("origin", "http://localhost")]));
        assert!(is_refused(&Door::Socket, "/health", &[("sec-fetch-site", "cross-site")]));
    }
}
