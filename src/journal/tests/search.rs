use crate::journal::{Condition, Direction, Field, Malformed, Operand, SlotField, conditions, sorting};

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
            Condition::Above(Field::Started, Operand::Number(1_763_640_000_000)),
            Condition::Below(Field::Updated, Operand::Number(1_795_176_000_000)),
        ],
    );
    check("version = 3", &[Condition::OneOf(Field::Version, vec![Operand::Number(3)])]);
}

#[test]
fn bad_grammar_is_refused_and_says_where() {
    for (query, at) in [
        ("workflowType", "expected =, <, > or IN at \"the end\""),
        ("workflowType = ", "expected a value at \"the end\""),
        ("= rotate", "expected a field at \"=\""),
        ("workflowType = 'rotate", "expected a closing quote at \"rotate\""),
        ("workflowType = a OR status = FAILED", "expected AND at \"OR\""),
        ("workflowType = a AND", "expected a field at \"the end\""),
        ("status IN FAILED", "expected ( at \"FAILED\""),
        ("status IN (FAILED", "expected , or ) at \"the end\""),
        ("status IN (FAILED FAILED)", "expected , or ) at \"FAILED\""),
        ("version = 1; DROP TABLE executions", "\"1;\" is no value of version"),
    ] {
        let message = refused(query);
        assert!(message.contains(at), "{query}: {message}");
    }
    assert!(refused("status").starts_with("Incorrectly formatted query string"));
}

#[test]
fn unknown_fields_and_values_are_refused_with_what_there_is() {
    let message = refused("colour = red");
    assert!(message.starts_with("there is no field \"colour\""), "{message}");
    assert!(message.contains("workflowId, correlationId, workflowType"), "{message}");
    assert!(refused("status = DONE").contains("RUNNING, COMPLETED, FAILED"));
    assert!(refused("startTime > yesterday").contains("2026-11-20T12:00:00Z"));
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
    assert!(sorting::<Field>("startTime:UP").is_err());
    assert!(sorting::<Field>("colour:ASC").is_err());
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
