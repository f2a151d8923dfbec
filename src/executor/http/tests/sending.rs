//! What is sent, and what a whole answer becomes.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::super::request::Request;
use super::{answer, call, client, client_with, listen, read_request, response_of, serve, summary};
use crate::settings::Proxy;

/// Sends the input to a server that answers `{}` and returns what it got.
async fn sent(input: Value) -> String {
    let (address, requests) = serve(vec![answer("200 OK", "", "{}")]).await;
    let text = input.to_string().replace("SERVER", &format!("http://{address}"));
    assert_eq!(response_of(&client(), &serde_json::from_str(&text).unwrap()).await.status_code, 200);
    requests.lock().unwrap()[0].replace(&address.to_string(), "SERVER")
}

fn body_of(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn both_forms_of_the_input_make_the_same_call() {
    let fields = json!({
        "uri": "SERVER/api/token?a=b%20c", "method": "post", "headers": {"X-One": "1", "X-Number": 7, "X-None": null},
        "body": {"keyId": "k", "n": 1.5}, "readTimeOut": "3000", "connectionTimeOut": 3000, "accept": ["text/plain", "a/b"],
    });
    let flat = sent(fields.clone()).await;
    assert!(flat.starts_with("POST /api/token?a=b%20c HTTP/1.1\r\n"), "{flat}");
    for header in
        ["x-one: 1", "x-number: 7", "accept: text/plain, a/b", "content-type: application/json", "host: SERVER"]
    {
        assert!(flat.contains(&format!("{header}\r\n")), "{header}: {flat}");
    }
    assert!(!flat.contains("x-none") && !flat.contains("referer"));
    assert_eq!(body_of(&flat), "{\"keyId\":\"k\",\"n\":1.5}");
    assert_eq!(sent(json!({"http_request": fields, "asyncComplete": false})).await, flat);
}

#[tokio::test]
async fn get_sends_accept_and_content_type_too() {
    let request = sent(json!({"uri": "SERVER", "method": "GET"})).await;
    assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("accept: application/json\r\n") && request.contains("content-type: application/json\r\n"));
    assert_eq!(body_of(&request), "");
}

#[tokio::test]
async fn bodies_follow_the_content_type() {
    let form = json!({"grant_type": "a b&c", "scope": ["x", "y"], "n": 1, "none": null});
    for (content_type, body, expected) in [
        ("application/x-www-form-urlencoded; charset=utf-8", form, "grant_type=a+b%26c&scope=x&scope=y&n=1"),
        ("application/x-www-form-urlencoded", json!("a=b&c"), "a=b&c"),
        ("application/json", json!("{\"raw\": 1}"), "{\"raw\": 1}"),
        ("application/json", json!([1, "é"]), "[1,\"é\"]"),
        ("text/plain", json!("line\r\nbreak"), "line\r\nbreak"),
        ("text/plain", json!(42), "42"),
    ] {
        let input = json!({"uri": "SERVER", "method": "PUT", "contentType": content_type, "body": body});
        let request = sent(input).await;
        assert!(request.contains(&format!("content-type: {content_type}\r\n")), "{request}");
        assert_eq!(body_of(&request), expected);
    }
}

