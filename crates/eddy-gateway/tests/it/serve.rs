//! What requests are answered.

use bytes::Bytes;
use eddy_functions::function::{Auth, Cors as UrlCors};
use eddy_gateway::{Cors, Gateway, Plan, Refusal, limits};
use eddy_identity::Caller;

use crate::bench::{Bench, head, integration, scope, stage, text};

#[tokio::test]
async fn a_request_finds_its_function() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let api = bench.api(&[("GET /pets/{id}", "f"), ("ANY /a/{rest+}", "f")]).await.api.id;
    for (method, path, status, body) in [
        ("GET", "/pets/7", 200, r#""$default|GET /pets/{id}|/pets/7|[(\"id\", \"7\")]|[]|""#),
        ("PUT", "/a/b%20c/", 200, r#""$default|ANY /a/{rest+}|/a/b c/|[(\"rest\", \"b c/\")]|[]|""#),
        ("PUT", "/pets/7", 404, "Api NotFound"),
        ("GET", "/", 404, "Api NotFound"),
        ("GET", "/pets/%", 400, "Api Malformed"),
    ] {
        let answer = bench.ask(&api, method, path).await;
        assert_eq!(text(&answer), (status, body.to_owned()), "{method} {path}");
        assert!(answer.response.headers().contains_key("request-id"));
    }
    assert_eq!(text(&bench.ask("nobody", "GET", "/").await).0, 404);
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    bench.function("closed", false).await;
    let routes = [("POST /f", "f"), ("POST /closed", "closed"), ("POST /none", "none"), ("POST /x", "!")];
    let api = bench.api(&routes).await.api.id;
    let cases = [
        ("/f", "raise", 500, "Api Failed", Some("there was a body"), None),
        (
            "/f",
            "no http",
            500,
            "Api Failed",
            None,
            Some("what function f answered is no HTTP: the test says so"),
        ),
        (
            "/closed",
            "",
            500,
            "Api Failed",
            None,
            Some("function closed does not allow it to be invoked by this request"),
        ),
        (
            "/none",
            "",
            500,
            "Api Failed",
            None,
            Some("function none does not allow it to be invoked by this request"),
        ),
        ("/x", "", 500, "Api Failed", None, Some("the integration of route POST /x names no function")),
    ];
    for (path, body, status, says, hint, trouble) in cases {
        let plan = bench.gateway.api(&api, head("POST", path, &[]));
        let answer = bench.run(plan, body, None).await;
        assert_eq!(text(&answer), (status, says.to_owned()), "{path} {body}");
        assert_eq!(answer.hint.as_deref(), hint, "{path} {body}");
        assert_eq!(answer.trouble.as_deref(), trouble, "{path} {body}");
    }
}

#[tokio::test]
async fn an_integration_waits_only_as_long_as_it_says() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let config = bench.api(&[("POST /f", "f")]).await;
    let integration = config.integrations.keys().next().unwrap();
    let shorter = |edit: &mut eddy_gateway::Edit<'_>| {
        edit.change_integration(integration, |integration| integration.timeout_millis = 50).map(drop)
    };
    // The first one starts the environment, which must not count here.
    bench.ask(&config.api.id, "POST", "/f").await;
    bench.change(&config.api.id, shorter).await.unwrap();
    let plan = bench.gateway.api(&config.api.id, head("POST", "/f", &[]));
    assert_eq!(text(&bench.run(plan, "slow", None).await), (503, "Api Late".to_owned()));
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let api = bench.api(&[("POST /f", "f")]).await.api.id;
    let Plan::Call(call) = bench.gateway.api(&api, head("POST", "/f", &[])) else { panic!("it has a route") };
    assert_eq!(call.body_bytes_max(), limits::API_BODY_BYTES_MAX);
    let answer = call.run(Bytes::from(vec![b'a'; limits::API_BODY_BYTES_MAX + 1]), None).await;
    assert_eq!(text(&answer).0, 413);
    // A function takes less than an API does.
    let Plan::Call(call) = bench.gateway.api(&api, head("POST", "/f", &[])) else { panic!("it has a route") };
    let answer = call.run(Bytes::from(vec![b'a'; limits::API_BODY_BYTES_MAX]), None).await;
    assert_eq!(text(&answer).0, 413);
}

