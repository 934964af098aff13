//! Log groups over a real store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::env::Manual;
use eddy_base::{Code, Scope, Subject, Timestamp};
use eddy_store::Batch;
use eddy_store::testing::{self, Disk, Fault};
use eddy_telemetry::logs::pattern::Pattern;
use eddy_telemetry::logs::{
    Direction, Event, Found, Logs, Order, Place, Range, Read, Rejected, Search, Settings, Streams,
};
use eddy_telemetry::{SPACE, SPACES, Telemetry, updates};
use proptest::prelude::*;

const START: i64 = 1_700_000_000_000;

struct World {
    env: Manual,
    telemetry: Telemetry,
    store: eddy_store::Store,
}

impl World {
    fn new() -> World {
        let env = Manual::new(Timestamp::from_millis(START));
        let store = testing::open_in(Arc::new(env.clone()), SPACES, updates());
        World { env, telemetry: Telemetry::open(store.clone()), store }
    }

    async fn with(group: &str, streams: &[&str]) -> World {
        let world = World::new();
        world.logs().create_group(&scope(), group, Settings::default()).await.expect("it is new");
        for stream in streams {
            world.logs().create_stream(&scope(), group, stream).await.expect("it is new");
        }
        world
    }

    fn logs(&self) -> &Logs {
        self.telemetry.logs()
    }

    /// A commit takes along what was recorded before it.
    async fn flush(&self) {
        let mut batch = Batch::new();
        batch.put(SPACE.key().u8(0).cell().key(), "beat");
        self.store.commit(batch, ()).await.expect("the store commits");
    }

    async fn put(&self, stream: &str, events: &[(i64, &str)]) -> Rejected {
        let event = |(at, message): &(i64, &str)| Event { at: at_ms(*at), message: (*message).to_owned() };
        let events = events.iter().map(event).collect();
        self.logs().put(&scope(), "g", stream, events).await.expect("it is there").value().rejected
    }

    async fn read(&self, stream: &str, read: Read) -> Vec<Found> {
        self.logs().read(&scope(), "g", stream, read).await.expect("it is there").0.events
    }

    async fn messages(&self, stream: &str) -> Vec<String> {
        self.read(stream, all(Direction::Forward)).await.into_iter().map(|found| found.message).collect()
    }

    async fn search(&self, pattern: &str, change: impl Fn(&mut Search)) -> Vec<(String, String)> {
        let pattern = Pattern::parse(pattern).expect("the test writes patterns");
        let mut search = Search {
            range: Range::default(),
            pattern,
            streams: Vec::new(),
            prefix: String::new(),
            beyond: None,
            max: 10_000,
        };
        change(&mut search);
        let mut found = Vec::new();
        loop {
            let (lines, _) = self.logs().search(&scope(), "g", search.clone()).await.expect("it is there");
            found.extend(lines.events.into_iter().map(|event| (event.stream, event.message)));
            search.beyond = lines.next;
            if search.beyond.is_none() {
                return found;
            }
        }
    }
}

fn scope() -> Scope {
    Scope { account: Default::default(), region: Default::default() }
}

/// Milliseconds after the start of the test.
fn at_ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

fn all(direction: Direction) -> Read {
    Read { range: Range::default(), direction, beyond: None, max: 10_000 }
}

#[tokio::test]
async fn what_is_put_is_read() {
    let world = World::with("g", &["s"]).await;
    assert_eq!(world.put("s", &[(1, "a"), (2, "b"), (2, "c")]).await, Rejected::default());
    world.put("s", &[(3, "d")]).await;
    assert_eq!(world.messages("s").await, ["a", "b", "c", "d"]);
    let (stream, _) = world.logs().stream(&scope(), "g", "s").unwrap();
    assert_eq!(
        (stream.first, stream.last, stream.ingested),
        (Some(at_ms(1)), Some(at_ms(3)), Some(at_ms(0)))
    );
    assert_eq!(world.logs().group(&scope(), "g").unwrap().0.stored_bytes, 4);
}

