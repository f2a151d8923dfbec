use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse as _;
use maud::html;

use crate::ui::failure::sentence;
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::empty::empty;
use crate::ui::parts::icon::Icon;
use crate::ui::parts::layout::{self, Place};
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};

pub(super) fn routes() -> Routes {
    Routes::default().page("/problems", show)
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor) -> Answer {
    let problems = house.handle.problems(&visitor.who).await?;
    let content = html! {
        div.head { h1 { "Problems" } }
        div data-live="problem,definition,schedule,execution" {
            @if problems.is_empty() {
                (empty("Nothing needs a look.", "keytide check", ("Back to the overview", "/")))
            } @else {
                table {
                    caption.hidden { "What somebody has to look at" }
                    thead { tr { th scope="col" { "Where" } th scope="col" { "What is wrong, and what to do" } } }
                    tbody {
                        @for problem in &problems {
                            tr {
                                th scope="row" { (badge(Tone::Warn, Icon::Late, &problem.place)) }
                                td data-label="What" { span.lines { (sentence(&problem.message)) } }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(layout::page(&visitor, Place::Problems, "Problems", &content).into_response())
}
