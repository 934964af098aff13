use std::collections::BTreeSet;

use eddy_objects::{After, Page, Query};
use proptest::prelude::*;

use crate::house::House;

/// What a listing must be: all entries at once, in order.
fn model(keys: &BTreeSet<String>, query: &Query) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(&query.prefix)) {
        let is_behind = match &query.after {
            After::Nothing => true,
            After::Key(after) => key > after,
            After::Prefix(after) => key > after && !key.starts_with(after),
        };
        if !is_behind {
            continue;
        }
        let behind = &key[query.prefix.len()..];
        let entry = match behind.find(&query.delimiter).filter(|_| !query.delimiter.is_empty()) {
            Some(at) => format!("{}{}...", query.prefix, &behind[..at + query.delimiter.len()]),
            None => key.clone(),
        };
        let is_begun =
            |after: &str| entry.strip_suffix("...").is_some_and(|prefix| after.starts_with(prefix));
        if matches!(&query.after, After::Key(after) if is_begun(after)) {
            continue;
        }
        if entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}

/// The entries of a page, merged as their order is.
fn entries(page: &Page) -> Vec<String> {
    let prefixes = page.prefixes.iter().map(|prefix| (prefix.clone(), format!("{prefix}...")));
    let keys = page.objects.iter().map(|object| (object.key.clone(), object.key.clone()));
    let mut entries: Vec<(String, String)> = prefixes.chain(keys).collect();
    entries.sort();
    entries.into_iter().map(|(_, entry)| entry).collect()
}

async fn all_pages(house: &House, query: &Query) -> Vec<String> {
    let mut listed = Vec::new();
    let mut query = query.clone();
    loop {
        let page = house.objects.list("bucket", &query).await.expect("a page").value;
        assert!(page.objects.len() + page.prefixes.len() <= query.max);
        listed.extend(entries(&page));
        match page.next {
            Some(next) => query.after = next,
            None => return listed,
        }
    }
}

#[test]
fn pages_are_those_of_the_model() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let key = "[a-c年/]{1,5}";
    let after = prop_oneof![
        Just(After::Nothing),
        key.prop_map(After::Key),
        "[a-c年/]{0,3}/".prop_map(After::Prefix),
    ];
    let query = ("[a-c年/]{0,2}", prop_oneof![Just(""), Just("/"), Just("b/")], after, 1usize..7);
    let keys = proptest::collection::btree_set(key, 0..40);
    let queries = proptest::collection::vec(query, 20);
    proptest!(ProptestConfig::with_cases(12), |(keys in keys, queries in queries)| {
        let house = runtime.block_on(House::with(&["bucket", "bucket2", "bucke"]));
        runtime.block_on(async {
            for key in &keys {
                house.put("bucket", key, "x").await;
            }
            house.put("bucke", "a", "x").await;
            house.put("bucket2", "a", "x").await;
        });
        for (prefix, delimiter, after, max) in queries {
            let query = Query { prefix, delimiter: delimiter.to_owned(), after, max };
            prop_assert_eq!(runtime.block_on(all_pages(&house, &query)), model(&keys, &query), "{:?}", query);
        }
    });
}

/// More keys under one prefix than any single scan reads.
#[tokio::test]
async fn a_crowded_prefix_is_one_entry() {
    let house = House::with(&["bucket"]).await;
    let mut keys = BTreeSet::new();
    for number in 0..300 {
        let key = format!("crowd/{number:04}");
        house.put("bucket", &key, "x").await;
        keys.insert(key);
    }
    house.put("bucket", "z", "x").await;
    keys.insert("z".to_owned());
    let query = Query { delimiter: "/".into(), max: 1000, ..Query::default() };
    assert_eq!(all_pages(&house, &query).await, ["crowd/...", "z"]);
    let query = Query { max: 1, delimiter: "/".into(), ..Query::default() };
    assert_eq!(all_pages(&house, &query).await, ["crowd/...", "z"]);
    let query = Query { max: 100, ..Query::default() };
    assert_eq!(all_pages(&house, &query).await, model(&keys, &query));
    let query = Query { max: 0, ..Query::default() };
    assert_eq!(house.objects.list("bucket", &query).await.expect("a page").value, Page::default());
}
