//! Who am I, asked by root and by a function.

use eddy_base::{Account, Region, Scope, Timestamp};
use eddy_identity::Session;
use eddy_wire::sign::Credentials;

use crate::harness::{House, form, open};

const VERSION: &str = "2011-06-15";

fn session(house: &House) -> Credentials {
    let keys = house.front.engines().identity.session(Session {
        scope: Scope { account: Account::default(), region: Region::default() },
        role: "arn:aws:iam::000000000000:role/service/worker".to_owned(),
        function: "copy".to_owned(),
        environment: "e".to_owned(),
        until: Timestamp::from_seconds(i64::from(u32::MAX)),
    });
    Credentials { access_key: keys.access_key, secret_key: keys.secret_key, token: Some(keys.token) }
}

#[tokio::test]
async fn root_and_function_are_told_who_they_are() {
    let house = open().await;
    let answer = house.query("sts", VERSION, "GetCallerIdentity", &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.xml("Arn"), Some("arn:aws:iam::000000000000:root"));
    assert_eq!(answer.xml("UserId"), Some("000000000000"));
    assert_eq!(answer.xml("RequestId"), Some(answer.header("x-amzn-requestid")));

    let answer = house.signed_by(&session(&house), "sts", form(VERSION, "GetCallerIdentity", &[])).await;
    assert_eq!(answer.xml("Arn"), Some("arn:aws:sts::000000000000:assumed-role/worker/copy"), "{answer:?}");
    assert_eq!(answer.xml("UserId"), Some("worker:copy"));
}

#[tokio::test]
async fn a_function_may_not_administer() {
    let house = open().await;
    let answer = house.signed_by(&session(&house), "iam", form("2010-05-08", "ListRoles", &[])).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "AccessDenied"));
    assert!(
        answer.body.contains("User: arn:aws:sts::000000000000:assumed-role/worker/copy is not authorized")
    );
    let mut stolen = session(&house);
    stolen.token = None;
    let answer = house.signed_by(&stolen, "sts", form(VERSION, "GetCallerIdentity", &[])).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "InvalidClientTokenId"));
}

#[tokio::test]
async fn becoming_someone_else_is_refused_by_name() {
    let house = open().await;
    for action in ["AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken"] {
        let answer = house.query("sts", VERSION, action, &[]).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains(&format!("eddy does not support sts:{action} yet")), "{answer:?}");
    }
    // This one needs no signature, so its refusal is the same without.
    let answer =
        house.send(form(VERSION, "AssumeRoleWithWebIdentity", &[]).map(http_body_util::Full::new)).await;
    assert!(answer.body.contains("eddy does not support"), "{answer:?}");
    let answer = house.send(form(VERSION, "GetCallerIdentity", &[]).map(http_body_util::Full::new)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "MissingAuthenticationToken"));
}
