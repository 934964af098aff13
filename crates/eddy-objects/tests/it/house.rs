//! What the tests share.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::{Account, Cause, Id, Region, Scope, System};
use eddy_bus::Bus;
use eddy_objects::{Algorithm, Content, Description, Digester, Error, Kind, Objects, Put, Stored, When};
use eddy_store::{Durable, Options, Store};

/// Buckets and objects over a store in a folder of the test's own.
pub struct House {
    pub store: Store,
    pub objects: Objects,
    folder: tempfile::TempDir,
}

impl House {
    pub async fn new() -> House {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = open_store(folder.path());
        let objects = open_objects(&store).await;
        House { store, objects, folder }
    }

    /// A house with these buckets.
    pub async fn with(buckets: &[&str]) -> House {
        let house = House::new().await;
        for bucket in buckets {
            house.objects.create_bucket(bucket, &scope(), &[]).await.expect("a new bucket");
        }
        house
    }

    /// Closes the store and opens it again.
    pub async fn reopened(self) -> House {
        let House { store, objects, folder } = self;
        drop(objects);
        store.close().await;
        let store = open_store(folder.path());
        let objects = open_objects(&store).await;
        House { store, objects, folder }
    }

    /// Everything in the store's folder, one file after the other.
    pub fn on_disk(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        gather(self.folder.path(), &mut bytes);
        bytes
    }

    /// How many blobs are on disk once everything dropped has been removed.
    pub async fn blobs(self) -> (House, usize) {
        let house = self.reopened().await.reopened().await;
        let files = files(&house.folder.path().join("blobs"));
        (house, files)
    }

    pub async fn content(&self, bytes: impl Into<Bytes>) -> Content {
        self.hashed(bytes.into(), Algorithm::Crc64Nvme, false).await
    }

    pub async fn part(&self, bytes: impl Into<Bytes>, algorithm: Algorithm) -> Content {
        self.hashed(bytes.into(), algorithm, true).await
    }

    async fn hashed(&self, bytes: Bytes, algorithm: Algorithm, is_part: bool) -> Content {
        let mut writer = self.objects.writer();
        let mut digester = Digester::new(algorithm);
        for piece in bytes.chunks(100_000) {
            digester.update(piece);
            writer.write(Bytes::copy_from_slice(piece)).await.expect("room for a piece");
        }
        let digests = digester.finish();
        let content = if is_part { writer.finish_part(digests).await } else { writer.finish(digests).await };
        content.expect("room for a body")
    }

    pub async fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> Durable<Stored> {
        self.put_when(bucket, key, bytes, When::Always).await.expect("a put")
    }

    pub async fn put_when(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        when: When,
    ) -> Result<Durable<Stored>, Error> {
        let by = by();
        let put = Put {
            bucket,
            key,
            description: Description::default(),
            tags: Vec::new(),
            when,
            kind: Kind::CreatedPut,
            by: &by,
        };
        self.objects.put(put, self.content(bytes).await).await
    }

    pub async fn read(&self, bucket: &str, key: &str) -> Vec<u8> {
        let object = self.objects.head(bucket, key).expect("an object").value;
        self.read_range(bucket, key, 0..object.head.size).await
    }

    pub async fn read_range(&self, bucket: &str, key: &str, range: std::ops::Range<u64>) -> Vec<u8> {
        let found = self.objects.get(bucket, key).expect("an object").value;
        let mut reader = self.objects.read(&found, range);
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await.expect("a readable body") {
            bytes.extend_from_slice(&piece);
        }
        bytes
    }
}

fn open_store(folder: &Path) -> Store {
    let mut options = Options::new(folder, Arc::new(System::default()));
    options.spaces.extend_from_slice(eddy_objects::SPACES);
    options.spaces.extend_from_slice(eddy_bus::SPACES);
    options.updates = eddy_objects::updates().into_iter().chain(eddy_bus::updates()).collect();
    Store::open(options).expect("the folder opens")
}

async fn open_objects(store: &Store) -> Objects {
    let bus = Bus::open(store.clone()).expect("the bus opens");
    Objects::open(store.clone(), bus).await.expect("the objects open")
}

fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| if path.is_dir() { files(path) } else { 1 };
    entries.map(|entry| count(&entry.expect("a readable folder").path())).sum()
}

fn gather(path: &Path, bytes: &mut Vec<u8>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a readable folder") {
            gather(&entry.expect("a readable folder").path(), bytes);
        }
    } else {
        bytes.extend(std::fs::read(path).expect("a readable file"));
    }
}

pub fn scope() -> Scope {
    Scope { account: Account::default(), region: Region::default() }
}

pub fn by() -> eddy_objects::By {
    let id = Id::random(&System::default());
    eddy_objects::By {
        cause: Cause::root(id),
        request: id,
        principal: "tests".into(),
        source_ip: "127.0.0.1".into(),
    }
}

/// Bytes that no two places share.
pub fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

/// What went wrong, for comparison.
pub fn outcome<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "done".into(),
        Err(error) => error.to_string(),
    }
}
