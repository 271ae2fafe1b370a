// /v1/admin, /v1/whoami, /metrics and health.

#include <charconv>
#include <chrono>

#include "actors/weight_sync/weight_sync_actor.hpp"
#include "nodes/cli/cache_text.hpp"
#include "nodes/cli/engine_text.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/route_text.hpp"
#include "nodes/cli/topology_text.hpp"
#include "nodes/cli/weights_text.hpp"
#include "nodes/web/web_context.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds admin_patience{10};
/// An answer of /readyz is as good for so long.
constexpr std::chrono::seconds ready_time{1};

/// Runs `ask` once the supervisor is known.
void at_supervisor(web_call call, std::function<void(gateway_pointer, web_call_ptr)> ask) {
  in_gateway(std::move(call),
             [ask = std::move(ask)](gateway_pointer self, const web_call_ptr& call) {
               if (!self->state.supervisor)
                 return call->fail(to_openai_error(errc::unavailable, "the node is starting"));
               ask(self, call);
             });
}

template <class Reply, class Render, class... Question>
void ask_supervisor(gateway_pointer self, const web_call_ptr& call, Render render,
                    const Question&... question) {
  self->request(self->state.supervisor, admin_patience, question...)
      .then([call, render](const Reply& reply) { call->json(render(*reply.read())); },
            [call](const caf::error& err) { call->fail(err); });
}

void topology(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    ask_supervisor<tmsg::topo>(self, call, cli::topology_json, topo_atom_v);
  });
}

void engines(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    ask_supervisor<tmsg::topo>(self, call, cli::engines_json, topo_atom_v);
  });
}

void routing(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    message_builder<schema::RouteCommand> command;
    command->setAction(schema::RouteAction::STATUS);
    ask_supervisor<tmsg::rtrep>(self, call, cli::route_status_json, route_atom_v, command.finish());
  });
}

void decision(web_call call) {
  const auto& given = call.parameters[0];
  std::uint64_t id = 0;
  auto [end, failure] = std::from_chars(given.data(), given.data() + given.size(), id);
  if (failure != std::errc{} || end != given.data() + given.size())
    return call.fail(to_openai_error(errc::invalid_argument, "a decision's id is a number"));
  at_supervisor(std::move(call), [id](gateway_pointer self, const web_call_ptr& call) {
    message_builder<schema::RouteCommand> command;
    command->setAction(schema::RouteAction::EXPLAIN);
    command->setDecision(id);
    ask_supervisor<tmsg::rtrep>(
        self, call,
        [](schema::RouteReport::Reader report) {
          return cli::route_explain_json(report.getDecision());
        },
        route_atom_v, command.finish());
  });
}

void cache(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    message_builder<schema::CacheCommand> command;
    command->setAction(schema::CacheAction::STATS);
    ask_supervisor<tmsg::cachrpt>(
        self, call,
        [](schema::CacheReport::Reader report) { return cli::cache_stats_json(report, {}); },
        cache_atom_v, command.finish());
  });
}

void weights(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    message_builder<schema::WeightCommand> command;
    command->setAction(schema::WeightAction::LIST);
    ask_supervisor<tmsg::wtrep>(self, call, cli::weights_json, weight_atom_v, command.finish());
  });
}

std::string alarms_json(schema::Topology::Reader topology) {
  json_writer json;
  json.object();
  json.array_field("alarms");
  for (auto node : topology.getNodes())
    for (auto alarm : node.getAlarms()) {
      json.object();
      json.field("name", view(alarm.getName()));
      json.field("subject", view(alarm.getSubject()));
      json.field("node", view(node.getName()));
      json.field("severity", cli::name_of(alarm.getSeverity()));
      json.field("text", view(alarm.getText()));
      json.field("since_ms", alarm.getSinceMs());
      json.end();
    }
  json.end();
  json.end();
  return json.text();
}

void alarms(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    ask_supervisor<tmsg::topo>(self, call, alarms_json, topo_atom_v);
  });
}