#[tokio::test]
async fn what_is_missing_is_said_to_be() {
    let world = World::with("g", &["s"]).await;
    let logs = world.logs();
    let event = || vec![Event { at: at_ms(0), message: "x".into() }];
    let missing = |subject| Err((Code::Missing, subject));
    let told = |fault: eddy_base::Fault| (fault.code, fault.subject);
    let put = |group, stream| logs.put(&SCOPE, group, stream, event());
    static SCOPE: std::sync::LazyLock<Scope> = std::sync::LazyLock::new(scope);
    assert_eq!(put("other", "s").await.map(|_| ()).map_err(told), missing(Subject::LogGroup));
    assert_eq!(put("g", "other").await.map(|_| ()).map_err(told), missing(Subject::LogStream));
    let read = logs.read(&SCOPE, "g", "other", all(Direction::Forward)).await;
    assert_eq!(read.map(|_| ()).map_err(told), missing(Subject::LogStream));
    let again = logs.create_group(&SCOPE, "g", Settings::default()).await;
    assert_eq!(again.map(|_| ()).map_err(told), Err((Code::Exists, Subject::LogGroup)));
    let again = logs.create_stream(&SCOPE, "g", "s").await;
    assert_eq!(again.map(|_| ()).map_err(told), Err((Code::Exists, Subject::LogStream)));
    let gone = logs.delete_stream(&SCOPE, "g", "other").await;
    assert_eq!(gone.map(|_| ()).map_err(told), missing(Subject::LogStream));
    let gone = logs.delete_group(&SCOPE, "other").await;
    assert_eq!(gone.map(|_| ()).map_err(told), missing(Subject::LogGroup));
}

