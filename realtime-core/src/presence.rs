use crate::join_order::{JoinOrder, Ticket};
use crate::json::{push_escaped, push_string};
use crate::wire::json_string;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A member of a presence channel, as the others see it: one person, however many clients. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    id: Arc<str>,
    // All forms in which it is told of are made once, so that rendering a roster is concatenation:
    // `{"id":ID}` or `{"id":ID,"info":INFO}`, then `ID:INFO` as it stands inside of a JSON string.
    forms: Arc<str>,
    // Where in `forms` the first ID ends, then the first form, then the second ID.
    id_end: usize,
    json_end: usize,
    embedded_id_end: usize,
}

const BEFORE_ID: &str = r#"{"id":"#;
const BEFORE_INFO: &str = r#","info":"#;

/// What an embedded member shows that has nothing to show: listeners read its fields without asking whether
/// it is there.
const NO_INFO: &str = "{}";

impl Member {
    /// The member `id`, with `info` that the others are shown: kept as it is where it is valid JSON, as a
    /// JSON string where it is not, absent where empty.
    ///
    /// ```
    /// use realtime_core::Member;
    ///
    /// assert_eq!(Member::new("7", r#"{"name":"Ada"}"#).to_json(), r#"{"id":"7","info":{"name":"Ada"}}"#);
    /// assert_eq!(Member::new("7", "Ada").to_json(), r#"{"id":"7","info":"Ada"}"#);
    /// assert_eq!(Member::new("7", "").to_json(), r#"{"id":"7"}"#);
    /// ```
    #[must_use]
    pub fn new(id: &str, info: &str) -> Self {
        if info.is_empty() {
            Self::with_json_info(id, None)
        } else if serde_json::from_str::<IgnoredAny>(info).is_ok() {
            Self::with_json_info(id, Some(info))
        } else {
            Self::with_json_info(id, Some(&json_string(info)))
        }
    }

    /// The member that [`to_json`](Self::to_json) wrote; `None` for any other text.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Form<'a> {
            id: String,
            #[serde(borrow)]
            info: Option<&'a RawValue>,
        }

        let Form { id, info } = serde_json::from_str(json).ok()?;
        Some(Self::with_json_info(&id, info.map(RawValue::get)))
    }

    fn with_json_info(id: &str, info: Option<&str>) -> Self {
        let mut forms = String::from(BEFORE_ID);
        push_string(&mut forms, id);
        let id_end = forms.len();
        if let Some(info) = info {
            forms.push_str(BEFORE_INFO);
            forms.push_str(info);
        }
        forms.push('}');
        let json_end = forms.len();
        let id_json = String::from(&forms[BEFORE_ID.len()..id_end]);
        push_escaped(&mut forms, &id_json);
        let embedded_id_end = forms.len();
        forms.push(':');
        push_escaped(&mut forms, info.unwrap_or(NO_INFO));
        Self { id: id.into(), forms: forms.into(), id_end, json_end, embedded_id_end }
    }

    /// The same member, called `id` if it has no id of its own.
    pub(crate) fn or_called(self, id: &str) -> Self {
        if self.id.is_empty() { Self::with_json_info(id, self.info()) } else { self }
    }

    /// Stable over the person's clients.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id as a JSON string, quotes included.
    #[must_use]
    pub fn id_json(&self) -> &str {
        &self.forms[BEFORE_ID.len()..self.id_end]
    }

    /// What the others are shown, as JSON text; `None` where there is nothing to show.
    #[must_use]
    pub fn info(&self) -> Option<&str> {
        let info = self.to_json()[self.id_end..].strip_prefix(BEFORE_INFO)?;
        Some(&info[..info.len() - 1])
    }

    /// The member as the JSON object `{"id":..,"info":..}`, without the `info` where there is none.
    #[must_use]
    pub fn to_json(&self) -> &str {
        &self.forms[..self.json_end]
    }

    /// The id as a JSON string, in the form that it has inside of another JSON string.
    pub(crate) fn embedded_id(&self) -> &str {
        &self.forms[self.json_end..self.embedded_id_end]
    }

    /// What the others are shown, in the form that it has inside of a JSON string; an empty object where there is
    /// nothing to show.
    pub(crate) fn embedded_info(&self) -> &str {
        &self.forms[self.embedded_id_end + ":".len()..]
    }

    /// `ID:INFO`, the member of a JSON object, in the form that it has inside of a JSON string.
    pub(crate) fn embedded_entry(&self) -> &str {
        &self.forms[self.json_end..]
    }
}

/// The members of a presence channel, in the order in which they joined.
#[derive(Debug, Default)]
pub struct Roster {
    seats: JoinOrder<Seat>,
    by_id: BTreeMap<Arc<str>, Ticket>,
    // Of all members together.
    bytes_of_json: usize,
    bytes_of_forms: usize,
}

#[derive(Debug)]
struct Seat {
    member: Member,
    clients: usize,
}

