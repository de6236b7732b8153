use super::answer::Refusal;
use crate::served_app::ServedApp;
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};
use realtime_core::HubError;
use realtime_core::pusher::http::Publish;
use std::slice;

/// Sends an event to its channels.
///
/// # Errors
/// As [`publish_all`].
pub(super) fn publish(event: &Publish, app: &ServedApp) -> Result<(), Refusal> {
    publish_all(slice::from_ref(event), app)
}

/// Sends events to their channels, in order.
///
/// # Errors
/// 503: the hub takes nothing at the moment; the answer says how many channels have got their event before.
pub(super) fn publish_all(events: &[Publish], app: &ServedApp) -> Result<(), Refusal> {
    let wanted = events.iter().map(|event| event.channels.len()).sum::<usize>();
    let mut published = 0;
    for event in events {
        let except = event.except.and_then(|socket_id| app.sockets.client(socket_id));
        for channel in &event.channels {
            let message = event.message(channel);
            app.publish(channel, message, except).map_err(|error| refused(error, published, wanted))?;
            published += 1;
        }
    }
    Ok(())
}

fn refused(error: HubError, published: usize, wanted: usize) -> Refusal {
    let reason =
        format!("{error}; {published} of {wanted} channels have got their event, in the order given");
    let seconds = HeaderValue::from_static("1");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason).with(RETRY_AFTER, seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answer::Answer;

    #[test]
    fn a_publisher_learns_how_far_it_got_and_when_to_try_again() {
        let refusal = refused(HubError::Overloaded, 2, 5);
        assert!(format!("{refusal:?}").contains(
            "the hub is overloaded: too many deliveries wait; 2 of 5 channels have got their event, in the order given"
        ));
        let answer = Answer::from(refusal);
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()[RETRY_AFTER], "1");
    }
}
