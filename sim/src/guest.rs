//! Functions: what guests do when an event reaches them, and what they do wrong.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use eddy_runtime::testing::{Act, Scene, Script};
use eddy_runtime::{Call, Event};
use eddy_wire::sign::Credentials;
use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::actor::POISON;
use crate::client::{Ask, Client, Told, Way};
use crate::ledger::Ledger;
use crate::server::ADDRESS;
use crate::world::{Draw, World};

/// One event in so many meets a guest that misbehaves, while there is a storm.
const MISCHIEF_ONE_IN: u64 = 7;

/// What guests share.
pub struct Stage {
    pub world: World,
    pub ledger: Arc<Ledger>,
    draw: Mutex<(Draw, bool)>,
}

impl Stage {
    pub fn new(world: &World, ledger: Arc<Ledger>, seed: u64) -> Stage {
        Stage { world: world.clone(), ledger, draw: Mutex::new((Draw::new(seed, "guests"), false)) }
    }

    /// From now on guests misbehave, or do not any more.
    pub fn set_stormy(&self, is_stormy: bool) {
        self.draw.lock().unwrap_or_else(PoisonError::into_inner).1 = is_stormy;
    }

    /// How long an event takes, and what goes wrong.
    fn lot(&self) -> (Duration, Option<Act>) {
        let mut state = self.draw.lock().unwrap_or_else(PoisonError::into_inner);
        let (draw, is_stormy) = &mut *state;
        let took = Duration::from_micros(draw.below(20_000));
        if !*is_stormy || !draw.one_in(MISCHIEF_ONE_IN) {
            return (took, None);
        }
        let act = match draw.below(5) {
            0 => raise("the simulation said so"),
            1 => Act::Exit(1),
            2 => Act::OutOfMemory,
            3 => Act::Hang,
            _ => Act::TooLarge(7 << 20),
        };
        (took, Some(act))
    }
}

/// The functions of one server.
pub fn script(stage: &Arc<Stage>, calls: mpsc::Sender<Call>) -> Script {
    let stage = stage.clone();
    Arc::new(move |scene, event| {
        let (stage, calls) = (stage.clone(), calls.clone());
        Box::pin(async move { act(&stage, calls, scene, event).await })
    })
}

async fn act(stage: &Stage, calls: mpsc::Sender<Call>, scene: Scene, event: Event) -> Act {
    let name = scene.spec.function.name.clone();
    let (took, mischief) = stage.lot();
    let word = if scene.cold { "cold" } else { "warm" };
    stage.world.note(format_args!("{name} runs {word}, {} bytes, {mischief:?}", event.payload.len()));
    scene.print("an event has come");
    stage.world.sleep(took).await;
    if let Some(mischief) = mischief {
        return mischief;
    }
    let payload: Value = serde_json::from_slice(&event.payload).unwrap_or_default();
    let act = match name.as_str() {
        "copy" => copy(stage, calls, &scene, &payload).await,
        "web" => Act::Reply(json!({ "statusCode": 200, "body": payload["body"] }).to_string().into()),
        _ => echo(stage, &scene, &payload),
    };
    stage.world.note(format_args!("{name} ends"));
    act
}

/// Says which event it got, and with which code.
fn echo(stage: &Stage, scene: &Scene, payload: &Value) -> Act {
    let code = std::fs::read_to_string(scene.code.join("app.py")).unwrap_or_default();
    let Some(marker) = payload["marker"].as_str() else { return raise("an event without a marker") };
    if marker.ends_with(POISON) {
        return raise("no attempt can handle this");
    }
    stage.ledger.ran(marker);
    Act::Reply(json!({ "marker": marker, "code": code }).to_string().into())
}

/// Copies what was put, as the sample does, with the credentials and through the socket of its jail.
async fn copy(stage: &Stage, calls: mpsc::Sender<Call>, scene: &Scene, payload: &Value) -> Act {
    let Some(own) = &scene.spec.credentials else { return raise("no credentials") };
    let client = Client {
        world: stage.world.clone(),
        who: "copy".to_owned(),
        address: ADDRESS,
        key: Credentials {
            access_key: own.access_key.clone(),
            secret_key: own.secret_key.clone(),
            token: Some(own.token.clone()),
        },
        way: Way::Jail { calls, environment: scene.spec.environment },
    };
    let records = payload["Records"].as_array().cloned().unwrap_or_default();
    if records.is_empty() {
        return raise("no records");
    }
    for record in records {
        let (key, tag) = (&record["s3"]["object"]["key"], &record["s3"]["object"]["eTag"]);
        let (Some(key), Some(tag)) = (key.as_str(), tag.as_str()) else { return raise("no key") };
        let plain = key.replace('+', " ");
        let plain = percent_decode_str(&plain).decode_utf8_lossy().into_owned();
        let Told::Answer(got) = client.send(Ask::s3(Method::GET, format!("/src/{key}"), "")).await else {
            return raise("the source did not answer");
        };
        // It may have been deleted by now.
        if got.status != 404 {
            let Told::Answer(put) = client.send(Ask::s3(Method::PUT, format!("/dst/{key}"), got.body)).await
            else {
                return raise("the destination did not answer");
            };
            if !got.status.is_success() || !put.status.is_success() {
                return raise(&format!("get {}, {put}", got.status));
            }
        }
        stage.ledger.copied(&plain, tag);
    }
    Act::Reply(Bytes::from_static(b"null"))
}

fn raise(message: &str) -> Act {
    Act::Raise { error_type: "RuntimeError".to_owned(), message: message.to_owned() }
}
