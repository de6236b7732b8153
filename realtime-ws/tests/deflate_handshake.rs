//! How permessage-deflate is negotiated (RFC 7692 §7.1).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use realtime_ws::handshake::{
    Accept, ClientHandshake, ClientRequest, HandshakeFailed, Request, ServerHandshake,
};
use realtime_ws::{Config, Connection, DeflateConfig, Event, MaskingKeys, NegotiatedDeflate, Timestamp};

const NOW: Timestamp = Timestamp::START;

const DEFAULT: NegotiatedDeflate = NegotiatedDeflate {
    outgoing_context_takeover: false,
    incoming_context_takeover: false,
    outgoing_window_bits: 15,
    incoming_window_bits: 15,
};

/// All that the defaults would rather not have.
fn generous() -> DeflateConfig {
    DeflateConfig {
        outgoing_context_takeover: true,
        incoming_context_takeover: true,
        ..DeflateConfig::default()
    }
}

fn first_bytes(connection: &Connection) -> String {
    let mut slices = [&[][..]; 1];
    connection.poll_transmit(&mut slices);
    String::from_utf8(slices[0].to_vec()).unwrap()
}

fn extensions_in(head: &str) -> Option<String> {
    let value = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    value.map(String::from)
}

/// What a server makes of a request with these header values: its answer's value, and what it then does.
fn server_answers(config: Option<DeflateConfig>, offers: &[&str]) -> Option<(String, NegotiatedDeflate)> {
    let config = Config { deflate: config, ..Config::default() }.checked().unwrap();
    let offers: String =
        offers.iter().map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).collect();
    let mut request = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offers}\r\n"
    )
    .into_bytes();
    let mut handshake = ServerHandshake::new(config, NOW);
    let Ok(Some(Request::Upgrade(upgrade))) = handshake.receive(&mut &mut request[..]) else {
        panic!("{offers} is a valid request");
    };
    let connection = upgrade.accept(&Accept::default(), NOW).unwrap();
    let answer = extensions_in(&first_bytes(&connection));
    assert_eq!(answer.is_some(), connection.deflate().is_some());
    answer.zip(connection.deflate())
}

fn server_declines(offer: &str) {
    assert_eq!(server_answers(Some(generous()), &[offer]), None, "{offer}");
}

/// What a client makes of a server's answer.
fn client_takes(
    config: DeflateConfig,
    answers: &[&str],
) -> Result<Option<NegotiatedDeflate>, HandshakeFailed> {
    client_takes_with(Some(config), answers)
}

fn client_takes_with(
    config: Option<DeflateConfig>,
    answers: &[&str],
) -> Result<Option<NegotiatedDeflate>, HandshakeFailed> {
    let answers: String =
        answers.iter().map(|answer| format!("Sec-WebSocket-Extensions: {answer}\r\n")).collect();
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{answers}\r\n"
    )
    .into_bytes();
    let mut handshake = client(config);
    let response = handshake.receive(&mut &mut response[..])?.unwrap();
    let agreed = response.deflate();
    assert_eq!(response.into_connection(NOW).deflate(), agreed);
    Ok(agreed)
}

fn client(config: Option<DeflateConfig>) -> ClientHandshake {
    let config = Config { deflate: config, ..Config::default() }.checked().unwrap();
    let request = ClientRequest { host: "a.test", target: "/", ..ClientRequest::default() };
    let keys = MaskingKeys::new(|| [1, 2, 3, 4]);
    ClientHandshake::new(config, &request, *b"the sample nonce", keys, NOW).unwrap()
}

fn client_offers(config: Option<DeflateConfig>) -> Option<String> {
    let handshake = client(config);
    let mut slices = [&[][..]; 1];
    handshake.poll_transmit(&mut slices);
    extensions_in(std::str::from_utf8(slices[0]).unwrap())
}

#[test]
fn server_without_compression_agrees_to_none() {
    assert_eq!(server_answers(None, &["permessage-deflate"]), None);
}

