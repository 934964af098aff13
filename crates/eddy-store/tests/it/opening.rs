//! Opening: who may, and what is refused rather than opened empty or short.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use eddy_store::{
    EngineKind, Log, OpenError, Options, Pos, Retention, Space, Store, Update, UpdateId, Verdict,
};

use crate::{THINGS, batch, copy_folder, key, open, options};

/// A folder with one committed row, closed.
async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.commit(batch(|b| b.put(key("a"), "1")), ()).await.unwrap();
    store.close().await;
    folder
}

fn refusal(result: Result<Store, OpenError>) -> String {
    match result {
        Ok(_) => panic!("the store was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    for engine in [EngineKind::Fjall, EngineKind::Redb] {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(Options { engine: engine.clone(), ..options(folder.path()) }).unwrap();
        let store = open();
        let put = store.commit(batch(|b| b.put(key("a"), "1")), ()).await.unwrap();
        store.close().await;
        let store = open();
        let row = store.snapshot().get(&key("a")).unwrap().unwrap();
        assert_eq!((row.pos, &row.value[..]), (put.pos(), &b"1"[..]), "{engine:?}");
        let later = store.commit(batch(|b| b.at(key("a"), put.pos()).put(key("a"), "2")), ()).await.unwrap();
        assert!(later.pos() > put.pos());
        // Without a close, as when the last clone is dropped.
        drop(store);
        assert_eq!(open().snapshot().get(&key("a")).unwrap().unwrap().value, "2");
    }
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open(folder.path()).unwrap();
    let text = refusal(open(folder.path()));
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
}

#[tokio::test]
async fn names_that_stand_twice_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spaces = vec![THINGS, Space::new(b't', "twins")];
    let text = refusal(Store::open(Options { spaces, ..options(folder.path()) }));
    assert!(text.contains("things") && text.contains("twins"), "{text}");
    let update = Update {
        id: UpdateId("test.twice"),
        apply: |_, _, _, _| Verdict::Keep { output: Default::default() },
    };
    let text = refusal(Store::open(Options { updates: vec![update; 2], ..options(folder.path()) }));
    assert!(text.contains("test.twice"), "{text}");
}

#[tokio::test]
async fn only_the_owner_may_look() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = open(&folder).unwrap();
    let blob = crate::write_blob(&store, &[b"body"]).await.unwrap();
    let mut batch = batch(|b| b.hold(blob, key("home")));
    batch.append(Log { key: key("log"), retention: Retention::Week }, "a segment of its own");
    store.commit(batch, ()).await.unwrap();
    store.close().await;
    let mut names = Vec::new();
    check_private(&folder, &mut names);
    for name in ["lock", "format", "mark", "0.jnl", "current"] {
        assert!(names.iter().any(|seen| seen == name), "{name} is there: {names:?}");
    }
}

fn check_private(path: &Path, names: &mut Vec<String>) {
    let metadata = fs::metadata(path).unwrap();
    let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(metadata.permissions().mode() & 0o777, expected, "{}", path.display());
    names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check_private(&entry.unwrap().path(), names);
        }
    }
}

#[tokio::test]
async fn formats_that_are_not_ours_are_refused() {
    for (format, text) in [
        ("eddy store format 2\n", "has format 2; this version knows up to 1"),
        ("something else", "not one of ours"),
        ("eddy store format 0\n", "not one of ours"),
    ] {
        let folder = filled().await;
        fs::write(folder.path().join("format"), format).unwrap();
        let refusal = refusal(open(folder.path()));
        assert!(refusal.contains(text), "{refusal}");
    }
    let folder = filled().await;
    fs::remove_file(folder.path().join("format")).unwrap();
    let refusal = refusal(open(folder.path()));
    assert!(refusal.contains("`format` is missing"), "{refusal}");
}

#[tokio::test]
async fn a_start_that_was_cut_short_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rows", "blobs"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("lock"), "12345").unwrap();
    fs::write(folder.path().join("format.new"), "edd").unwrap();
    open(folder.path()).unwrap().close().await;
    open(folder.path()).unwrap().close().await;
}

/// Puts a copy of the rows, taken before the last commit, in their place.
async fn rolled_back() -> (tempfile::TempDir, Pos) {
    let folder = filled().await;
    let (rows, copy) = (folder.path().join("rows"), folder.path().join("copy"));
    copy_folder(&rows, &copy);
    let store = open(folder.path()).unwrap();
    let lost = store.commit(batch(|b| b.put(key("b"), "1")), ()).await.unwrap().pos();
    store.close().await;
    fs::remove_dir_all(&rows).unwrap();
    fs::rename(&copy, &rows).unwrap();
    (folder, lost)
}

#[tokio::test]
async fn a_lost_tail_is_noticed() {
    let (folder, lost) = rolled_back().await;
    let text = refusal(open(folder.path()));
    assert!(text.contains("were acknowledged and are missing") && text.contains("--accept-loss"), "{text}");
    let accepting = Options { accept_loss: true, ..options(folder.path()) };
    let store = Store::open(accepting).unwrap();
    assert!(store.snapshot().get(&key("a")).unwrap().is_some());
    assert!(store.snapshot().get(&key("b")).unwrap().is_none());
    let next = store.commit(batch(|b| b.put(key("c"), "1")), ()).await.unwrap().pos();
    assert!(next > lost, "no position is given twice");
    store.close().await;
    open(folder.path()).expect("once accepted, it is the truth").close().await;
}

#[tokio::test]
async fn it_never_starts_empty_where_data_was() {
    let folder = filled().await;
    fs::remove_dir_all(folder.path().join("rows")).unwrap();
    let text = refusal(open(folder.path()));
    assert!(text.contains("commits 1 to"), "{text}");

    let folder = filled().await;
    fs::remove_file(folder.path().join("mark")).unwrap();
    let text = refusal(open(folder.path()));
    assert!(text.contains("`mark`) is missing"), "{text}");
}

#[tokio::test]
async fn a_flipped_byte_in_the_journal_is_refused() {
    let folder = filled().await;
    let journal = folder.path().join("rows/0.jnl");
    let file = fs::File::options().read(true).write(true).open(&journal).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 60).unwrap();
    file.write_all_at(&[byte[0] ^ 0xff], 60).unwrap();
    let text = refusal(open(folder.path()));
    assert!(text.contains("cannot be read") || text.contains("missing"), "{text}");
}

#[tokio::test]
async fn a_journal_cut_short_is_noticed() {
    let folder = filled().await;
    let journal = folder.path().join("rows/0.jnl");
    let file = fs::File::options().write(true).open(&journal).unwrap();
    file.set_len(150).unwrap();
    let text = refusal(open(folder.path()));
    assert!(text.contains("missing"), "{text}");
}
