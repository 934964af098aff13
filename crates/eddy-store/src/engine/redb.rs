//! redb behind the port: the second embedded engine, and the oracle that the first is held against.
//!
//! One file, one table for all rows, one per segment.

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use redb::{
    Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, TableDefinition, TableError,
    TableHandle,
};

use super::{Engine, EngineError, Order, Table, View, Write};
use crate::log::Segment;

pub(crate) struct Redb {
    database: Database,
}

const ROWS: &str = "rows";

impl Redb {
    /// Opens the database in `folder`, or makes it.
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<Redb, EngineError> {
        let cache_bytes = usize::try_from(cache_bytes).unwrap_or(usize::MAX);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let database = Database::builder()
            .set_cache_size(cache_bytes)
            .create(folder.join("rows.redb"))
            .map_err(failed)?;
        let engine = Redb { database };
        engine.change(|transaction| {
            transaction.open_table(definition(ROWS)).map_err(failed)?;
            Ok(())
        })?;
        Ok(engine)
    }

    fn change(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(Durability::Immediate).map_err(failed)?;
        change(&transaction)?;
        transaction.commit().map_err(failed)
    }
}

impl Engine for Redb {
    fn write(&self, mut group: Vec<Write>) -> Result<(), EngineError> {
        // One table can be open once: table by table, each row still once.
        group.sort_by_key(|write| write.table);
        self.change(|transaction| {
            for rows in group.chunk_by(|one, other| one.table == other.table) {
                let name = name(rows[0].table);
                let mut table = transaction.open_table(definition(&name)).map_err(failed)?;
                for row in rows {
                    match &row.value {
                        Some(value) => table.insert(&*row.key, &**value).map_err(failed)?,
                        None => table.remove(&*row.key).map_err(failed)?,
                    };
                }
            }
            Ok(())
        })
    }

    fn view(&self) -> Arc<dyn View> {
        Arc::new(RedbView(self.database.begin_read().map_err(failed)))
    }

    fn segments(&self) -> Vec<Segment> {
        let Ok(transaction) = self.database.begin_read() else { return Vec::new() };
        let Ok(tables) = transaction.list_tables() else { return Vec::new() };
        tables.filter_map(|table| Segment::parse(table.name())).collect()
    }

    fn make_segment(&self, segment: Segment) -> Result<(), EngineError> {
        self.change(|transaction| {
            transaction.open_table(definition(&segment.name())).map_err(failed)?;
            Ok(())
        })
    }

    fn drop_segment(&self, segment: Segment) -> Result<(), EngineError> {
        self.change(|transaction| {
            transaction.delete_table(definition(&segment.name())).map_err(failed)?;
            Ok(())
        })
    }
}

/// A table as a view sees it.
type Rows = ReadOnlyTable<&'static [u8], &'static [u8]>;

struct RedbView(Result<ReadTransaction, EngineError>);

impl RedbView {
    fn table(&self, table: Table) -> Result<Option<Rows>, EngineError> {
        let transaction = self.0.as_ref().map_err(Clone::clone)?;
        match transaction.open_table(definition(&name(table))) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

impl View for RedbView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let Some(table) = self.table(table)? else { return Ok(None) };
        let value = table.get(key).map_err(failed)?;
        Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
    }

    fn scan(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: &mut dyn FnMut(Bytes, Bytes) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let Some(table) = self.table(table)? else { return Ok(()) };
        let mut rows = table.range::<&[u8]>(range).map_err(failed)?;
        loop {
            let row = match order {
                Order::Forward => rows.next(),
                Order::Backward => rows.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.map_err(failed)?;
            let (key, value) = (Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value.value()));
            if visit(key, value).is_break() {
                return Ok(());
            }
        }
    }
}

fn name(table: Table) -> String {
    match table {
        Table::Rows => ROWS.into(),
        Table::Segment(segment) => segment.name(),
    }
}

fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

fn failed(error: impl std::fmt::Display) -> EngineError {
    EngineError(format!("the second engine failed: {error}"))
}
