//! Making and changing APIs.

use eddy_base::{Code, Region, Scope, Subject};
use eddy_gateway::{Edit, NewApi, Stage, limits};
use eddy_store::Order;

use crate::bench::{Bench, integration, scope, stage, text};

#[tokio::test]
async fn a_stage_serves_its_deployment_and_not_what_is_being_edited() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let api = bench.api(&[("GET /a", "f")]).await.api.id;
    bench.change(&api, |edit| edit.add_stage(stage("slow", false))).await.unwrap();
    assert_eq!(text(&bench.ask(&api, "GET", "/slow/a").await).0, 404, "nothing is deployed there");
    bench.change(&api, |edit| edit.deploy(None, Some("slow")).map(drop)).await.unwrap();
    assert_eq!(text(&bench.ask(&api, "GET", "/slow/a").await).0, 200);
    let replace = |edit: &mut Edit<'_>| {
        let old = edit.config().routes.keys().next().cloned().unwrap();
        edit.change_route(&old, |route| route.key = "GET /b".to_owned()).map(drop)
    };
    bench.change(&api, replace).await.unwrap();
    for (path, status) in [("/a", 404), ("/b", 200), ("/slow/a", 200), ("/slow/b", 404)] {
        assert_eq!(text(&bench.ask(&api, "GET", path).await).0, status, "{path}");
    }
}

#[tokio::test]
async fn a_stage_that_deploys_at_once_keeps_one_deployment() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let config = bench.api(&[]).await;
    let api = config.api.id;
    assert_eq!(config.stages[Stage::DEFAULT].deployment, None);
    let message = config.stages[Stage::DEFAULT].message.clone().unwrap();
    assert!(message.starts_with("Deployment attempt failed"), "{message}");
    for key in ["GET /a", "GET /b", "GET /c"] {
        let add = |edit: &mut Edit<'_>| {
            let to = edit.add_integration(integration("f"))?;
            edit.add_route(key, Some(&to.id), None, false).map(drop)
        };
        let config = bench.change(&api, add).await.unwrap();
        assert_eq!(config.deployments.len(), 1);
        assert_eq!(config.stages[Stage::DEFAULT].deployment.as_ref(), config.deployments.keys().next());
    }
    // Without a route nothing can be deployed, so the last deployment goes on.
    let clear = |edit: &mut Edit<'_>| {
        let routes: Vec<String> = edit.config().routes.keys().cloned().collect();
        routes.iter().try_for_each(|id| edit.remove_route(id))
    };
    bench.change(&api, clear).await.unwrap();
    assert_eq!(text(&bench.ask(&api, "GET", "/c").await).0, 200);
}

#[tokio::test]
async fn rules_are_kept() {
    let bench = Bench::new().await;
    let config = bench.api(&[("GET /a", "f")]).await;
    let api = config.api.id.as_str();
    let (route, to) = (config.routes.keys().next().unwrap(), config.integrations.keys().next().unwrap());
    let served = config.stages[Stage::DEFAULT].deployment.as_ref().unwrap();
    type Change<'a> = Box<dyn Fn(&mut Edit<'_>) -> Result<(), eddy_base::Fault> + 'a>;
    let cases: Vec<(Change<'_>, Code, Subject)> = vec![
        (Box::new(|e| e.add_route("GET /a", None, None, false).map(drop)), Code::Exists, Subject::Route),
        (Box::new(|e| e.add_route("nonsense", None, None, false).map(drop)), Code::Invalid, Subject::Route),
        (
            Box::new(|e| e.add_route("GET /b", Some("no"), None, false).map(drop)),
            Code::Missing,
            Subject::Integration,
        ),
        (Box::new(|e| e.change_route("no", |_| ()).map(drop)), Code::Missing, Subject::Route),
        (Box::new(|e| e.remove_route("no")), Code::Missing, Subject::Route),
        (Box::new(|e| e.remove_integration(to)), Code::Conflict, Subject::Integration),
        (Box::new(|e| e.remove_integration("no")), Code::Missing, Subject::Integration),
        (
            Box::new(|e| e.change_integration(to, |i| i.timeout_millis = 49).map(drop)),
            Code::Invalid,
            Subject::Integration,
        ),
        (
            Box::new(|e| e.change_integration(to, |i| i.timeout_millis = 30_001).map(drop)),
            Code::Invalid,
            Subject::Integration,
        ),
        (Box::new(|e| e.add_stage(stage(Stage::DEFAULT, false))), Code::Exists, Subject::Stage),
        (Box::new(|e| e.add_stage(stage("a b", false))), Code::Invalid, Subject::Stage),
        (Box::new(|e| e.remove_stage("no")), Code::Missing, Subject::Stage),
        (Box::new(|e| e.deploy(None, Some("no")).map(drop)), Code::Missing, Subject::Stage),
        (Box::new(|e| e.deploy(None, Some(Stage::DEFAULT)).map(drop)), Code::Invalid, Subject::Stage),
        (Box::new(|e| e.remove_deployment(served)), Code::Conflict, Subject::Deployment),
        (Box::new(|e| e.remove_deployment("no")), Code::Missing, Subject::Deployment),
        (
            Box::new(|e| {
                e.remove_route(route)?;
                e.deploy(None, None).map(drop)
            }),
            Code::Invalid,
            Subject::Deployment,
        ),
    ];
    for (number, (change, code, subject)) in cases.iter().enumerate() {
        let fault = bench.change(api, change).await.unwrap_err();
        assert_eq!((fault.code, fault.subject), (*code, *subject), "case {number}: {fault}");
    }
    assert_eq!(bench.gateway.get(&scope(), api).unwrap().0, config, "what is refused changes nothing");
}

