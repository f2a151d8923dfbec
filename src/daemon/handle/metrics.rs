use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::Message;
use crate::observe::metrics::{Family, Page};
use crate::words::{Owner, Permission, Timestamp};

/// What a version of a secret is signed with that a workflow wrote.
const BY_WORKFLOW: &str = "workflow:";

impl Handle {
    /// Returns the page for Prometheus, of what `who` may read.
    pub async fn metrics(&self, who: &Owner) -> Result<String, Error> {
        let mut page = Page::default();
        page.sample(Family::BuildInfo, &[("version", env!("CARGO_PKG_VERSION"))], 1);
        page.sample(Family::Live, &[], self.ask(|reply| Message::Live { reply }).await?.len());
        page.sample(Family::Problems, &[], self.problems(&Owner::Local).await?.len());
        page.sample(Family::ReloadSuccess, &[], u8::from(self.unsettled().is_none()));
        let catalog = self.catalog();
        for (state, count) in ["good", "broken"].into_iter().zip(catalog.file_counts()) {
            page.sample(Family::Files, &[("state", state)], count);
        }
        self.put_next(who, &mut page).await?;
        self.put_expiries(who, &mut page);
        let metrics = &self.0.onlookers.metrics;
        metrics.keep_schedules(|name| catalog.schedule(name).is_some());
        let sees = |kind| move |name: &str| self.may(who, Permission::Read, kind, name);
        metrics.put(&mut page, sees(TargetKind::Workflow), sees(TargetKind::Schedule));
        Ok(page.text())
    }

    async fn put_next(&self, who: &Owner, page: &mut Page) -> Result<(), Error> {
        let catalog = self.catalog();
        let names = catalog.schedules().map(|owned| owned.def.name.clone());
        let names: Vec<_> = names.filter(|name| self.may(who, Permission::Read, TargetKind::Schedule, name)).collect();
        let schedules = names.clone();
        let facts = self.ask(|reply| Message::Facts { schedules, reply }).await?;
        for (name, facts) in names.iter().zip(facts) {
            if let Some(next) = facts.filter(|facts| !facts.paused).and_then(|facts| facts.next) {
                page.moment(Family::NextFire, &[("schedule", name)], next);
            }
        }
        Ok(())
    }

    fn put_expiries(&self, who: &Owner, page: &mut Page) {
        // Who scrapes them comes every few seconds, and sees names and times: that is no entry of the audit.
        let secrets = self.listed(who, &[Permission::Read]);
        let rotated = secrets.iter().filter(|secret| secret.current.by.starts_with(BY_WORKFLOW));
        let rotated: Vec<_> = rotated.map(|secret| (secret.name.as_str(), secret.current.created)).collect();
        let expiring = secrets.iter().filter_map(|secret| Some((secret.name.as_str(), secret.current.expires?)));
        let expiring: Vec<(&str, Timestamp)> = expiring.collect();
        for (family, all) in [(Family::LastRotation, rotated), (Family::Expiry, expiring)] {
            if self.0.settings.server.metrics_secret_names {
                for (name, at) in &all {
                    page.moment(family, &[("secret", name)], *at);
                }
            } else if let Some((_, at)) = all.iter().min_by_key(|(_, at)| *at) {
                page.moment(family, &[], *at);
            }
        }
    }
}