#[tokio::test]
async fn stages_have_names_in_paths_and_variables_in_addresses() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let api = bench.api(&[("GET /x", "${stageVariables.to}")]).await.api.id;
    let test = || {
        let variables = vec![("to".to_owned(), "f".to_owned())];
        eddy_gateway::NewStage { variables, ..stage("test", true) }
    };
    bench.change(&api, |edit| edit.add_stage(test())).await.unwrap();
    let answer = bench.ask(&api, "GET", "/test/x").await;
    assert_eq!(text(&answer), (200, r#""test|GET /x|/test/x|[]|[(\"to\", \"f\")]|""#.to_owned()));
    // The default stage has no variable, so there the address names nothing.
    assert_eq!(text(&bench.ask(&api, "GET", "/x").await).0, 500);
    assert_eq!(text(&bench.ask(&api, "GET", "/test").await).0, 404);
}

#[tokio::test]
async fn preflights_are_answered_here_and_rules_replace_those_of_the_function() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let api = bench.api(&[("GET /x", "f")]).await.api.id;
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let rules =
        Cors { allow_origins: texts(&["https://a"]), allow_methods: texts(&["GET"]), ..Cors::default() };
    let before = bench.gateway.api(&api, head("OPTIONS", "/x", &PREFLIGHT));
    assert_eq!(text(&bench.run(before, "", None).await).0, 404);
    let set = |edit: &mut eddy_gateway::Edit<'_>| {
        edit.config().api.cors = Some(rules.clone());
        Ok(())
    };
    bench.change(&api, set).await.unwrap();
    let preflight = bench.run(bench.gateway.api(&api, head("OPTIONS", "/any", &PREFLIGHT)), "", None).await;
    assert_eq!(text(&preflight), (204, String::new()));
    assert_eq!(preflight.response.headers()["access-control-allow-methods"], "GET");
    let answer = bench.run(bench.gateway.api(&api, head("GET", "/x", &PREFLIGHT)), "", None).await;
    let origins: Vec<_> = answer.response.headers().get_all("access-control-allow-origin").iter().collect();
    assert_eq!(origins, ["https://a"]);
    let other =
        bench.run(bench.gateway.api(&api, head("GET", "/x", &[("origin", "https://b")])), "", None).await;
    assert!(!other.response.headers().contains_key("access-control-allow-origin"));
}

const PREFLIGHT: [(&str, &str); 2] = [("origin", "https://a"), ("access-control-request-method", "GET")];

#[tokio::test]
async fn a_url_leads_to_its_function() {
    let bench = Bench::new().await;
    bench.function("f", false).await;
    let cors = UrlCors { allow_origins: vec!["*".to_owned()], ..UrlCors::default() };
    let url = bench.url("f", Auth::Anyone, Some(cors)).await;
    let ask =
        |path: &'static str, method: &'static str| bench.gateway.url(&url, head(method, path, &PREFLIGHT));
    assert_eq!(text(&bench.run(ask("/", "GET"), "", None).await), (403, "Url Forbidden".to_owned()));
    bench.allow("f", "open", r#""*""#, "x:Invoke").await;
    let answer = bench.run(ask("/a%20b", "GET"), "hi", None).await;
    assert_eq!(text(&answer), (200, r#""url|/a%20b|false|hi""#.to_owned()));
    // Beside the function's own rules, not instead of them.
    let origins: Vec<_> = answer.response.headers().get_all("access-control-allow-origin").iter().collect();
    assert_eq!(origins, ["of-the-function", "*"]);
    assert_eq!(text(&bench.run(ask("/", "OPTIONS"), "", None).await), (200, String::new()));
    assert_eq!(text(&bench.run(ask("/", "POST"), "raise", None).await), (502, "Url Failed".to_owned()));
    let nobody = bench.gateway.url("nobody", head("GET", "/", &[]));
    assert_eq!(text(&bench.run(nobody, "", None).await).0, 403);
}

#[tokio::test]
async fn a_signed_url_wants_to_know_by_whom() {
    let bench = Bench::new().await;
    bench.function("f", false).await;
    let url = bench.url("f", Auth::Signed, None).await;
    let root = Caller::Root { account: Default::default(), access_key: String::new() };
    let Plan::Call(call) = bench.gateway.url(&url, head("GET", "/", &[])) else {
        panic!("it has a function")
    };
    assert!(call.must_be_signed());
    assert_eq!(text(&call.refuse(Refusal::Forbidden)).0, 403);
    let answer = bench.run(bench.gateway.url(&url, head("GET", "/", &[])), "", None).await;
    assert_eq!(text(&answer).0, 403);
    let answer = bench.run(bench.gateway.url(&url, head("GET", "/", &[])), "", Some(&root)).await;
    assert_eq!(text(&answer), (200, r#""url|/|true|""#.to_owned()));
}

#[tokio::test]
async fn another_gateway_over_the_same_store_serves_the_same() {
    let bench = Bench::new().await;
    bench.function("f", true).await;
    let api = bench.api(&[("GET /x", "f")]).await.api.id;
    let other = Gateway::open(bench.store.clone(), bench.functions.clone(), bench.gateway.dialect());
    let answer = bench.run(other.api(&api, head("GET", "/x", &[])), "", None).await;
    assert_eq!(text(&answer).0, 200);
    let add = |edit: &mut eddy_gateway::Edit<'_>| {
        let to = edit.add_integration(integration("f"))?;
        edit.add_route("GET /y", Some(&to.id), None, false).map(drop)
    };
    bench.change(&api, add).await.unwrap();
    let answer = bench.run(other.api(&api, head("GET", "/y", &[])), "", None).await;
    assert_eq!(text(&answer).0, 200, "what another one changed is seen");
    bench.gateway.delete(&scope(), &api).await.unwrap();
    let answer = bench.run(other.api(&api, head("GET", "/y", &[])), "", None).await;
    assert_eq!(text(&answer).0, 404);
}
