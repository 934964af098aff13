//! One run: a server, its clients, what goes wrong, and what must hold afterwards.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eddy_base::Scope;
use eddy_bus::{Event, Source};
use eddy_store::testing::Fault;
use eddy_wire::sign::Credentials;
use http::Method;
use serde_json::{Value, json};

use crate::actor::{self, Actor, FUNCTIONS, GROUP, KINDS};
use crate::client::{Answer, Ask, Client, Told, Way};
use crate::guest::Stage;
use crate::ledger::{Counts, Failed, Ledger};
use crate::server::{ADDRESS, Server};
use crate::world::{Draw, World};

/// What a storm is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub clients: u64,
    /// Steps of each client; with [`Faults::At`] one of each kind, in order.
    pub steps: u64,
    pub faults: Faults,
    pub is_shown: bool,
}

/// What goes wrong beside the clients.
#[derive(Clone, Copy, Debug)]
pub enum Faults {
    /// Of the disk, the network and the guests, and kills; as the seed says.
    Drawn,
    /// One of the disk, at its n-th operation.
    At(u64, Fault),
    /// The disk lies from its n-th operation on, and then the power is cut.
    Lie(u64),
}

/// What a run has come to.
pub struct Outcome {
    /// Of everything that happened.
    pub hash: u64,
    pub counts: Counts,
    /// Faults of the disk that operations met.
    pub faults: u64,
    pub cuts: u64,
    pub kills: u64,
    /// Events that functions handled, each time counted.
    pub handled: u64,
    /// Events that are kept as failed.
    pub failed: u64,
    /// The fault of [`Faults::At`] was never met: the run had fewer operations.
    pub is_clean: bool,
    /// What must not have happened.
    pub wrong: Vec<String>,
    /// How long it took in its own time.
    pub lasted: Duration,
}

/// How long events may need until each has been handled or given up: more than their greatest age.
const SETTLED_WITHIN: Duration = Duration::from_secs(8 * 3600);
/// How long the attempts of one event take, with the pauses between them: what nobody heard of has events too.
const RETRIED_WITHIN: Duration = Duration::from_secs(900);
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long a storm may last.
const STORM_MAX: Duration = Duration::from_secs(3600);

/// Runs a storm. Errors of the run itself are among what went wrong.
pub fn run(plan: Plan) -> Outcome {
    let world = World::new(plan.seed, plan.is_shown);
    let ledger = Arc::new(Ledger::default());
    let stage = Arc::new(Stage::new(&world, ledger.clone(), plan.seed));
    let server = Arc::new(Server::new(&world, stage.clone()));
    let life = Life {
        plan,
        world: world.clone(),
        ledger: ledger.clone(),
        stage,
        server: server.clone(),
        api: Mutex::default(),
    };
    let ended = world.run(async move { life.live().await });
    let mut book = std::mem::take(&mut *ledger.book());
    let mut done = Done::default();
    match ended {
        Ok(Ok(ended)) => done = ended,
        Ok(Err(why)) | Err(why) => book.wrong.push(why),
    }
    world.note(format_args!("the disk is {:016x}", server.disk.hash()));
    Outcome {
        hash: world.hash(),
        counts: book.counts,
        faults: done.faults,
        cuts: world.net.cuts(),
        kills: done.kills,
        handled: book.ran.values().sum::<u64>() + book.copied.values().sum::<u64>(),
        failed: done.failed,
        is_clean: done.is_clean,
        wrong: book.wrong,
        lasted: world.monotonic(),
    }
}

#[derive(Default)]
struct Done {
    faults: u64,
    kills: u64,
    failed: u64,
    is_clean: bool,
}

struct Life {
    plan: Plan,
    world: World,
    ledger: Arc<Ledger>,
    stage: Arc<Stage>,
    server: Arc<Server>,
    /// The id of the HTTP API.
    api: Mutex<String>,
}

impl Life {
    async fn live(&self) -> Result<Done, String> {
        let mut done = Done::default();
        let placed = self.place_faults();
        while self.server.start(false).await.is_err() {
            self.world.sleep(Duration::from_millis(10)).await;
        }
        let server = self.server.clone();
        let keeping = Draw::new(self.plan.seed, "keeping");
        let keeper = tokio::spawn(async move { server.keep_up(keeping).await });
        self.set_up().await;
        done.kills = self.storm().await?;
        keeper.abort();
        done.is_clean = self.server.disk.has_faults();
        done.faults = placed - self.server.disk.heal();
        self.recover().await?;
        let client = self.client("the check").await?;
        self.settle().await;
        self.world.sleep(RETRIED_WITHIN).await;
        let failed = self.failed()?;
        done.failed = (failed.markers.len() + failed.keys.len()) as u64;
        self.check(&client, &failed).await;
        self.server.stop().await;
        Ok(done)
    }