#[tokio::test]
async fn a_name_that_comes_back_is_empty() {
    let world = World::with("g", &["s"]).await;
    world.put("s", &[(1, "old")]).await;
    world.logs().delete_stream(&scope(), "g", "s").await.unwrap();
    world.logs().create_stream(&scope(), "g", "s").await.unwrap();
    assert_eq!(world.messages("s").await, [""; 0]);
    world.put("s", &[(2, "new")]).await;
    assert_eq!(world.messages("s").await, ["new"]);

    world.logs().delete_group(&scope(), "g").await.unwrap();
    assert_eq!(world.logs().group(&scope(), "g").unwrap_err().code, Code::Missing);
    world.logs().create_group(&scope(), "g", Settings::default()).await.unwrap();
    let streams =
        Streams { prefix: String::new(), order: Order::Name, descending: false, after: None, max: 10 };
    assert_eq!(world.logs().streams(&scope(), "g", streams).await.unwrap().0, []);
    assert_eq!(world.logs().group(&scope(), "g").unwrap().0.stored_bytes, 0);
    world.logs().create_stream(&scope(), "g", "s").await.unwrap();
    assert_eq!(world.messages("s").await, [""; 0]);
    // Nothing of the old group is left but the marks of its logs.
    let rows = world.store.snapshot().scan(SPACE.range(), eddy_store::Order::Forward, 100);
    assert_eq!(rows.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_deleted_group_left_is_cleared_at_the_next_start() {
    // The group goes in one commit, its streams in the next; the third never happens.
    let disk = Disk::new();
    let env = Manual::new(Timestamp::from_millis(START));
    let open = || testing::faulty(&disk, Arc::new(env.clone()), SPACES, updates()).expect("the disk opens");
    let telemetry = Telemetry::open(open());
    telemetry.logs().create_group(&scope(), "g", Settings::default()).await.unwrap();
    telemetry.logs().create_stream(&scope(), "g", "s").await.unwrap();
    disk.inject(disk.operations() + 2, Fault::Fail);
    telemetry.logs().delete_group(&scope(), "g").await.unwrap_err();
    disk.crash();

    let store = open();
    let telemetry = Telemetry::open(store.clone());
    assert_eq!(telemetry.logs().group(&scope(), "g").unwrap_err().code, Code::Missing);
    let rows = || store.snapshot().scan(SPACE.range(), eddy_store::Order::Forward, 100).unwrap().len();
    assert!(rows() > 0);
    telemetry.logs().clear_deleted().await.unwrap();
    assert_eq!(rows(), 0);
}

#[tokio::test]
async fn what_functions_print_makes_its_group_and_stays_in_order() {
    let world = World::new();
    let lines = |from: i64| (from..from + 3).map(|n| (at_ms(n), format!("line {n}"))).collect::<Vec<_>>();
    for n in 0..4 {
        world.telemetry.append(&scope(), "g", "env", lines(3 * n));
    }
    while world.logs().group(&scope(), "g").is_err() {
        tokio::task::yield_now().await;
    }
    for n in 4..8 {
        world.telemetry.append(&scope(), "g", "env", lines(3 * n));
    }
    while world.logs().stream(&scope(), "g", "env").is_err() {
        world.flush().await;
    }
    world.flush().await;
    let expected: Vec<String> = (0..24).map(|n| format!("line {n}")).collect();
    assert_eq!(world.messages("env").await, expected);
}

#[tokio::test]
async fn retention_hides_and_rejects_what_is_older() {
    let world = World::with("g", &["s"]).await;
    let day = 86_400_000;
    world.put("s", &[(-3 * day, "old"), (-day / 2, "new")]).await;
    let set = |days: Option<u32>| {
        world.logs().change_group(&SCOPE, "g", move |settings| {
            settings.retention_days = days;
            Ok(())
        })
    };
    static SCOPE: std::sync::LazyLock<Scope> = std::sync::LazyLock::new(scope);
    set(Some(1)).await.unwrap();
    assert_eq!(world.messages("s").await, ["new"]);
    assert_eq!(world.search("", |_| {}).await.len(), 1);
    let rejected = world.put("s", &[(-2 * day, "older"), (0, "now")]).await;
    assert_eq!(rejected, Rejected { expired_until: Some(1), ..Rejected::default() });
    world.env.advance(Duration::from_secs(86_400));
    assert_eq!(world.messages("s").await, ["now"]);
    set(None).await.unwrap();
    assert_eq!(world.messages("s").await, ["old", "new", "now"]);
}

#[tokio::test]
async fn groups_are_listed_in_pages_and_cost_nothing_until_then() {
    let world = World::new();
    let many = 5_000;
    let mut made = tokio::task::JoinSet::new();
    for n in 0..many {
        let logs = world.logs().clone();
        made.spawn(async move {
            let name = format!("/aws/lambda/f{n:05}");
            logs.create_group(&scope(), &name, Settings::default()).await.map(|_| ())
        });
    }
    while let Some(made) = made.join_next().await {
        made.unwrap().unwrap();
    }
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = world.logs().groups(&scope(), "/aws/", "", after.as_deref(), 700).await.unwrap().0;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        found.extend(page.into_iter().map(|group| group.name));
    }
    assert_eq!(found.len(), many);
    assert!(found.is_sorted());
    let some = world.logs().groups(&scope(), "/aws/lambda/f0499", "", None, 100).await.unwrap().0;
    assert_eq!(some.len(), 10);
    let some = world.logs().groups(&scope(), "", "f0123", None, 100).await.unwrap().0;
    assert_eq!(some.len(), 10);
    assert_eq!(world.logs().groups(&scope(), "/b", "", None, 100).await.unwrap().0, []);
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_their_last_event() {
    let world = World::with("g", &["a1", "a2", "b", "c"]).await;
    world.put("a2", &[(5, "x")]).await;
    world.put("b", &[(9, "x")]).await;
    world.put("c", &[(5, "x")]).await;
    let list = async |order, descending, prefix: &str| {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let wanted = Streams { prefix: prefix.into(), order, descending, after, max: 1 };
            let page = world.logs().streams(&scope(), "g", wanted).await.unwrap().0;
            let Some(stream) = page.into_iter().next() else { return names.join(" ") };
            after = Some((stream.last, stream.name.clone()));
            names.push(stream.name);
        }
    };
    assert_eq!(list(Order::Name, false, "").await, "a1 a2 b c");
    assert_eq!(list(Order::Name, true, "").await, "c b a2 a1");
    assert_eq!(list(Order::Name, false, "a").await, "a1 a2");
    assert_eq!(list(Order::LastEvent, false, "").await, "a1 a2 c b");
    assert_eq!(list(Order::LastEvent, true, "").await, "b c a2 a1");
}

#[tokio::test]
async fn a_search_weaves_streams_by_time() {
    let world = World::with("g", &["a", "b", "c"]).await;
    world.put("a", &[(1, "x1"), (4, "y4"), (6, "x6")]).await;
    world.put("b", &[(2, "x2"), (3, "x3"), (7, "y7")]).await;
    world.put("c", &[(5, "x5")]).await;
    let pairs = |found: &[(&str, &str)]| -> Vec<(String, String)> {
        found.iter().map(|(stream, message)| ((*stream).to_owned(), (*message).to_owned())).collect()
    };
    for max in [1, 2, 100] {
        let found = world.search("x", |search| search.max = max).await;
        assert_eq!(found, pairs(&[("a", "x1"), ("b", "x2"), ("b", "x3"), ("c", "x5"), ("a", "x6")]));
    }
    let found = world.search("", |search| search.streams = vec!["c".into(), "b".into()]).await;
    assert_eq!(found, pairs(&[("b", "x2"), ("b", "x3"), ("c", "x5"), ("b", "y7")]));
    let range = Range { from: Some(at_ms(3)), to: Some(at_ms(6)) };
    let found = world.search("", |search| search.range = range).await;
    assert_eq!(found, pairs(&[("b", "x3"), ("a", "y4"), ("c", "x5")]));
    assert_eq!(world.search("", |search| search.prefix = "b".into()).await.len(), 3);
    let search = Search {
        range,
        pattern: Pattern::everything(),
        streams: vec!["nope".into()],
        prefix: String::new(),
        beyond: None,
        max: 1,
    };
    let fault = world.logs().search(&scope(), "g", search).await.unwrap_err();
    assert_eq!((fault.code, fault.subject), (Code::Missing, Subject::LogStream));
}

#[tokio::test]
async fn a_tail_sees_what_comes() {
    let world = World::with("g", &["s", "t"]).await;
    world.put("s", &[(1, "before x")]).await;
    let mut tail = world.logs().tail(&scope(), "g", Pattern::parse("x").unwrap()).unwrap();
    world.put("s", &[(2, "y"), (3, "x3")]).await;
    world.put("t", &[(4, "y")]).await;
    world.put("t", &[(5, "x5")]).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(tail.next().await.unwrap().unwrap());
    }
    let seen: Vec<_> = seen.iter().map(|tailed| (&tailed.stream[..], &tailed.message[..])).collect();
    assert_eq!(seen, [("s", "x3"), ("t", "x5")]);
}

