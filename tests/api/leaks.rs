//! No answer to a GET holds anything of a value, for any of the routes of the table and whatever they are asked about.

use keytide::api::{Route, table};
use serde_json::{Value, json};

use crate::canaries::{Day, LAST, MARK, Scan};
use crate::live::Listening;
use crate::matrix::query;
use crate::server::Server;

/// The routes that are there to give a value: nothing else may.
const REVEALS: [&str; 1] = ["/api/secrets/{key}"];

/// Returns everything that may stand in a place of a path.
fn candidates(day: &Day, route: &Route, place: &str) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let secrets = owned(&Day::SECRETS);
    match place {
        "key" if route.path.starts_with("/api/applications") => Vec::new(),
        "key" => [secrets, owned(&["reader"])].concat(),
        "name" => [day.workflows.clone(), owned(&["nightly", "work", "reader", "group", "told"])].concat(),
        "id" if route.path.contains("/{type}/") => secrets,
        "id" => [day.executions.clone(), day.tasks.clone()].concat(),
        "type" if route.path.contains("/{id}") => owned(&["SECRET_NAME"]),
        "type" => owned(&["work"]),
        "version" => owned(&["1"]),
        "reference" => owned(&["order-7"]),
        other => panic!("{}: say in this test what stands at {other}", route.path),
    }
}

/// Returns the paths of a route, with everything that may stand in its places.
fn paths(day: &Day, route: &Route) -> Vec<String> {
    let mut paths = vec![route.path.to_owned()];
    while paths.iter().any(|path| path.contains('{')) {
        paths = paths
            .iter()
            .flat_map(|path| {
                let (_, rest) = path.split_once('{').unwrap();
                let (place, _) = rest.split_once('}').unwrap();
                let stand = |one: String| path.replace(&format!("{{{place}}}"), &one);
                candidates(day, route, place).into_iter().map(stand).collect::<Vec<_>>()
            })
            .collect();
    }
    paths
}

#[test]
fn no_route_gives_anything_of_a_value_but_the_one_that_is_there_for_it() {
    let server = Server::new();
    let reader = server.signed_in("reader");
    let mut listening = Listening::to(&server, None, "", None);
    let (day, scan) = (Day::on(&server), Scan::new());
    let schedule = json!({"name": "nightly", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": LAST}});
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    for route in table().into_iter().filter(|route| route.method == "GET") {
        for path in paths(&day, &route) {
            let path = path + query(route.path);
            let answer = server.send("GET", &path, &[], b"");
            if REVEALS.contains(&route.path) {
                assert!(answer.body.contains(MARK) || answer.status == 404, "{path}: this scan sees no value");
                continue;
            }
            assert!(answer.status < 500, "{path}: {answer:?}");
            let headers = format!("{:?}", answer.headers);
            for text in [&answer.body, &headers, &server.client(Some(&reader), "GET", &path, &Value::Null).body] {
                scan.finds_nothing_in(&path, text);
            }
        }
    }
    for heard in listening.until(|heard| heard.data.to_string().contains(LAST)) {
        scan.finds_nothing_in("/api/events", &format!("{heard:?}"));
    }
}
