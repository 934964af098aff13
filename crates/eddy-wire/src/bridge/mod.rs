//! Between documents and the plain structs of operations, through serde.
//!
//! A field and a member match when they are equal without case and underscores, so `md5_of_message_body` is
//! `MD5OfMessageBody` with no attribute. Nothing is dropped in silence: a member that the model knows and the
//! struct lacks is refused by name unless its value asks for nothing; a field that the model lacks is an error.
//! What several operations have in common is a part: a field whose name is no member, and whose type is a struct of
//! members. `#[serde(flatten)]` hides a struct's fields from the
//! engine and must not be used.

mod fields;
mod read;
mod special;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use fields::Fields;
pub use special::{Blob, Coded, Time};

use crate::schema::{Operation, Structure};
use crate::{Document, Error, Struct};

/// Turns an input into the struct of its operation.
///
/// # Errors
/// * By the service's name for what is not supported, with the member's path, for a member that is set to more
///   than nothing and that the struct lacks.
/// * By the service's name for invalid input, with the text of the type that refused a value (see [`Coded`] to
///   choose another name), or for a field that is not optional and not set.
pub fn from_document<T: DeserializeOwned>(operation: &Operation, document: Document) -> Result<T, Error> {
    T::deserialize(read::Value::new(document)).map_err(|refusal| refusal.error(&operation.facts.codes))
}

/// Turns the output of an operation into a document of its model's shape.
///
/// # Errors
/// A 500 for what does not fit: an unknown field, a value of another type, no output where there should be one.
pub fn to_document<T: Serialize>(operation: &Operation, output: &T) -> Result<Document, Error> {
    let outcome = match operation.output {
        Some(shape) => write::document(shape.get(), output).map(|document| match document {
            Document::Null => Document::Struct(Struct::new(shape.get())),
            set => set,
        }),
        None => write::nothing(output),
    };
    outcome.map_err(|mistake| Error::internal(format!("the answer of {}: {mistake}", operation.name)))
}

/// The fields of an operation's struct that its input in the model lacks. For tests that walk all operations.
pub fn check_fields<T: DeserializeOwned>(operation: &Operation) -> Vec<&'static str> {
    Fields::of::<T>(operation.input.map(|shape| shape.get().structure())).unknown
}

/// The members of an operation's input that its struct lacks, and so refuses unless their value is neutral.
pub fn lacking_members<T: DeserializeOwned>(operation: &Operation) -> Vec<&'static str> {
    let input = operation.input.map(|shape| shape.get().structure());
    let fields = Fields::of::<T>(input).known;
    let lacking = |name: &&'static str| !fields.iter().any(|field| same(name, field));
    let members = input.map(|structure| &structure.members);
    let refusable = members.into_iter().flatten().filter(|member| !member.about_body);
    refusable.map(|member| member.name).filter(lacking).collect()
}

/// The member that a field means.
fn find(structure: &Structure, field: &str) -> Option<usize> {
    structure.members.iter().position(|member| same(member.name, field))
}

/// Equal without case and underscores?
fn same(left: &str, right: &str) -> bool {
    let letters = |text| str::bytes(text).filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase());
    letters(left).eq(letters(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_without_case_and_underscores() {
        for (member, field) in [
            ("MD5OfMessageBody", "md5_of_message_body"),
            ("KMSKeyArn", "kms_key_arn"),
            ("x", "X"),
            ("nextToken", "next_token"),
        ] {
            assert!(same(member, field), "{member} {field}");
        }
        assert!(!same("Name", "names"));
    }
}
