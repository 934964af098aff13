//! What was acknowledged, and whether it is there.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::load;
use crate::http::Connection;
use crate::server::Server;

/// One acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    Object(u64),
    Line(u64),
    Event(u64),
}

/// How far back to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What was acknowledged since the last look.
    Newest,
    All,
}

#[derive(Debug, Default)]
pub struct Ledger {
    numbers: AtomicU64,
    entries: Mutex<Vec<Entry>>,
    looked_at: AtomicU64,
}

/// How many of each kind.
pub struct Counts {
    pub objects: usize,
    pub lines: usize,
    pub events: usize,
}

impl Ledger {
    /// A number that nobody else has.
    pub fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub fn acknowledged(&self, entry: Entry) {
        self.entries.lock().expect("no writer panics").push(entry);
    }

    pub fn counts(&self) -> Counts {
        let entries = self.entries.lock().expect("no writer panics");
        let count = |kind: fn(&Entry) -> bool| entries.iter().filter(|entry| kind(entry)).count();
        Counts {
            objects: count(|entry| matches!(entry, Entry::Object(_))),
            lines: count(|entry| matches!(entry, Entry::Line(_))),
            events: count(|entry| matches!(entry, Entry::Event(_))),
        }
    }

    /// Acknowledged objects and lines that are not there, or not whole.
    pub async fn missing(&self, server: &Server, reach: Reach) -> Result<Vec<String>, String> {
        let entries = self.entries(reach);
        let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
        let mut missing = Vec::new();
        for entry in &entries {
            if let Entry::Object(number) = entry {
                let path = load::object_path(*number);
                let answer = connection.ask("s3", Method::GET, &path, &[], Bytes::new()).await?;
                if !answer.status.is_success() || answer.body != load::object(*number) {
                    missing.push(format!(
                        "object {number}: {} with {} bytes",
                        answer.status,
                        answer.body.len()
                    ));
                }
            }
        }
        if reach == Reach::All {
            let there = numbers(&mut connection, load::GROUP, "line ").await?;
            let gone = entries
                .iter()
                .filter(|entry| matches!(entry, Entry::Line(number) if !there.contains(number)));
            missing.extend(gone.map(|entry| format!("{entry:?}")));
        }
        Ok(missing)
    }

    fn entries(&self, reach: Reach) -> Vec<Entry> {
        let entries = self.entries.lock().expect("no writer panics");
        let from = match reach {
            Reach::Newest => usize::try_from(self.looked_at.load(Ordering::Relaxed)).unwrap_or(0),
            Reach::All => 0,
        };
        self.looked_at.store(entries.len() as u64, Ordering::Relaxed);
        entries[from..].to_vec()
    }

    /// How many acknowledged events have reached their function; waits for the rest at most so long.
    pub async fn wait_for_deliveries(&self, server: &Server, patience: Duration) -> Result<usize, String> {
        let events: Vec<u64> = self
            .entries(Reach::All)
            .iter()
            .filter_map(|entry| match entry {
                Entry::Event(number) => Some(*number),
                Entry::Object(_) | Entry::Line(_) => None,
            })
            .collect();
        let mut connection = Connection::open(server.address, Arc::new(server.key()?)).await?;
        let ends = Instant::now() + patience;
        loop {
            let there =
                numbers(&mut connection, &format!("/aws/lambda/{}", load::FUNCTION), "delivered ").await?;
            let delivered = events.iter().filter(|number| there.contains(number)).count();
            if delivered == events.len() || Instant::now() > ends {
                return Ok(delivered);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// The numbers behind `word` in the lines of a log group.
async fn numbers(connection: &mut Connection, group: &str, word: &str) -> Result<HashSet<u64>, String> {
    let mut numbers = HashSet::new();
    let mut query = serde_json::json!({ "logGroupName": group, "filterPattern": word.trim() });
    loop {
        let headers = [
            ("x-amz-target", "Logs_20140328.FilterLogEvents"),
            ("content-type", "application/x-amz-json-1.1"),
        ];
        let answer =
            connection.ask("logs", Method::POST, "/", &headers, Bytes::from(query.to_string())).await?;
        let page: Value = serde_json::from_slice(&answer.body).map_err(|why| why.to_string())?;
        if !answer.status.is_success() {
            return Err(page.to_string());
        }
        let messages =
            page["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str());
        numbers.extend(messages.filter_map(|message| message.trim().strip_prefix(word)?.parse::<u64>().ok()));
        match page.get("nextToken") {
            Some(token) if !token.is_null() => query["nextToken"] = token.clone(),
            _ => return Ok(numbers),
        }
    }
}
