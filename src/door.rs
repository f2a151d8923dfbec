//! Who may knock: a browser that shows another site may not, by whatever name it reached us. Both faces ask here.
//!
//! A page of another site can make a browser send requests to loopback, and with a name that changes its address
//! (DNS rebinding) it can even read the answers. It cannot choose the Host, Origin and Sec-Fetch-Site headers.

use std::fmt;
use std::net::SocketAddr;

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Method, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

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

/// Who is at the other end of a connection, as the system says it and nobody can pretend: no header of a request counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A client of a port; behind a proxy it is the proxy.
    Address(SocketAddr),
    /// A process of this machine, at the socket.
    Process {
        /// Its user.
        uid: u32,
        /// Its id, where the system says it.
        pid: Option<i32>,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Process { uid, pid: Some(pid) } => write!(f, "uid {uid} pid {pid}"),
            Self::Process { uid, pid: None } => write!(f, "uid {uid}"),
        }
    }
}

impl Door {
    /// Returns where a request came from, as far as that is known.
    pub fn from(&self, peer: Option<&Peer>) -> Option<String> {
        let socket = matches!(self, Self::Socket).then(|| "socket".to_owned());
        socket.into_iter().chain(peer.map(Peer::to_string)).reduce(|door, peer| format!("{door} {peer}"))
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

    /// Returns why a request of a client of the API is refused.
    pub fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
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

    /// Returns why a request for a page of ours is refused.
    ///
    /// A link of another site may lead to a page: what is shown there the other site cannot read, and no page changes
    /// anything by being looked at. Nothing else may come from there.
    pub fn page_refusal(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        if matches!(self, Self::Loopback(_)) && !self.is_addressed(uri, headers) {
            return Some("the Host is not the address that keytide listens on");
        }
        if *method == Method::GET && is_one(headers, &SEC_FETCH_MODE, "navigate") {
            let is_shown_whole = is_one(headers, &SEC_FETCH_DEST, "document");
            return (!is_shown_whole).then_some("a page of keytide is shown in no other page");
        }
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
        // Where a browser says it, that is the truth; a proxy on the way may have changed the Host.
        let is_told = sites.peek().is_some();
        if sites.any(|site| !matches!(site.to_str(), Ok("same-origin" | "none"))) {
            return Some("the request comes from a page of another site");
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        let is_foreign = !is_told && origins.any(|origin| !is_origin_of_host(origin.to_str().ok(), headers));
        is_foreign.then_some("the Origin is another site")
    }

    fn is_addressed(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let in_target = uri.authority().is_none_or(|authority| self.is_us(authority.as_str()));
        in_target && host.to_str().is_ok_and(|host| self.is_us(host))
    }
}

/// Returns whether there is one such header, and it says that.
fn is_one(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    values.next().is_some_and(|first| first == value) && values.next().is_none()
}

/// Returns whether an origin is the host that the request names.
fn is_origin_of_host(origin: Option<&str>, headers: &HeaderMap) -> bool {
    let host = origin.and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")));
    let mut hosts = headers.get_all(HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
    host.zip(named).is_some_and(|(host, named)| host.eq_ignore_ascii_case(named))
}

fn own_name(listen: SocketAddr) -> String {
    match listen {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method, Uri};

    use super::{Door, Peer};

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

    #[test]
    fn where_somebody_comes_from_is_what_the_system_says() {
        let process = |pid| Peer::Process { uid: 1_000, pid };
        let address = Peer::Address("[::1]:40000".parse().unwrap());
        for (door, peer, expected) in [
            (Door::Socket, Some(process(Some(7))), Some("socket uid 1000 pid 7")),
            (Door::Socket, Some(process(None)), Some("socket uid 1000")),
            (Door::Socket, None, Some("socket")),
            (loopback(), Some(address), Some("[::1]:40000")),
            (Door::Clients, Some(address), Some("[::1]:40000")),
            (Door::Clients, None, None),
        ] {
            assert_eq!(door.from(peer.as_ref()).as_deref(), expected);
        }
    }

    fn is_page_refused(door: &Door, method: &Method, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        door.page_refusal(method, &Uri::from_static("/secrets"), &map).is_some()
    }

    #[test]
    fn a_page_is_shown_to_who_follows_a_link_and_in_no_frame() {
        let host = ("host", "localhost:8321");
        let cross = ("sec-fetch-site", "cross-site");
        let follows = ("sec-fetch-mode", "navigate");
        for door in [loopback(), Door::Clients] {
            for (method, headers, refused) in [
                (Method::GET, vec![host, cross, follows, ("sec-fetch-dest", "document")], false),
                (Method::GET, vec![host, cross, follows, ("sec-fetch-dest", "iframe")], true),
                (Method::GET, vec![host, cross, follows], true),
                (Method::GET, vec![host, cross, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], true),
                (Method::POST, vec![host, cross, follows, ("sec-fetch-dest", "document")], true),
                (Method::POST, vec![host, ("sec-fetch-site", "same-site")], true),
                (Method::POST, vec![host, ("sec-fetch-site", "same-origin"), cross], true),
                (Method::POST, vec![host, ("sec-fetch-site", "same-origin")], false),
                (Method::GET, vec![host], false),
            ] {
                assert_eq!(is_page_refused(&door, &method, &headers), refused, "{method} {headers:?} at {door:?}");
            }
        }
        let moved = [("host", "evil.com"), follows, ("sec-fetch-dest", "document")];
        assert!(is_page_refused(&loopback(), &Method::GET, &moved), "a name that changes its address");
    }

    #[test]
    fn a_form_is_taken_from_pages_of_the_same_origin() {
        let host = ("host", "tokens.example:8321");
        for (origin, refused) in [
            ("http://tokens.example:8321", false),
            ("https://tokens.example:8321", false),
            ("http://TOKENS.example:8321", false),
            ("http://tokens.example", true),
            ("http://tokens.example:9000", true),
            ("http://evil.com", true),
            ("null", true),
            ("", true),
        ] {
            let is = is_page_refused(&Door::Clients, &Method::POST, &[host, ("origin", origin)]);
            assert_eq!(is, refused, "{origin}");
        }
        let two = [host, ("host", "evil.com"), ("origin", "http://tokens.example:8321")];
        assert!(is_page_refused(&Door::Clients, &Method::POST, &two));
    }
}
