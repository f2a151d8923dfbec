use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodRouter, get, post};

use crate::ui::House;
use crate::ui::visitor::Visitor;

/// One line of the table of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method: a page is got, a form is posted.
    pub method: Method,
    /// The path, with `{name}` for what stands there.
    pub path: &'static str,
    /// Whom it answers.
    pub audience: Audience,
}

/// Whom a page answers. What it shows them is the handle's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody: there is nothing of anybody in it.
    Everybody,
    /// Who has signed in.
    SignedIn,
}

/// Pages and forms with whom they answer: there is no other way to add one.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<Arc<House>>,
    table: Vec<Route>,
}

impl Routes {
    /// Adds a page for who has signed in.
    pub(super) fn page<H: Handler<T, Arc<House>>, T: 'static>(self, path: &'static str, show: H) -> Self {
        self.with(Method::GET, path, Audience::SignedIn, get(show))
    }

    /// Adds a form for who has signed in.
    pub(super) fn form<H: Handler<T, Arc<House>>, T: 'static>(self, path: &'static str, take: H) -> Self {
        self.with(Method::POST, path, Audience::SignedIn, post(take))
    }

    /// Adds a page for everybody.
    pub(super) fn open_page<H: Handler<T, Arc<House>>, T: 'static>(self, path: &'static str, show: H) -> Self {
        self.with(Method::GET, path, Audience::Everybody, get(show))
    }

    /// Adds a form for everybody.
    pub(super) fn open_form<H: Handler<T, Arc<House>>, T: 'static>(self, path: &'static str, take: H) -> Self {
        self.with(Method::POST, path, Audience::Everybody, post(take))
    }

    /// Adds the routes of another file.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        Self { router: self.router.merge(other.router), table: self.table }
    }

    pub(super) fn into_router(self) -> Router<Arc<House>> {
        self.router
    }

    pub(super) fn into_table(self) -> Vec<Route> {
        self.table
    }

    fn with(
        mut self,
        method: Method,
        path: &'static str,
        audience: Audience,
        answer: MethodRouter<Arc<House>>,
    ) -> Self {
        let answer = match audience {
            Audience::Everybody => answer,
            // A page that does not ask who looks at it must not be an open one.
            Audience::SignedIn => answer.route_layer(from_fn(
                |visitor: Visitor, request: axum::extract::Request, next: Next| async move {
                    drop(visitor);
                    next.run(request).await
                },
            )),
        };
        self.table.push(Route { method, path, audience });
        Self { router: self.router.route(path, answer), table: self.table }
    }
}
