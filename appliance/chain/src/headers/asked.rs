//! Everybody who is asked for headers, with what is wrong with each and what was last vouched for.

use seedbox_core::EndpointStatus;
use tracing::warn;

use crate::{endpoint_error::EndpointError, headers::VouchedHeader};

/// Somebody with a name that is safe to show.
pub(crate) trait Named {
    /// Scheme, host and port.
    fn name(&self) -> &str;
}

/// All who are asked, in order of preference.
pub(crate) struct Asked<W> {
    all: Vec<One<W>>,
    /// The last header that was vouched for.
    pub(crate) header: Option<VouchedHeader>,
    /// Why there was none at the last time of asking.
    pub(crate) failure: Option<String>,
}

struct One<W> {
    who: W,
    error: Option<EndpointError>,
    active: bool,
}

impl<W: Named> Asked<W> {
    pub(crate) fn new(all: Vec<W>) -> Self {
        let one = |who| One {
            who,
            error: None,
            active: false,
        };
        Self {
            all: all.into_iter().map(one).collect(),
            header: None,
            failure: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&mut self, index: usize) -> &mut W {
        &mut self.all[index].who
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut W> {
        self.all.iter_mut().map(|one| &mut one.who)
    }

    /// Writes down how it went with one of them.
    pub(crate) fn note(&mut self, index: usize, outcome: Result<(), EndpointError>) {
        let one = &mut self.all[index];
        one.active = outcome.is_ok();
        let error = outcome.err();
        if let Some(error) = &error
            && one.error.as_ref().map(std::mem::discriminant) != Some(std::mem::discriminant(error))
        {
            warn!(endpoint = one.who.name(), %error, "no header from this one");
        }
        one.error = error;
    }

    /// Nobody but this one is in use.
    pub(crate) fn only(&mut self, index: usize) {
        for (other, one) in self.all.iter_mut().enumerate() {
            one.active = other == index;
        }
    }

    pub(crate) fn status(&self) -> Vec<EndpointStatus> {
        let status = |one: &One<W>| EndpointStatus {
            name: one.who.name().to_owned(),
            active: one.active,
            error: one.error.as_ref().map(EndpointError::to_string),
        };
        self.all.iter().map(status).collect()
    }
}