    /// Places the faults of the disk; gives how many.
    fn place_faults(&self) -> u64 {
        let disk = &self.server.disk;
        match self.plan.faults {
            Faults::At(nth, fault) => disk.inject(nth, fault),
            Faults::Lie(nth) => disk.inject(nth, Fault::Lie),
            Faults::Drawn => {
                let mut draw = Draw::new(self.plan.seed, "faults");
                let (many, mut nth) = (2 + draw.below(6), 0);
                for _ in 0..many {
                    nth += 1 + draw.below(50);
                    let fault = match draw.below(4) {
                        0 => Fault::Fail,
                        1 => Fault::FailLate,
                        _ => Fault::Delay(Duration::from_millis(1 + draw.below(3_000))),
                    };
                    disk.inject(nth, fault);
                }
                return many;
            }
        }
        1
    }

    /// Makes what all clients need, as often as it takes.
    async fn set_up(&self) {
        let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                     %22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A\
                     %22sts%3AAssumeRole%22%7D%5D%7D";
        let role =
            format!("Action=CreateRole&Version=2010-05-08&RoleName=runs&AssumeRolePolicyDocument={trust}");
        let permission = json!({
            "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
            "SourceArn": "arn:aws:s3:::src",
        });
        let notification = "<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>\
            arn:aws:lambda:us-east-1:000000000000:function:copy</CloudFunction><Event>s3:ObjectCreated:*</Event>\
            </CloudFunctionConfiguration></NotificationConfiguration>";
        self.insist(|| Ask::iam(role.clone())).await;
        for bucket in ["/src", "/dst", "/plain"] {
            self.insist(|| Ask::s3(Method::PUT, bucket, "")).await;
        }
        for function in ["echo", "copy", "web"] {
            self.insist(|| Ask::lambda(Method::POST, FUNCTIONS, &actor::function(function, "first"))).await;
        }
        self.insist(|| Ask::lambda(Method::POST, format!("{FUNCTIONS}/copy/policy"), &permission)).await;
        self.insist(|| Ask::s3(Method::PUT, "/src?notification", notification)).await;
        let permission = json!({
            "StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        });
        self.insist(|| Ask::lambda(Method::POST, format!("{FUNCTIONS}/web/policy"), &permission)).await;
        let api = json!({
            "name": "web", "protocolType": "HTTP", "target": "arn:aws:lambda:us-east-1:000000000000:function:web",
        });
        let made = self
            .insist(|| Ask { service: "apigateway", ..Ask::lambda(Method::POST, "/v2/apis", &api) })
            .await;
        *self.api.lock().expect("nobody panics with this lock") =
            made.json()["apiId"].as_str().unwrap_or_default().to_owned();
        self.insist(|| Ask::logs("CreateLogGroup", &json!({ "logGroupName": GROUP }))).await;
        for number in 0..self.plan.clients {
            let stream = json!({ "logGroupName": GROUP, "logStreamName": format!("stream-{number}") });
            self.insist(|| Ask::logs("CreateLogStream", &stream)).await;
        }
    }

    /// Asks until it was done, by whichever try.
    async fn insist(&self, ask: impl Fn() -> Ask) -> Answer {
        loop {
            self.server.up().await;
            if let Ok(client) = self.client("set-up").await
                && let Told::Answer(answer) = client.send(ask()).await
            {
                let is_there = String::from_utf8_lossy(&answer.body).contains("xist");
                if answer.status.is_success() || (answer.status.is_client_error() && is_there) {
                    return answer;
                }
            }
            self.world.sleep(Duration::from_millis(50)).await;
        }
    }

    fn api(&self) -> String {
        self.api.lock().expect("nobody panics with this lock").clone()
    }

    async fn client(&self, who: &str) -> Result<Client, String> {
        let key: Credentials = self.server.root().ok_or("the server does not run")?;
        let (world, address) = (self.world.clone(), ADDRESS);
        Ok(Client { world, who: who.to_owned(), address, key, way: Way::Network })
    }

    /// All clients at once, with everything that goes wrong. Gives how often the server was killed.
    async fn storm(&self) -> Result<u64, String> {
        let is_drawn = matches!(self.plan.faults, Faults::Drawn);
        self.world.net.set_stormy(is_drawn);
        self.stage.set_stormy(is_drawn);
        let mut actors = Vec::new();
        for number in 0..self.plan.clients {
            self.server.up().await;
            let client = self.client(&format!("c{number}")).await?;
            let draw = Draw::new(self.plan.seed, &format!("client {number}"));
            let mut actor = Actor::new(client, self.server.clone(), self.ledger.clone(), draw, number);
            actor.api = self.api();
            let steps = self.plan.steps;
            actors.push(tokio::spawn(async move {
                for step in 0..steps {
                    if is_drawn { actor.step().await } else { actor.act(step % KINDS).await }
                }
            }));
        }
        let mut kills = 0;
        let mut draw = Draw::new(self.plan.seed, "kills");
        if is_drawn {
            for _ in 0..draw.below(3) {
                self.world.sleep(Duration::from_millis(draw.below(1_500))).await;
                self.server.kill();
                kills += 1;
            }
        }
        for actor in actors {
            tokio::select! {
                biased;
                ended = actor => ended.map_err(|why| format!("a client panicked: {why}"))?,
                () = self.world.sleep(STORM_MAX) => return Err("the storm does not end".to_owned()),
            }
        }
        self.world.net.set_stormy(false);
        self.stage.set_stormy(false);
        Ok(kills)
    }

    /// After the storm: stopped as people stop it, or by the power; then a clean start.
    async fn recover(&self) -> Result<(), String> {
        let Faults::Lie(_) = self.plan.faults else {
            self.server.stop().await;
            return self.server.start(false).await.map_err(|why| format!("no clean start: {why}"));
        };
        self.server.kill();
        match self.server.start(false).await {
            Err(why) if why.contains("--accept-loss") => self.ledger.wrong(why),
            Err(why) => return Err(why),
            Ok(()) => return Ok(()),
        }
        self.server.start(true).await
    }

    /// Waits until every acknowledged event was handled or given up, which must come to be.
    async fn settle(&self) {
        let ends = self.world.monotonic() + SETTLED_WITHIN;
        loop {
            let undelivered = match self.failed() {
                Ok(failed) => self.ledger.book().undelivered(&failed),
                Err(why) => vec![why],
            };
            if undelivered.is_empty() {
                return;
            }
            if self.world.monotonic() >= ends {
                let mut book = self.ledger.book();
                book.wrong.extend(undelivered.into_iter().map(|what| format!("{what} came nowhere")));
                return;
            }
            self.world.sleep(LOOK_EVERY).await;
        }
    }

    /// The events that the server keeps as failed.
    fn failed(&self) -> Result<Failed, String> {
        let app = self.server.app().ok_or("the server does not run")?;
        let scope = Scope { account: app.account.clone(), region: app.region.clone() };
        let (mut failed, mut before) = (Failed::default(), None);
        loop {
            let page = app.bus.failed(&scope, before, 100).map_err(|why| why.to_string())?;
            for letter in page.letters {
                let Event { source, subject, data, .. } = letter.dead.event;
                match source {
                    Source::Bucket { .. } => drop(failed.keys.insert(subject)),
                    Source::Function { .. } => {
                        let data: Value = serde_json::from_slice(&data).unwrap_or_default();
                        failed.markers.extend(data["marker"].as_str().map(str::to_owned));
                    }
                }
            }
            before = page.next;
            if before.is_none() {
                return Ok(failed);
            }
        }
    }

    /// Holds the ledger against what the server says.
    async fn check(&self, client: &Client, failed: &Failed) {
        let health = Ask {
            service: "s3",
            method: Method::GET,
            path: "/_eddy/health".into(),
            headers: vec![],
            body: "".into(),
        };
        if let Some(answer) = self.ask(client, health).await
            && answer.status != 200
        {
            self.ledger.wrong(format!("health says {answer}"));
        }
        self.check_objects(client, failed).await;
        self.check_contests(client).await;
        self.check_lines(client).await;
        self.check_lists(client).await;
        self.check_functions(client).await;
        if let Some(answer) = self.ask(client, Ask::api(&self.api(), "last")).await
            && answer.body != "last"
        {
            self.ledger.wrong(format!("the HTTP API gave {answer}"));
        }
    }

    /// Functions run the code that was acknowledged last, and deleted ones do not run.
    async fn check_functions(&self, client: &Client) {
        let functions = self.ledger.book().functions.clone();
        for (function, code) in functions {
            let ask = Ask::lambda(
                Method::POST,
                format!("{FUNCTIONS}/{function}/invocations"),
                &json!({ "marker": "last" }),
            );
            let Some(answer) = self.ask(client, ask).await else { continue };
            let is_right = match &code {
                Some(code) => answer.json()["code"] == code.as_str(),
                None => answer.status == 404,
            };
            if !is_right {
                self.ledger.wrong(format!("{function} should run {code:?} and gave {answer}"));
            }
        }
    }

    /// Lists have what is there for certain, and nothing that is certainly not.
    async fn check_lists(&self, client: &Client) {
        for bucket in ["src", "plain"] {
            let Some(answer) =
                self.ask(client, Ask::s3(Method::GET, format!("/{bucket}?list-type=2"), "")).await
            else {
                continue;
            };
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let mut book = self.ledger.book();
            let mut wrong = Vec::new();
            for (path, may) in &book.objects {
                let Some(key) = path.strip_prefix(&format!("/{bucket}/")) else { continue };
                let is_listed = text.contains(&format!("<Key>{key}</Key>"));
                let may_be = may.iter().any(|body| body.is_some() == is_listed);
                if !may_be {
                    wrong.push(format!("{path} is listed: {is_listed}"));
                }
            }
            book.wrong.extend(wrong);
        }
    }

    /// Each object is one of those that may be there; each that is in `src`, acknowledged or not, has had its event.
    async fn check_objects(&self, client: &Client, failed: &Failed) {
        let paths: Vec<String> = self.ledger.book().objects.keys().cloned().collect();
        for path in paths {
            let Some(answer) = self.ask(client, Ask::s3(Method::GET, &path, "")).await else { continue };
            actor::check_object(&self.ledger, &path, &answer);
            let Some(key) = path.strip_prefix("/src/") else { continue };
            if answer.status != 200 || failed.keys.contains(key) {
                continue;
            }
            let tag = answer.header("etag").replace('"', "");
            if !self.ledger.book().copied.contains_key(&(key.to_owned(), tag.clone())) {
                self.ledger.wrong(format!("{path} is there with ETag {tag}, and no event of it was handled"));
            }
            let Some(copy) = self.ask(client, Ask::s3(Method::GET, format!("/dst/{key}"), "")).await else {
                continue;
            };
            if copy.status != 200 {
                self.ledger.wrong(format!("{path} was copied and the copy is not there: {copy}"));
            }
        }
    }

    /// Who was told "it is there" was told the truth, and it is the winner's.
    async fn check_contests(&self, client: &Client) {
        let contests = std::mem::take(&mut self.ledger.book().contested);
        for (path, contest) in contests {
            let Some(answer) = self.ask(client, Ask::s3(Method::GET, &path, "")).await else { continue };
            let is_won = !contest.winners.is_empty();
            let is_one_of = |bodies: &[bytes::Bytes]| bodies.contains(&answer.body);
            let is_right = match answer.status.as_u16() {
                404 => !is_won && !contest.is_there,
                200 => is_one_of(&contest.winners) || (!is_won && is_one_of(&contest.unknown)),
                _ => false,
            };
            if !is_right {
                self.ledger.wrong(format!(
                    "{path}, won: {is_won}, said to be there: {}: {answer}",
                    contest.is_there
                ));
            }
        }
    }

    async fn check_lines(&self, client: &Client) {
        for number in 0..self.plan.clients {
            let stream = format!("stream-{number}");
            let document = json!({ "logGroupName": GROUP, "logStreamName": stream, "startFromHead": true });
            let Some(answer) = self.ask(client, Ask::logs("GetLogEvents", &document)).await else { continue };
            let document = answer.json();
            let events = document["events"].as_array().cloned().unwrap_or_default();
            let mut book = self.ledger.book();
            let lost = book.lines.iter().filter(|(of, line)| {
                *of == stream && !events.iter().any(|event| event["message"] == line.as_str())
            });
            let lost: Vec<String> =
                lost.map(|(of, line)| format!("the line {line} of {of} is lost")).collect();
            book.wrong.extend(lost);
        }
    }

    /// An answer in calm weather, which there must be.
    async fn ask(&self, client: &Client, ask: Ask) -> Option<Answer> {
        let what = format!("{} {}", ask.method, ask.path);
        match client.send(ask).await {
            Told::Answer(answer) => Some(answer),
            Told::Unreached | Told::Cut => {
                self.ledger.wrong(format!("{what} has no answer"));
                None
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { acknowledged, unknown, refused } = self.counts;
        write!(
            f,
            "{:016x}  {acknowledged} acknowledged, {unknown} unknown, {refused} refused, {} handled, {} failed; \
             {} faults, {} kills, {} cuts; {:.1} s",
            self.hash,
            self.handled,
            self.failed,
            self.faults,
            self.kills,
            self.cuts,
            self.lasted.as_secs_f64()
        )
    }
}
