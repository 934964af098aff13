//! Requests and their effects as one tree.

use std::net::{Ipv4Addr, SocketAddr};

use eddy_aws::Peer;
use eddy_base::Id;
use eddy_telemetry::{Kind, What};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::form;
use crate::lambda::{create, house};

#[tokio::test]
async fn what_a_function_asks_for_stands_below_its_invocation() {
    let house = house().await;
    assert_eq!(create(&house, json!({"FunctionName": "f"})).await.status, 201);
    let path = "/2015-03-31/functions/f/invocations";
    let invoked = house.json("lambda", "POST", path, Value::Null).await;
    assert_eq!(invoked.status, 200, "{invoked:?}");
    let request: Id = invoked.header("x-amzn-requestid").parse().expect("a request id");
    let environment =
        invoked.document()["environment"].as_str().expect("an environment").parse().expect("an id");

    let peer = Peer::guest(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), environment);
    let signed = house.sign(&house.root(), "sts", form("2011-06-15", "GetCallerIdentity", &[]));
    let answer = house.send_from(peer, signed.map(Full::new)).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    // Nodes are on disk with the next commit.
    let tag = [("RoleName", "runs"), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")];
    assert_eq!(house.query("iam", "2010-05-08", "TagRole", &tag).await.status, 200);
    let telemetry = &house.front.engines().telemetry;
    let inner: Id = answer.header("x-amzn-requestid").parse().expect("a request id");
    for id in [request, inner] {
        let trees = telemetry.trees(&What::Id(id)).expect("the store can be read");
        assert_eq!(trees.len(), 1, "{id}");
        let (root, invocation) = (&trees[0].node, &trees[0].below[0]);
        let asked = &invocation.below[0].node;
        let kinds = [root.kind, invocation.node.kind, asked.kind];
        assert_eq!(kinds, [Kind::Request, Kind::Invocation, Kind::Request]);
        assert_eq!((root.id, asked.id), (request, inner));
        assert_eq!(asked.label, "sts GetCallerIdentity");
    }
}
