use crate::journal::{Bound, Condition, Direction, Field, Malformed, Operand, SlotField, conditions, sorting};

fn check(query: &str, expect: &[Condition<Field>]) {
    assert_eq!(conditions::<Field>(query, "*").as_deref(), Ok(expect), "{query}");
}

fn refused(query: &str) -> String {
    conditions::<Field>(query, "").unwrap_err().to_string()
}

fn text(text: &str) -> Operand {
    Operand::Text(text.to_owned())
}

#[test]
fn conductors_queries_are_read() {
    check("", &[]);
    check(" * ", &[]);
    check("workflowType = rotate", &[Condition::OneOf(Field::Name, vec![text("rotate")])]);
    check("workflowType='a b'", &[Condition::OneOf(Field::Name, vec![text("a b")])]);
    check("correlationId=\"x AND y\"", &[Condition::OneOf(Field::CorrelationId, vec![text("x AND y")])]);
    check(
        " workflowType IN (rotate,'b')  AND status IN (FAILED, TIMED_OUT) ",
        &[
            Condition::OneOf(Field::Name, vec![text("rotate"), text("b")]),
            Condition::OneOf(Field::Status, vec![text("FAILED"), text("TIMED_OUT")]),
        ],
    );
    check("workflowId in ()", &[Condition::OneOf(Field::Id, vec![])]);
    check(
        "startTime>1763640000000 and modifiedTime < 2026-11-20T12:00:00Z",
        &[
            Condition::Bounded(Field::Started, Bound::Above, Operand::Number(1_763_640_000_000)),
            Condition::Bounded(Field::Updated, Bound::Below, Operand::Number(1_795_176_000_000)),
        ],
    );
    check("version = 3", &[Condition::OneOf(Field::Version, vec![Operand::Number(3)])]);
}

fn is(field: Field, value: &str) -> Condition<Field> {
    Condition::OneOf(field, vec![text(value)])
}

fn bounded(field: Field, bound: Bound, at: i64) -> Condition<Field> {
    Condition::Bounded(field, bound, Operand::Number(at))
}

fn not(condition: Condition<Field>) -> Condition<Field> {
    Condition::Not(Box::new(condition))
}

#[test]
fn every_comparison_of_conductors_grammar_is_read() {
    check("correlationId != x", &[not(is(Field::CorrelationId, "x"))]);
    check("correlationId!='x'", &[not(is(Field::CorrelationId, "x"))]);
    check("correlationId <> x", &[not(is(Field::CorrelationId, "x"))]);
    check("correlationId NOT IN (x)", &[not(is(Field::CorrelationId, "x"))]);
    check("correlationId is null", &[Condition::Missing(Field::CorrelationId)]);
    check("correlationId IS NOT NULL", &[not(Condition::Missing(Field::CorrelationId))]);
    check("workflowType STARTS_WITH 'ro'", &[Condition::Begins(Field::Name, "ro".to_owned())]);
    check("startTime>=5", &[bounded(Field::Started, Bound::AtLeast, 5)]);
    check("startTime <= 5", &[bounded(Field::Started, Bound::AtMost, 5)]);
    let between = [bounded(Field::Started, Bound::AtLeast, 5), bounded(Field::Started, Bound::AtMost, 9)];
    check("startTime BETWEEN 5 AND 9", &between);
    check(
        "NOT endTime NOT BETWEEN 5 AND 9",
        &[bounded(Field::Ended, Bound::AtLeast, 5), bounded(Field::Ended, Bound::AtMost, 9)],
    );
}

#[test]
fn and_binds_closer_than_or_and_parentheses_closest() {
    let (a, b, c) = (|| is(Field::Name, "a"), || is(Field::Name, "b"), || is(Field::Status, "FAILED"));
    check(
        "workflowType=a OR workflowType=b AND status=FAILED",
        &[Condition::Any(vec![a(), Condition::All(vec![b(), c()])])],
    );
    check("(workflowType=a OR workflowType=b) AND status=FAILED", &[Condition::Any(vec![a(), b()]), c()]);
    check("((workflowType=a)) and (workflowType=b and status=failed)", &[a(), b(), c()]);
    check("NOT (workflowType=a OR status=FAILED)", &[not(Condition::Any(vec![a(), c()]))]);
}

#[test]
fn what_a_status_is_not_is_one_of_the_others() {
    let others = ["RUNNING", "COMPLETED", "TIMED_OUT", "TERMINATED", "PAUSED"].map(text).to_vec();
    check("status != FAILED", &[Condition::OneOf(Field::Status, others.clone())]);
    check("NOT status IN (FAILED)", &[Condition::OneOf(Field::Status, others)]);
}

