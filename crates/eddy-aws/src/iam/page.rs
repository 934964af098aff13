//! `Marker` and `MaxItems` over lists that are at hand.

/// Items of one page, when nothing else is asked for.
pub(super) const ITEMS_DEFAULT: i64 = 100;

/// One page of a list that is sorted by `key`; its marker is the key of its last item.
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub marker: Option<String>,
}

/// The items after `marker`, at most `items_max` (1 to 1000, as the model says).
pub(super) fn page<T>(
    sorted: impl Iterator<Item = T>,
    key: impl Fn(&T) -> &str,
    marker: Option<&str>,
    items_max: Option<i64>,
) -> Page<T> {
    let wanted = wanted(items_max);
    let mut rest = sorted.skip_while(|item| marker.is_some_and(|marker| key(item) <= marker)).peekable();
    let items: Vec<T> = rest.by_ref().take(wanted).collect();
    let marker = rest.peek().and(items.last()).map(|last| key(last).to_owned());
    Page { items, marker }
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
            let part = page(all.iter().copied(), |item| item, marker.as_deref(), Some(2));
            seen.extend(part.items);
            marker = part.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(page(all.iter().copied(), |item| item, None, None).marker.is_none());
    }
}
