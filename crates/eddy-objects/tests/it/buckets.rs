use std::sync::Arc;

use eddy_base::{Account, Scope};
use eddy_objects::{Answer, BucketQuery, Error, OriginRule, When};

use crate::house::{House, by, outcome, scope};

#[tokio::test]
async fn a_name_is_taken_once_in_all_accounts() {
    let house = House::with(&["first"]).await;
    let other = Scope { account: Account::new("111111111111").expect("an account"), ..scope() };
    let refused = house.objects.create_bucket("first", &other, &[]).await;
    assert!(matches!(refused, Err(Error::BucketExists { owner }) if owner == scope()));
    let made = house.objects.create_bucket("second", &other, &[]).await.expect("a new bucket");
    assert_eq!(made.value().owner, other);
    let house = house.reopened().await;
    assert_eq!(house.objects.bucket("second").expect("a bucket").value, *made.value());
    assert_eq!(outcome(house.objects.bucket("third")), "the bucket does not exist");
}

#[tokio::test]
async fn buckets_are_listed_by_name_and_account() {
    let house = House::with(&["bbb", "a-long-name", "cc1", "aaa"]).await;
    let other = Scope { account: Account::new("111111111111").expect("an account"), ..scope() };
    house.objects.create_bucket("abc", &other, &[]).await.expect("a new bucket");
    house.put("bbb", "a key", "x").await;
    let list = async |prefix: &str, after: Option<&str>, max| {
        let query = BucketQuery { prefix: prefix.into(), after: after.map(Into::into), max, region: None };
        let page = house.objects.buckets(&Account::default(), &query).await.expect("a page").value;
        let names: Vec<String> = page.buckets.into_iter().map(|bucket| bucket.name).collect();
        (names.join(" "), page.more)
    };
    assert_eq!(list("", None, 10).await, ("a-long-name aaa bbb cc1".into(), false));
    assert_eq!(list("", None, 2).await, ("a-long-name aaa".into(), true));
    assert_eq!(list("", Some("aaa"), 2).await, ("bbb cc1".into(), false));
    assert_eq!(list("a", None, 10).await, ("a-long-name aaa".into(), false));
}

#[tokio::test]
async fn a_bucket_goes_only_when_it_is_empty() {
    let house = House::with(&["bucket"]).await;
    house.put("bucket", "key", "x").await;
    assert_eq!(outcome(house.objects.delete_bucket("bucket").await), "the bucket is not empty");
    house.objects.delete("bucket", "key", &When::Always, &by()).await.expect("a removal");
    house.objects.set_bucket_tags("bucket", &[("k".into(), "v".into())]).await.expect("tags");
    assert_eq!(outcome(house.objects.delete_bucket("bucket").await), "done");
    assert_eq!(outcome(house.objects.delete_bucket("bucket").await), "the bucket does not exist");
    assert_eq!(
        outcome(house.put_when("bucket", "key", "x", When::Always).await),
        "the bucket does not exist"
    );
    house.objects.create_bucket("bucket", &scope(), &[]).await.expect("the name is free");
    assert_eq!(house.objects.bucket_tags("bucket").expect("a bucket").value, []);
}

#[tokio::test]
async fn what_a_bucket_is_set_to_lasts_as_long_as_it() {
    let house = House::with(&["bucket"]).await;
    let rule = OriginRule {
        id: Some("one".into()),
        origins: vec!["http://*.a".into()],
        methods: vec!["GET".into()],
        request_headers: vec!["*".into()],
        exposed_headers: Vec::new(),
        max_age_seconds: Some(3),
    };
    house.objects.set_origin_rules("bucket", std::slice::from_ref(&rule)).await.expect("rules");
    house.objects.set_guarded("bucket", false).await.expect("a change");
    let again = house.objects.set_guarded("bucket", false).await.expect("an answer");
    assert!(matches!(again, Answer::Unchanged((), _)), "{again:?}");
    let house = house.reopened().await;
    let seen = |house: &House| {
        let rules = house.objects.origin_rules("bucket").expect("a bucket").value;
        (rules, house.objects.is_guarded("bucket").expect("a bucket").value)
    };
    assert_eq!(seen(&house), (vec![rule.clone()], false));
    house.objects.set_origin_rules("bucket", &[]).await.expect("no rules");
    house.objects.set_guarded("bucket", true).await.expect("a change");
    assert_eq!(seen(&house), (Vec::new(), true));
    house.objects.set_origin_rules("bucket", &[rule]).await.expect("rules");
    house.objects.set_guarded("bucket", false).await.expect("a change");
    assert_eq!(outcome(house.objects.delete_bucket("bucket").await), "done");
    assert_eq!(outcome(house.objects.origin_rules("bucket")), "the bucket does not exist");
    assert_eq!(outcome(house.objects.set_guarded("bucket", false).await), "the bucket does not exist");
    house.objects.create_bucket("bucket", &scope(), &[]).await.expect("the name is free");
    assert_eq!(seen(&house), (Vec::new(), true));
}

/// Writers and a remover at once: either the bucket is gone and so is every object, or it stands and holds what
/// was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_a_bucket_races_with_nobody() {
    for round in 0..20 {
        let house = Arc::new(House::with(&["bucket"]).await);
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let house = Arc::clone(&house);
                spawn(async move {
                    house.put_when("bucket", &format!("key-{writer}"), "x", When::Always).await.is_ok()
                })
            })
            .collect();
        let remover = {
            let house = Arc::clone(&house);
            spawn(async move { house.objects.delete_bucket("bucket").await.is_ok() })
        };
        let mut written = 0;
        for writer in writers {
            written += usize::from(writer.await.expect("a writer"));
        }
        let removed = remover.await.expect("the remover");
        assert_eq!(removed, house.objects.bucket("bucket").is_err(), "round {round}");
        assert!(!(removed && written > 0), "round {round}: {written} acknowledged objects are gone");
    }
}

#[expect(clippy::disallowed_methods, reason = "the test races tasks of its own and joins them")]
fn spawn<F>(task: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}
