#include "nodes/node/run.hpp"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>
#include <span>

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "config/certificates.hpp"
#include "nodes/node/certificate_watch.hpp"
#include "nodes/node/json_log.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr int renewal_ms = 6 * 60 * 60 * 1000;

/// Signals arrive through a file descriptor; every thread made later inherits the mask.
class stop_signals {
 public:
  stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  }
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

void set_up_log(const std::string& level, const std::string& format) {
  auto log = spdlog::stderr_logger_mt("tandem");
  if (format == "json")
    log->set_formatter(std::make_unique<json_log_formatter>());
  else
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  log->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(log);
}

/// Connections are files: as many as the system lets this process have.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

node_exit serve(node& running, const node_config& config, const stop_signals& signals) {
  std::map<std::filesystem::path, certificate_watch> watches;
  auto look = [&] {
    for (const auto& each : shown_certificates(config, true)) {
      auto certificate = describe_certificate(each.file);
      if (!certificate) continue;
      if (auto warning =
              watches[each.file].look(*certificate, each.advice, std::chrono::system_clock::now()))
        spdlog::warn("certificate ends soon file={} reason=\"{}\"", each.file.string(), *warning);
    }
  };
  look();
  pollfd waits[] = {{.fd = signals.fd(), .events = POLLIN, .revents = 0},
                    {.fd = running.stopped_fd(), .events = POLLIN, .revents = 0}};
  while (::poll(waits, 2, renewal_ms) <= 0) {
    if (auto err = running.renew_certificates())
      spdlog::error("certificates not renewed reason=\"{}\"", message_of(err));
    look();
  }
  if (waits[0].revents != 0) spdlog::info("stopping reason=signal");
  if (auto err = running.stop(); err && err != caf::exit_reason::normal) {
    spdlog::critical("node stopped code={} reason=\"{}\"", to_string(code_of(err)),
                     message_of(err));
    return node_exit::failed;
  }
  spdlog::info("stopped");
  return node_exit::ok;
}

}  // namespace

node_exit run_node(const node_options& options, const node_environment& environment) {
  stop_signals signals;
  raise_file_limit();
  set_up_log(options.config.log_level, options.config.log_format);
  const auto& config = options.config;
  spdlog::info("starting node={} data={} config={}", config.name, config.data.string(),
               options.config_file.string());
  auto running = node::start(config, environment);
  if (!running) {
    std::cerr << "tandem-node: " << message_of(running.error()) << '\n';
    return node_exit::not_started;
  }
  std::cout << readiness_line(config, **running) << std::endl;
  spdlog::info("ready node={} address={} journal={}", config.name, (*running)->address(),
               to_string((*running)->journal()));
  return serve(**running, config, signals);
}

int node_main(int argc, char** argv, const node_environment& environment) {
  auto arguments = std::span{const_cast<const char* const*>(argv), static_cast<std::size_t>(argc)};
  auto options = parse_flags(arguments.subspan(argc > 0 ? 1 : 0), current_executable());
  auto exit = node_exit::ok;
  if (!options) {
    std::cerr << "tandem-node: " << message_of(options.error()) << '\n';
    exit = node_exit::usage;
  } else if (options->action == node_action::print) {
    std::cout << options->text;
  } else if (options->action == node_action::check) {
    std::cout << "ok: " << options->config_file.string() << '\n';
  } else {
    exit = run_node(*options, environment);
  }
  return static_cast<int>(exit);
}

}  // namespace tandem
