//! Reading rows, and changing them by what they hold.

use eddy_base::Scope;
use eddy_store::{Batch, Durable, Key, Pos, Refused, Snapshot, Store};
use minicbor::{Decode, Encode};

use crate::error::{Error, unreadable};
use crate::function::Function;
use crate::keys::{self, Kind};
use crate::limits::CHANGE_TRIES_MAX;

/// A stored value, read whole.
pub(crate) trait Value: Encode<()> + for<'b> Decode<'b, ()> + Send {}

impl<T: Encode<()> + for<'b> Decode<'b, ()> + Send> Value for T {}

pub(crate) fn decode<T: Value>(bytes: &[u8]) -> Result<T, Error> {
    minicbor::decode(bytes).map_err(|error| unreadable(std::any::type_name::<T>(), error))
}

pub(crate) fn encode<T: Value>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to memory does not fail")
}

/// The value of a row and the commit that wrote it.
pub(crate) fn get<T: Value>(snapshot: &Snapshot, key: &Key) -> Result<Option<(T, Pos)>, Error> {
    let Some(row) = snapshot.get(key)? else { return Ok(None) };
    Ok(Some((decode(&row.value)?, row.pos)))
}

/// Which row of which function is to change.
pub(crate) struct Place<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
}

/// Changes one row of a function. `decide` gets the function and the row's value as they stand and says what the
/// row is to be (`None` deletes it), with further changes and an answer. It is asked again when another change
/// came first, since the commit holds only if the row and the function are still as they were seen.
pub(crate) async fn change<T: Value, U: Send>(
    store: &Store,
    place: Place<'_>,
    decide: impl Fn(&Function, Option<T>, &mut Batch) -> Result<(Option<T>, U), Error> + Send,
) -> Result<Durable<U>, Error> {
    let Place { scope, name, kind } = place;
    let key = keys::row(scope, kind, name);
    let function_key = keys::row(scope, Kind::Function, name);
    for _ in 0..CHANGE_TRIES_MAX {
        let snapshot = store.snapshot();
        let Some((function, function_pos)) = get::<Function>(&snapshot, &function_key)? else {
            return Err(Error::NoFunction(name.to_owned()));
        };
        let (old, pos) = match get::<T>(&snapshot, &key)? {
            Some((value, pos)) => (Some(value), pos),
            None => (None, Pos::ZERO),
        };
        let mut batch = Batch::new();
        batch.at(key.clone(), pos).at(function_key.clone(), function_pos);
        let (new, answer) = decide(&function, old, &mut batch)?;
        match new {
            Some(value) => batch.put(key.clone(), encode(&value)),
            None => batch.delete(key.clone()),
        };
        match store.commit(batch, answer).await {
            Ok(durable) => return Ok(durable),
            Err(error) if lost_a_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Busy(name.to_owned()))
}

/// Somebody else changed what the batch was decided on.
pub(crate) fn lost_a_race(error: &eddy_store::Error) -> bool {
    matches!(error, eddy_store::Error::Refused(refusal)
        if matches!(refusal.value().condition, Refused::Condition(_)))
}
