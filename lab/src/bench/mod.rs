//! How fast, beside the limit or peer that is measured in the same run. Figures are ratios and medians; nothing is
//! asserted, since a slow machine is no bug.

mod commits;
mod figures;
mod floor;
mod huge;
mod invoke;
mod objects;
mod start;

use std::path::Path;

use figures::Row;

use crate::server::Server;

#[derive(clap::Args)]
pub struct Words {
    /// Which to run: start, commits, put, large, invoke, event [default: all of these]; and huge, which takes minutes
    /// and 12 GiB of disk
    experiments: Vec<String>,
    /// For `start`: this many functions and objects in the folder
    #[arg(long, default_value_t = 0)]
    functions: u32,
    #[arg(long, default_value_t = 0)]
    objects: u32,
    /// For `huge`: the object's size in MiB; 5120 is the largest that S3 takes in one piece
    #[arg(long, default_value_t = 5120, value_parser = clap::value_parser!(u32).range(64..=5120))]
    mib: u32,
}

const ALL: [&str; 6] = ["start", "commits", "put", "large", "invoke", "event"];

pub async fn run(words: Words) -> Result<(), String> {
    let wanted: Vec<&str> = match words.experiments.is_empty() {
        true => ALL.to_vec(),
        false => words.experiments.iter().map(String::as_str).collect(),
    };
    for experiment in wanted {
        println!("== {experiment}");
        let scratch = tempfile::tempdir().map_err(|why| why.to_string())?;
        for row in measure(experiment, scratch.path(), &words).await? {
            println!("{row}");
        }
    }
    Ok(())
}

async fn measure(experiment: &str, scratch: &Path, words: &Words) -> Result<Vec<Row>, String> {
    let data = scratch.join("data");
    match experiment {
        "start" => start::run(&data, words.functions, words.objects).await,
        "commits" => commits::run(scratch),
        "put" => objects::small(&Server::start(&data, &[])?, scratch).await,
        "large" => objects::large(&Server::start(&data, &[])?, scratch).await,
        "invoke" => invoke::warm(&Server::start(&data, &[])?).await,
        "event" => invoke::event(&Server::start(&data, &[])?).await,
        "huge" => huge::run(&data, words.mib).await,
        other => Err(format!("no experiment `{other}`; there are {}, huge", ALL.join(", "))),
    }
}
