//! A front over a real store, a folder with a template, and a deployer.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use eddy_aws::{Auth, Engines, Front, Settings};
use eddy_base::{Cause, Env, Id, Region, System};
use eddy_bus::Bus;
use eddy_deploy::{Deployed, Deployer, Done, Stopped, Wanted};
use eddy_functions::{Functions, Parts};
use eddy_gateway::Gateway;
use eddy_identity::Identity;
use eddy_objects::{Algorithm, By, Description, Digester, Kind, Objects, Put, When};
use eddy_runtime::testing::{Act, InTest};
use eddy_store::testing::Disk;
use eddy_store::{Space, Store, Update};
use eddy_telemetry::Telemetry;
use serde_json::{Value, json};

pub struct House {
    front: Front,
    pub deployer: Deployer,
    /// The data, and the templates beside it.
    folder: Arc<tempfile::TempDir>,
}

fn spaces() -> Vec<Space> {
    let spaces = [
        eddy_bus::SPACES,
        eddy_deploy::SPACES,
        eddy_functions::SPACES,
        eddy_gateway::SPACES,
        eddy_identity::SPACES,
        eddy_objects::SPACES,
        eddy_telemetry::SPACES,
    ];
    spaces.concat()
}

fn updates() -> Vec<Update> {
    [eddy_bus::updates(), eddy_objects::updates(), eddy_telemetry::updates()].concat()
}

impl House {
    pub async fn open() -> House {
        let env: Arc<dyn Env> = Arc::new(System::default());
        let store = eddy_store::testing::open_in(env.clone(), spaces(), updates());
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        House::over(env, store, folder).await.expect("a new store opens")
    }

    /// Over a disk with faults; nothing if one of them hits the opening.
    pub async fn open_on(disk: &Disk, folder: &Arc<tempfile::TempDir>) -> Option<House> {
        let env: Arc<dyn Env> = Arc::new(System::default());
        let store = eddy_store::testing::faulty(disk, env.clone(), spaces(), updates()).ok()?;
        House::over(env, store, folder.clone()).await
    }

    async fn over(env: Arc<dyn Env>, store: Store, folder: Arc<tempfile::TempDir>) -> Option<House> {
        let identity = Identity::open(store.clone(), folder.path()).await.ok()?;
        let telemetry = Telemetry::open(store.clone());
        let bus = Bus::open(store.clone()).ok()?;
        let objects = Objects::open(store.clone(), bus.clone()).await.ok()?;
        let script = Arc::new(|_: _, _: _| Box::pin(async { Act::Reply("{}".into()) }) as _);
        let functions = Functions::open(Parts {
            store: store.clone(),
            bus: bus.clone(),
            telemetry: telemetry.clone(),
            identity: identity.clone(),
            jail: Arc::new(InTest::new(env, script)),
            dialect: eddy_aws::lambda::dialect(),
            code_folder: folder.path().join("code"),
            environments_max: 10,
        });
        let functions = functions.ok()?;
        bus.attach(functions.target(), HashMap::new());
        let gateway = Gateway::open(store.clone(), functions.clone(), eddy_aws::http_event::DIALECT);
        let settings = Settings { auth: Auth::Enforce, domains: Vec::new(), region: Region::default() };
        let engines = Engines { store, identity, telemetry, objects, functions, gateway, settings };
        let front = Front::new(Arc::new(engines));
        std::fs::create_dir_all(folder.path().join("app/code")).expect("writable");
        let deployer = Deployer::new(front.clone().at("127.0.0.1:4566"));
        let house = House { deployer, front, folder };
        house.write("code/app.py", "def handler(event, context): return 1");
        Some(house)
    }

