//! Making, reading, changing and removing.

use eddy_base::{Code, Subject};
use eddy_functions::function::{Auth, Retry, Settings, Statement};
use eddy_functions::{Asked, Tags};
use eddy_identity::Caller;
use eddy_identity::policy::Context;

use crate::bench::{Bench, scope, settings, unpacked, zip};

#[tokio::test]
async fn a_function_lives() {
    let bench = Bench::new().await;
    let functions = &bench.functions;
    bench.function("one").await;
    let package = bench.package(&zip(&[("app.py", "y")])).await;
    let again = functions.create(&scope(), "one", settings(), &package, Tags::default()).await.unwrap_err();
    assert_eq!((again.code, again.subject), (Code::Exists, Subject::Function));

    let (made, _) = functions.get(&scope(), "one").unwrap();
    let changed = functions
        .change_settings(&scope(), "one", Some(&made.revision.to_string()), |settings| {
            settings.memory_mb = 256;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(changed.value().settings.memory_mb, 256);
    assert_ne!(changed.value().revision, made.revision);
    let stale = functions.change_code(&scope(), "one", Some(&made.revision.to_string()), &package).await;
    assert_eq!(stale.unwrap_err().code, Code::ConditionFailed);

    functions.delete(&scope(), "one").await.unwrap();
    assert_eq!(functions.get(&scope(), "one").unwrap_err().code, Code::Missing);
    assert_eq!(functions.delete(&scope(), "one").await.unwrap_err().code, Code::Missing);
}

#[tokio::test]
async fn unknown_runtimes_are_refused() {
    let bench = Bench::new().await;
    let package = bench.package(&zip(&[("app.py", "y")])).await;
    let settings = Settings { runtime: "cobol85".to_owned(), ..settings() };
    let fault = bench.functions.create(&scope(), "f", settings, &package, Tags::default()).await.unwrap_err();
    assert_eq!((fault.code, fault.subject), (Code::Unsupported, Subject::Runtime));
    bench.function("f").await;
    let change = |settings: &mut Settings| {
        settings.runtime = "cobol85".to_owned();
        Ok(())
    };
    let fault = bench.functions.change_settings(&scope(), "f", None, change).await.unwrap_err();
    assert_eq!((fault.code, fault.subject), (Code::Unsupported, Subject::Runtime));
}

#[tokio::test]
async fn lists_are_pages_by_name() {
    let bench = Bench::new().await;
    for name in ["b", "a", "c"] {
        bench.function(name).await;
    }
    let page = bench.functions.list(&scope(), None, 2).unwrap();
    let names: Vec<_> = page.functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!((names, page.more), (vec!["a", "b"], true));
    let page = bench.functions.list(&scope(), Some("b"), 2).unwrap();
    assert_eq!((page.functions.len(), page.more), (1, false));
}

#[tokio::test]
async fn many_changes_at_once_all_take_place() {
    let bench = Bench::new().await;
    bench.function("f").await;
    let tags = (0..8).map(|n| {
        let functions = bench.functions.clone();
        async move {
            let tags = Tags { all: [(format!("k{n}"), "v".to_owned())].into() };
            functions.tag(&scope(), "f", &tags).await.unwrap();
        }
    });
    let tasks: Vec<_> = tags.map(|tag| bench.env.spawn("tag", Box::pin(tag))).collect();
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(bench.functions.tags(&scope(), "f").unwrap().0.all.len(), 8);
    bench.functions.untag(&scope(), "f", &["k1".to_owned(), "none".to_owned()]).await.unwrap();
    assert_eq!(bench.functions.tags(&scope(), "f").unwrap().0.all.len(), 7);
}

#[tokio::test]
async fn policies_decide() {
    let bench = Bench::new().await;
    let functions = &bench.functions;
    bench.function("f").await;
    let service = Caller::Service("s3.amazonaws.com".to_owned());
    let context = Context::new().with("aws:SourceArn", "arn:aws:s3:::photos");
    let asked =
        Asked { caller: &service, action: "lambda:InvokeFunction", resource: "arn:f", context: &context };
    assert!(!functions.allows(&scope(), "f", &asked));
    let json = r#"{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
        "Action":"lambda:InvokeFunction","Resource":"arn:f",
        "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::photos"}}}"#;
    let statement = Statement { id: "s".to_owned(), json: json.to_owned() };
    let (before, _) = functions.get(&scope(), "f").unwrap();
    functions.add_statement(&scope(), "f", None, statement.clone()).await.unwrap();
    assert!(functions.allows(&scope(), "f", &asked));
    let elsewhere = Context::new().with("aws:SourceArn", "arn:aws:s3:::other");
    assert!(!functions.allows(&scope(), "f", &Asked { context: &elsewhere, ..asked }));

    let (after, _) = functions.get(&scope(), "f").unwrap();
    assert_eq!(after.build, before.build, "environments stay");
    assert_ne!(after.revision, before.revision);
    let odd = Statement {
        id: "odd".to_owned(),
        json: json.replace("Service", "Nobody").replace("\"s\"", "\"odd\""),
    };
    let odd = functions.add_statement(&scope(), "f", None, odd).await.unwrap_err();
    assert_eq!((odd.code, odd.subject), (Code::Invalid, Subject::Statement));
    let twice = functions.add_statement(&scope(), "f", None, statement).await.unwrap_err();
    assert_eq!((twice.code, twice.subject), (Code::Exists, Subject::Statement));
    functions.remove_statement(&scope(), "f", Some(&after.revision.to_string()), "s").await.unwrap();
    assert!(!functions.allows(&scope(), "f", &asked));
    let none = functions.policy(&scope(), "f").unwrap_err();
    assert_eq!((none.code, none.subject), (Code::Missing, Subject::Policy));
    assert!(!functions.allows(&scope(), "no-such", &asked));
}