#[test]
fn server_agrees_to_none_that_was_not_offered() {
    for offers in [&[][..], &["foo"], &["permessage-bzip2; client_max_window_bits"], &["Permessage-Deflate2"]]
    {
        assert_eq!(server_answers(Some(generous()), offers), None);
    }
}

#[test]
fn server_answers_every_parameter_of_an_offer() {
    let small = DeflateConfig { outgoing_window_bits: 12, incoming_window_bits: 11, ..generous() };
    let takeover =
        NegotiatedDeflate { outgoing_context_takeover: true, incoming_context_takeover: true, ..DEFAULT };
    let table = [
        (generous(), "", "", takeover),
        (
            generous(),
            "; server_no_context_takeover",
            "; server_no_context_takeover",
            NegotiatedDeflate { outgoing_context_takeover: false, ..takeover },
        ),
        (
            generous(),
            "; client_no_context_takeover",
            "; client_no_context_takeover",
            NegotiatedDeflate { incoming_context_takeover: false, ..takeover },
        ),
        // Without being asked.
        (DeflateConfig::default(), "", "; server_no_context_takeover; client_no_context_takeover", DEFAULT),
        (
            generous(),
            "; server_max_window_bits=10",
            "; server_max_window_bits=10",
            NegotiatedDeflate { outgoing_window_bits: 10, ..takeover },
        ),
        (
            small,
            "; server_max_window_bits=15",
            "; server_max_window_bits=12",
            NegotiatedDeflate { outgoing_window_bits: 12, ..takeover },
        ),
        (
            small,
            "; server_max_window_bits=\"9\"",
            "; server_max_window_bits=9",
            NegotiatedDeflate { outgoing_window_bits: 9, ..takeover },
        ),
        // A smaller window than the client can remember needs no words.
        (small, "", "", NegotiatedDeflate { outgoing_window_bits: 12, ..takeover }),
        (generous(), "; client_max_window_bits", "; client_max_window_bits=15", takeover),
        (
            generous(),
            "; client_max_window_bits=8",
            "; client_max_window_bits=8",
            NegotiatedDeflate { incoming_window_bits: 8, ..takeover },
        ),
        (
            small,
            "; server_max_window_bits=15;client_max_window_bits",
            "; server_max_window_bits=12; client_max_window_bits=11",
            NegotiatedDeflate { outgoing_window_bits: 12, incoming_window_bits: 11, ..takeover },
        ),
        (
            small,
            "; server_max_window_bits=15; client_max_window_bits=10",
            "; server_max_window_bits=12; client_max_window_bits=10",
            NegotiatedDeflate { outgoing_window_bits: 12, incoming_window_bits: 10, ..takeover },
        ),
    ];
    for (config, offered, answered, agreed) in table {
        let offer = format!("permessage-deflate{offered}");
        let expected = Some((format!("permessage-deflate{answered}"), agreed));
        assert_eq!(server_answers(Some(config), &[&offer]), expected, "{offer}");
    }
}

#[test]
fn unknown_repeated_and_ill_valued_parameters_make_an_offer_unacceptable() {
    for params in [
        "x",
        "x=1",
        "Server_no_context_takeover",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits=10; client_max_window_bits",
        "server_no_context_takeover=1",
        "client_no_context_takeover=true",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=0",
        "server_max_window_bits=08",
        "server_max_window_bits=010",
        "server_max_window_bits=+10",
        "server_max_window_bits=ten",
        "server_max_window_bits=1e1",
        "server_max_window_bits=4294967306",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=x",
        "client_max_window_bits=99999999999999999999",
    ] {
        server_declines(&format!("permessage-deflate; {params}"));
    }
}

#[test]
fn offer_of_a_window_that_cannot_be_compressed_with_is_declined() {
    server_declines("permessage-deflate; server_max_window_bits=8");
}

