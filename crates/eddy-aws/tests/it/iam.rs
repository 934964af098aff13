//! Roles as a deployment makes and removes them.

use crate::harness::{Answer, House, open};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

async fn call(house: &House, action: &str, parameters: &[(&str, &str)]) -> Answer {
    house.query("iam", "2010-05-08", action, parameters).await
}

async fn refused(house: &House, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let answer = call(house, action, parameters).await;
    (answer.status.as_u16(), answer.code())
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn create(house: &House, name: &str) -> Answer {
    call(house, "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]).await
}

#[tokio::test]
async fn a_role_from_first_to_last() {
    let house = open().await;
    let made = call(
        &house,
        "CreateRole",
        &[
            ("RoleName", "worker"),
            ("Path", "/team/"),
            ("AssumeRolePolicyDocument", TRUST),
            ("Description", "does the work"),
            ("Tags.member.1.Key", "cost"),
            ("Tags.member.1.Value", "low"),
        ],
    )
    .await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(made.xml("Arn"), Some("arn:aws:iam::000000000000:role/team/worker"));
    assert!(made.xml("RoleId").is_some_and(|id| id.starts_with("AROA") && id.len() == 21));
    assert!(made.xml("AssumeRolePolicyDocument").is_some_and(|text| text.starts_with("%7B%22Version%22")));

    let read = call(&house, "GetRole", &[("RoleName", "worker")]).await;
    assert_eq!(read.xml("RoleId"), made.xml("RoleId"));
    assert_eq!(read.xml("MaxSessionDuration"), Some("3600"));
    assert!(read.body.contains("<Key>cost</Key><Value>low</Value>"), "{read:?}");

    let put = [("RoleName", "worker"), ("PolicyName", "inline"), ("PolicyDocument", POLICY)];
    assert_eq!(call(&house, "PutRolePolicy", &put).await.status, 200);
    let amazon = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let attach = [("RoleName", "worker"), ("PolicyArn", amazon)];
    assert_eq!(call(&house, "AttachRolePolicy", &attach).await.status, 200);
    let listed = call(&house, "ListAttachedRolePolicies", &[("RoleName", "worker")]).await;
    assert_eq!(listed.xml("PolicyName"), Some("AWSLambdaBasicExecutionRole"), "{listed:?}");
    let listed = call(&house, "ListRolePolicies", &[("RoleName", "worker")]).await;
    assert_eq!(listed.xml("member"), Some("inline"), "{listed:?}");
    let document = call(&house, "GetRolePolicy", &put[..2]).await;
    assert!(document.xml("PolicyDocument").is_some_and(|text| text.contains("s3%3A%2A")), "{document:?}");

    let delete = [("RoleName", "worker")];
    assert_eq!(refused(&house, "DeleteRole", &delete).await, error(409, "DeleteConflict"));
    assert_eq!(call(&house, "DetachRolePolicy", &attach).await.status, 200);
    assert_eq!(refused(&house, "DetachRolePolicy", &attach).await, error(404, "NoSuchEntity"));
    assert_eq!(refused(&house, "DeleteRole", &delete).await, error(409, "DeleteConflict"));
    assert_eq!(call(&house, "DeleteRolePolicy", &put[..2]).await.status, 200);
    assert_eq!(call(&house, "DeleteRole", &delete).await.status, 200);
    assert_eq!(refused(&house, "GetRole", &delete).await, error(404, "NoSuchEntity"));
}

#[tokio::test]
async fn changes_of_a_role() {
    let house = open().await;
    create(&house, "r").await;
    let update = [("RoleName", "r"), ("Description", "new"), ("MaxSessionDuration", "7200")];
    assert_eq!(call(&house, "UpdateRole", &update).await.status, 200);
    let tag = [("RoleName", "r"), ("Tags.member.1.Key", "A"), ("Tags.member.1.Value", "1")];
    assert_eq!(call(&house, "TagRole", &tag).await.status, 200);
    let read = call(&house, "GetRole", &[("RoleName", "r")]).await;
    assert_eq!((read.xml("Description"), read.xml("MaxSessionDuration")), (Some("new"), Some("7200")));
    assert_eq!(call(&house, "ListRoleTags", &[("RoleName", "r")]).await.xml("Value"), Some("1"));
    assert_eq!(call(&house, "UntagRole", &[("RoleName", "r"), ("TagKeys.member.1", "a")]).await.status, 200);
    assert_eq!(call(&house, "ListRoleTags", &[("RoleName", "r")]).await.xml("Value"), None);
    let trust = TRUST.replace("lambda", "events");
    let change = [("RoleName", "r"), ("PolicyDocument", trust.as_str())];
    assert_eq!(call(&house, "UpdateAssumeRolePolicy", &change).await.status, 200);
    let read = call(&house, "GetRole", &[("RoleName", "r")]).await;
    assert!(read.body.contains("events.amazonaws.com"), "{read:?}");
    let none = call(&house, "ListInstanceProfilesForRole", &[("RoleName", "r")]).await;
    assert_eq!((none.status.as_u16(), none.xml("IsTruncated")), (200, Some("false")));
}

#[tokio::test]
async fn what_is_refused() {
    let house = open().await;
    assert_eq!(create(&house, "worker").await.status, 200);
    let again = create(&house, "WORKER").await;
    assert_eq!((again.status.as_u16(), again.code()), error(409, "EntityAlreadyExists"));
    for (action, parameters, expected) in [
        (
            "CreateRole",
            vec![("RoleName", "x"), ("AssumeRolePolicyDocument", "{")],
            error(400, "MalformedPolicyDocument"),
        ),
        (
            "CreateRole",
            vec![("RoleName", "x"), ("AssumeRolePolicyDocument", POLICY)],
            error(400, "MalformedPolicyDocument"),
        ),
        (
            "CreateRole",
            vec![("RoleName", "x y"), ("AssumeRolePolicyDocument", TRUST)],
            error(400, "ValidationError"),
        ),
        ("CreateRole", vec![("RoleName", "x")], error(400, "ValidationError")),
        (
            "CreateRole",
            vec![
                ("RoleName", "x"),
                ("AssumeRolePolicyDocument", TRUST),
                ("PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess"),
            ],
            error(400, "ValidationError"),
        ),
        (
            "PutRolePolicy",
            vec![("RoleName", "worker"), ("PolicyName", "p"), ("PolicyDocument", TRUST)],
            error(400, "MalformedPolicyDocument"),
        ),
        (
            "PutRolePolicy",
            vec![("RoleName", "nobody"), ("PolicyName", "p"), ("PolicyDocument", POLICY)],
            error(404, "NoSuchEntity"),
        ),
        ("GetRolePolicy", vec![("RoleName", "worker"), ("PolicyName", "p")], error(404, "NoSuchEntity")),
        ("DeleteRolePolicy", vec![("RoleName", "worker"), ("PolicyName", "p")], error(404, "NoSuchEntity")),
        (
            "AttachRolePolicy",
            vec![("RoleName", "worker"), ("PolicyArn", "arn:aws:iam::000000000000:policy/own")],
            error(404, "NoSuchEntity"),
        ),
        (
            "UpdateRole",
            vec![("RoleName", "worker"), ("MaxSessionDuration", "1")],
            error(400, "ValidationError"),
        ),
        ("CreateUser", vec![("UserName", "u")], error(400, "InvalidAction")),
    ] {
        assert_eq!(refused(&house, action, &parameters).await, expected, "{action} {parameters:?}");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let house = open().await;
    for index in 0..5 {
        assert_eq!(create(&house, &format!("role{index}")).await.status, 200);
    }
    let (mut names, mut marker): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let mut parameters = vec![("MaxItems", "2")];
        if let Some(marker) = &marker {
            parameters.push(("Marker", marker));
        }
        let page = call(&house, "ListRoles", &parameters).await;
        names.extend(page.body.split("<RoleName>").skip(1).map(|rest| rest[..5].to_owned()));
        assert_eq!(page.xml("IsTruncated") == Some("true"), page.xml("Marker").is_some());
        let Some(next) = page.xml("Marker").map(str::to_owned) else { break };
        marker = Some(next);
    }
    assert_eq!(names, ["role0", "role1", "role2", "role3", "role4"]);
}

#[tokio::test]
async fn what_iam_does_not_take() {
    let house = open().await;
    create(&house, "r").await;
    let trust = TRUST.replace(r#""Action""#, r#""Resource":"*","Action""#);
    let made = call(&house, "CreateRole", &[("RoleName", "s"), ("AssumeRolePolicyDocument", &trust)]).await;
    assert_eq!((made.status.as_u16(), &*made.code()), (400, "MalformedPolicyDocument"));
    assert_eq!(made.xml("Message"), Some("Has prohibited field Resource"));
    let tag = [("RoleName", "r"), ("Tags.member.1.Key", "aws:a"), ("Tags.member.1.Value", "1")];
    assert_eq!(refused(&house, "TagRole", &tag).await, error(400, "InvalidInput"));
    let attach = [("RoleName", "r"), ("PolicyArn", "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole")];
    assert_eq!(refused(&house, "AttachRolePolicy", &attach).await, error(404, "NoSuchEntity"));
    for (action, with) in [
        ("ListRoles", &[][..]),
        ("ListRolePolicies", &[("RoleName", "r")][..]),
        ("ListAttachedRolePolicies", &[("RoleName", "r")][..]),
    ] {
        let parameters = [with, &[("Marker", "madeup")][..]].concat();
        assert_eq!(refused(&house, action, &parameters).await, error(400, "ValidationError"), "{action}");
    }
    create(&house, "q").await;
    let first = call(&house, "ListRoles", &[("MaxItems", "1")]).await;
    let marker = first.xml("Marker").expect("there is another").to_owned();
    let second = call(&house, "ListRoles", &[("MaxItems", "1"), ("Marker", &marker)]).await;
    assert_eq!((first.xml("RoleName"), second.xml("RoleName")), (Some("q"), Some("r")));
}
