//! `GET /ready`: whether whoever deals out connections may send some here. Unlike `/up`, which says that the gateway
//! lives, this is no longer so once it stops.

use super::answer::{Answer, Refusal, json};
use crate::gateway::Stopping;
use hyper::StatusCode;

pub(super) fn answer(stopping: &Stopping) -> Result<Answer, Refusal> {
    if stopping.is_closed() {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the gateway is stopping"));
    }
    Ok(json(r#"{"status":"ready"}"#))
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::channel::bounded;

    #[test]
    fn a_gateway_is_ready_until_it_stops() {
        let (running, stopping) = bounded(1);
        assert!(answer(&stopping).is_ok());
        running.close();
        assert_eq!(Answer::from(answer(&stopping).expect_err("it stops")).status(), 503);
    }
}