impl Roster {
    /// The members, in the order in which they joined.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.seats.iter().map(|seat| &seat.member)
    }

    /// How many members there are, however many clients they have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// The member of this id; `None` if it has not joined.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Member> {
        self.at(*self.by_id.get(id)?)
    }

    /// The bytes of all members as JSON objects, without what stands between them.
    pub(crate) fn bytes_of_json(&self) -> usize {
        self.bytes_of_json
    }

    /// The bytes of all forms of all members: room for a message that tells of all members.
    pub(crate) fn bytes_of_forms(&self) -> usize {
        self.bytes_of_forms
    }

    /// The member of one client, by the ticket that [`join`](Self::join) gave.
    pub(crate) fn at(&self, ticket: Ticket) -> Option<&Member> {
        self.seats.get(ticket).map(|seat| &seat.member)
    }

    /// A client of `member` comes. Returns the ticket it leaves with, and the member if this is its first
    /// client; while a member is there, what it was first shown as stands.
    pub(crate) fn join(&mut self, member: Member) -> (Ticket, Option<Member>) {
        let known = self.by_id.get(&member.id).copied();
        if let Some((ticket, seat)) = known.and_then(|ticket| Some((ticket, self.seats.get_mut(ticket)?))) {
            seat.clients += 1;
            return (ticket, None);
        }
        self.bytes_of_json += member.to_json().len();
        self.bytes_of_forms += member.forms.len();
        let ticket = self.seats.push(Seat { member: member.clone(), clients: 1 });
        self.by_id.insert(Arc::clone(&member.id), ticket);
        (ticket, Some(member))
    }

    /// Takes in a member of whose clients nothing is known. Whether it is a new one; while a member is there, what
    /// it was first shown as stands.
    pub(crate) fn add(&mut self, member: Member) -> bool {
        self.get(member.id()).is_none() && self.join(member).1.is_some()
    }

    /// Takes out the member of this id, if it was [added](Self::add).
    pub(crate) fn remove(&mut self, id: &str) -> Option<Member> {
        self.leave(*self.by_id.get(id)?)
    }

    /// A client goes. Returns its member if this was its last client.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Member> {
        let seat = self.seats.get_mut(ticket)?;
        seat.clients -= 1;
        if seat.clients > 0 {
            return None;
        }
        let member = self.seats.remove(ticket)?.member;
        self.by_id.remove(&member.id);
        self.bytes_of_json -= member.to_json().len();
        self.bytes_of_forms -= member.forms.len();
        Some(member)
    }
}

/// A roster on which these members have joined in this order, as a test of a [`Wire`](crate::wire::Wire)
/// needs one.
impl FromIterator<Member> for Roster {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        let mut roster = Self::default();
        for member in members {
            roster.join(member);
        }
        roster
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn info_is_verbatim_json_or_a_string_or_absent() {
        for (info, shown) in [
            ("", None),
            (" ", Some(r#"" ""#)),
            (r#"{"name":"Ada"}"#, Some(r#"{"name":"Ada"}"#)),
            (r#" {"b":1, "a":[ ]} "#, Some(r#" {"b":1, "a":[ ]} "#)),
            ("null", Some("null")),
            ("12", Some("12")),
            (r#""}""#, Some(r#""}""#)),
            ("Ada", Some(r#""Ada""#)),
            (r#"{"name":"#, Some(r#""{\"name\":""#)),
            ("{} {}", Some(r#""{} {}""#)),
            ("a\nb", Some(r#""a\nb""#)),
        ] {
            assert_eq!(Member::new("1", info).info(), shown, "of {info:?}");
        }
    }

    #[test]
    fn deeply_nested_info_is_checked_without_recursion() {
        let depth = 100_000;
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Member::new("1", &nested).info(), Some(&*nested));
        assert_eq!(Member::new("1", &nested[1..]).info().map(|info| info.starts_with('"')), Some(true));
    }

    #[test]
    fn an_id_is_escaped_in_json_only() {
        let member = Member::new("a\"b\u{1}", "");
        assert_eq!(member.id(), "a\"b\u{1}");
        assert_eq!(member.id_json(), r#""a\"b\u0001""#);
        assert_eq!(member.to_json(), r#"{"id":"a\"b\u0001"}"#);
    }

    #[test]
    fn a_member_without_an_id_takes_the_one_it_is_given() {
        let member = Member::new("", "[1]").or_called("3-1");
        assert_eq!(member.to_json(), r#"{"id":"3-1","info":[1]}"#);
        assert_eq!(member.or_called("4-1").id(), "3-1");
    }

    #[test]
    fn a_member_is_there_from_its_first_client_to_its_last() {
        let mut roster = Roster::default();
        let (first, joined) = roster.join(Member::new("ada", "1"));
        assert_eq!(joined, Some(Member::new("ada", "1")));
        let (second, joined) = roster.join(Member::new("ada", "2"));
        assert_eq!((second, joined), (first, None));
        assert_eq!(roster.get("ada").and_then(Member::info), Some("1"));

        assert_eq!(roster.leave(first), None);
        assert_eq!(roster.leave(second), Some(Member::new("ada", "1")));
        assert_eq!(roster.leave(second), None);
        assert!(roster.is_empty() && roster.get("ada").is_none());
    }
}
