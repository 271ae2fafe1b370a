#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/system/tls_files.hpp"
#include "actors/trace/trace_context.hpp"
#include "schema/ids.hpp"
#include "schema/types.hpp"

namespace tandem {

struct client_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7420;
  /// A client certificate of the node's cluster: `client.pem`, `client.key`, `ca.pem` in the node's
  /// TLS folder.
  tls_files tls;
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{5}};
  /// Of every call but wait() and follow().
  std::chrono::milliseconds call_timeout{std::chrono::seconds{30}};
};

/// What to submit, in plain words.
struct submission {
  std::string goal;
  schema::PlanMode mode = schema::PlanMode::PLAN_ACT;
  /// Optional: the same key with the same goal gives the same job, never a second one.
  std::string client_key{};
  std::string tenant{};
  std::vector<std::string> tags{};
  std::int8_t priority = 0;
  /// 0: the node's default.
  std::chrono::milliseconds timeout{0};
  /// What the whole job may spend; 0: no limit of its own.
  std::uint64_t budget_tokens = 0;
  double budget_usd = 0;
  /// Verifies the answer: `number`, `exact`, `contains`, `regex`, `json_schema`, `judge` or
  /// `command`; empty: nothing does.
  std::string check{};
  /// The text, the expression, the schema, the rubric, or the name of a `[[check]]`.
  std::string check_argument{};
  /// `mix`: it goes on with other weights than it began with, once no engine serves those; `fail`;
  /// unknown: the node's default.
  schema::WeightPolicy weights = schema::WeightPolicy::UNKNOWN;
  /// The span that it is part of; unset: the node decides whether it is traced.
  trace_context trace{};
};

/// US dollars as budgets travel: from 0 to a billion, in units of 1e-9. Nothing: it is none.
[[nodiscard]] std::optional<std::int64_t> to_nanousd(double usd);

/// A connection to one node. Blocking calls, from any thread; each ends in its timeout at the
/// latest, and at once when the node goes away (`unavailable`). Errors are the node's own, with
/// what to do next.
class client {
 public:
  /// `not_authenticated`: the certificates will not do, and why. `unavailable`: nobody answers
  /// there, or not as a node.
  [[nodiscard]] static caf::expected<client> connect(const client_options& options);

  client(client&&) noexcept;
  client& operator=(client&&) noexcept;
  ~client();

  /// Returns once the journal has the job.
  [[nodiscard]] caf::expected<job_id> submit(const submission& what);
  [[nodiscard]] caf::expected<tmsg::submitd> submit(const tmsg::submit& what);

  /// When the job has ended. `deadline_exceeded`: it has not within `timeout`; it goes on. When the
  /// job's home is lost, it is asked for again for some seconds; then `unavailable` says what is
  /// waited for. The same holds for follow() and next_events().
  [[nodiscard]] caf::expected<tmsg::jobsum> wait(job_id job, std::chrono::milliseconds timeout);
  /// Calls `on_event` for everything that happens to the job, from event `after` + 1 on, until it
  /// has ended or `on_event` says false.
  [[nodiscard]] caf::error follow(job_id job, std::uint64_t after,
                                  const std::function<bool(schema::JobEvent::Reader)>& on_event);
  /// One page of events; with `at_once` it does not wait for new ones. `deadline_exceeded` after
  /// `timeout`.
  [[nodiscard]] caf::expected<tmsg::events> next_events(job_id job, std::uint64_t after,
                                                        bool at_once,
                                                        std::chrono::milliseconds timeout);

  [[nodiscard]] caf::expected<tmsg::jobsum> summary(job_id job);
  /// Texts are cut to `text_bytes_max`; 0: the node's default.
  [[nodiscard]] caf::expected<tmsg::jobview> view(job_id job, std::uint32_t text_bytes_max = 0);
  [[nodiscard]] caf::expected<tmsg::joblist> list(const tmsg::jobqry& query);
  /// One part of what jobs have cost; ask again with the report's cursors until it has none, and
  /// add the parts up.
  [[nodiscard]] caf::expected<tmsg::costrep> cost(const tmsg::costqry& query);
  /// The whole answer of a job that is done. `conflict`: it is not done, and why.
  [[nodiscard]] caf::expected<std::string> result(job_id job);

  [[nodiscard]] caf::expected<tmsg::jobsum> command(job_id job, schema::JobAction action,
                                                    std::string_view reason = {});
  /// 0 (useless) to 1 (perfect).
  [[nodiscard]] caf::expected<tmsg::jobsum> feedback(job_id job, float score,
                                                     std::string_view comment = {});
  [[nodiscard]] caf::expected<tmsg::purged> purge(job_id job);
  /// Jobs that ended longer ago than this; at most some hundred a call: repeat until it answers 0.
  [[nodiscard]] caf::expected<tmsg::purged> purge_older_than(std::chrono::milliseconds age);

  /// Of all nodes, the asked one first.
  [[nodiscard]] caf::expected<tmsg::topo> topology();
  /// The node finishes what it does and leaves. Returns once that has begun. `not_found` names the
  /// nodes.
  [[nodiscard]] caf::error drain(std::string_view node);
  /// Tries everything at an engine of the node, a small real generation included; may take as long
  /// as that. `not_found`: there is no such engine.
  [[nodiscard]] caf::expected<tmsg::engrep> probe_engine(std::string_view name,
                                                         std::chrono::milliseconds timeout);
  /// `toml`: one [[engine]]. `invalid_argument` tells all that is wrong with it.
  [[nodiscard]] caf::expected<tmsg::engrep> add_engine(std::string_view toml);
  /// A drained engine takes nothing new and finishes what it has.
  [[nodiscard]] caf::expected<tmsg::engrep> drain_engine(std::string_view name, bool is_drained);
  /// Drains it first, for at most `deadline`.
  [[nodiscard]] caf::expected<tmsg::engrep> remove_engine(std::string_view name,
                                                          std::chrono::milliseconds deadline);
  /// What the node's router has learned and decided, and changes of its policy. `not_found`: no
  /// such decision is kept; `invalid_argument`: no such policy.
  [[nodiscard]] caf::expected<tmsg::rtrep> route(const tmsg::rtcmd& command);
  /// `tandem cache`: of all nodes that answer in time.
  [[nodiscard]] caf::expected<tmsg::cachrpt> cache(const tmsg::cachcmd& command);
  /// `tandem weights`, of the node that it is connected to. `timeout` beside call_timeout: adding
  /// and fetching take as long as the files are large.
  [[nodiscard]] caf::expected<tmsg::wtrep> weights(const tmsg::wtcmd& command,
                                                   std::chrono::milliseconds timeout = {});
  /// `tandem keys`, of the gateway of the node that it is connected to. `unavailable`: it has none.
  [[nodiscard]] caf::expected<tmsg::keyrpt> keys(const tmsg::keycmd& command);

 private:
  struct state;
  explicit client(std::unique_ptr<state> state);

  std::unique_ptr<state> state_;
};

}  // namespace tandem
