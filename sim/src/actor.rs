//! One simulated client: what it asks for, in an order that the seed decides.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Ask, Client, Told};
use crate::ledger::{Ledger, Verdict};
use crate::server::Server;
use crate::world::Draw;

pub const ROLE: &str = "arn:aws:iam::000000000000:role/runs";
pub const FUNCTIONS: &str = "/2015-03-31/functions";
/// The log group that clients write to.
pub const GROUP: &str = "sim";
/// The smallest part of an upload that is not its last.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// The end of the marker of an event that always fails.
pub const POISON: &str = "-poison";
/// Paths for which clients contend.
const CONTESTED: u64 = 4;

/// A client with what it knows for certain.
pub struct Actor {
    pub client: Client,
    pub server: Arc<Server>,
    pub ledger: Arc<Ledger>,
    pub draw: Draw,
    pub number: u64,
    /// The id of the HTTP API.
    pub api: String,
    /// Names so far.
    next: u64,
    /// Objects of its own that are there for certain, as paths.
    objects: Vec<String>,
    /// Functions of its own that are there for certain.
    functions: Vec<String>,
}

impl Actor {
    pub fn new(client: Client, server: Arc<Server>, ledger: Arc<Ledger>, draw: Draw, number: u64) -> Actor {
        let (next, objects, functions) = (0, Vec::new(), Vec::new());
        Actor { client, server, ledger, draw, number, api: String::new(), next, objects, functions }
    }

    /// One step drawn from all that it can do.
    pub async fn step(&mut self) {
        let kind = self.draw.below(KINDS);
        self.act(kind).await;
    }

    /// The step of a number below [`KINDS`].
    pub async fn act(&mut self, kind: u64) {
        self.server.up().await;
        match kind {
            0 => self.put("src", 0, 2_000).await,
            1 => self.put("plain", 0, 2_000).await,
            2 => self.put("plain", 70_000, 300_000).await,
            3 => self.put("src", 70_000, 200_000).await,
            4 => self.delete().await,
            5 => self.upload().await,
            6 => self.get().await,
            7 => self.contend().await,
            8 => self.invoke().await,
            9 | 10 => self.enqueue().await,
            11 => self.log().await,
            12 => self.create_function().await,
            13 => self.update_function().await,
            14 => self.delete_function().await,
            15 => self.copy().await,
            16 | 17 => self.call().await,
            _ => self.create_bucket().await,
        }
    }

    fn name(&mut self) -> String {
        self.next += 1;
        format!("c{}-{}", self.number, self.next)
    }

    fn body(&mut self, least: u64, most: u64) -> Bytes {
        let mut body = vec![0; usize::try_from(least + self.draw.below(most - least)).unwrap_or(0)];
        self.draw.fill(&mut body);
        body.into()
    }

    /// A new object, or another body for one of its own.
    async fn put(&mut self, bucket: &str, least: u64, most: u64) {
        let prefix = format!("/{bucket}/");
        let own = self.objects.iter().position(|path| path.starts_with(&prefix));
        let path = match own.filter(|_| self.draw.one_in(3)) {
            Some(own) => self.objects[own].clone(),
            None => format!("{prefix}{}", self.name()),
        };
        let body = self.body(least, most);
        let told = self.client.send(Ask::s3(Method::PUT, &path, body.clone())).await;
        self.written(&path, body, &told);
    }

    /// Notes what a write has done to a path.
    fn written(&mut self, path: &str, body: Bytes, told: &Told) {
        let verdict = self.ledger.judge(path, told);
        if let (Verdict::Acknowledged, Told::Answer(answer)) = (verdict, told)
            && let Some(key) = path.strip_prefix("/src/")
        {
            let tag = answer.xml("ETag").unwrap_or_else(|| answer.header("etag").to_owned());
            let tag = tag.replace("&quot;", "").replace('"', "");
            self.ledger.book().puts.insert((key.to_owned(), tag));
        }
        self.changed(path, Some(body), verdict);
    }

    fn changed(&mut self, path: &str, now: Option<Bytes>, verdict: Verdict) {
        let mut book = self.ledger.book();
        let may = book.objects.entry(path.to_owned()).or_insert_with(|| vec![None]);
        match verdict {
            Verdict::Not => return,
            Verdict::Acknowledged => *may = vec![now.clone()],
            Verdict::Unknown => may.push(now.clone()),
        }
        drop(book);
        // A path of which nobody knows what is there is left alone: a late request could still change it.
        self.objects.retain(|own| own != path);
        if verdict == Verdict::Acknowledged && now.is_some() {
            self.objects.push(path.to_owned());
        }
    }

