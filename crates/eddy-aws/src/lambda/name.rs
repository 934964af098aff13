//! The forms in which a function is named: `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME`, a whole ARN, and
//! what lies between.

use std::collections::VecDeque;

use eddy_base::{Account, Code, Fault, Region, Scope, Subject};
use eddy_functions::LATEST;
use serde::Deserialize;

use super::fault::constraint;
use super::function_arn;
use crate::Cx;

/// The longest bare name.
const NAME_LENGTH_MAX: usize = 64;

/// A function as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct FunctionName {
    region: Option<Region>,
    account: Option<Account>,
    name: String,
    qualifier: Option<String>,
}

/// A function as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scope: Scope,
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
}

impl TryFrom<String> for FunctionName {
    type Error = String;

    fn try_from(text: String) -> Result<FunctionName, String> {
        let wrong = || format!("{text} is not the name of a function");
        let mut parts: VecDeque<&str> = text.split(':').collect();
        if parts[0] == "arn" {
            let head: Vec<&str> = parts.drain(..parts.len().min(3)).collect();
            if head.get(2) != Some(&"lambda") {
                return Err(wrong());
            }
        }
        let region = parts.front().filter(|part| parts.len() > 1 && is_region(part));
        let region = region.and_then(|part| Region::new(part).ok());
        parts.drain(..usize::from(region.is_some()));
        let account = parts.front().filter(|_| parts.len() > 1).and_then(|part| Account::new(part).ok());
        parts.drain(..usize::from(account.is_some()));
        let spelled_out = parts.len() > 1 && parts[0] == "function";
        parts.drain(..usize::from(spelled_out));
        let name = parts.pop_front().filter(|name| !name.is_empty()).ok_or_else(wrong)?.to_owned();
        let qualifier = parts.pop_front().map(str::to_owned);
        if !parts.is_empty() {
            return Err(wrong());
        }
        Ok(FunctionName { region, account, name, qualifier })
    }
}

/// `us-east-1`, `us-gov-west-1`.
fn is_region(part: &str) -> bool {
    let pieces: Vec<&str> = part.split('-').collect();
    let letters = |piece: &&str| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_lowercase());
    match pieces.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && letters(area)
                && !middle.is_empty()
                && middle.iter().all(letters)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        [] | [_] => false,
    }
}

impl FunctionName {
    /// Where the function is. `qualifier` is the request's own, beside the one in the name.
    pub(super) fn place(&self, cx: &Cx, qualifier: Option<&str>) -> Result<Place, Fault> {
        let here = &cx.scope.region;
        if let Some(region) = self.region.as_ref().filter(|region| *region != here) {
            let text = format!("Functions from '{region}' are not reachable in this region ('{here}')");
            return Err(Fault::new(Code::Missing, Subject::Request, text));
        }
        if self.name.len() > NAME_LENGTH_MAX {
            return Err(constraint("functionName", &self.name, "have length less than or equal to 64"));
        }
        let qualifier = match (self.qualifier.as_deref(), qualifier) {
            (Some(own), Some(other)) if own != other => {
                let text =
                    "The derived qualifier from the function name does not match the specified qualifier.";
                return Err(Fault::invalid(text));
            }
            (own, other) => own.or(other).map(str::to_owned),
        };
        Ok(Place { scope: self.scope(cx), name: self.name.clone(), qualifier })
    }

    /// As [`FunctionName::place`], and the function must be there in that version.
    pub(super) fn existing(&self, cx: &Cx, qualifier: Option<&str>) -> Result<Place, Fault> {
        let place = self.place(cx, qualifier)?;
        match place.qualifier.as_deref() {
            None | Some(LATEST) => Ok(place),
            Some(_) => {
                let text = format!("Function not found: {}", place.qualified_arn());
                Err(Fault::new(Code::Missing, Subject::FunctionVersion, text))
            }
        }
    }

    /// As [`FunctionName::place`], for operations that change the function, whatever its versions.
    pub(super) fn unqualified(&self, cx: &Cx) -> Result<Place, Fault> {
        let place = self.place(cx, None)?;
        if place.qualifier.is_some() {
            let text = "This operation does not support a version or an alias in the function's name.";
            return Err(Fault::invalid(text));
        }
        Ok(place)
    }

    /// The function's ARN without a qualifier, for permissions.
    pub(super) fn arn(&self, cx: &Cx) -> String {
        function_arn(&self.scope(cx), &self.name, None)
    }

    fn scope(&self, cx: &Cx) -> Scope {
        let account = self.account.clone().unwrap_or_else(|| cx.scope.account.clone());
        Scope { account, region: cx.scope.region.clone() }
    }
}

impl Place {
    pub(super) fn arn(&self) -> String {
        function_arn(&self.scope, &self.name, None)
    }

    /// With the qualifier that was asked for, if any.
    pub(super) fn qualified_arn(&self) -> String {
        function_arn(&self.scope, &self.name, self.qualifier.as_deref())
    }

    pub(super) fn latest_arn(&self) -> String {
        function_arn(&self.scope, &self.name, Some(LATEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, String, String, String)> {
        let name = FunctionName::try_from(text.to_owned()).ok()?;
        let text = |part: Option<String>| part.unwrap_or_default();
        Some((
            text(name.region.map(|region| region.to_string())),
            text(name.account.map(|account| account.to_string())),
            name.name,
            text(name.qualifier),
        ))
    }

    #[test]
    fn all_forms() {
        let check = |text: &str, region: &str, account: &str, name: &str, qualifier: &str| {
            let expected = (region.to_owned(), account.to_owned(), name.to_owned(), qualifier.to_owned());
            assert_eq!(parse(text), Some(expected), "{text}");
        };
        check("f", "", "", "f", "");
        check("f:$LATEST", "", "", "f", "$LATEST");
        check("function:f", "", "", "f", "");
        check("function:f:1", "", "", "f", "1");
        check("123456789012:function:f", "", "123456789012", "f", "");
        check("123456789012:f", "", "123456789012", "f", "");
        check("us-east-1:123456789012:function:f:p", "us-east-1", "123456789012", "f", "p");
        check("arn:aws:lambda:us-east-1:123456789012:function:f", "us-east-1", "123456789012", "f", "");
        check(
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:p",
            "us-gov-west-1",
            "123456789012",
            "f",
            "p",
        );
        check("us-east-1", "", "", "us-east-1", "");
        check("123456789012", "", "", "123456789012", "");
        check("function", "", "", "function", "");
        for text in ["", "arn", "arn:aws:s3:::b", "f:1:2", "123456789012:function:"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
