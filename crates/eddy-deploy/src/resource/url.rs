//! `AWS::Lambda::Url`.

use serde_json::{Map, Value, json};

use super::{Caller, Failure, Properties, made, scalar};
use crate::resolve::{Made, Place};

pub const PROPERTIES: &[&str] = &["AuthType", "Cors", "InvokeMode", "Qualifier", "TargetFunctionArn"];

pub fn stand_in(place: &Place, properties: &Properties) -> Made {
    let target = properties.text("TargetFunctionArn").unwrap_or_default();
    let name = target.rsplit(':').next().unwrap_or_default();
    let arn = json!(format!("arn:aws:lambda:{}:{}:function:{name}", place.region, place.account));
    let url = json!("http://00000000000000000000000000000000.lambda-url.localhost/");
    made(scalar(&arn).unwrap_or_default(), [("FunctionUrl", &url), ("FunctionArn", &arn)])
}

pub async fn find(caller: &Caller<'_>, properties: &Properties) -> Result<Option<Made>, Failure> {
    let mut input = Map::new();
    input.insert("FunctionName".to_owned(), json!(properties.needed("TargetFunctionArn")?));
    input.extend(properties.input(&["Qualifier"]));
    let answer = caller.ask("lambda", "GetFunctionUrlConfig", input).await?;
    Ok(answer.map(|answer| of_answer(&answer)))
}

fn of_answer(answer: &Value) -> Made {
    let arn = scalar(&answer["FunctionArn"]).unwrap_or_default();
    made(arn, [("FunctionUrl", &answer["FunctionUrl"]), ("FunctionArn", &answer["FunctionArn"])])
}

pub async fn create(caller: &Caller<'_>, properties: &Properties) -> Result<Made, Failure> {
    Ok(of_answer(&caller.call("lambda", "CreateFunctionUrlConfig", input(properties)?).await?))
}

pub async fn update(caller: &Caller<'_>, properties: &Properties) -> Result<(), Failure> {
    let mut input = input(properties)?;
    input.entry("Cors").or_insert_with(|| json!({}));
    caller.call("lambda", "UpdateFunctionUrlConfig", input).await.map(drop)
}

fn input(properties: &Properties) -> Result<Map<String, Value>, Failure> {
    let mut input = properties.input(&["AuthType", "Cors", "InvokeMode", "Qualifier"]);
    input.insert("FunctionName".to_owned(), json!(properties.needed("TargetFunctionArn")?));
    Ok(input)
}

pub async fn delete(caller: &Caller<'_>, old: &Value) -> Result<(), Failure> {
    let mut input = json!({ "FunctionName": old["TargetFunctionArn"] });
    if let Some(qualifier) = old.get("Qualifier") {
        input["Qualifier"] = qualifier.clone();
    }
    caller.call("lambda", "DeleteFunctionUrlConfig", input).await.map(drop)
}