#[tokio::test]
async fn basic_auth_and_headers_of_the_task_are_sent_once() {
    let auth = json!({"type": "basic", "username": "Aladdin", "password": "open sesame"});
    let request = sent(json!({
        "uri": "SERVER", "method": "GET", "auth": auth, "headers": {"Accept": "x/y", "content-type": "z/z"},
    }))
    .await;
    assert!(request.contains("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{request}");
    assert_eq!((request.matches("accept: ").count(), request.matches("content-type: ").count()), (1, 1), "{request}");
}

#[tokio::test]
async fn header_that_is_no_text_is_sent_as_java_writes_it() {
    for (value, expected) in [
        (json!(["a", "b"]), "[a, b]"),
        (json!(["a", {"x": 1}, [1, 2.0, null, true]]), "[a, {x=1}, [1, 2.0, null, true]]"),
        (json!([]), "[]"),
        (json!({"k": "v", "n": 1}), "{k=v, n=1}"),
        (json!(2.5), "2.5"),
        (json!(true), "true"),
    ] {
        let request = sent(json!({"uri": "SERVER", "method": "GET", "headers": {"X-List": value}})).await;
        assert!(request.contains(&format!("x-list: {expected}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn answers_become_what_conductor_makes_of_them() {
    for (body, expected) in [
        ("{\"a\": {\"b\": [1, 2.5]}}", json!({"a": {"b": [1, 2.5]}})),
        ("[1,2,{\"a\":3}]", json!([1, 2, {"a": 3}])),
        ("42", json!(42.0)),
        ("true", json!("true")),
        ("\"text\"", json!("\"text\"")),
        ("plain text", json!("plain text")),
        ("{oops", json!("{oops")),
        ("", Value::Null),
        ("\u{feff}{\"bom\":1}", json!({"bom": 1})),
    ] {
        let (address, _) = serve(vec![answer("200 OK", "", body)]).await;
        let uri = format!("http://{address}/x");
        let response = response_of(&client(), &json!({"uri": uri, "method": "GET"})).await;
        assert_eq!(*response.body.expose(), expected, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_nests_deeper_than_the_journal_reads_back_is_kept_as_text() {
    let body = format!("{}1{}", "[".repeat(110), "]".repeat(110));
    let (address, _) = serve(vec![answer("200 OK", "", &body)]).await;
    let uri = format!("http://{address}/x");
    let response = response_of(&client(), &json!({"uri": uri, "method": "GET"})).await;
    assert_eq!(*response.body.expose(), json!(body));
}

#[tokio::test]
async fn status_reason_and_repeated_headers_are_kept() {
    let head = "X-Two: a\r\nx-two: b\r\nContent-Type: application/json\r\n";
    let (address, _) = serve(vec![answer("418 Short And Stout", head, "{\"e\":1}")]).await;
    let uri = format!("http://user:pw@{address}/pot?key=1");
    let response = response_of(&client(), &json!({"uri": uri, "method": "DELETE"})).await;
    assert_eq!((response.status_code, response.reason_phrase.as_str()), (418, "Short And Stout"));
    assert_eq!(response.headers.expose()["x-two"], json!(["a", "b"]));
    assert_eq!(response.headers.expose()["content-type"], json!(["application/json"]));
    assert_eq!(response.request, format!("DELETE http://{address}/pot"));
}

#[tokio::test]
async fn redirects_are_followed_only_where_asked_and_within_the_origin() {
    let found = |location: &str| answer("302 Found", &format!("location: {location}\r\n"), "");
    let done = answer("200 OK", "", "{}");
    let (elsewhere, strangers) = serve(vec![done.clone()]).await;
    let abroad = format!("http://{elsewhere}/steal");
    for (method, follow, answers, status, calls) in [
        ("GET", json!(true), vec![found("/b"), found("c?d=1"), done.clone()], 200, 3),
        ("GET", json!(false), vec![found("/b"), done.clone()], 302, 1),
        ("GET", Value::Null, vec![found("/b"), done.clone()], 302, 1),
        ("POST", json!(true), vec![found("/b"), done.clone()], 302, 1),
        ("GET", json!("true"), vec![found(&abroad), done.clone()], 302, 1),
        ("GET", json!(true), vec![found("/loop")], 302, 6),
    ] {
        let (address, requests) = serve(answers).await;
        let input = json!({"uri": format!("http://{address}/a"), "method": method, "followRedirects": follow});
        let response = response_of(&client(), &input).await;
        assert_eq!((response.status_code, requests.lock().unwrap().len()), (status, calls), "{input}");
    }
    assert!(strangers.lock().unwrap().is_empty(), "another origin was called");
}

#[tokio::test]
async fn calls_that_change_something_have_a_connection_of_their_own() {
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = connections.clone();
    let address = listen(move |mut stream| {
        counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            while !read_request(&mut stream).await.is_empty() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            }
        }
    })
    .await;
    let client = client();
    for (method, expected) in [("GET", 1), ("GET", 1), ("POST", 2), ("POST", 3), ("GET", 3)] {
        response_of(&client, &json!({"uri": format!("http://{address}"), "method": method})).await;
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), expected, "{method}");
    }
}

#[tokio::test]
async fn proxy_of_the_settings_gets_the_call() {
    let (proxy, requests) = serve(vec![answer("200 OK", "", "{}")]).await;
    let client = client_with(|http| http.proxy = Some(Proxy::new(format!("http://{proxy}"))), &[]);
    response_of(&client, &json!({"uri": "http://service.invalid/x", "method": "GET"})).await;
    assert!(requests.lock().unwrap()[0].starts_with("GET http://service.invalid/x HTTP/1.1"));
}

#[tokio::test]
async fn inputs_that_no_call_can_be_made_of_fail_and_say_why() {
    let uri = "http://127.0.0.1:1/";
    for (input, expected) in [
        (json!({"method": "GET"}), "Missing HTTP URI.  See documentation for HttpTask for required input parameters"),
        (json!({"uri": uri}), "No HTTP method specified"),
        (json!({"uri": uri, "method": "CONNECT"}), "`method` must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"),
        (json!({"http_request": "x"}), "`http_request` must be an object"),
        (json!({"uri": "file:///etc/passwd", "method": "GET"}), "`uri` must be an http or https URL"),
        (json!({"uri": "gopher://x/", "method": "GET"}), "`uri` must be an http or https URL"),
        (json!({"uri": "/path", "method": "GET"}), "`uri` must be a whole URL, as https://host/path"),
        (
            json!({"uri": "http://h/a\r\nX: y", "method": "GET"}),
            "`uri` must be free of line breaks and other control characters",
        ),
        (
            json!({"uri": uri, "method": "GET", "headers": {"X-A": "1\r\nX-B: 2"}}),
            "header `X-A` has a line break or another control character in its value",
        ),
        (
            json!({"uri": uri, "method": "GET", "headers": {"Authorization": "Bearer t\n"}}),
            "header `Authorization` ends with a line break; store the value without it",
        ),
        (
            json!({"uri": uri, "method": "GET", "headers": {"X-A": "a\u{0}b"}}),
            "header `X-A` has a line break or another control character in its value",
        ),
        (
            json!({"uri": uri, "method": "GET", "headers": {"a": "1", "b\r\nc": "2"}}),
            "header `number 2` has a name with characters that no header may have",
        ),
        (
            json!({"uri": uri, "method": "GET", "headers": {"Content-Length": "9"}}),
            "header `content-length` is set by the client itself; leave it out",
        ),
        (
            json!({"uri": uri, "method": "GET", "contentType": "a\r\nb: c"}),
            "header `contentType` has a line break or another control character in its value",
        ),
        (json!({"uri": uri, "method": "GET", "readTimeOut": "soon"}), "`readTimeOut` must be a number of milliseconds"),
        (json!({"uri": uri, "method": "GET", "readTimeOut": -1}), "`readTimeOut` must be a number of milliseconds"),
        (
            json!({"uri": uri, "method": "GET", "auth": {"type": "digest"}}),
            "`auth` must be {type: basic, username, password}",
        ),
    ] {
        assert_eq!(summary(&call(&client(), &input).await), format!("failed: {expected}"), "{input}");
    }
}

#[test]
fn timeouts_are_numbers_or_texts_of_milliseconds() {
    for (given, expected_ms) in [
        (Value::Null, 3_000),
        (json!(""), 3_000),
        (json!(250), 250),
        (json!("250"), 250),
        (json!(250.0), 250),
        (json!(0), 3_600_000),
        (json!(u64::MAX), 3_600_000),
    ] {
        let input = json!({"uri": "http://h", "method": "GET", "readTimeOut": given, "connectionTimeOut": given});
        let Ok(request) = Request::parse(&input) else { panic!("{input}") };
        assert_eq!(request.read_timeout.as_millis(), expected_ms, "{input}");
        assert_eq!(request.connect_timeout, request.read_timeout);
    }
}

#[tokio::test]
async fn a_call_says_its_trace_only_where_that_is_wanted_and_it_says_none_itself() {
    let (address, requests) = serve(vec![answer("200 OK", "", "")]).await;
    let traced = client_with(|settings| settings.traceparent = true, &[]);
    let plain = json!({"uri": format!("http://{address}/"), "method": "GET"});
    let mut own = plain.clone();
    own["headers"] = json!({"Traceparent": "00-mine-01"});
    for (client, input, said) in [
        (client(), &plain, None),
        (traced, &plain, Some("00-trace-span-01")),
        (client_with(|settings| settings.traceparent = true, &[]), &own, Some("00-mine-01")),
    ] {
        response_of(&client, input).await;
        let request = requests.lock().unwrap().pop().unwrap().to_lowercase();
        let headers: Vec<_> = request.lines().filter_map(|line| line.strip_prefix("traceparent: ")).collect();
        assert_eq!(headers, said.into_iter().collect::<Vec<_>>());
    }
}
