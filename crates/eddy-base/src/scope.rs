//! Whose and where: names are unique per account and region.

use std::fmt;
use std::sync::Arc;

/// A twelve-digit account number.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account(Arc<str>);

/// A region's name, such as `us-east-1`. Any name is accepted: to eddy a region is a name space.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

/// An account in a region.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Scope {
    pub account: Account,
    pub region: Region,
}

/// The text does not name what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    #[error("an account is 12 digits")]
    Account,
    #[error("a region is 1 to 32 characters of a-z, 0-9 and -")]
    Region,
}

impl Account {
    /// The account that exists from the first start.
    pub const DEFAULT: &'static str = "000000000000";
    /// # Errors
    /// [`NotAName::Account`] unless the text is twelve digits.
    pub fn new(text: &str) -> Result<Account, NotAName> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Account(text.into()));
        }
        Err(NotAName::Account)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Account {
    fn default() -> Account {
        Account(Account::DEFAULT.into())
    }
}

impl Region {
    /// # Errors
    /// [`NotAName::Region`] unless the text is 1 to 32 characters of `a-z`, `0-9` and `-`.
    pub fn new(text: &str) -> Result<Region, NotAName> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Region(text.into()));
        }
        Err(NotAName::Region)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    fn default() -> Region {
        Region("us-east-1".into())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> minicbor::Encode<C> for Scope {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(2)?.str(self.account.as_str())?.str(self.region.as_str())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Scope {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Scope, minicbor::decode::Error> {
        if d.array()? != Some(2) {
            return Err(minicbor::decode::Error::message("a scope is two texts"));
        }
        let account = Account::new(d.str()?).map_err(minicbor::decode::Error::message)?;
        let region = Region::new(d.str()?).map_err(minicbor::decode::Error::message)?;
        Ok(Scope { account, region })
    }
}