#[tokio::test]
async fn urls_are_found_by_their_id_and_go_with_the_function() {
    let bench = Bench::new().await;
    let functions = &bench.functions;
    bench.function("f").await;
    let url = functions.create_url(&scope(), "f", Auth::Anyone, None).await.unwrap().value().clone();
    assert_eq!(url.id.len(), 32);
    let twice = functions.create_url(&scope(), "f", Auth::Anyone, None).await.unwrap_err();
    assert_eq!((twice.code, twice.subject), (Code::Exists, Subject::FunctionUrl));
    let (name, found) = functions.url_by_id(&url.id).unwrap();
    assert_eq!((name.name.as_str(), found), ("f", url.clone()));
    functions.change_url(&scope(), "f", |url| url.auth = Auth::Signed).await.unwrap();
    assert_eq!(functions.url(&scope(), "f").unwrap().0.auth, Auth::Signed);
    functions.delete(&scope(), "f").await.unwrap();
    assert_eq!(functions.url_by_id(&url.id).unwrap_err().code, Code::Missing);

    bench.function("f").await;
    assert_eq!(functions.url(&scope(), "f").unwrap_err().subject, Subject::FunctionUrl);
    let later = functions.create_url(&scope(), "f", Auth::Anyone, None).await.unwrap().value().clone();
    assert_ne!(later.id, url.id);
    functions.delete_url(&scope(), "f").await.unwrap();
    assert_eq!(functions.url_by_id(&later.id).unwrap_err().code, Code::Missing);
}

#[tokio::test]
async fn retry_settings() {
    let bench = Bench::new().await;
    let functions = &bench.functions;
    bench.function("f").await;
    assert_eq!(functions.retry(&scope(), "f").unwrap_err().subject, Subject::EventInvokeConfig);
    let now = bench.env.now();
    let set = |_| Ok(Retry { attempts: Some(0), age_seconds: None, modified: now });
    functions.set_retry(&scope(), "f", set).await.unwrap();
    let (listed, more) = functions.retries(&scope(), None, 10).unwrap();
    assert_eq!((listed.len(), listed[0].0.as_str(), listed[0].1.attempts, more), (1, "f", Some(0), false));
    functions.delete_retry(&scope(), "f").await.unwrap();
    assert_eq!(functions.delete_retry(&scope(), "f").await.unwrap_err().code, Code::Missing);
}

#[tokio::test]
async fn bad_packages_leave_nothing() {
    let bench = Bench::new().await;
    let mut upload = bench.functions.upload().await.unwrap();
    upload.write("no zip".into()).await.unwrap();
    let Err(fault) = upload.finish().await else { panic!("it is no zip") };
    assert_eq!((fault.code, fault.subject), (Code::Invalid, Subject::Package));
    let mut upload = bench.functions.upload().await.unwrap();
    upload.write(zip(&[("app.py", "y")]).into()).await.unwrap();
    let (hash, size) = upload.check().await.unwrap();
    assert_eq!(size, zip(&[("app.py", "y")]).len() as u64);
    assert_eq!(hash.hex().len(), 64);
    bench.until("checked packages go", || unpacked(bench.folder.path()) == 0).await;
    let work = bench.folder.path().join("code/work");
    bench.until("and leave nothing", || std::fs::read_dir(&work).unwrap().count() == 0).await;
}

#[tokio::test]
async fn folders_go_when_nothing_names_them() {
    let bench = Bench::new().await;
    bench.function("f").await;
    bench.function("g").await;
    bench.until("one folder for both", || unpacked(bench.folder.path()) == 1).await;
    let package = bench.package(&zip(&[("app.py", "new")])).await;
    bench.functions.change_code(&scope(), "f", None, &package).await.unwrap();
    drop(package);
    assert_eq!(unpacked(bench.folder.path()), 2, "g still has the old one");
    bench.functions.delete(&scope(), "g").await.unwrap();
    bench.until("the old one goes", || unpacked(bench.folder.path()) == 1).await;
    assert_eq!(bench.invoke("f", r#"{"do":"code"}"#).await.payload, "new");
    bench.functions.delete(&scope(), "f").await.unwrap();
    bench.until("the last one goes", || unpacked(bench.folder.path()) == 0).await;
}
