//! Where calls may go: judged on the address that is connected to, never on the text of a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use reqwest::Url;

use crate::settings::{Allowed, Denied};

/// Addresses of cloud metadata services that are not link-local.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
];

/// The rules of the settings and our own addresses.
pub(super) struct Egress {
    deny: Vec<Denied>,
    allow: Vec<Allowed>,
    own: Vec<SocketAddr>,
}

/// Why no address of a host may be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The rules forbid it.
    #[error("{host} is {address} ({kind}), where `http.deny` lets no call go; `http.allow` makes exceptions", kind = kind.as_str())]
    Denied {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
        /// The rule.
        kind: Denied,
    },
    /// The name has no address.
    #[error("host `{host}` does not resolve")]
    Unresolved {
        /// The host.
        host: String,
    },
}

impl Egress {
    pub(super) fn new(deny: Vec<Denied>, allow: Vec<Allowed>, own: Vec<SocketAddr>) -> Self {
        Self { deny, allow, own }
    }

    /// Checks the address in a URL that names no host; the others are checked when they are resolved.
    pub(super) fn check_literal(&self, url: &Url) -> Result<(), Refusal> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        // A URL holds an address in its usual form, in whatever form (decimal, hex, octal, short) it was written.
        let Ok(address) = host.parse() else { return Ok(()) };
        self.permitted(host, &[SocketAddr::new(address, 0)], url.port_or_known_default()).map(drop)
    }

    /// Returns the addresses of a host that may be connected to, of those that were found.
    pub(super) fn permitted(
        &self,
        host: &str,
        found: &[SocketAddr],
        port: Option<u16>,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let judge = |address: &SocketAddr| self.denial(host, address.ip(), port);
        let permitted: Vec<SocketAddr> = found.iter().copied().filter(|address| judge(address).is_none()).collect();
        if !permitted.is_empty() {
            return Ok(permitted);
        }
        let host = host.to_owned();
        let denied = found.iter().find_map(|address| judge(address).map(|kind| (address.ip(), kind)));
        Err(match denied {
            Some((address, kind)) => Refusal::Denied { host, address, kind },
            None => Refusal::Unresolved { host },
        })
    }

    /// Returns the rule that forbids an address; without a port every port of ours counts.
    fn denial(&self, host: &str, address: IpAddr, port: Option<u16>) -> Option<Denied> {
        let address = inner(address);
        let allowed = self.allow.iter().any(|allowed| match allowed {
            Allowed::Network(network) => network.contains(&address),
            Allowed::Host(name) => name.eq_ignore_ascii_case(host.trim_end_matches('.')),
        });
        let is = |kind: &Denied| match kind {
            Denied::LinkLocal => is_link_local(address),
            Denied::Own => self.is_own(address, port),
            Denied::Loopback => is_loopback(address),
            Denied::Private => is_private(address),
            Denied::All => true,
        };
        if allowed { None } else { self.deny.iter().copied().find(is) }
    }

    fn is_own(&self, address: IpAddr, port: Option<u16>) -> bool {
        self.own.iter().filter(|own| port.is_none_or(|port| own.port() == port)).any(|own| {
            let listens = inner(own.ip());
            listens == address
                || (address.is_unspecified() && is_loopback(listens))
                || (listens.is_unspecified() && is_of_this_machine(address))
        })
    }
}

/// Returns the IPv4 address that an IPv6 address stands for (mapped, translated, NAT64, 6to4, compatible), or the address itself.
fn inner(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    let octets = v6.octets();
    let v4 = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]).into();
    match v6.segments() {
        [0x64, 0xff9b, ..] | [0, 0, 0, 0, 0xffff, 0, _, _] => v4(12),
        [0x2002, ..] => v4(2),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => v4(12),
        _ => address,
    }
}

fn is_link_local(address: IpAddr) -> bool {
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.segments()[0] == 0xff02,
    };
    local || METADATA.contains(&address)
}

/// Connecting to the unspecified address reaches this machine.
fn is_loopback(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 0)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        // 100.64.0.0/10 is the carrier's private range.
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.segments()[0] & 0xffc0 == 0xfec0,
    }
}

/// Returns whether the system would send to this address from the same address, which it does for its own only. Nothing is
/// sent.
fn is_of_this_machine(address: IpAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    is_loopback(address) || source.is_ok_and(|source| source.ip() == address)
}