#[test]
fn first_acceptable_offer_is_taken() {
    let first = "permessage-deflate; server_max_window_bits=10";
    for offers in [
        &["permessage-deflate; server_max_window_bits=10, permessage-deflate"][..],
        &["foo, permessage-deflate; server_max_window_bits=8, permessage-deflate; x", first],
        &["permessage-deflate; server_max_window_bits=16", "bar; permessage-deflate", first],
    ] {
        let (answer, agreed) = server_answers(Some(generous()), offers).unwrap();
        assert_eq!((answer.as_str(), agreed.outgoing_window_bits), (first, 10));
    }
}

#[test]
fn client_offers_what_it_is_configured_for() {
    let small = DeflateConfig { outgoing_window_bits: 12, incoming_window_bits: 8, ..generous() };
    for (config, offer) in [
        (None, None),
        (Some(generous()), Some("permessage-deflate; client_max_window_bits")),
        (
            Some(DeflateConfig::default()),
            Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 client_max_window_bits",
            ),
        ),
        (Some(small), Some("permessage-deflate; server_max_window_bits=8; client_max_window_bits=12")),
    ] {
        assert_eq!(client_offers(config).as_deref(), offer);
    }
}

#[test]
fn client_takes_what_answers_its_offer() {
    let takeover =
        NegotiatedDeflate { outgoing_context_takeover: true, incoming_context_takeover: true, ..DEFAULT };
    let small = DeflateConfig { outgoing_window_bits: 12, incoming_window_bits: 11, ..generous() };
    for (config, params, agreed) in [
        (generous(), "", takeover),
        (
            generous(),
            "; server_no_context_takeover",
            NegotiatedDeflate { incoming_context_takeover: false, ..takeover },
        ),
        (
            generous(),
            "; client_no_context_takeover",
            NegotiatedDeflate { outgoing_context_takeover: false, ..takeover },
        ),
        (
            generous(),
            "; server_max_window_bits=9; client_max_window_bits=8",
            NegotiatedDeflate { incoming_window_bits: 9, outgoing_window_bits: 8, ..takeover },
        ),
        (DeflateConfig::default(), "; server_no_context_takeover", DEFAULT),
        (
            small,
            "; server_max_window_bits=11",
            NegotiatedDeflate { incoming_window_bits: 11, outgoing_window_bits: 12, ..takeover },
        ),
        (
            small,
            "; client_max_window_bits=10; server_max_window_bits=8",
            NegotiatedDeflate { incoming_window_bits: 8, outgoing_window_bits: 10, ..takeover },
        ),
    ] {
        assert_eq!(
            client_takes(config, &[&format!("permessage-deflate{params}")]),
            Ok(Some(agreed)),
            "{params}"
        );
    }
    assert_eq!(client_takes(generous(), &[]), Ok(None), "the server need not agree");
}

#[test]
fn client_fails_the_handshake_for_an_answer_to_another_offer() {
    let small = DeflateConfig { outgoing_window_bits: 12, incoming_window_bits: 11, ..generous() };
    for (config, params) in [
        (DeflateConfig::default(), ""),
        (DeflateConfig::default(), "; client_no_context_takeover"),
        (small, ""),
        (small, "; server_max_window_bits=12"),
        (small, "; server_max_window_bits=11; client_max_window_bits=13"),
        (generous(), "; client_max_window_bits"),
        (generous(), "; server_max_window_bits"),
        (generous(), "; server_max_window_bits=7"),
        (generous(), "; server_max_window_bits=16"),
        (generous(), "; server_max_window_bits=ten"),
        (generous(), "; server_no_context_takeover=1"),
        (generous(), "; server_no_context_takeover; server_no_context_takeover"),
        (generous(), "; x"),
        (generous(), ", permessage-deflate"),
        (generous(), ", foo"),
        (generous(), ";"),
    ] {
        let taken = client_takes(config, &[&format!("permessage-deflate{params}")]);
        assert_eq!(taken, Err(HandshakeFailed::UnacceptableExtension), "{params}");
    }
    let twice = client_takes(generous(), &["permessage-deflate", "permessage-deflate"]);
    assert_eq!(twice, Err(HandshakeFailed::UnacceptableExtension));
}

