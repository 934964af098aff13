//! The bus over a real store, with a target that does what the test says and a clock that the test moves.

mod deliver;
mod faults;
mod restart;
mod subscribe;
mod tell;
mod world;
