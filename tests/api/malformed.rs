use serde_json::json;

use crate::metadata::noop;
use crate::server::Server;

/// Every route that takes a body or a name.
const ROUTES: [(&str, &str); 51] = [
    ("POST", "/api/metadata/workflow"),
    ("PUT", "/api/metadata/workflow"),
    ("POST", "/api/metadata/workflow/validate"),
    ("GET", "/api/metadata/workflow/{}"),
    ("GET", "/api/metadata/workflow/{}/versions"),
    ("DELETE", "/api/metadata/workflow/{}/{}"),
    ("POST", "/api/metadata/taskdefs"),
    ("PUT", "/api/metadata/taskdefs"),
    ("GET", "/api/metadata/taskdefs/{}"),
    ("DELETE", "/api/metadata/taskdefs/{}"),
    ("POST", "/api/workflow"),
    ("POST", "/api/workflow/{}"),
    ("GET", "/api/workflow/{}"),
    ("GET", "/api/workflow/{}/tasks"),
    ("GET", "/api/workflow/{}/status"),
    ("GET", "/api/workflow/search"),
    ("GET", "/api/workflow/search-v2"),
    ("GET", "/api/workflow/search-by-tasks"),
    ("GET", "/api/tasks/search"),
    ("PUT", "/api/workflow/{}/pause"),
    ("POST", "/api/workflow/{}/retry"),
    ("POST", "/api/workflow/{}/rerun"),
    ("PUT", "/api/workflow/{}/skiptask/{}"),
    ("POST", "/api/workflow/{}/variables"),
    ("GET", "/api/event"),
    ("POST", "/api/event"),
    ("PUT", "/api/event"),
    ("GET", "/api/event/{}"),
    ("DELETE", "/api/event/{}"),
    ("DELETE", "/api/workflow/{}"),
    ("PUT", "/api/workflow/bulk/pause"),
    ("GET", "/api/tasks/poll/{}"),
    ("GET", "/api/tasks/{}"),
    ("POST", "/api/tasks"),
    ("POST", "/api/tasks/{}/{}/{}"),
    ("GET", "/api/tasks/{}/log"),
    ("POST", "/api/tasks/{}/log"),
    ("GET", "/api/secrets"),
    ("GET", "/api/secrets/{}"),
    ("PUT", "/api/secrets/{}"),
    ("DELETE", "/api/secrets/{}"),
    ("PUT", "/api/secrets/{}/tags"),
    ("GET", "/api/environment/{}"),
    ("POST", "/api/scheduler/schedules"),
    ("GET", "/api/scheduler/schedules/{}/pause"),
    ("PUT", "/api/scheduler/bulk/resume"),
    ("GET", "/api/scheduler/nextFewSchedules"),
    ("GET", "/api/scheduler/search/executions"),
    ("POST", "/api/keytide/schedules/{}/trigger"),
    ("POST", "/api/keytide/executions/{}/rescue"),
    ("POST", "/api/keytide/secrets/{}/rollback"),
];

const NAMES: [&str; 12] = [
    "n",
    "%00",
    "%ff%fe",
    "..%2f..%2fetc%2fpasswd",
    "%F0%9F%94%91",
    "-1",
    "99999999999999999999",
    "01920000-0000-7000-8000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "%27%20OR%201%3D1--",
    "%24%7Bx%7D",
    "COMPLETED",
];

const QUERIES: [&str; 9] = [
    "",
    "?start=-1&size=x&count=99999999999999999999&version=one&limit=-5",
    "?query=%28%28%28&sort=;drop&freeText=%ff",
    "?query=status%20IN%20(&includeTasks=perhaps&includeOutput=None",
    "?cronExpression=*%20*%20*%20*%20*%20*&scheduleStartTime=9223372036854775807&scheduleEndTime=-9223372036854775808",
    "?cronExpression=0%200%200%2029%202%20*&limit=18446744073709551615&scheduleStartTime=-9223372036854775808",
    "?%ff=%ff&&&===&a=b=c",
    "?overwrite=2&force=maybe&access=&paused=3",
    "?start=18446744073709551615&size=18446744073709551615",
];

fn bodies() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "{",
        "[",
        "null",
        "true",
        "7",
        "\"text\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[{}]",
        "\u{0}",
        "{\"a\":1}{\"b\":2}",
        "{\"name\":null,\"tasks\":null,\"input\":null}",
        "{\"name\":7}",
        "{\"name\":\"n\",\"input\":\"text\"}",
        "{\"name\":\"n\",\"version\":1e400}",
        "{\"name\":\"n\",\"version\":99999999999}",
        "{\"name\":\"n\",\"name\":\"m\"}",
        "{\"name\":\"s\",\"cronExpression\":\"* * * * * *\",\"zoneId\":7}",
        "[\"n\",7]",
        "{\"taskId\":\"x\",\"status\":\"COMPLETED\",\"outputData\":[]}",
        "{\"path\":\"$\",\"secret\":\"s\"}",
        "{\"to\":\"x\"}",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(vec![0xff, 0xfe, 0x00]);
    bodies.push("[".repeat(100_000).into_bytes());
    bodies.push("{\"a\":".repeat(100_000).into_bytes());
    bodies.push(
        json!({"name": "n", "tasks": [{"name": "${${${", "taskReferenceName": "${x}", "type": "\u{0}"}]})
            .to_string()
            .into_bytes(),
    );
    bodies
}

/// Numbers that look random and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        &from[usize::try_from(self.0 >> 33).unwrap() % from.len()]
    }
}

#[test]
fn nothing_that_a_client_sends_is_our_mistake() {
    let seed = std::env::var("KEYTIDE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    let mut dice = Dice(seed);
    let server = Server::new();
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("n", 1)).status, 200);
    let (bodies, kinds) = (bodies(), ["application/json", "text/plain", "application/xml", "multipart/form-data", ""]);
    for _ in 0..3_000 {
        let (method, route) = *dice.pick(&ROUTES);
        let mut path = route.to_owned();
        while path.contains("{}") {
            path = path.replacen("{}", dice.pick::<&str>(&NAMES), 1);
        }
        path.push_str(dice.pick::<&str>(&QUERIES));
        let body = dice.pick(&bodies);
        let headers = [
            ("content-type", *dice.pick(&kinds)),
            ("user-agent", *dice.pick(&["curl", "python-httpx/1", "Go-http-client/1.1"])),
        ];
        let answer = server.send(method, &path, &headers, body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert!(answer.status < 500, "seed {seed}: {method} {path} {shown} gives {answer:?}");
        if answer.status >= 400 {
            assert_eq!(answer.json()["status"], answer.status, "{method} {path}");
        }
    }
    assert_eq!(server.get("/health").status, 200);
}
