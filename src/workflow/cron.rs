//! Cron expressions as Spring's `CronExpression` reads them.
