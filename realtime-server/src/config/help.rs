/// What `--help` prints.
pub const HELP: &str = "\
A realtime gateway that unmodified Pusher and Laravel Echo clients talk to

Usage: realtime-server [OPTIONS]

Options:
  --config FILE        Read settings from FILE, in TOML; realtime.example.toml has them all
  --listen ADDR        Address to listen at; port 0 takes a free one [default: 127.0.0.1:8080]
  --app-id ID          The app's id in the HTTP API [default: demo]
  --app-key KEY        The app's public key; needs a secret [default: demo-key]
  --app-secret SECRET  What the app's server signs with; needs --app-key [default: demo-secret]
  --app-secret-file F  Read the secret from the file F
  --demo               Serve the debug page, and sign and publish for anyone who asks
  --no-demo            Do neither
  --debug-token T      Serve the debug page at / to whoever gives this token, with or without the demo
  --compression        Compress messages of 256 bytes and more for clients that offer it, as browsers do
  --subscription-counts
                       Tell the subscribers of a channel how many they are, at most once a second
  --metrics            Tell anyone at /metrics what is counted, in the format of Prometheus
  --metrics-token T    Tell it to whoever sends Authorization: Bearer T
  --webhook URL        Post there what happens in channels, signed with the app's secret; may be given again
  --threads N          Threads that serve WebSocket connections [default: one for each core]
  --drain-seconds N    Over how long clients are moved to other gateways when it is to end [default: 0]
  --drain-notice-seconds N
                       How long before that /ready says that it is to end [default: 0]
  --log-level LEVEL    off, error, warn, info, debug or trace; with TARGET=LEVEL, separated by commas, another
                       one for a part of it [default: info]
  --log-format FORMAT  text or json [default: text]
  --check              Say whether the configuration is right, or else what is wrong and where, and exit with 0 or 2
  --print-config       Print the configuration that is in effect as TOML, without its secrets, and exit
  -h, --help           Print this
  -V, --version        Print the version

Without --demo and --no-demo, the demo is on at loopback addresses as long as no app has a secret of its own, and
otherwise off. With it behind a proxy, it is for whoever reaches the proxy. Without it, an address that is no loopback
address needs an --app-key and an --app-secret of your own.

Each option that sets something can also be given as an environment variable: --app-key KEY as
REALTIME_APP_KEY=KEY, --compression as REALTIME_COMPRESSION=true, --config FILE as REALTIME_CONFIG=FILE. What is on
can be turned off: --no-compression, or REALTIME_COMPRESSION=false. Options override variables, and both override
the file. They describe one app: where the file has several, the one that --app-id names.

With a file, SIGHUP reads it again: apps come, change and go, and the connections of those that stay go on. What takes a
restart stays as it is, and the log says so. If anything is wrong, nothing changes.

SIGTERM and Ctrl-C end it; a second one does so at once. It closes its clients with 1001, on which they come back after a
second, as is right for the only gateway there is. If others are there, have it close them one after the other with 4200,
on which they come back at once, by --drain-seconds. It listens no more meanwhile; a successor may, at the same address.

Compression (permessage-deflate) makes such messages several times shorter and takes processor time, for each
event and not for each of its subscribers. No connection keeps memory for it between messages.
";
