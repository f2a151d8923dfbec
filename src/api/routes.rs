use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};

use crate::access::TargetKind;
use crate::api::about::About;
use crate::api::caller::Caller;
use crate::daemon::Handle;
use crate::words::Permission;

/// One line of the table of routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for what a client puts there.
    pub path: &'static str,
    /// What it takes to be answered.
    pub need: Need,
    /// What it is for.
    pub about: About,
}

/// What somebody needs to be answered. The handle checks it; here it is said, so that it can be shown and tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: everybody is answered.
    Nothing,
    /// To have signed in: there is nothing of anybody in the answer.
    SignIn,
    /// To have signed in: what the caller may not do that to is left out of the answer.
    Each(Permission, TargetKind),
    /// That permission on what the request names.
    On(Permission, TargetKind),
    /// CREATE or UPDATE on what the request names, whichever it is.
    Write(TargetKind),
    /// To be the owner: somebody on the socket, or at an open server.
    Owner,
}

/// Returns the need of a permission on what the request names.
pub(super) const fn on(permission: Permission, kind: TargetKind) -> Need {
    Need::On(permission, kind)
}

/// Returns the need of a request that gives, or does to, each thing what the caller may.
pub(super) const fn each(permission: Permission, kind: TargetKind) -> Need {
    Need::Each(permission, kind)
}

/// A way to add a route of this method.
macro_rules! verb {
    ($verb:ident, $method:ident) => {
        pub(super) fn $verb<H: Handler<T, Handle>, T: 'static>(
            self,
            path: &'static str,
            need: Need,
            about: About,
            handler: H,
        ) -> Self {
            self.with(Route { method: Method::$method, path, need, about }, $verb(handler))
        }
    };
}

/// Routes with what each needs: there is no other way to add one.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<Handle>,
    table: Vec<Route>,
}

impl Routes {
    verb!(get, GET);
    verb!(post, POST);
    verb!(put, PUT);
    verb!(delete, DELETE);

    /// Adds the routes of another file.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        Self { router: self.router.merge(other.router), table: self.table }
    }

    pub(super) fn into_router(self) -> Router<Handle> {
        self.router
    }

    pub(super) fn into_table(self) -> Vec<Route> {
        self.table
    }

    fn with(mut self, route: Route, answer: MethodRouter<Handle>) -> Self {
        // A handler that asks for no caller must not be an open one.
        let answer = if route.need == Need::Nothing { answer } else { answer.route_layer(from_fn(signed_in)) };
        let path = route.path;
        self.table.push(route);
        Self { router: self.router.route(path, answer), table: self.table }
    }
}

async fn signed_in(caller: Caller, request: Request, next: Next) -> Response {
    drop(caller);
    next.run(request).await.into_response()
}
