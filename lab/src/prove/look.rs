//! Reads back what is there, through the API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use eddy_wire::sign::Credentials;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::ledger::{Ledger, Reach, Seen, State, Thing};
use super::things;
use crate::ask;
use crate::http::Connection;
use crate::server::Server;

/// Readers at once.
const READERS: usize = 8;
/// Functions that are not only read but called: each starts a process.
const CALLED: usize = 8;

/// How the things of the ledger are found. With [`Reach::All`] also what lists know and nobody asked for.
pub async fn look(server: &Server, ledger: &Ledger, reach: Reach) -> Result<BTreeMap<Thing, Seen>, String> {
    let key = Arc::new(server.key()?);
    let mut readers = JoinSet::new();
    let things = Arc::new(ledger.things(reach));
    for first in 0..READERS {
        let connection = Connection::open(server.address, key.clone()).await?;
        readers.spawn(read(connection, things.clone(), first));
    }
    let mut found = BTreeMap::new();
    while let Some(read) = readers.join_next().await {
        found.extend(read.map_err(|why| why.to_string())??);
    }
    if reach == Reach::All {
        let mut connection = Connection::open(server.address, key).await?;
        found.extend(lines(&mut connection, &things).await?);
        compare_lists(&mut connection, &mut found).await?;
        call_functions(&mut connection, &mut found).await?;
    }
    Ok(found)
}

/// Every so manieth object and function.
async fn read(
    mut connection: Connection,
    things: Arc<Vec<Thing>>,
    first: usize,
) -> Result<Vec<(Thing, Seen)>, String> {
    let mut found = Vec::new();
    for thing in things.iter().skip(first).step_by(READERS).copied() {
        match thing {
            Thing::Object(_) | Thing::Assembled(_) | Thing::Noted(_) => {
                found.push((thing, object(&mut connection, thing).await?));
            }
            Thing::Function(number) => found.push((thing, function(&mut connection, number).await?)),
            Thing::Lines(_) | Thing::Event(_) | Thing::Notice(_) => {}
        }
    }
    Ok(found)
}

async fn object(connection: &mut Connection, thing: Thing) -> Result<Seen, String> {
    let answer = connection.ask("s3", Method::GET, &things::object_path(thing), &[], Bytes::new()).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(Seen::As(State::Absent));
    }
    let is_whole = |revision: &u32| answer.body == things::content(thing, *revision);
    Ok(match (0..2).find(is_whole) {
        Some(revision) if answer.status.is_success() => Seen::As(State::Whole(revision)),
        _ => Seen::Torn(format!("{} with {} bytes", answer.status, answer.body.len())),
    })
}

async fn function(connection: &mut Connection, number: u64) -> Result<Seen, String> {
    let path = format!("/2015-03-31/functions/{}", things::function_name(number));
    let answer = connection.ask("lambda", Method::GET, &path, &[], Bytes::new()).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(Seen::As(State::Absent));
    }
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Ok(match things::function_revision(number, &document["Configuration"]) {
        Some(revision) => Seen::As(State::Whole(revision)),
        None => Seen::Torn(format!("{} {document}", answer.status)),
    })
}

/// The lines of each PutLogEvents: all of them, once, or none.
async fn lines(connection: &mut Connection, things: &[Thing]) -> Result<BTreeMap<Thing, Seen>, String> {
    let mut counted: BTreeMap<Thing, Vec<usize>> = BTreeMap::new();
    for thing in things.iter().filter(|thing| matches!(thing, Thing::Lines(_))) {
        counted.insert(*thing, Vec::new());
    }
    for message in messages(connection, things::GROUP, "line").await? {
        let mut words = message.split_whitespace().skip(1).map(str::parse::<u64>);
        let (Some(Ok(number)), Some(Ok(part)), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("a line that nobody wrote: {message}"));
        };
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        counted.entry(Thing::Lines(number)).or_default().push(part);
    }
    let seen = |parts: Vec<usize>| match parts {
        none if none.is_empty() => Seen::As(State::Absent),
        all if all.iter().copied().eq(0..things::LINES) => Seen::As(State::Whole(0)),
        some => Seen::Torn(format!("its lines {some:?}")),
    };
    Ok(counted.into_iter().map(|(thing, parts)| (thing, seen(parts))).collect())
}

/// What lists name must be what reading finds, no more and no less.
async fn compare_lists(connection: &mut Connection, found: &mut BTreeMap<Thing, Seen>) -> Result<(), String> {
    let mut listed: BTreeSet<Thing> = functions(connection).await?;
    for bucket in [things::BUCKET, things::NOTED] {
        listed.extend(objects(connection, bucket).await?);
    }
    let is_listed_kind = |thing: &Thing| !matches!(thing, Thing::Lines(_));
    for (thing, seen) in found.iter_mut().filter(|(thing, _)| is_listed_kind(thing)) {
        let is_there = *seen != Seen::As(State::Absent);
        if is_there != listed.remove(thing) {
            *seen = Seen::Torn(format!("{seen:?}, and the list says otherwise"));
        }
    }
    found.extend(listed.into_iter().map(|thing| (thing, Seen::Torn("only in a list".to_owned()))));
    Ok(())
}

