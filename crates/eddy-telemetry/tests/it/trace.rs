//! Nodes are found again by id and by subject.

use eddy_base::{Cause, Id, Timestamp};
use eddy_store::testing;
use eddy_telemetry::{Keep, Kind, Node, SPACE, SPACES, Telemetry, What};

fn node(id: Id, cause: Cause, label: &str, subject: Option<&str>, at: Timestamp) -> Node {
    Node {
        id,
        cause,
        kind: Kind::Request,
        label: label.to_owned(),
        outcome: "200".to_owned(),
        started: at,
        took_micros: 1500,
        subject: subject.map(str::to_owned),
        detail: None,
    }
}

#[tokio::test]
async fn a_tree_is_found_by_every_node_and_by_what_it_touched() {
    let store = testing::open(SPACES, Vec::new());
    let telemetry = Telemetry::open(store.clone());
    let env = store.env().clone();
    let (put, copy, other) = (Id::random(&*env), Id::random(&*env), Id::random(&*env));
    let root = Cause::root(put);
    telemetry.node(node(put, root, "PUT source/a.txt", Some("source/a.txt"), env.now()), Keep::Yes);
    telemetry.node(node(copy, root.below(put), "copy", None, env.now()), Keep::Yes);
    telemetry.node(node(other, Cause::root(other), "GET x", None, env.now()), Keep::No);
    // A commit takes along what was recorded before it.
    let mut batch = eddy_store::Batch::new();
    batch.put(SPACE.key().u8(0).cell().key(), "beat");
    store.commit(batch, ()).await.expect("the store commits");
    for what in [What::Id(put), What::Id(copy), What::parse("source/a.txt")] {
        let trees = telemetry.trees(&what).expect("the store reads");
        assert_eq!(trees.len(), 1, "{what:?}");
        assert_eq!(trees[0].node.id, put);
        assert_eq!(trees[0].below[0].node.id, copy);
    }
    assert!(telemetry.trees(&What::Id(other)).expect("the store reads").is_empty());
    assert!(telemetry.trees(&What::parse("source/b.txt")).expect("the store reads").is_empty());
}