    async fn delete(&mut self) {
        let Some(path) = self.objects.first().cloned() else { return };
        let told = self.client.send(Ask::s3(Method::DELETE, &path, "")).await;
        let verdict = self.ledger.judge(&path, &told);
        self.changed(&path, None, verdict);
    }

    /// A multipart upload; now and then of two parts.
    async fn upload(&mut self) {
        let bucket = if self.draw.one_in(2) { "src" } else { "plain" };
        let path = format!("/{bucket}/{}", self.name());
        let begun = self.client.send(Ask::s3(Method::POST, format!("{path}?uploads"), "")).await;
        self.ledger.judge(&path, &begun);
        let Told::Answer(begun) = begun else { return };
        let Some(id) = begun.xml("UploadId") else { return };
        let mut parts = vec![self.body(1, 100_000)];
        if self.draw.one_in(12) {
            parts.insert(0, self.body(PART_BYTES_MIN, PART_BYTES_MIN + 1));
        }
        let mut document = "<CompleteMultipartUpload>".to_owned();
        for (number, part) in (1..).zip(&parts) {
            let ask = Ask::s3(Method::PUT, format!("{path}?partNumber={number}&uploadId={id}"), part.clone());
            let told = self.client.send(ask).await;
            if self.ledger.judge(&path, &told) != Verdict::Acknowledged {
                return;
            }
            let Told::Answer(answer) = told else { return };
            let tag = answer.header("etag");
            document += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
        }
        document += "</CompleteMultipartUpload>";
        let told = self.client.send(Ask::s3(Method::POST, format!("{path}?uploadId={id}"), document)).await;
        self.written(&path, parts.concat().into(), &told);
    }

    /// What was acknowledged can be read at once, whoever has crashed in between.
    async fn get(&mut self) {
        let Some(path) = self.objects.last().cloned() else { return };
        let told = self.client.send(Ask::s3(Method::GET, &path, "")).await;
        if let Told::Answer(answer) = &told {
            check_object(&self.ledger, &path, answer);
        }
    }

    /// Writes where nothing may be, against all others.
    async fn contend(&mut self) {
        let path = format!("/plain/contested-{}", self.draw.below(CONTESTED));
        let body = self.body(20, 100);
        let ask = Ask::s3(Method::PUT, &path, body.clone()).header("if-none-match", "*");
        let told = self.client.send(ask).await;
        if let Told::Answer(answer) = &told
            && answer.status == 412
        {
            self.ledger.book().contested.entry(path).or_default().is_there = true;
            return;
        }
        // Two who write at once: one may be told to come again.
        if let Told::Answer(answer) = &told
            && answer.status == 409
        {
            return;
        }
        let verdict = self.ledger.judge(&path, &told);
        let mut book = self.ledger.book();
        let contest = book.contested.entry(path.clone()).or_default();
        match verdict {
            Verdict::Acknowledged => contest.winners.push(body),
            Verdict::Unknown => contest.unknown.push(body),
            Verdict::Not => {}
        }
        if verdict == Verdict::Acknowledged && contest.winners.len() > 1 {
            book.wrong.push(format!("{path}: two were told that they made it"));
        }
    }

    async fn invoke(&mut self) {
        let marker = self.name();
        let own = self.functions.last().cloned();
        let function = own.unwrap_or_else(|| "echo".to_owned());
        let path = format!("{FUNCTIONS}/{function}/invocations");
        let told = self.client.send(Ask::lambda(Method::POST, path, &json!({ "marker": marker }))).await;
        self.ledger.judge(&format!("Invoke {function}"), &told);
        let Told::Answer(answer) = told else { return };
        if !answer.status.is_success() || !answer.header("x-amz-function-error").is_empty() {
            return;
        }
        let reply = answer.json();
        let mut book = self.ledger.book();
        let code = book.functions.get(&function).cloned().flatten();
        if reply["marker"] != marker.as_str() || code.is_some_and(|code| reply["code"] != code.as_str()) {
            book.wrong.push(format!("Invoke {function} of {marker} gave {reply}"));
        }
    }

    async fn enqueue(&mut self) {
        // Some events no attempt can handle: they must be kept as failed.
        let poison = if self.draw.one_in(8) { POISON } else { "" };
        let marker = format!("{}{poison}", self.name());
        let path = format!("{FUNCTIONS}/echo/invocations");
        let ask = Ask::lambda(Method::POST, path, &json!({ "marker": marker }));
        let told = self.client.send(ask.header("x-amz-invocation-type", "Event")).await;
        if self.ledger.judge("Invoke of an event", &told) == Verdict::Acknowledged {
            self.ledger.book().events.insert(marker);
        }
    }