async fn objects(connection: &mut Connection, bucket: &str) -> Result<BTreeSet<Thing>, String> {
    let mut listed = BTreeSet::new();
    let mut after = String::new();
    loop {
        let path = format!("/{bucket}?list-type=2&start-after={after}");
        let page = ask::expect(connection, "s3", Method::GET, &path, &[], Bytes::new()).await?;
        let page = String::from_utf8_lossy(&page).into_owned();
        let keys = page.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        let keys: Vec<&str> = keys.map(|(key, _)| key).collect();
        for key in &keys {
            listed.insert(thing_of(bucket, key).ok_or_else(|| format!("nobody put {bucket}/{key}"))?);
        }
        match keys.last() {
            Some(last) if page.contains("<IsTruncated>true</IsTruncated>") => {
                after = last.replace('/', "%2F")
            }
            _ => return Ok(listed),
        }
    }
}

fn thing_of(bucket: &str, key: &str) -> Option<Thing> {
    match (bucket, key.rsplit_once('/')) {
        (things::BUCKET, Some(("plain", number))) => number.parse().ok().map(Thing::Object),
        (things::BUCKET, Some(("assembled", number))) => number.parse().ok().map(Thing::Assembled),
        (things::NOTED, None) => key.parse().ok().map(Thing::Noted),
        _ => None,
    }
}

async fn functions(connection: &mut Connection) -> Result<BTreeSet<Thing>, String> {
    let mut listed = BTreeSet::new();
    let mut path = "/2015-03-31/functions?MaxItems=50".to_owned();
    loop {
        let page = ask::expect(connection, "lambda", Method::GET, &path, &[], Bytes::new()).await?;
        let page: Value = serde_json::from_slice(&page).map_err(|why| why.to_string())?;
        let all = page["Functions"].as_array().into_iter().flatten();
        let numbers = all.filter_map(|function| function["FunctionName"].as_str()?.strip_prefix("made-"));
        listed.extend(numbers.filter_map(|number| number.parse().ok()).map(Thing::Function));
        match page["NextMarker"].as_str() {
            Some(marker) => path = format!("/2015-03-31/functions?MaxItems=50&Marker={marker}"),
            None => return Ok(listed),
        }
    }
}

/// Calls some of the functions: their code must be whole, too.
async fn call_functions(
    connection: &mut Connection,
    found: &mut BTreeMap<Thing, Seen>,
) -> Result<(), String> {
    let mut whole: Vec<(u64, u32)> = Vec::new();
    for (thing, seen) in found.iter() {
        if let (Thing::Function(number), Seen::As(State::Whole(revision))) = (thing, seen) {
            whole.push((*number, *revision));
        }
    }
    let step = (whole.len() / CALLED).max(1);
    for (number, revision) in whole.into_iter().step_by(step).take(CALLED) {
        let path = format!("/{}/invocations", things::function_name(number));
        let answer = ask::lambda(connection, Method::POST, &path, &json!({})).await.map_err(String::from)?;
        if answer != things::function_answer(number, revision) {
            let text = format!("answered {}", String::from_utf8_lossy(&answer));
            found.insert(Thing::Function(number), Seen::Torn(text));
        }
    }
    Ok(())
}

/// Events and notices that the function of the ledger has printed.
pub async fn delivered(server: &Server, key: &Arc<Credentials>) -> Result<BTreeSet<Thing>, String> {
    let mut connection = Connection::open(server.address, key.clone()).await?;
    let group = format!("/aws/lambda/{}", things::FUNCTION);
    let mut delivered = BTreeSet::new();
    for (word, is_notice) in [("delivered", false), ("noticed", true)] {
        for message in messages(&mut connection, &group, word).await? {
            let number = message.trim().strip_prefix(word).and_then(|rest| rest.trim().parse().ok());
            let number = number.ok_or_else(|| format!("the function never printed: {message}"))?;
            delivered.insert(if is_notice { Thing::Notice(number) } else { Thing::Event(number) });
        }
    }
    Ok(delivered)
}

/// The messages of a group that have a word.
async fn messages(connection: &mut Connection, group: &str, word: &str) -> Result<Vec<String>, String> {
    let mut messages = Vec::new();
    let mut query = json!({ "logGroupName": group, "filterPattern": word });
    loop {
        let page = ask::logs(connection, "FilterLogEvents", &query).await?;
        let events = page["events"].as_array().into_iter().flatten();
        messages.extend(events.filter_map(|event| event["message"].as_str()).map(str::to_owned));
        match page.get("nextToken") {
            Some(token) if !token.is_null() => query["nextToken"] = token.clone(),
            _ => return Ok(messages),
        }
    }
}
