use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Fault, Issuer, Options};
use crate::clock::ManualClock;
use crate::words::{Sensitive, Timestamp};

struct Visit {
    issuer: Issuer,
    clock: Arc<ManualClock>,
    client: reqwest::Client,
}

impl Visit {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
        let key_secret = Sensitive::new("right");
        let options = Options { lifetime: Duration::from_mins(1), key_id: "key-1".into(), key_secret };
        let issuer = Issuer::start(options, clock.clone()).await.unwrap();
        Self { issuer, clock, client: reqwest::Client::new() }
    }

    async fn ask(&self, key_secret: &str) -> reqwest::Result<reqwest::Response> {
        let body = json!({"keyId": "key-1", "keySecret": key_secret});
        self.client.post(self.issuer.token_url()).json(&body).send().await
    }

    async fn token(&self) -> String {
        let body: Value = self.ask("right").await.unwrap().json().await.unwrap();
        body["token"].as_str().unwrap().to_owned()
    }

    async fn resource(&self, header: &str, value: &str) -> u16 {
        self.client.get(self.issuer.resource_url()).header(header, value).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn only_the_newest_token_opens_the_resource_until_it_expires() {
    let visit = Visit::new().await;
    let old = visit.token().await;
    assert_eq!(visit.resource("x-authorization", &old).await, 200);
    let new = visit.token().await;
    assert_eq!(visit.resource("x-authorization", &old).await, 401);
    assert_eq!(visit.resource("authorization", &format!("Bearer {new}")).await, 200);
    visit.clock.advance(Duration::from_mins(1));
    assert_eq!(visit.resource("x-authorization", &new).await, 401);
    let counts = visit.issuer.counts();
    assert_eq!((counts.issued, counts.resource_ok, counts.resource_refused), (2, 2, 2));
}

#[tokio::test]
async fn a_wrong_key_gets_nothing() {
    let visit = Visit::new().await;
    assert_eq!(visit.ask("wrong").await.unwrap().status(), 401);
    assert_eq!(visit.issuer.counts().token_refused, 1);
    assert!(visit.issuer.issued_last().is_none());
    assert_eq!(visit.resource("x-authorization", "").await, 401);
}

#[tokio::test]
async fn a_lost_reply_has_revoked_the_old_token() {
    let visit = Visit::new().await;
    let old = visit.token().await;
    visit.issuer.fail_next(Fault::LostReply);
    let error = visit.ask("right").await.expect_err("the connection is cut");
    assert!(error.is_request(), "{error:?}");
    assert_eq!(visit.issuer.counts().issued, 2);
    assert_eq!(visit.resource("x-authorization", &old).await, 401);
    assert_eq!(visit.resource("x-authorization", visit.issuer.issued_last().unwrap().expose()).await, 200);
}

#[tokio::test]
async fn faults_hit_one_call_each_in_order() {
    let visit = Visit::new().await;
    for fault in [Fault::ServerError, Fault::Garbage, Fault::LoginPage, Fault::SlowReply(Duration::from_millis(1))] {
        visit.issuer.fail_next(fault);
    }
    assert_eq!(visit.ask("right").await.unwrap().status(), 500);
    assert!(visit.ask("right").await.unwrap().json::<Value>().await.is_err());
    assert!(visit.ask("right").await.unwrap().text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(visit.issuer.counts().issued, 0);
    assert_eq!(visit.token().await, visit.issuer.issued_last().unwrap().expose());
    assert_eq!(visit.issuer.counts().issued, 1);
}