    async fn log(&mut self) {
        let (line, stream) = (self.name(), format!("stream-{}", self.number));
        let document = json!({
            "logGroupName": GROUP, "logStreamName": stream,
            "logEvents": [{ "timestamp": self.client.world.now().millis(), "message": line }],
        });
        let told = self.client.send(Ask::logs("PutLogEvents", &document)).await;
        if self.ledger.judge("PutLogEvents", &told) == Verdict::Acknowledged {
            self.ledger.book().lines.insert((stream, line));
        }
    }

    async fn create_function(&mut self) {
        let name = self.name();
        let told = self.client.send(Ask::lambda(Method::POST, FUNCTIONS, &function(&name, "first"))).await;
        if self.ledger.judge(&format!("CreateFunction {name}"), &told) == Verdict::Acknowledged {
            self.ledger.book().functions.insert(name.clone(), Some("first".to_owned()));
            self.functions.push(name);
        }
    }

    async fn update_function(&mut self) {
        let Some(name) = self.functions.last().cloned() else { return };
        let code = self.name();
        let document = json!({ "ZipFile": zip(&code) });
        let told =
            self.client.send(Ask::lambda(Method::PUT, format!("{FUNCTIONS}/{name}/code"), &document)).await;
        match self.ledger.judge(&format!("UpdateFunctionCode {name}"), &told) {
            Verdict::Acknowledged => drop(self.ledger.book().functions.insert(name, Some(code))),
            // Nobody knows its code now, nor when it may still change.
            Verdict::Unknown => {
                self.ledger.book().functions.remove(&name);
                self.functions.retain(|own| *own != name);
            }
            Verdict::Not => {}
        }
    }

    async fn delete_function(&mut self) {
        if self.functions.is_empty() {
            return;
        }
        let name = self.functions.remove(0);
        let path = format!("{FUNCTIONS}/{name}");
        let told = self.client.send(Ask::lambda(Method::DELETE, &path, &Value::Null)).await;
        match self.ledger.judge(&format!("DeleteFunction {name}"), &told) {
            Verdict::Acknowledged => drop(self.ledger.book().functions.insert(name, None)),
            Verdict::Unknown => drop(self.ledger.book().functions.remove(&name)),
            Verdict::Not => self.functions.push(name),
        }
    }

    /// Copies an object of its own on the server.
    async fn copy(&mut self) {
        let Some(source) = self.objects.last().cloned() else { return };
        let body = self.ledger.book().objects.get(&source).and_then(|may| may.first().cloned().flatten());
        let Some(body) = body else { return };
        let path = format!("/plain/{}", self.name());
        let told =
            self.client.send(Ask::s3(Method::PUT, &path, "").header("x-amz-copy-source", source)).await;
        self.written(&path, body, &told);
    }

    /// A request to the HTTP API, which a function answers.
    async fn call(&mut self) {
        let marker = self.name();
        let told = self.client.send(Ask::api(&self.api, &marker)).await;
        self.ledger.judge("a call of the HTTP API", &told);
        if let Told::Answer(answer) = told
            && answer.status.is_success()
            && answer.body != marker
        {
            self.ledger.wrong(format!("the HTTP API was sent {marker} and gave {answer}"));
        }
    }

    async fn create_bucket(&mut self) {
        let bucket = format!("bucket-{}", self.name());
        let told = self.client.send(Ask::s3(Method::PUT, format!("/{bucket}"), "")).await;
        if self.ledger.judge(&bucket, &told) == Verdict::Acknowledged {
            self.put(&bucket, 1, 100).await;
        }
    }
}

/// How many kinds of steps there are.
pub const KINDS: u64 = 19;

/// Holds what a GET gave against what may be there.
pub fn check_object(ledger: &Ledger, path: &str, answer: &Answer) {
    let mut book = ledger.book();
    let there = match answer.status.as_u16() {
        200 => Some(answer.body.clone()),
        404 => None,
        // It says nothing about the object.
        500.. => return,
        _ => {
            book.wrong.push(format!("GET {path}: {answer}"));
            return;
        }
    };
    let may = book.objects.get(path).cloned().unwrap_or_default();
    if !may.contains(&there) {
        let bytes = there.map(|body| body.len());
        let expected: Vec<Option<usize>> = may.iter().map(|body| body.as_ref().map(Bytes::len)).collect();
        book.wrong.push(format!("GET {path} gave {bytes:?} bytes, and there may be {expected:?}"));
    }
}

/// What CreateFunction takes.
pub fn function(name: &str, code: &str) -> Value {
    json!({
        "FunctionName": name, "Runtime": "python3.12", "Role": ROLE, "Handler": "app.handler",
        "Code": { "ZipFile": zip(code) },
    })
}

fn zip(text: &str) -> String {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let written = writer.start_file("app.py", options).and_then(|()| Ok(writer.write_all(text.as_bytes())?));
    written.expect("memory takes it");
    BASE64.encode(writer.finish().expect("memory takes it").into_inner())
}
