#include "actors/engine/managed/managed_backend.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

/// A port that was free a moment ago; 0: none. A server that finds it taken is started again.
std::uint16_t free_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  std::uint16_t port = 0;
  if (::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0)
    port = ntohs(address.sin_port);
  ::close(fd);
  return port;
}

void replace_all(std::string& in, std::string_view what, const std::string& with) {
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + with.size()))
    in.replace(at, what.size(), with);
}

}  // namespace

std::vector<std::string> managed_command(const engine_config& config, std::uint16_t port) {
  auto command = config.process.command;
  if (command.empty()) {
    const char* named = std::getenv("TANDEM_LLAMA_SERVER");
    command = {named != nullptr && *named != '\0' ? named : "llama-server",
               "-m",
               "{path}",
               "--alias",
               "{model}",
               "--host",
               "127.0.0.1",
               "--port",
               "{port}",
               "-np",
               "{concurrency}",
               "--metrics"};
  }
  std::error_code ignored;
  auto path = std::filesystem::absolute(config.path, ignored).string();
  auto model = config.http.served_model.empty() ? config.model : config.http.served_model;
  for (auto& word : command) {
    replace_all(word, "{port}", std::to_string(port));
    replace_all(word, "{concurrency}", std::to_string(config.concurrency));
    replace_all(word, "{model}", model);
    // Last: a path may hold braces itself.
    replace_all(word, "{path}", path);
  }
  return command;
}

managed_backend::managed_backend(const engine_config& config, std::uint16_t port,
                                 std::shared_ptr<http_loop> loop, std::shared_ptr<load_watch> watch,
                                 std::unique_ptr<http_backend> http,
                                 std::unique_ptr<server_process> process)
    : config_{config},
      port_{port},
      loop_{std::move(loop)},
      watch_{std::move(watch)},
      process_{std::move(process)},
      http_{std::move(http)} {}

caf::expected<std::unique_ptr<managed_backend>> managed_backend::open(
    const engine_config& config, const std::filesystem::path& data_folder,
    std::shared_ptr<http_loop> loop, backend_sink sink) {
  auto port = config.process.port != 0 ? config.process.port : free_port();
  if (port == 0)
    return make_error(errc::unavailable, "engine '" + config.name + "': no free port on loopback");
  auto changed = config;
  changed.http.url = "http://127.0.0.1:" + std::to_string(port);
  auto on_status = sink.on_status;
  auto watch = std::make_shared<load_watch>();
  sink.on_status = [watch, on_status] {
    watch->on_health();
    if (on_status) on_status();
  };
  auto http = http_backend::open(changed, loop, std::move(sink));
  if (!http) return std::move(http.error());
  watch->set_health_source((*http)->status_reader());
  auto prober = (*http)->probe_restarter();
  auto log = config.process.log;
  if (log.empty()) log = data_folder / "logs" / (config.name + ".log");
  server_process_spec spec{.command = managed_command(config, port),
                           .log = std::move(log),
                           .restart = config.process.restart,
                           .restart_pause = config.process.restart_pause,
                           .restart_pause_max = config.process.restart_pause_max,
                           .start_timeout = config.process.start_timeout,
                           .stop_timeout = config.process.stop_timeout};
  auto process = std::make_unique<server_process>(
      std::move(spec), [on_status, prober, watch](const server_process_state& now) {
        watch->on_process(now);
        if (now.pid != 0)
          prober("its process has just been started");
        else if (on_status)
          on_status();
      });
  return std::unique_ptr<managed_backend>{new managed_backend{
      config, port, std::move(loop), std::move(watch), std::move(*http), std::move(process)}};
}

progress managed_backend::start(generation_request request) {
  return http_->start(std::move(request));
}

progress managed_backend::cancel(std::uint64_t id) {
  return http_->cancel(id);
}

backend_status managed_backend::status() const {
  auto now = http_->status();
  auto server = process_->state();
  now.process_id = static_cast<std::uint32_t>(server.pid);
  now.process_restarts = server.restarts;
  if (server.pid == 0) {
    now.health = server.given_up ? schema::Health::UNHEALTHY : schema::Health::STARTING;
    now.reason = "its process does not run: " + server.reason;
  } else if (now.health == schema::Health::HEALTHY) {
    process_->set_ready();
  } else if (now.health == schema::Health::UNHEALTHY && !server.reason.empty()) {
    now.reason += " (its process was started again, since " + server.reason + ")";
  }
  return now;
}

weight_abilities managed_backend::abilities() const {
  const auto& command = config_.process.command;
  auto names_path = std::any_of(command.begin(), command.end(), [](const std::string& word) {
    return word.find("{path}") != std::string::npos;
  });
  if (command.empty() || names_path) return {};
  return {.fixed = "its command has no {path}, so it cannot be told other weights"};
}

void managed_backend::change_weights(weight_step step, const weight_target& target,
                                     std::function<void(weight_outcome)> done) {
  if (auto fixed = abilities().fixed; !fixed.empty())
    return done({.code = errc::invalid_argument, .error = std::move(fixed)});
  // A new process has no caches, and nothing is paused.
  if (step == weight_step::load) return load(target, std::move(done));
  weight_outcome out;
  if (step == weight_step::check) out.version = http_->status().weight_version;
  done(std::move(out));
}

void managed_backend::load(const weight_target& target, std::function<void(weight_outcome)> done) {
  if (!target.path.empty()) config_.path = target.path;
  auto number =
      watch_->begin([loop = std::weak_ptr{loop_}, learn = http_->weights_setter(),
                     version = target.version, done = std::move(done)](weight_outcome outcome) {
        auto on = loop.lock();
        if (!on) return done({.code = errc::cancelled, .error = "the node is stopping"});
        // Not here, where the link is locked.
        on->call_after(std::chrono::milliseconds{0}, [learn, version, done, outcome]() mutable {
          if (outcome.code == errc::unknown) learn(version);
          done(std::move(outcome));
        });
      });
  loop_->call_after(
      target.timeout, [watch = std::weak_ptr{watch_}, number, ms = target.timeout.count()] {
        if (auto who = watch.lock())
          who->give_up(number, errc::deadline_exceeded,
                       "it did not answer within " + std::to_string(ms) + " ms of its start");
      });
  auto before = process_->replace(managed_command(config_, port_));
  watch_->replaced_after(before, process_->state());
}

void managed_backend::probe(std::function<void(std::vector<engine_check>)> done) {
  auto server = process_->state();
  engine_check process{.what = "process", .ok = server.pid != 0, .detail = {}};
  process.detail = server.pid != 0 ? "runs as " + std::to_string(server.pid) + ", started again " +
                                         std::to_string(server.restarts) + " times"
                                   : server.reason;
  http_->probe([process, done = std::move(done)](std::vector<engine_check> checks) {
    checks.insert(checks.begin(), process);
    done(std::move(checks));
  });
}

}  // namespace tandem
