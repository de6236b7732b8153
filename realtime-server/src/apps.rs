use crate::app_config::AppConfig;
use crate::served_app::{ServedApp, Terms};
use crate::users::Users;
use crate::webhooks::{Couriers, Latest};
use realtime_smol::{Config, Hub, HubCounts, InvalidConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// The apps of a gateway. A handle that is cheap to clone and can be used from any thread.
#[derive(Clone)]
pub struct Apps(Arc<Served>);

struct Served {
    /// The limits of connections, as far as these are no matter of their apps.
    limits: Config,
    couriers: Arc<Couriers>,
    // Held by whoever changes the apps; the others find meanwhile those there were.
    changing: Mutex<()>,
    directory: RwLock<Directory>,
}

/// Who is served, by what their clients and their servers call them.
#[derive(Default)]
struct Directory {
    in_order: Vec<Arc<ServedApp>>,
    by_id: BTreeMap<String, Arc<ServedApp>>,
    by_key: BTreeMap<String, Arc<ServedApp>>,
}

impl Apps {
    /// No apps yet; what [`AppConfig`] does not say of their connections, `limits` says. Their webhooks are delivered by
    /// `couriers`.
    pub(crate) fn new(limits: Config, couriers: Arc<Couriers>) -> Self {
        let (changing, directory) = (Mutex::default(), RwLock::default());
        Self(Arc::new(Served { limits, couriers, changing, directory }))
    }

    /// What the apps are at the moment, in the order in which they were given.
    #[must_use]
    pub fn list(&self) -> Vec<AppConfig> {
        self.directory().in_order.iter().map(|app| app.terms().config.clone()).collect()
    }

    /// The hub of the app's clients; `None` if there is no such app. See [`Gateway::hub`](crate::Gateway::hub).
    #[must_use]
    pub fn hub(&self, id: &str) -> Option<Hub> {
        self.by_id(id).map(|app| app.hub.clone())
    }

    /// The users as whom the app's clients are signed in; `None` if there is no such app.
    #[must_use]
    pub fn users(&self, id: &str) -> Option<Users> {
        self.by_id(id).map(|app| app.users.clone())
    }

    /// Serves `apps` from now on, and no others. An app is known by its id:
    ///
    /// - One whose id is new begins without clients.
    /// - One whose id is missing ends: its clients are closed with 4001, on which Pusher clients do not come back by
    ///   themselves, and its [`Hub`] is closed.
    /// - One whose id stays keeps its connections, channels and users. Nearly all of its configuration holds at once, for
    ///   those who are connected too: its key, its secret, what may be published and sent, how many channels and
    ///   members there may be, whether counts are told. Only for whoever connects from now on: whom it lets in
    ///   ([`origins`](AppConfig::origins), [`max_connections`](AppConfig::max_connections)), its activity timeout, and
    ///   client events beyond 62 KiB. Its [`webhooks`](AppConfig::webhooks) stay as they were when it began; they are
    ///   signed with the secret that holds.
    ///
    /// Whoever connects or publishes meanwhile finds all apps as they were, or all as they are to be. The demo stays that
    /// of the app that was the first when the gateway began.
    ///
    /// # Errors
    /// [`InvalidApps`]; nothing changed.
    pub fn replace(&self, apps: Vec<AppConfig>) -> Result<(), InvalidApps> {
        let changes = self.checked(apps)?;
        // Nothing that it guards can be half changed.
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Directory::default();
        let mut changed = Vec::new();
        for terms in changes {
            let (id, key) = (terms.config.app.id.clone(), terms.config.app.key.clone());
            let app = match self.by_id(&id) {
                Some(app) => {
                    changed.push((app.clone(), terms));
                    app
                }
                None => Arc::new(ServedApp::new(terms, &self.0.couriers)),
            };
            next.in_order.push(app.clone());
            next.by_key.insert(key, app.clone());
            next.by_id.insert(id, app);
        }
        let mut directory = self.0.directory.write().unwrap_or_else(PoisonError::into_inner);
        let stay: Vec<_> = changed.iter().map(|(app, _)| app.clone()).collect();
        for (app, terms) in changed {
            app.change(terms);
        }
        std::mem::swap(&mut *directory, &mut next);
        let gone: Vec<_> =
            next.by_id.into_iter().filter(|(id, _)| !directory.by_id.contains_key(id)).collect();
        drop(directory);
        stay.iter().for_each(|app| app.configure_hub());
        for (_, app) in gone {
            app.retire();
        }
        Ok(())
    }

    fn checked(&self, apps: Vec<AppConfig>) -> Result<Vec<Terms>, InvalidApps> {
        let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for AppConfig { app, .. } in &apps {
            if !ids.insert(&app.id) {
                return Err(InvalidApps::SameId { id: app.id.clone() });
            }
            if !keys.insert(&app.key) {
                return Err(InvalidApps::SameKey { key: app.key.clone() });
            }
        }
        let terms = apps.into_iter().map(|config| {
            let id = config.app.id.clone();
            Terms::new(config, &self.0.limits).map_err(|invalid| InvalidApps::Limits { id, invalid })
        });
        terms.collect()
    }

    /// What the hub of each app has and counted, by the app's id.
    pub(crate) fn counts(&self) -> Vec<(String, HubCounts)> {
        let count = |app: Arc<ServedApp>| (app.terms().config.app.id.clone(), app.hub.counts());
        self.all().into_iter().map(count).collect()
    }

    /// How the webhooks of each app stand that has some, by the app's id.
    pub(crate) fn webhooks(&self) -> Vec<(String, Latest)> {
        let latest =
            |app: Arc<ServedApp>| Some((app.terms().config.app.id.clone(), app.webhooks.as_ref()?.latest()));
        self.all().into_iter().filter_map(latest).collect()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<ServedApp>> {
        self.directory().by_id.get(id).cloned()
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<Arc<ServedApp>> {
        self.directory().by_key.get(key).cloned()
    }

    /// The apps, in the order in which they were given.
    pub(crate) fn all(&self) -> Vec<Arc<ServedApp>> {
        self.directory().in_order.clone()
    }

    fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        // Each change leaves it whole, whatever panicked meanwhile.
        self.0.directory.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Apps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.directory().by_id.keys()).finish()
    }
}

/// Apps that cannot be served together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidApps {
    /// Two have the same id.
    SameId {
        /// The id.
        id: String,
    },
    /// Two have the same key.
    SameKey {
        /// The key.
        key: String,
    },
    /// The limits of an app's connections contradict themselves.
    Limits {
        /// The app's id.
        id: String,
        /// How.
        invalid: InvalidConfig,
    },
}

impl fmt::Display for InvalidApps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameId { id } => write!(f, "two apps have the id {id:?}; each needs one of its own"),
            Self::SameKey { key } => write!(f, "two apps have the key {key:?}; each needs one of its own"),
            Self::Limits { id, invalid } => write!(f, "the app {id:?} has limits that do not fit: {invalid}"),
        }
    }
}

impl std::error::Error for InvalidApps {}
