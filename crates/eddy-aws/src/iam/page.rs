//! `Marker` and `MaxItems` over lists that are at hand.

use eddy_base::Fault;

use crate::page_token;

/// Items of one page, when nothing else is asked for.
pub(super) const ITEMS_DEFAULT: i64 = 100;

/// One page of a list that is sorted by `key`; its marker stands for the key of its last item.
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub marker: Option<String>,
}

/// The items after `marker`, at most `items_max` (1 to 1000, as the model says).
///
/// # Errors
/// When the marker is not one of ours.
pub(super) fn page<T>(
    sorted: impl Iterator<Item = T>,
    key: impl Fn(&T) -> &str,
    marker: Option<&str>,
    items_max: Option<i64>,
) -> Result<Page<T>, Fault> {
    let wanted = wanted(items_max);
    let after = after(marker)?;
    let is_before = |item: &T| after.as_ref().is_some_and(|after| key(item) <= after.as_str());
    let mut rest = sorted.skip_while(is_before).peekable();
    let items: Vec<T> = rest.by_ref().take(wanted).collect();
    let marker = rest.peek().and(items.last()).map(|last| page_token::write(key(last)));
    Ok(Page { items, marker })
}

/// The item that a marker goes on behind.
///
/// # Errors
/// When it is not one of ours.
pub(super) fn after(marker: Option<&str>) -> Result<Option<String>, Fault> {
    let read = |marker| {
        page_token::read(marker).ok_or_else(|| Fault::invalid("Invalid Marker.").named("ValidationError"))
    };
    marker.map(read).transpose()
}

/// How many items a page has.
pub(super) fn wanted(items_max: Option<i64>) -> usize {
    usize::try_from(items_max.unwrap_or(ITEMS_DEFAULT)).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_meet_without_gap() {
        let all = ["a", "b", "c", "d", "e"];
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let part = page(all.iter().copied(), |item| item, marker.as_deref(), Some(2)).unwrap();
            seen.extend(part.items);
            marker = part.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(page(all.iter().copied(), |item| item, None, None).unwrap().marker.is_none());
        assert!(page(all.iter().copied(), |item| item, Some("b"), None).is_err());
    }
}
