//! Values of template parameters, as `eddy up` and `eddy deploy` take them: with eddy's flag, and with that of `sam`
//! and its two ways of writing them.

use super::Failure;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Parameters {
    /// Value of a template parameter, NAME=VALUE; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// The same as sam has it: NAME=VALUE NAME=VALUE, or ParameterKey=NAME,ParameterValue=VALUE
    #[arg(long = "parameter-overrides", value_name = "NAME=VALUE", num_args = 1..)]
    overrides: Vec<String>,
}

impl Parameters {
    /// All of them as `NAME=VALUE`; what stands later wins.
    ///
    /// # Errors
    /// One that has neither form.
    pub fn all(&self) -> Result<Vec<String>, Failure> {
        let overrides = self.overrides.iter().flat_map(|text| split(text));
        self.parameter.iter().cloned().chain(overrides).map(|text| pair(&text)).collect()
    }
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

fn pair(text: &str) -> Result<String, Failure> {
    let long = text.strip_prefix("ParameterKey=").and_then(|rest| rest.split_once(",ParameterValue="));
    if let Some((name, value)) = long {
        return Ok(format!("{name}={value}"));
    }
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err(format!("the parameter {text}: it is NAME=VALUE").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_flags_and_all_forms_are_taken() {
        for (parameter, overrides, all) in [
            (&["A=1", "B=x=y"][..], &[][..], &["A=1", "B=x=y"][..]),
            (&[], &["A=1", "B=2"], &["A=1", "B=2"]),
            (&[], &["A=1 B='two words'"], &["A=1", "B=two words"]),
            (&[], &["A=two words"], &["A=two words"]),
            (&[], &["ParameterKey=A,ParameterValue=1,2"], &["A=1,2"]),
            (&["A=1"], &["A=2"], &["A=1", "A=2"]),
        ] {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            let parameters = Parameters { parameter: owned(parameter), overrides: owned(overrides) };
            assert_eq!(parameters.all().expect("well-formed"), all);
        }
        for wrong in ["A", "=1"] {
            let parameters = Parameters { parameter: vec![wrong.to_owned()], overrides: Vec::new() };
            assert!(parameters.all().is_err(), "{wrong}");
        }
    }
}