    /// The template's folder.
    pub fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    /// Writes a file beside the template.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.app().join(name), text).expect("writable");
    }

    /// Deploys a template.
    pub async fn try_deploy(&self, template: &str) -> Result<Deployed, Stopped> {
        self.write("template.yaml", template);
        self.deploy_from(self.app(), false).await
    }

    /// The one stack that there is.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            folder: self.app(),
            stack: "app".to_owned(),
            is_named: false,
            region: Region::default(),
            parameters: BTreeMap::new(),
        }
    }

    /// Deploys a folder as the one stack that there is.
    pub async fn deploy_from(&self, folder: PathBuf, is_named: bool) -> Result<Deployed, Stopped> {
        let wanted = Wanted { folder, is_named, ..self.wanted() };
        let told = Mutex::new(Vec::new());
        let deployed = self
            .deployer
            .deploy(&wanted, &|step| told.lock().expect("nobody panics").push(step.clone()))
            .await?;
        assert_eq!(
            told.into_inner().expect("nobody panics"),
            deployed.steps,
            "each step is told as it is done"
        );
        Ok(deployed)
    }

    /// Deploys a template that is possible; gives what was done, such as `made B`.
    pub async fn deploy(&self, template: &str) -> Vec<String> {
        let deployed = self.try_deploy(template).await.unwrap_or_else(|why| panic!("{template}\n{why}"));
        steps(&deployed)
    }

    /// Deploys a template that is not possible; gives why, without the folder.
    pub async fn refusal(&self, template: &str) -> String {
        match self.try_deploy(template).await {
            Ok(deployed) => panic!("{template}\ndeployed: {:?}", deployed.steps),
            Err(why) => without(&why.to_string(), &self.app()),
        }
    }

    /// Calls an operation that works.
    pub async fn call(&self, service: &'static str, operation: &'static str, input: Value) -> Value {
        let answer = self.try_call(service, operation, input.clone()).await;
        answer.unwrap_or_else(|why| panic!("{operation} {input}: {why}"))
    }

    /// Calls an operation; gives the error's code if it is refused.
    pub async fn try_call(
        &self,
        service: &'static str,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, String> {
        let answer = self.front.call(service, operation, &Region::default(), &input).await;
        answer.map_err(|error| error.code.into_owned())
    }

    /// Puts an object into a bucket.
    pub async fn put(&self, bucket: &str, key: &str) {
        let objects = &self.front.engines().objects;
        let digester = Digester::new(Algorithm::Crc64Nvme);
        let content = objects.writer().finish(digester.finish()).await.expect("room for nothing");
        let by = By {
            cause: Cause::root(Id::from_bytes([0; 16])),
            request: Id::from_bytes([0; 16]),
            principal: "tests".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
        };
        let put = Put {
            bucket,
            key,
            description: Description::default(),
            tags: Vec::new(),
            when: When::Always,
            kind: Kind::CreatedPut,
            by: &by,
        };
        objects.put(put, content).await.expect("the bucket is there");
    }

    /// Everything that a template can have made, by name.
    pub async fn everything(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (service, operation, list, name) in [
            ("s3", "ListBuckets", "Buckets", "Name"),
            ("lambda", "ListFunctions", "Functions", "FunctionName"),
            ("iam", "ListRoles", "Roles", "RoleName"),
            ("logs", "DescribeLogGroups", "logGroups", "logGroupName"),
            ("apigatewayv2", "GetApis", "Items", "Name"),
        ] {
            let answer = self.call(service, operation, json!({})).await;
            let names = answer[list].as_array().into_iter().flatten();
            all.extend(names.filter_map(|one| one[name].as_str().map(str::to_owned)));
        }
        all.sort();
        all
    }
}

/// What was done, such as `made B`.
pub fn steps(deployed: &Deployed) -> Vec<String> {
    let done = |done| match done {
        Done::Made => "made",
        Done::Changed => "changed",
        Done::Removed => "removed",
        Done::Kept => "kept",
        Done::Retained => "retained",
    };
    deployed.steps.iter().map(|step| format!("{} {}", done(step.done), step.id)).collect()
}

fn without(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}
