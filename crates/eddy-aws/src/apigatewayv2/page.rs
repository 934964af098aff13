//! `MaxResults` and `NextToken` over lists.

use std::collections::BTreeMap;

use eddy_base::Fault;

use super::fault::bad;
use crate::page_token;

/// Items of one page, when nothing else is asked for, and at most.
const ITEMS_DEFAULT: usize = 100;
const ITEMS_MAX: usize = 1_000;

/// Which page is asked for.
pub(super) struct Asked {
    /// The last item of the page before.
    pub(super) after: Option<String>,
    pub(super) items_max: usize,
}

impl Asked {
    pub(super) fn new(max_results: Option<&str>, next_token: Option<&str>) -> Result<Asked, Fault> {
        let items_max = match max_results {
            None => ITEMS_DEFAULT,
            Some(text) => match text.parse() {
                Ok(wanted) if wanted >= 1 => ITEMS_MAX.min(wanted),
                Ok(_) | Err(_) => return Err(bad("Invalid maxResults value")),
            },
        };
        let after =
            next_token.map(|token| page_token::read(token).ok_or_else(|| bad("Invalid nextToken value")));
        Ok(Asked { after: after.transpose()?, items_max })
    }

    /// The page of a map by key, and the token of the next one.
    pub(super) fn of<'a, T>(&self, all: &'a BTreeMap<String, T>) -> (Vec<&'a T>, Option<String>) {
        let mut rest = all.iter().filter(|(key, _)| self.after.as_ref().is_none_or(|after| *key > after));
        let page: Vec<(&String, &T)> = rest.by_ref().take(self.items_max).collect();
        let next = rest.next().and(page.last()).map(|(key, _)| token(key));
        (page.into_iter().map(|(_, item)| item).collect(), next)
    }
}

/// The token that leads on from an item.
pub(super) fn token(last: &str) -> String {
    page_token::write(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_meet_without_gap() {
        let all: BTreeMap<String, u32> = (0..7).map(|number| (format!("id{number}"), number)).collect();
        let (mut seen, mut next) = (Vec::new(), None);
        loop {
            let (items, token) = Asked::new(Some("3"), next.as_deref()).unwrap().of(&all);
            seen.extend(items.into_iter().copied());
            next = token;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..7).collect::<Vec<u32>>());
    }

    #[test]
    fn nonsense_is_refused() {
        for (max, token) in [(Some("0"), None), (Some("x"), None), (None, Some("*")), (None, Some("aWQw"))] {
            assert!(Asked::new(max, token).is_err());
        }
    }
}