/// All pages of a stream, in the order of their times.
async fn pages(world: &World, stream: &str, read: Read) -> Vec<(i64, String)> {
    let mut read = read;
    let mut all: Vec<(i64, String)> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    loop {
        let page = world.read(stream, read).await;
        assert!(page.len() <= read.max);
        let edge = match read.direction {
            Direction::Forward => page.last(),
            Direction::Backward => page.first(),
        };
        let Some(edge) = edge else { break };
        read.beyond = Some(edge.place);
        let found = page.iter().map(|found| (found.place.at.millis() - START, found.message.clone()));
        match read.direction {
            Direction::Forward => all.extend(found),
            Direction::Backward => all.splice(0..0, found).for_each(drop),
        }
        places.extend(page.iter().map(|found| found.place));
    }
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "no event comes twice");
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Chunks in any order of time, read in any page size, direction and range, are what a sorted list is.
    #[test]
    fn a_stream_reads_as_a_sorted_list(
        chunks in proptest::collection::vec(proptest::collection::vec(0_i64..1_000, 1..6), 1..40),
        is_orderly in any::<bool>(),
        (from, to) in (proptest::option::of(0_i64..1_000), proptest::option::of(0_i64..1_000)),
        max in 1_usize..30,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::with("g", &["s"]).await;
            let mut chunks = chunks;
            chunks.iter_mut().for_each(|chunk| chunk.sort_unstable());
            if is_orderly {
                chunks.sort();
            }
            let mut model: BTreeMap<(i64, usize), String> = BTreeMap::new();
            for times in &chunks {
                let events: Vec<(i64, String)> = times
                    .iter()
                    .enumerate()
                    .map(|(index, at)| (*at, format!("{}", model.len() + index)))
                    .collect();
                let borrowed: Vec<(i64, &str)> =
                    events.iter().map(|(at, message)| (*at, message.as_str())).collect();
                world.put("s", &borrowed).await;
                for (at, message) in events {
                    let number = model.len();
                    model.insert((at, number), message);
                }
            }
            let inside = |at: i64| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
            let expected: Vec<(i64, String)> = model
                .into_iter()
                .filter(|((at, _), _)| inside(*at))
                .map(|((at, _), message)| (at, message))
                .collect();
            let range = Range { from: from.map(at_ms), to: to.map(at_ms) };
            for direction in [Direction::Forward, Direction::Backward] {
                let read = Read { range, direction, beyond: None, max };
                assert_eq!(pages(&world, "s", read).await, expected, "{direction:?}");
            }
            let found = world.search("", |search| {
                search.range = range;
                search.max = max;
            });
            let found: Vec<String> = found.await.into_iter().map(|(_, message)| message).collect();
            let messages: Vec<String> = expected.iter().map(|(_, message)| message.clone()).collect();
            assert_eq!(found, messages);
        });
    }
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_and_holds_one_event_at_least() {
    let world = World::with("g", &["s"]).await;
    let large = "x".repeat(600_000);
    let huge = "y".repeat(1_100_000);
    world.put("s", &[(1, &large)]).await;
    world.put("s", &[(2, &large)]).await;
    world.put("s", &[(3, &huge)]).await;
    let read = pages(&world, "s", all(Direction::Forward)).await;
    assert_eq!(read.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(world.read("s", all(Direction::Forward)).await.len(), 1);
}
