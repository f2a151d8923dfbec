use super::{CREATED, CREATED_BY, KEPT, Kind, Shape, UPDATED, UPDATED_BY};

/// What carries tags has a list of them.
pub(super) const TAGS: Kind = Kind::List(&Kind::Of(&TAG));
/// What tags are for.
pub(super) const TAGS_TEXT: &str = "What people sort by and grants name, as `tag:team:build`. Where it is there, also empty, the \
    tags are the file's and the API changes none.";

/// A tag of a definition.
#[rustfmt::skip]
static TAG: Shape = Shape {
    what: "a tag",
    required: &["key"],
    defaults: serde_json::Map::new,
    fields: &[
        ("key", Kind::Text, "What it sorts by, without a colon in it."),
        ("value", Kind::Text, "The value, of which a key has one."),
        ("type", Kind::Text, "METADATA; a RATE_LIMIT has no effect here, `rateLimitConfig` of a workflow has."),
        ("createTime", Kind::Long, CREATED),
        ("updateTime", Kind::Long, UPDATED),
        ("createdBy", Kind::Text, CREATED_BY),
        ("updatedBy", Kind::Text, UPDATED_BY),
        ("ownerApp", Kind::Any, KEPT),
    ],
};
