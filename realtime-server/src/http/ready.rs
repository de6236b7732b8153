//! `GET /ready`: whether whoever deals out connections may send some here. Unlike `/up`, which says that the gateway
//! lives, this is no longer so once it is to go.

use super::answer::{Answer, Refusal, json};
use crate::drain::Course;
use hyper::StatusCode;

pub(super) fn answer(course: &Course) -> Result<Answer, Refusal> {
    if course.leaving.is_reached() {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the gateway is stopping"));
    }
    Ok(json(r#"{"status":"ready"}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_ready_until_it_is_to_go() {
        let course = Course::default();
        assert!(answer(&course).is_ok());
        course.leaving.reach();
        assert_eq!(Answer::from(answer(&course).expect_err("it goes")).status(), 503);
    }
}