#[tokio::test]
async fn changes_at_the_same_time_all_count() {
    let bench = Bench::new().await;
    let api = bench.api(&[]).await.api.id;
    let add = |number: usize| {
        let (bench, api) = (&bench, &api);
        async move {
            let key = format!("GET /{number}");
            bench.change(api, |edit| edit.add_route(&key, None, None, false).map(drop)).await.unwrap();
        }
    };
    tokio::join!(add(1), add(2), add(3), add(4), add(5), add(6), add(7), add(8));
    assert_eq!(bench.gateway.get(&scope(), &api).unwrap().0.routes.len(), 8);
}

#[tokio::test]
async fn a_large_api_is_deployed_whole() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let segment = "x".repeat(400);
    let keys: Vec<String> =
        (0..limits::ROUTES_MAX).map(|number| format!("GET /{segment}/{number}")).collect();
    let routes: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "f")).collect();
    let config = bench.api(&routes).await;
    let path = format!("/{segment}/{}", limits::ROUTES_MAX - 1);
    assert_eq!(text(&bench.ask(&config.api.id, "GET", &path).await).0, 200);
    assert!(config.deployments.values().all(|deployment| deployment.rows > 1));
    let more =
        bench.change(&config.api.id, |edit| edit.add_route("GET /y", None, None, false).map(drop)).await;
    assert_eq!(more.unwrap_err().code, Code::LimitExceeded);
}

#[tokio::test]
async fn an_api_that_is_deleted_leaves_no_row() {
    let bench = Bench::new().await;
    let before = bench.store.snapshot().scan(eddy_gateway::SPACE.range(), Order::Forward, 100).unwrap();
    assert!(before.is_empty());
    let api = bench.api(&[("GET /a", "f")]).await.api.id;
    bench.change(&api, |edit| edit.add_stage(stage("other", true))).await.unwrap();
    bench.gateway.delete(&scope(), &api).await.unwrap();
    let after = bench.store.snapshot().scan(eddy_gateway::SPACE.range(), Order::Forward, 100).unwrap();
    assert!(after.is_empty(), "{after:?}");
    assert_eq!(bench.gateway.delete(&scope(), &api).await.unwrap_err().code, Code::Missing);
}

#[tokio::test]
async fn apis_are_listed_where_they_are() {
    let bench = Bench::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(bench.api(&[]).await.api.id);
    }
    made.sort();
    let elsewhere = Scope { region: Region::new("eu-west-1").unwrap(), ..scope() };
    let new = NewApi { name: "far".to_owned(), ..NewApi::default() };
    let far = bench.gateway.create(&elsewhere, new, |_| Ok(())).await.unwrap().value().api.id.clone();
    let first = bench.gateway.list(&scope(), None, 3).unwrap();
    let ids: Vec<&String> = first.apis.iter().map(|api| &api.id).collect();
    assert_eq!((ids, first.more), (made[..3].iter().collect(), true));
    let rest = bench.gateway.list(&scope(), Some(&made[2]), 3).unwrap();
    let ids: Vec<&String> = rest.apis.iter().map(|api| &api.id).collect();
    assert_eq!((ids, rest.more), (made[3..].iter().collect(), false));
    assert_eq!(bench.gateway.get(&scope(), &far).unwrap_err().subject, Subject::Api);
}
