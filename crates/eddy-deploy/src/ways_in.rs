//! How what was deployed can be tried: routes, addresses of functions, buckets that start functions.

use serde_json::Value;

use crate::deploy::{Deployed, Output};
use crate::resolve::Made;
use crate::resource::Kind;
use crate::sam::ANY;

/// Remembers what one resource adds.
pub fn note(deployed: &mut Deployed, kind: Kind, values: &Value, made: &Made) {
    let text = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
    match kind {
        Kind::Api => {
            let paths = values.pointer("/Body/paths").and_then(Value::as_object);
            for (path, methods) in paths.into_iter().flatten() {
                for method in methods.as_object().into_iter().flatten().map(|(method, _)| method) {
                    let method = if method == ANY { "ANY".to_owned() } else { method.to_uppercase() };
                    deployed.routes.push((made.physical_id.clone(), method, path.clone()));
                }
            }
        }
        Kind::Route => {
            let key = text("RouteKey");
            if let Some((method, path)) = key.split_once(' ') {
                deployed.routes.push((text("ApiId"), method.to_owned(), path.to_owned()));
            }
        }
        Kind::Stage => deployed.stages.push((text("ApiId"), text("StageName"))),
        Kind::Bucket if values.pointer("/NotificationConfiguration/LambdaConfigurations/0").is_some() => {
            deployed.watched.push(made.physical_id.clone());
        }
        Kind::Url if text("AuthType") == "NONE" => {
            deployed.urls.extend(made.attributes.get("FunctionUrl").cloned())
        }
        Kind::Bucket
        | Kind::Deployment
        | Kind::EventInvokeConfig
        | Kind::Function
        | Kind::Integration
        | Kind::LogGroup
        | Kind::Permission
        | Kind::Role
        | Kind::Url => {}
    }
}

/// A value that the template gives back. Templates write addresses of APIs as they are on AWS, where nothing of ours
/// answers.
pub fn output(deployed: &Deployed, name: String, value: String) -> Output {
    let apis = deployed.resources.iter().filter(|(_, kind, _)| kind == "AWS::ApiGatewayV2::Api");
    let api = apis.map(|(_, _, made)| &made.physical_id).find_map(|id| {
        let rest = value.strip_prefix(&format!("https://{id}.execute-api."))?;
        let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        domain.ends_with(".amazonaws.com").then(|| (id.clone(), path.to_owned()))
    });
    Output { name, value, api }
}

impl Deployed {
    /// The routes of all APIs, as requests go to them: the API's id, the method, and the path with the stage before it
    /// unless that is the default one. An API without a stage answers nothing.
    pub fn paths(&self) -> Vec<(&str, &str, String)> {
        let mut paths = Vec::new();
        for (api, method, path) in &self.routes {
            let stages = || self.stages.iter().filter(|(of, _)| of == api).map(|(_, stage)| stage);
            let Some(first) = stages().next() else { continue };
            let is_default = stages().any(|stage| stage == "$default");
            let path = if is_default { path.clone() } else { format!("/{first}{path}") };
            paths.push((api.as_str(), method.as_str(), path));
        }
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_stands_before_the_path_unless_it_is_the_default() {
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let route = |api: &str| (api.to_owned(), "GET".to_owned(), "/x".to_owned());
        let deployed = Deployed {
            routes: vec![route("a"), route("b"), route("c")],
            stages: vec![pair("a", "$default"), pair("b", "prod")],
            ..Deployed::default()
        };
        assert_eq!(deployed.paths(), [("a", "GET", "/x".to_owned()), ("b", "GET", "/prod/x".to_owned())]);
    }

    #[test]
    fn addresses_on_aws_are_known() {
        let made = Made { physical_id: "abc".to_owned(), attributes: [].into() };
        let resources = vec![("Api".to_owned(), "AWS::ApiGatewayV2::Api".to_owned(), made)];
        let deployed = Deployed { resources, ..Deployed::default() };
        for (value, path) in [
            ("https://abc.execute-api.us-east-1.amazonaws.com/hello/", Some("hello/")),
            ("https://abc.execute-api.us-east-1.amazonaws.com", Some("")),
            ("https://other.execute-api.us-east-1.amazonaws.com/", None),
            ("http://abc.execute-api.localhost:4566/", None),
        ] {
            let found = output(&deployed, "O".to_owned(), value.to_owned()).api;
            assert_eq!(found.as_ref().map(|(_, path)| path.as_str()), path, "{value}");
        }
    }
}
