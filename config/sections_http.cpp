#include "config/sections_http.hpp"

#include "config/units.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t url_bytes_max = 2048;

/// Any texts, such as `Name: value` or origins.
config_field bind_texts(std::string_view key, std::vector<std::string>& member, std::string doc) {
  return bind_command(key, member, std::move(doc), true);
}

}  // namespace

config_fields bind_gateway(gateway_config& c) {
  return {
      bind_text(
          "listen", c.listen,
          "host:port where clients and browsers connect; port 0 takes any free one. Empty:\n"
          "nowhere, unless node.roles has \"gateway\" (then 127.0.0.1:8420). Beyond loopback it\n"
          "needs cert_file and key_file, and every request a key (tandem keys).",
          300),
      bind_path("cert_file", c.cert_file,
                "PEM, the certificate chain. Read again when it changes."),
      bind_path("key_file", c.key_file, "PEM, its private key (chmod 600)."),
      bind_flag("require_key", c.require_key,
                "On loopback too, nothing is answered without a key."),
      bind_integer("threads", c.threads, "That read and write; each connection stays on one.", 1,
                   64),
      bind_integer("connections_max", c.connections_max, "Open at once.", 1, 1'000'000),
      bind_integer("header_bytes_max", c.header_bytes_max, "Of one request's head.", 1024,
                   1024 * 1024),
      bind_size("body_bytes_max", c.body_bytes_max, "Of one request's body.", kib, gib),
      bind_size("memory_bytes_max", c.memory_bytes_max,
                "Of all bodies and answers that are in memory at once.", mib, 1024 * gib),
      bind_duration("read_timeout", c.read_timeout,
                    "For the head of a request, and between two pieces of its body.", 10ms, 1h),
      bind_duration("idle_timeout", c.idle_timeout, "Of a connection without a request.", 10ms,
                    day),
      bind_duration("write_timeout", c.write_timeout, "Of a client that reads nothing.", 10ms, 1h),
      bind_size("stream_bytes_max", c.stream_bytes_max,
                "That a client has not read yet; more end its answer.", 4 * kib, gib),
      bind_duration("stream_pulse", c.stream_pulse,
                    "A stream that says nothing gets a comment so often.", 100ms, 1h),
      bind_integer("requests_max", c.requests_max, "Calls and jobs of clients that wait at once.",
                   1, 1'000'000),
      bind_duration("call_timeout", c.call_timeout, "Of calls that say nothing.", 1ms, day),
      bind_integer("max_tokens", c.max_tokens, "To write, of calls that say nothing.", 1,
                   10'000'000),
      bind_texts(
          "origins", c.origins,
          "Web pages that may call, as [\"https://chat.example.com\"]; the node's own always\n"
          "may."),
  };
}

config_fields bind_alarms(alarm_config& c) {
  return {
      bind_text("webhook", c.webhook,
                "URL that is told of alarms that begin and end, in Alertmanager's format. Empty:\n"
                "none.",
                url_bytes_max),
      bind_path("webhook_token_file", c.webhook_token_file,
                "Its bearer token, the first line. Empty: none."),
      bind_duration("interval", c.interval, "How often the node is looked at.", 100ms, 1h),
      bind_integer("flaps_max", c.flaps_max,
                   "Changes of an engine's health in ten minutes; more are an alarm.", 1, 10'000),
      bind_number("error_share_max", c.error_share_max,
                  "Share of failed calls in five minutes; more is an alarm.", 0, 1),
      bind_integer("error_calls_min", c.error_calls_min, "Fewest calls that say so.", 1, 1'000'000),
      bind_number("cost_usd_per_h_max", c.cost_usd_per_h_max,
                  "US dollars an hour; more is an alarm. 0: no limit.", 0, 1e9),
      bind_duration("certificate_left_min", c.certificate_left_min,
                    "Less until a certificate ends is an alarm.", 1h, 365 * day),
      bind_duration("mixed_weights_max", c.mixed_weights_max,
                    "A model served at two weight versions for longer, without an update, is an\n"
                    "alarm.",
                    1s, 30 * day),
  };
}

config_fields bind_traces(trace_config& c) {
  return {
      bind_text("otlp", c.otlp,
                "Where spans go, OTLP over HTTP: \"http://localhost:4318\". Empty: nowhere.",
                url_bytes_max),
      bind_texts("headers", c.headers, "\"Name: value\", with every request there."),
      bind_number("share", c.share,
                  "Of jobs and calls whose client says nothing (no traceparent), 0 to 1.", 0, 1),
      bind_integer("queue_max", c.queue_max, "Spans that wait; more are dropped.", 1, 1'000'000),
      bind_integer("batch_max", c.batch_max, "Spans in one request.", 1, 100'000),
      bind_duration("interval", c.interval, "How long a span waits at most.", 10ms, 1min),
      bind_flag("texts", c.texts, "Prompts and answers are written into spans and logs."),
  };
}

}  // namespace tandem