#[test]
fn bad_grammar_is_refused_and_says_where() {
    for (query, at) in [
        ("workflowType", "column 13: expected =, !=, <, <=, >, >=, IN, BETWEEN, STARTS_WITH or IS at \"the end\""),
        ("workflowType = ", "column 16: expected a value at \"the end\""),
        ("= rotate", "column 1: expected a field at \"=\""),
        ("workflowType = 'rotate", "column 16: expected a closing quote at \"rotate\""),
        ("workflowType = 'ä' status = FAILED", "column 20: expected AND or OR at \"status\""),
        ("workflowType = a AND", "column 21: expected a field at \"the end\""),
        ("status IN FAILED", "column 11: expected ( at \"FAILED\""),
        ("status IN (FAILED", "column 18: expected , or ) at \"the end\""),
        ("status IN (FAILED FAILED)", "column 19: expected , or ) at \"FAILED\""),
        ("(status = FAILED", "column 17: expected AND, OR or ) at \"the end\""),
        ("status = FAILED)", "column 16: expected AND or OR at \")\""),
        ("endTime BETWEEN 1 OR 2", "column 19: expected AND at \"OR\""),
        ("endTime IS EMPTY", "column 12: expected NULL or NOT NULL at \"EMPTY\""),
        ("status NOT = FAILED", "column 12: expected IN, BETWEEN or STARTS_WITH at \"=\""),
        ("endTime STARTS_WITH 5", "column 21: \"5\" is no value of endTime: STARTS_WITH is for texts"),
        ("version = 1; DROP TABLE executions", "column 11: \"1;\" is no value of version"),
    ] {
        let message = refused(query);
        assert!(message.contains(at), "{query}: {message}");
    }
    assert!(refused("status").starts_with("Incorrectly formatted query string"));
}

#[test]
fn unknown_fields_and_values_are_refused_with_what_there_is() {
    let message = refused("version = 1 AND colour = red");
    assert!(message.starts_with("column 17: there is no field \"colour\""), "{message}");
    assert!(message.contains("workflowId, correlationId, workflowType"), "{message}");
    assert!(refused("status = DONE").contains("RUNNING, COMPLETED, FAILED"));
    assert!(refused("startTime > yesterday").contains("2026-11-20T12:00:00Z"));
}

#[test]
fn deep_queries_are_refused() {
    let nested = |depth: usize| format!("{}version = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(conditions::<Field>(&nested(16), "").is_ok());
    assert!(matches!(conditions::<Field>(&nested(17), ""), Err(Malformed::TooMany { max: 16, .. })));
    let denied = format!("{}version = 1", "NOT ".repeat(100_000));
    assert!(matches!(conditions::<Field>(&denied, ""), Err(Malformed::TooMany { max: 16, .. })));
}

#[test]
fn long_queries_are_refused() {
    let list = vec!["x"; 1_001].join(",");
    assert!(matches!(
        conditions::<Field>(&format!("workflowId IN ({list})"), ""),
        Err(Malformed::TooMany { max: 1_000, .. })
    ));
    let query = vec!["version = 1"; 33].join(" AND ");
    assert!(matches!(conditions::<Field>(&query, ""), Err(Malformed::TooMany { max: 32, .. })));
    let sort = vec!["version"; 33].join(",");
    assert!(matches!(sorting::<Field>(&sort), Err(Malformed::TooMany { max: 32, .. })));
}

#[test]
fn free_text_is_one_more_condition() {
    let expect =
        vec![Condition::OneOf(Field::Version, vec![Operand::Number(1)]), Condition::Mentions("rot".to_owned())];
    assert_eq!(conditions("version=1", " rot "), Ok(expect));
}

#[test]
fn sorts_are_read() {
    assert_eq!(sorting(""), Ok(vec![(Field::Started, Direction::Descending)]));
    assert_eq!(sorting("startTime:DESC"), Ok(vec![(Field::Started, Direction::Descending)]));
    let two = vec![(Field::Name, Direction::Ascending), (Field::Ended, Direction::Descending)];
    assert_eq!(sorting("workflowType,endTime:desc"), Ok(two));
    let refused = |sort: &str| sorting::<Field>(sort).unwrap_err().to_string();
    assert!(refused("version, startTime:UP").starts_with("sort, column 20: expected ASC or DESC at \"UP\""));
    assert!(refused("version,colour:ASC").starts_with("column 9: there is no field \"colour\""));
}

#[test]
fn slots_have_fields_of_their_own() {
    let query = " workflowType IN (x)  AND status IN (EXECUTED) ";
    let expect = vec![
        Condition::OneOf(SlotField::Workflow, vec![text("x")]),
        Condition::OneOf(SlotField::State, vec![text("EXECUTED")]),
    ];
    assert_eq!(conditions(query, "*"), Ok(expect));
    assert_eq!(sorting("startTime:DESC"), Ok(vec![(SlotField::Due, Direction::Descending)]));
}
