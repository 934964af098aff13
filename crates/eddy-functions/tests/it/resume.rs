//! What a start makes of what it finds.

use std::sync::Arc;

use eddy_base::{Env, System};
use eddy_runtime::testing::InTest;
use eddy_store::{Options, Store};

use crate::bench::{Bench, spaces, unpacked, updates, zip};

fn open(folder: &std::path::Path, env: &Arc<dyn Env>) -> Store {
    let options = Options {
        spaces: spaces(),
        updates: updates(),
        ..Options::new(folder.join("store"), Arc::clone(env))
    };
    Store::open(options).unwrap()
}

#[tokio::test]
async fn functions_come_back_and_their_code_with_them() {
    let env: Arc<dyn Env> = Arc::new(System::default());
    let jail = InTest::new(
        env.clone(),
        Arc::new(|scene, _| {
            let code = std::fs::read(scene.code.join("app.py")).unwrap();
            Box::pin(async move { eddy_runtime::testing::Act::Reply(code.into()) })
        }),
    );
    let folder = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let bench = Bench::over(open(data.path(), &env), folder, jail.clone(), env.clone(), 10).await;
    bench.function("f").await;
    assert_eq!(bench.invoke("f", "1").await.payload, "x");
    drop(bench.package(&zip(&[("app.py", "never named")])).await);
    let Bench { functions, store, bus, folder, .. } = bench;
    functions.close(std::time::Duration::from_secs(1)).await;
    bus.drain(std::time::Duration::from_secs(1)).await;
    drop((functions, bus));
    store.close().await;

    // The folders are a cache: one is lost, one is left over.
    for entry in std::fs::read_dir(folder.path().join("code")).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::read(path.join("app.py")).is_ok_and(|code| code == b"x") {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    let bench = Bench::over(open(data.path(), &env), folder, jail, env, 10).await;
    bench.until("what nobody names is deleted", || unpacked(bench.folder.path()) == 0).await;
    assert_eq!(bench.invoke("f", "1").await.payload, "x");
    assert_eq!(unpacked(bench.folder.path()), 1);
}
