//! The crate as its callers see it, over a real store in a temporary folder.

mod buckets;
mod copies;
mod house;
mod listings;
mod objects;
mod uploads;
