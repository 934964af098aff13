//! A deployment without its deeds: every operation that it would call is asked whether it takes what it would be
//! given, and every name that it would take whether it is free. So what cannot be is refused before anything changes.

use std::collections::BTreeMap;

use crate::deploy::Stopped;
use crate::keys::{self, Row};
use crate::resolve::{Made, Place};
use crate::resource::{self, Caller, Failure, Kind, Properties};
use crate::todo::{Todo, decide};
use crate::wish::Wishes;

/// Rehearses all resources of a plan. Afterwards the scope knows none of them, as before.
///
/// # Errors
/// The first refusal, by file, line and name.
pub async fn rehearse(
    wishes: &mut Wishes<'_>,
    place: &Place,
    rows: &BTreeMap<String, Row>,
    caller: &Caller<'_>,
) -> Result<(), Stopped> {
    let plan = wishes.plan;
    for resource in &plan.resources {
        let kind = Kind::of(resource).map_err(|why| plan.refusal(why))?;
        let wish = wishes.properties(kind, resource, rows.get(&resource.id)).await?;
        let made = one(kind, place, rows, &wish, caller).await;
        let made = made.map_err(|failure| plan.at_what_is_named(resource, &failure.to_string()))?;
        wishes.scope.made.insert(resource.id.clone(), made);
    }
    wishes.outputs()?;
    wishes.scope.made.clear();
    Ok(())
}

/// Rehearses one resource; gives what it will be like.
async fn one(
    kind: Kind,
    place: &Place,
    rows: &BTreeMap<String, Row>,
    wish: &Properties,
    caller: &Caller<'_>,
) -> Result<Made, Failure> {
    let before = rows.get(&wish.id);
    let todo = decide(kind, before, wish);
    let stand_in = resource::stand_in(kind, place, wish);
    match (&todo, before) {
        (Todo::Nothing, Some(before)) => return Ok(before.made()),
        (Todo::Change { old }, Some(before)) => {
            resource::update(kind, caller, &before.made(), old, wish).await?;
            return Ok(before.made());
        }
        (Todo::Replace, Some(before)) if clashes(kind, before, &stand_in) => {
            let name = &stand_in.physical_id;
            let text = format!("another must take the place of {name}, so it needs another name");
            return Err(Failure::Template(text));
        }
        _ => {}
    }
    let is_left_over = rows.contains_key(&keys::replaced(&wish.id, &stand_in.physical_id));
    if todo != Todo::Finish && !is_left_over && resource::find(kind, caller, wish).await?.is_some() {
        return Err(taken(kind, rows, &stand_in.physical_id));
    }
    resource::create(kind, caller, wish).await?;
    resource::settle(kind, caller, &stand_in, wish).await?;
    Ok(stand_in)
}

/// Would the new one have the name of the one in whose place it comes?
fn clashes(kind: Kind, before: &Row, stand_in: &Made) -> bool {
    kind.name_property().is_some()
        && Kind::named(&before.kind) == Some(kind)
        && before.physical_id == stand_in.physical_id
}

fn taken(kind: Kind, rows: &BTreeMap<String, Row>, name: &str) -> Failure {
    let ours = rows.iter().find(|(_, row)| Kind::named(&row.kind) == Some(kind) && row.physical_id == name);
    Failure::Template(match ours {
        Some((id, _)) => format!("{name} is there already: this template has made it as {id}"),
        None => format!("{name} is there already, and this template has not made it"),
    })
}