void history(web_call call) {
  std::uint32_t minutes = 60;
  auto given = query_value(call.request.query, "minutes");
  if (!given.empty()) std::from_chars(given.data(), given.data() + given.size(), minutes);
  call.json(call.parts->history ? call.parts->history(minutes) : R"({"step_s":10,"series":[]})");
}

void who_am_i(web_call call) {
  json_writer json;
  json.object();
  json.field("tenant", call.caller->tenant);
  json.field("key", call.caller->id);
  json.field("admin", call.caller->is_admin);
  json.field("node", call.parts->config.name);
  json.field("version", call.parts->version);
  json.end();
  call.json(json.text());
}

void metrics(web_call call) {
  at_supervisor(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    if (!call->parts->metrics)
      return call->fail(to_openai_error(errc::unavailable, "this node counts nothing"));
    call->parts->metrics(self, [call](std::string page) {
      call->reply->send(
          {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(page)});
    });
  });
}

void healthy(web_call call) {
  call.reply->send({.content_type = "text/plain; charset=utf-8", .body = "ok\n"});
}

/// Who is not on this machine is told whether, not why.
void tell_ready(const web_call& call, std::string_view reason) {
  auto is_near = call.request.is_loopback && !is_forwarded(call.request);
  auto no = is_near ? reason : "not ready";
  call.reply->send({.status = reason.empty() ? 200u : 503u,
                    .content_type = "text/plain; charset=utf-8",
                    .body = std::string{reason.empty() ? "ready" : no} + "\n"});
}

void keep_ready(const web_call_ptr& call, const std::string& reason) {
  {
    auto& last = call->parts->ready;
    const std::lock_guard lock{last.mutex};
    last.asked_at = std::chrono::steady_clock::now();
    last.reason = reason;
  }
  tell_ready(*call, reason);
}

std::string why_not_ready(schema::NodeStatus::Reader status) {
  if (status.getMember().getDraining()) return "draining";
  for (auto actor : status.getActors())
    if (view(actor.getState()) != "ok")
      return std::string{view(actor.getName())} + " is " + std::string{view(actor.getState())};
  return {};
}

/// Ready: its actors answer, and it is not draining.
void ready(web_call call) {
  {
    auto& last = call.parts->ready;
    const std::lock_guard lock{last.mutex};
    if (last.asked_at != std::chrono::steady_clock::time_point{} &&
        std::chrono::steady_clock::now() - last.asked_at < ready_time)
      return tell_ready(call, last.reason);
  }
  in_gateway(std::move(call), [](gateway_pointer self, const web_call_ptr& call) {
    if (!self->state.supervisor) return tell_ready(*call, "the node is starting");
    self->request(self->state.supervisor, admin_patience, node_atom_v)
        .then([call](
                  const tmsg::nodstat& status) { keep_ready(call, why_not_ready(*status.read())); },
              [call](const caf::error& err) { keep_ready(call, message_of(err)); });
  });
}

}  // namespace

void add_admin_routes(std::vector<web_route>& routes) {
  constexpr auto admin = web_access::admin;
  routes.push_back({"GET", "/v1/admin/topology", admin, topology});
  routes.push_back({"GET", "/v1/admin/engines", admin, engines});
  routes.push_back({"GET", "/v1/admin/routing", admin, routing});
  routes.push_back({"GET", "/v1/admin/routing/decisions/{id}", admin, decision});
  routes.push_back({"GET", "/v1/admin/cache", admin, cache});
  routes.push_back({"GET", "/v1/admin/weights", admin, weights});
  routes.push_back({"GET", "/v1/admin/alarms", admin, alarms});
  routes.push_back({"GET", "/v1/admin/history", admin, history});
  routes.push_back({"GET", "/v1/whoami", web_access::key, who_am_i});
  routes.push_back({"GET", "/metrics", admin, metrics});
  routes.push_back({"GET", "/healthz", web_access::open, healthy});
  routes.push_back({"GET", "/readyz", web_access::open, ready});
}

}  // namespace tandem
