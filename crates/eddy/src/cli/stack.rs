//! What `eddy up` and `eddy deploy` are told about a deployment: its name, and values of its template's parameters, with
//! eddy's flag or with that of `sam` and its two ways of writing them.

use super::Failure;
use crate::redeploy::Asked;

/// The longest name of a stack, characters; CloudFormation's own limit.
const NAME_MAX: usize = 128;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Stack {
    /// What the deployment is called; as its folder, unless given
    #[arg(long = "stack", alias = "stack-name", value_name = "NAME")]
    name: Option<String>,
    /// Value of a template parameter, NAME=VALUE; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// The same as sam has it: NAME=VALUE NAME=VALUE, or ParameterKey=NAME,ParameterValue=VALUE
    #[arg(long = "parameter-overrides", value_name = "NAME=VALUE", num_args = 1..)]
    overrides: Vec<String>,
}

impl Stack {
    /// All that was said; of parameters, what stands later wins.
    ///
    /// # Errors
    /// A parameter that has neither form, a name that CloudFormation would not take.
    pub fn asked(&self) -> Result<Asked, Failure> {
        if let Some(name) = self.name.as_deref().filter(|name| !is_name(name)) {
            return Err(format!("--stack {name}: a letter, then letters, digits and hyphens").into());
        }
        let overrides = self.overrides.iter().flat_map(|text| split(text));
        let pairs = self.parameter.iter().cloned().chain(overrides).map(|text| pair(&text));
        Ok(Asked { parameters: pairs.collect::<Result<_, _>>()?, stack: self.name.clone() })
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// One word of the command line may hold several, parted by spaces outside quotes; unless not every part is one, and
/// so the space belongs to a value.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in text.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(mark)) if mark == letter => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let are_pairs = words.iter().all(|word| word.find('=').is_some_and(|at| at > 0));
    if are_pairs { words } else { vec![text.to_owned()] }
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    let long = text.strip_prefix("ParameterKey=").and_then(|rest| rest.split_once(",ParameterValue="));
    match long.or_else(|| text.split_once('=')) {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err(format!("the parameter {text}: it is NAME=VALUE").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(name: Option<&str>, parameter: &[&str], overrides: &[&str]) -> Stack {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Stack { name: name.map(str::to_owned), parameter: owned(parameter), overrides: owned(overrides) }
    }

    #[test]
    fn both_flags_and_all_forms_are_taken() {
        for (parameter, overrides, all) in [
            (&["A=1", "B=x=y"][..], &[][..], &[("A", "1"), ("B", "x=y")][..]),
            (&[], &["A=1", "B=2"], &[("A", "1"), ("B", "2")]),
            (&[], &["A=1 B='two words'"], &[("A", "1"), ("B", "two words")]),
            (&[], &["A=two words"], &[("A", "two words")]),
            (&[], &["ParameterKey=A,ParameterValue=1,2"], &[("A", "1,2")]),
            (&["A=1"], &["A=2"], &[("A", "2")]),
            (&["A="], &[], &[("A", "")]),
        ] {
            let asked = stack(None, parameter, overrides).asked().expect("well-formed");
            let pairs: Vec<_> = asked.parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(pairs, all);
        }
    }

    #[test]
    fn what_has_no_form_is_refused() {
        for (name, parameter) in
            [(None, "A"), (None, "=1"), (Some("1st"), "A=1"), (Some("a_b"), "A=1"), (Some(""), "A=1")]
        {
            assert!(stack(name, &[parameter], &[]).asked().is_err(), "{name:?} {parameter}");
        }
    }
}
