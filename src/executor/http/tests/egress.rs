//! Where calls may go.

use std::net::SocketAddr;

use reqwest::Url;
use serde_json::json;

use super::super::egress::Egress;
use super::{answer, call, client, client_with, response_of, serve, summary};
use crate::settings::{Allowed, Denied};

const METADATA: [&str; 14] = [
    "http://169.254.169.254/latest/meta-data",
    "http://user@169.254.169.254/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[::ffff:0:a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fd00:ec2::254]/",
];

const LOOPBACK: [&str; 18] = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://%31%32%37.0.0.1/",
    "http://１２７.0.0.1/",
];

const PRIVATE: [&str; 10] = [
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.1/",
    "http://192.168.1.1/",
    "http://192.168.257/",
    "http://100.64.0.1/",
    "http://[fd12:3456::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/",
];

const PUBLIC: [&str; 5] = [
    "http://1.1.1.1/",
    "http://172.32.0.1/",
    "http://100.128.0.1/",
    "http://[2606:4700::1111]/",
    "http://169.253.0.1/",
];

fn passes(deny: &[Denied], allow: &[Allowed], url: &str) -> bool {
    Egress::new(deny.to_vec(), allow.to_vec(), Vec::new()).check_literal(&Url::parse(url).unwrap()).is_ok()
}

#[test]
fn every_form_of_an_address_is_judged_by_the_address() {
    for (kind, forms) in [
        (Denied::LinkLocal, &METADATA[..]),
        (Denied::Loopback, &LOOPBACK),
        (Denied::Private, &PRIVATE),
        (Denied::All, &PUBLIC),
    ] {
        for url in forms {
            assert!(!passes(&[kind], &[], url), "{url} passes {kind:?}");
            assert!(passes(&[], &[], url), "{url} is denied by nothing");
        }
    }
    for url in PUBLIC.iter().chain(&LOOPBACK).chain(&PRIVATE) {
        assert!(passes(&[Denied::LinkLocal, Denied::Own], &[], url), "{url} is denied by the default");
    }
    for url in PUBLIC {
        assert!(passes(&[Denied::LinkLocal, Denied::Loopback, Denied::Private], &[], url), "{url} is denied");
    }
}

#[test]
fn exceptions_are_networks_and_hosts() {
    let network = [Allowed::Network("10.1.0.0/16".parse().unwrap())];
    assert!(passes(&[Denied::All], &network, "http://10.1.2.3/"));
    assert!(passes(&[Denied::All], &network, "http://[::ffff:10.1.2.3]/"));
    assert!(!passes(&[Denied::All], &network, "http://10.2.2.3/"));
    let rules = Egress::new(vec![Denied::All], vec![Allowed::Host("api.example".to_owned())], Vec::new());
    let found: Vec<SocketAddr> = vec!["10.0.0.1:0".parse().unwrap()];
    assert_eq!(rules.permitted("API.example.", &found, Some(80)), Ok(found.clone()));
    assert!(rules.permitted("other.example", &found, Some(80)).is_err());
}

#[test]
fn of_several_addresses_only_the_permitted_are_connected_to() {
    let rules = Egress::new(vec![Denied::Private], Vec::new(), Vec::new());
    let [public, private] = ["1.1.1.1:0", "10.0.0.1:0"].map(|text| text.parse::<SocketAddr>().unwrap());
    assert_eq!(rules.permitted("h", &[private, public], Some(80)), Ok(vec![public]));
    let refusal = rules.permitted("h", &[private], Some(80)).unwrap_err().to_string();
    assert_eq!(refusal, "h is 10.0.0.1 (private), where `http.deny` lets no call go; `http.allow` makes exceptions");
}

#[test]
fn own_listeners_are_denied_by_address_and_port() {
    let check = |own: &str, url: &str| {
        let rules = Egress::new(vec![Denied::Own], Vec::new(), vec![own.parse().unwrap()]);
        rules.check_literal(&Url::parse(url).unwrap()).is_err()
    };
    assert!(check("127.0.0.1:8321", "http://127.0.0.1:8321/"));
    assert!(check("127.0.0.1:8321", "http://[::ffff:127.0.0.1]:8321/"));
    assert!(check("127.0.0.1:8321", "http://0.0.0.0:8321/"));
    assert!(!check("127.0.0.1:8321", "http://127.0.0.1:8322/"));
    assert!(!check("127.0.0.1:8321", "http://127.0.0.2:8321/"));
    assert!(check("0.0.0.0:8321", "http://127.0.0.2:8321/"));
    assert!(!check("0.0.0.0:8321", "http://1.1.1.1:8321/"));
    assert!(check("127.0.0.1:80", "http://127.0.0.1/"));
}

#[tokio::test]
async fn names_are_judged_when_they_are_resolved() {
    let (address, requests) = serve(vec![answer("200 OK", "", "{}")]).await;
    let uri = format!("http://localhost:{}/", address.port());
    let input = json!({"uri": uri, "method": "GET"});
    let denied = client_with(|http| http.deny = vec![Denied::Loopback], &[]);
    let reason = summary(&call(&denied, &input).await);
    assert!(reason.starts_with("not sent: localhost is ") && reason.contains("(loopback)"), "{reason}");
    let own = client_with(|_| {}, &[address]);
    let reason = summary(&call(&own, &input).await);
    assert!(reason.starts_with("not sent: "), "{reason}");
    let reason = summary(&call(&own, &json!({"uri": format!("http://{address}/"), "method": "GET"})).await);
    assert!(reason.contains("(self)"), "{reason}");
    assert!(requests.lock().unwrap().is_empty());
    assert_eq!(response_of(&client(), &input).await.status_code, 200);
}