#[test]
fn client_fails_the_handshake_for_an_extension_that_it_did_not_offer() {
    for answer in ["foo", "foo, permessage-deflate", "x-webkit-deflate-frame"] {
        let taken = client_takes(generous(), &[answer]);
        assert_eq!(taken, Err(HandshakeFailed::ExtensionNotOffered), "{answer}");
    }
    let taken = client_takes_with(None, &["permessage-deflate"]);
    assert_eq!(taken, Err(HandshakeFailed::ExtensionNotOffered));
}

/// Every configuration that bears on the negotiation.
fn configs() -> impl Iterator<Item = DeflateConfig> {
    let takeovers = [(false, false), (false, true), (true, false), (true, true)];
    takeovers.into_iter().flat_map(|(outgoing_context_takeover, incoming_context_takeover)| {
        (9..=15).flat_map(move |outgoing_window_bits| {
            [8, 9, 12, 15].map(|incoming_window_bits| DeflateConfig {
                outgoing_context_takeover,
                incoming_context_takeover,
                outgoing_window_bits,
                incoming_window_bits,
                min_message_bytes: 0,
                ..DeflateConfig::default()
            })
        })
    })
}

#[test]
fn any_client_and_any_server_agree_and_understand_each_other() {
    let texts = ["first, first, first", "first, first, second, second", "first"];
    for client_config in configs() {
        for server_config in configs().step_by(3) {
            let (mut client, mut server) = connect(client_config, server_config);
            let Some(of_server) = server.deflate() else {
                assert_eq!(client_config.incoming_window_bits, 8, "only such a window is declined");
                assert_eq!(client.deflate(), None);
                continue;
            };
            let of_client = client.deflate().unwrap();
            assert!(of_client.outgoing_context_takeover <= of_server.incoming_context_takeover);
            assert_eq!(of_server.outgoing_context_takeover, of_client.incoming_context_takeover);
            assert!(of_client.outgoing_window_bits <= of_server.incoming_window_bits);
            assert!(of_server.outgoing_window_bits <= of_client.incoming_window_bits);
            assert!(of_client.incoming_window_bits <= client_config.incoming_window_bits.max(8));
            for text in texts {
                client.send(text).unwrap();
                assert_eq!(carry(&mut client, &mut server), [text]);
                server.send(text).unwrap();
                assert_eq!(carry(&mut server, &mut client), [text]);
            }
        }
    }
}

fn connect(client_config: DeflateConfig, server_config: DeflateConfig) -> (Connection, Connection) {
    let mut client = client(Some(client_config));
    let server_config = Config { deflate: Some(server_config), ..Config::default() }.checked().unwrap();
    let mut server = ServerHandshake::new(server_config, NOW);
    let mut slices = [&[][..]; 1];
    client.poll_transmit(&mut slices);
    let mut request = slices[0].to_vec();
    client.transmitted(request.len());
    let Ok(Some(Request::Upgrade(upgrade))) = server.receive(&mut &mut request[..]) else {
        panic!("a client's request is valid");
    };
    let mut server = upgrade.accept(&Accept::default(), NOW).unwrap();
    let mut response = first_bytes(&server).into_bytes();
    server.transmitted(response.len());
    let response = client.receive(&mut &mut response[..]).unwrap().unwrap();
    (response.into_connection(NOW), server)
}

/// The texts that come of what `from` writes.
fn carry(from: &mut Connection, to: &mut Connection) -> Vec<String> {
    let mut slices = [&[][..]; 8];
    let filled = from.poll_transmit(&mut slices);
    let mut wire = slices[..filled].concat();
    from.transmitted(wire.len());
    let mut input = &mut wire[..];
    let mut texts = Vec::new();
    while let Some((event, _)) = to.receive(&mut input, NOW).unwrap() {
        if let Event::Text(text) = event {
            texts.push(text.into());
        }
    }
    texts
}
