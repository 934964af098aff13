//! Identity over a real store: roles, their races, and keys across restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use eddy_base::env::blocking;
use eddy_base::{Account, Code, Env, Region, Scope, System};
use eddy_identity::role::NewRole;
use eddy_identity::{Caller, Identity, Refused, SPACES, Session};

fn new_role(name: &str, path: &str) -> NewRole {
    NewRole {
        name: name.to_owned(),
        path: path.to_owned(),
        description: None,
        session_seconds_max: 3600,
        trust: "{}".to_owned(),
        tags: BTreeMap::new(),
    }
}

struct Opened {
    identity: Identity,
    _folder: tempfile::TempDir,
}

async fn open() -> Opened {
    let store = eddy_store::testing::open(SPACES, Vec::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let identity = Identity::open(store, folder.path()).await.expect("a new folder opens");
    Opened { identity, _folder: folder }
}

#[tokio::test]
async fn keys_and_sessions() {
    let opened = open().await;
    let identity = &opened.identity;
    let root = identity.root().clone();
    let credential = identity.secret(&root.access_key, None).unwrap();
    assert_eq!(credential.secret, root.secret_key);
    assert_eq!(credential.caller, identity.root_caller());
    assert_eq!(identity.secret("test", None).unwrap_err(), Refused::UnknownKey);
    assert_eq!(identity.secret(&root.access_key, Some("x")).unwrap_err(), Refused::BadToken);

    let session = Session {
        scope: Scope { account: Account::default(), region: Region::default() },
        role: "arn:aws:iam::000000000000:role/r".to_owned(),
        function: "f".to_owned(),
        environment: "e".to_owned(),
        until: eddy_base::Timestamp::from_seconds(i64::MAX / 1000),
    };
    let keys = identity.session(session);
    let credential = identity.secret(&keys.access_key, Some(&keys.token)).unwrap();
    assert_eq!(credential.secret, keys.secret_key);
    let Caller::Session(session) = credential.caller else { panic!("a session") };
    assert_eq!(session.arn(), "arn:aws:sts::000000000000:assumed-role/r/f");
    assert_eq!(identity.secret(&keys.access_key, None).unwrap_err(), Refused::BadToken);
}

#[tokio::test]
async fn roles_come_and_go() {
    let opened = open().await;
    let (identity, own) = (&opened.identity, Account::default());
    let made = identity.create_role(&own, new_role("Reader", "/team/")).await.unwrap();
    assert_eq!(made.value().arn(&own), "arn:aws:iam::000000000000:role/team/Reader");
    let again = identity.create_role(&own, new_role("READER", "/")).await.unwrap_err();
    assert_eq!(again.code, Code::Exists);

    identity
        .change_role(&own, "Reader", |role| {
            role.attached.push("arn:x".to_owned());
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(identity.delete_role(&own, "Reader").await.unwrap_err().code, Code::NotEmpty);
    identity
        .change_role(&own, "Reader", |role| {
            role.attached.clear();
            Ok(())
        })
        .await
        .unwrap();
    identity.delete_role(&own, "Reader").await.unwrap();
    assert_eq!(identity.role(&own, "Reader").unwrap_err().code, Code::Missing);
    assert_eq!(identity.delete_role(&own, "Reader").await.unwrap_err().code, Code::Missing);
}

#[tokio::test]
async fn pages_have_no_gap() {
    let opened = open().await;
    let (identity, own) = (&opened.identity, Account::default());
    for index in 0..7 {
        let path = if index % 2 == 0 { "/even/" } else { "/" };
        identity.create_role(&own, new_role(&format!("role{index}"), path)).await.unwrap();
    }
    for (prefix, expected) in [("/", 7), ("/even/", 4)] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = identity.roles(&own, prefix, after.as_deref(), 3).unwrap();
            seen.extend(page.roles.into_iter().map(|role| role.name));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), expected, "{prefix}: {seen:?}");
        assert!(seen.is_sorted());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_none_is_lost() {
    let opened = open().await;
    let (identity, own) = (opened.identity.clone(), Account::default());
    identity.create_role(&own, new_role("r", "/")).await.unwrap();
    let changes = (0..8).map(|index| {
        let (identity, own) = (identity.clone(), own.clone());
        // A thread of its own each, so that the changes really meet.
        let change = move || {
            let change = |role: &mut eddy_identity::Role| {
                role.tags.insert(index.to_string(), String::new());
                Ok(())
            };
            let change = identity.change_role(&own, "r", change);
            tokio::runtime::Handle::current().block_on(change).map(|_| ())
        };
        let env: Arc<dyn Env> = Arc::new(System::default());
        let task = async move { blocking(&env, change).await.unwrap().unwrap() };
        System::default().spawn("change", Box::pin(task))
    });
    let changes: Vec<_> = changes.collect();
    for change in changes {
        change.join().await.unwrap();
    }
    assert_eq!(identity.role(&own, "r").unwrap().0.tags.len(), 8);
}
