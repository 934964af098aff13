//! What has to be done with a resource, from what stands and what is wanted.

use serde_json::Value;

use crate::keys::{Row, State};
use crate::resource::{Kind, Properties};

/// What has to be done.
#[derive(Debug, PartialEq)]
pub enum Todo {
    Nothing,
    Make,
    /// An earlier deployment was about to make it and was cut off; nobody knows whether it did.
    Finish,
    /// Null: nobody knows what it is like.
    Change {
        old: Value,
    },
    /// Another takes its place; it goes at the end.
    Replace,
}

/// Decides it.
pub fn decide(kind: Kind, before: Option<&Row>, wish: &Properties) -> Todo {
    let Some(before) = before else { return Todo::Make };
    let old = before.values();
    let is_another = Kind::named(&before.kind) != Some(kind) || kind.must_replace(&old, &wish.values);
    match before.state {
        // The intent was for another name, and says nothing about who has this one.
        State::Intended if is_another => Todo::Make,
        State::Intended => Todo::Finish,
        State::Settled | State::Unsettled if is_another => Todo::Replace,
        State::Settled if old == wish.values => Todo::Nothing,
        State::Settled => Todo::Change { old },
        State::Unsettled => Todo::Change { old: Value::Null },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_decides() {
        let row = |state, values: &Value| Row {
            kind: "AWS::S3::Bucket".to_owned(),
            physical_id: "b".to_owned(),
            attributes: BTreeMap::new(),
            properties: values.to_string(),
            state,
            is_retained: false,
            number: 0,
            others: None,
        };
        let (one, two) = (json!({ "BucketName": "b" }), json!({ "BucketName": "b", "Tags": [] }));
        let other = json!({ "BucketName": "c" });
        let wish = |values: &Value| Properties {
            id: "B".to_owned(),
            stack: "s".to_owned(),
            values: values.clone(),
            package: None,
        };
        let change = |old: &Value| Todo::Change { old: old.clone() };
        for (kind, before, wanted, todo) in [
            (Kind::Bucket, None, &one, Todo::Make),
            (Kind::Bucket, Some(row(State::Intended, &one)), &one, Todo::Finish),
            (Kind::Role, Some(row(State::Intended, &one)), &one, Todo::Make),
            (Kind::Bucket, Some(row(State::Intended, &one)), &other, Todo::Make),
            (Kind::Bucket, Some(row(State::Settled, &one)), &one, Todo::Nothing),
            (Kind::Bucket, Some(row(State::Settled, &one)), &two, change(&one)),
            (Kind::Bucket, Some(row(State::Unsettled, &one)), &one, change(&Value::Null)),
            (Kind::Bucket, Some(row(State::Settled, &one)), &other, Todo::Replace),
            (Kind::Bucket, Some(row(State::Unsettled, &one)), &other, Todo::Replace),
            (Kind::Role, Some(row(State::Settled, &one)), &one, Todo::Replace),
        ] {
            assert_eq!(decide(kind, before.as_ref(), &wish(wanted)), todo, "{kind:?} {before:?} {wanted}");
        }
    }
}
