//! A browser without a script: it keeps its cookie, sends forms as they are on the page, and follows no redirect by itself.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::http::{HeaderMap, Request};
use keytide::api;
use keytide::door::Door;
use keytide::settings::Settings;
use keytide::ui::{self, House};
use keytide::words::Owner;
use tower::ServiceExt as _;

use crate::server::{Answer, Server};

/// Where the tests' server listens.
pub(crate) const HOST: &str = "127.0.0.1:8321";

/// Longer than anything here takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server whose pages people sign in to.
pub(crate) struct Site {
    pub(crate) server: Server,
    router: Router,
}

/// Somebody with a browser.
pub(crate) struct Browser<'s> {
    site: &'s Site,
    pub(crate) cookie: Option<String>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::behind(Door::Clients, |_| ())
    }

    /// Returns a site where nobody signs in.
    pub(crate) fn open() -> Self {
        Self::behind(Door::Loopback(HOST.parse().unwrap()), |_| ())
    }

    pub(crate) fn with(set: impl FnOnce(&mut Settings)) -> Self {
        Self::behind(Door::Clients, set)
    }

    fn behind(door: Door, set: impl FnOnce(&mut Settings)) -> Self {
        let server = Server::with(set);
        let handle = server.daemon().handle().clone();
        let house = House::new(handle.clone(), door.clone(), 8321).unwrap();
        let router = ui::router(house, api::router(handle, door));
        Self { server, router }
    }

    /// Returns a browser that has not been here.
    pub(crate) fn stranger(&self) -> Browser<'_> {
        Browser { site: self, cookie: None }
    }

    /// Returns the browser of the owner.
    pub(crate) fn owner(&self) -> Browser<'_> {
        let link = self.server.daemon().handle().make_sign_in_link(&Owner::Local).unwrap();
        let mut browser = self.stranger();
        let answer = browser.send("/sign-in", &[("link", link.expose())]);
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{answer:?}");
        browser.take_cookie(&answer);
        browser
    }

    /// Returns the browser of an application, which is made with a key.
    pub(crate) fn application(&self, name: &str) -> Browser<'_> {
        let (id, secret) = self.key_of(name);
        let mut browser = self.stranger();
        let answer = browser.send("/sign-in", &[("key-id", &id), ("key-secret", &secret)]);
        assert_eq!(answer.status, 303, "{answer:?}");
        browser.take_cookie(&answer);
        browser
    }

    /// Makes an application with a key.
    pub(crate) fn key_of(&self, name: &str) -> (String, String) {
        let handle = self.server.daemon().handle();
        self.server.daemon().runtime().block_on(async {
            handle.create_application(&Owner::Local, name.to_owned()).await.unwrap();
            let (id, secret) = handle.add_key(&Owner::Local, name.to_owned()).await.unwrap();
            (id, secret.expose().to_owned())
        })
    }
}

impl Browser<'_> {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[("sec-fetch-site", "same-origin")], "")
    }

    /// Returns what comes over the wire, which may be no text.
    pub(crate) fn raw(&self, path: &str, headers: &[(&str, &str)]) -> Raw {
        let mut request = Request::builder().uri(path).header("host", HOST).header("sec-fetch-site", "same-origin");
        for (name, value) in self.cookie.iter().map(|cookie| ("cookie", cookie.as_str())).chain(headers.iter().copied())
        {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.site.server.daemon().runtime().block_on(async {
            let (parts, body) = self.site.router.clone().oneshot(request).await.unwrap().into_parts();
            Raw { headers: parts.headers, bytes: to_bytes(body, usize::MAX).await.unwrap().len() }
        })
    }

    /// Returns what the forms of a page carry.
    pub(crate) fn form_token(&self, page: &str) -> String {
        let page = self.get(page).body;
        let (_, rest) = page.split_once("name=\"form-token\" value=\"").expect("the page has a form");
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// Sends a form with these fields and nothing else.
    pub(crate) fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{HOST}");
        let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        self.request("POST", path, &headers, &encoded(fields))
    }

    /// Sends the form of a page: the hidden fields that the page has for it, and what somebody fills in.
    pub(crate) fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.get(page);
        assert_eq!(shown.status, 200, "{page}: {shown:?}");
        let form = form_of(&shown.body, action).unwrap_or_else(|| panic!("{page} has no form for {action}"));
        let mut all: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.retain(|(name, _)| !fields.iter().any(|(field, _)| field == name));
        all.extend(fields);
        self.send(action, &all)
    }

    /// Sends a request as it is, with the cookie.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("host", HOST), ("content-type", "application/x-www-form-urlencoded")];
        all.extend(self.cookie.iter().map(|cookie| ("cookie", cookie.as_str())));
        all.retain(|(name, _)| !headers.iter().any(|(header, _)| header == name));
        all.extend(headers);
        self.site.server.asked(&self.site.router, method, path, &all, body.as_bytes())
    }

    /// Begins to hear what goes on.
    pub(crate) fn listen(&self, kinds: &str) -> News<'_> {
        let mut request = Request::builder().uri(format!("/live?kinds={kinds}")).header("host", HOST);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let request = request.body(Body::empty()).unwrap();
        let runtime = self.site.server.daemon().runtime();
        let response = runtime.block_on(async { self.site.router.clone().oneshot(request).await.unwrap() });
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        News { site: self.site, body: response.into_body() }
    }

    pub(crate) fn take_cookie(&mut self, answer: &Answer) {
        let set = answer.header("set-cookie");
        self.cookie = set.split(';').next().map(str::to_owned);
    }
}

/// What came over the wire.
pub(crate) struct Raw {
    headers: HeaderMap,
    /// How much of it.
    pub(crate) bytes: usize,
}

impl Raw {
    /// Returns a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What a page hears.
pub(crate) struct News<'s> {
    site: &'s Site,
    body: Body,
}

impl News<'_> {
    /// Reads until something is told that has this in it, and returns all that was told; nothing where it ended before.
    pub(crate) fn until(&mut self, part: &str) -> Option<String> {
        let mut told = String::new();
        while !told.contains(part) {
            let body = &mut self.body;
            let frame = self.site.server.daemon().runtime().block_on(async {
                tokio::time::timeout(PATIENCE, poll_fn(|context| Pin::new(&mut *body).poll_frame(context)))
                    .await
                    .unwrap()
            });
            told.push_str(std::str::from_utf8(&frame?.unwrap().into_data().unwrap()).unwrap());
        }
        Some(told)
    }
}

impl Answer {
    /// Returns a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Returns fields as browsers send them.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        let escaped = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        escaped.collect()
    };
    fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

/// Returns the hidden fields of the form with this action.
fn form_of(page: &str, action: &str) -> Option<Vec<(String, String)>> {
    let (_, form) = page.split_once(&format!("action=\"{action}\""))?;
    let (form, _) = form.split_once("</form>")?;
    let fields = form.split("<input type=\"hidden\"").skip(1).map(|input| {
        let attribute = |name: &str| {
            let value = input.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
            value.map(|(value, _)| unescaped(value)).unwrap_or_default()
        };
        (attribute("name"), attribute("value"))
    });
    Some(fields.collect())
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
