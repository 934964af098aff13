//! The n-th durable operation fails, for every n. Whatever was acknowledged is there after a restart, and nothing
//! is there by half.

use std::sync::Arc;

use eddy_base::{Env, System};
use eddy_functions::Tags;
use eddy_functions::function::{Auth, Settings, Statement};
use eddy_runtime::testing::InTest;
use eddy_store::testing::{Disk, Fault, faulty};

use crate::bench::{Bench, scope, settings, spaces, updates, zip};

/// What a client was told.
#[derive(Debug, Default)]
struct Told {
    made: bool,
    url: Option<String>,
    policy: bool,
    memory_mb: Option<u32>,
    code: Option<String>,
    deleted: bool,
}

async fn open(disk: &Disk) -> Option<Bench> {
    let env: Arc<dyn Env> = Arc::new(System::default());
    let store = faulty(disk, env.clone(), spaces(), updates()).ok()?;
    Bench::try_over(store, tempfile::tempdir().unwrap(), InTest::echo(env.clone()), env, 10).await
}

/// Does one thing after the other, and remembers what was acknowledged.
async fn work(bench: &Bench) -> Told {
    let functions = &bench.functions;
    let mut told = Told::default();
    let Some(first) = bench.try_package(&zip(&[("app.py", "one")])).await else { return told };
    let tags = Tags { all: [("a".to_owned(), "1".to_owned())].into() };
    told.made = functions.create(&scope(), "f", settings(), &first, tags).await.is_ok();
    let url = functions.create_url(&scope(), "f", Auth::Anyone, None).await;
    told.url = url.ok().map(|url| url.value().id.clone());
    let json =
        r#"{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:f"}"#;
    let statement = Statement { id: "s".to_owned(), json: json.to_owned() };
    told.policy = functions.add_statement(&scope(), "f", None, statement).await.is_ok();
    let change = |settings: &mut Settings| {
        settings.memory_mb = 256;
        Ok(())
    };
    let changed = functions.change_settings(&scope(), "f", None, change).await;
    told.memory_mb = changed.ok().map(|changed| changed.value().settings.memory_mb);
    if let Some(second) = bench.try_package(&zip(&[("app.py", "two")])).await {
        let changed = functions.change_code(&scope(), "f", None, &second).await;
        told.code = changed.ok().map(|changed| changed.value().code.hash.hex());
    }
    if let Some(third) = bench.try_package(&zip(&[("app.py", "three")])).await
        && functions.create(&scope(), "g", settings(), &third, Tags::default()).await.is_ok()
    {
        told.deleted = functions.delete(&scope(), "g").await.is_ok();
    }
    told
}

/// Holds what is there against what was told.
async fn check(bench: &Bench, told: &Told, n: u64) {
    let functions = &bench.functions;
    let found = functions.get(&scope(), "f").ok().map(|(function, _)| function);
    assert!(found.is_some() || !told.made, "{n}: a function that was acknowledged is gone");
    if let Some(function) = &found {
        assert_eq!(functions.tags(&scope(), "f").unwrap().0.all.len(), 1, "{n}: a function without its tags");
        let memory = told.memory_mb.unwrap_or(function.settings.memory_mb);
        assert_eq!(function.settings.memory_mb, memory, "{n}: an acknowledged change is gone");
        let hash = function.code.hash.hex();
        assert_eq!(told.code.as_ref().unwrap_or(&hash), &hash, "{n}: acknowledged code is gone");
        assert_eq!(bench.invoke("f", "7").await.payload, "7", "{n}: it does not run");
    }
    if let Some(id) = &told.url {
        assert_eq!(functions.url_by_id(id).unwrap().0.name, "f", "{n}: an acknowledged URL is gone");
    }
    if let Ok((url, _)) = functions.url(&scope(), "f") {
        assert!(functions.url_by_id(&url.id).is_ok(), "{n}: a URL that nobody can call");
    }
    assert!(
        functions.policy(&scope(), "f").is_ok() || !told.policy,
        "{n}: an acknowledged statement is gone"
    );
    assert!(functions.get(&scope(), "g").is_err() || !told.deleted, "{n}: a deleted function is back");
}

#[tokio::test]
async fn what_was_acknowledged_is_there_whatever_fails() {
    let mut clean = 0;
    for n in 1..400 {
        let fault = if n % 2 == 0 { Fault::Fail } else { Fault::FailLate };
        let disk = Disk::new();
        disk.inject(n, fault);
        let told = match open(&disk).await {
            Some(bench) => work(&bench).await,
            None => Told::default(),
        };
        clean = if disk.has_faults() { clean + 1 } else { 0 };
        disk.crash();
        let disk = disk.clone();
        if let Some(bench) = open(&disk).await {
            check(&bench, &told, n).await;
        }
        if clean == 2 {
            return;
        }
    }
    panic!("there is no end to the operations");
}
