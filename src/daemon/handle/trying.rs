use std::sync::Arc;

use super::definitions::no_such_workflow;
use super::{Error, Handle};
use crate::access::{Authority, TargetKind};
use crate::engine::Plan;
use crate::words::{Owner, Permission};
use crate::workflow::definition::StartWorkflowRequest;

impl Handle {
    /// Returns a definition that `who` may start and see, ready to be played without the world.
    pub fn plan_to_try(&self, who: &Owner, request: &StartWorkflowRequest) -> Result<Arc<Plan>, Error> {
        let plan = self.plan_for(who, request)?;
        let name = &plan.pinned.workflow.name;
        let missing = || no_such_workflow(name, request.version);
        // Who brings a definition has seen it.
        if request.workflow_def.is_none() {
            self.permit_known(who, Permission::Read, TargetKind::Workflow, name, missing)?;
        }
        Ok(plan)
    }

    /// Returns who may do what.
    pub fn authority(&self) -> Authority {
        self.0.authority.clone()
    }
}
