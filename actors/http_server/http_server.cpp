#include "actors/http_server/http_server.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "actors/http_server/web_connection.hpp"
#include "actors/http_server/web_loop.hpp"
#include "actors/http_server/web_tls.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

/// After an accept that failed for want of descriptors or memory.
constexpr std::chrono::milliseconds accept_pause{100};

caf::error check(const web_server_options& options, const http_service* service) {
  if (service == nullptr) return make_error(errc::invalid_argument, "no service");
  if (options.cert_file.empty() != options.key_file.empty())
    return make_error(errc::invalid_argument,
                      "HTTPS needs a certificate and its key: set both or none");
  constexpr std::uint32_t header_bytes_min = 256;
  if (options.threads == 0 || options.connections_max == 0 ||
      options.header_bytes_max < header_bytes_min)
    return make_error(errc::invalid_argument,
                      "the HTTP server needs at least one thread, one connection and 256 bytes of "
                      "headers");
  constexpr std::chrono::milliseconds timeout_min{1};
  if (std::min({options.read_timeout, options.idle_timeout, options.write_timeout}) < timeout_min)
    return make_error(errc::invalid_argument, "the HTTP server's timeouts must be above 0");
  return caf::none;
}

}  // namespace

struct web_server::state {
  web_shared shared;
  std::optional<web_tls> tls;
  std::vector<std::unique_ptr<web_loop>> loops;
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
  std::uint16_t port = 0;
  std::vector<std::thread> threads;

  state(const web_server_options& options, std::shared_ptr<http_service> service)
      : shared{options, std::move(service)} {
    for (std::uint32_t i = 0; i < options.threads; ++i)
      loops.push_back(std::make_unique<web_loop>(shared));
    acceptor.emplace(loops[0]->io);
    pause.emplace(loops[0]->io);
  }

  ~state() {
    for (auto& each : loops) each->io.stop();
    for (auto& each : threads) each.join();
  }

  caf::error listen() {
    const auto& options = shared.options;
    error_code failure;
    auto address = asio::ip::make_address(options.host, failure);
    if (failure)
      return make_error(errc::invalid_argument, "host '" + options.host +
                                                    "' of the HTTP server is no IP address; "
                                                    "127.0.0.1, 0.0.0.0 and :: are such");
    tcp::endpoint end{address, options.port};
    acceptor->open(end.protocol(), failure);
    if (!failure) acceptor->set_option(tcp::acceptor::reuse_address{true}, failure);
    if (!failure) acceptor->bind(end, failure);
    if (!failure) acceptor->listen(asio::socket_base::max_listen_connections, failure);
    if (!failure) port = acceptor->local_endpoint(failure).port();
    if (!failure) return caf::none;
    return make_error(errc::unavailable, "HTTP cannot be served at " + options.host + ":" +
                                             std::to_string(options.port) + ": " +
                                             failure.message() + "; set another host or port");
  }

  web_loop& emptiest() {
    return **std::min_element(loops.begin(), loops.end(), [](const auto& a, const auto& b) {
      return a->count.load(std::memory_order_relaxed) < b->count.load(std::memory_order_relaxed);
    });
  }

  void accept() {
    auto& loop = emptiest();
    acceptor->async_accept(loop.io,
                           [this, &loop](error_code failure, web_connection::socket_type socket) {
                             if (failure) return accept_later();
                             try {
                               place(loop, std::move(socket));
                             } catch (...) {
                               // No memory for it: its socket is closed as it goes.
                             }
                             accept();
                           });
  }

  void accept_later() {
    if (!acceptor->is_open()) return;
    pause->expires_after(accept_pause);
    pause->async_wait([this](error_code failure) {
      if (!failure && acceptor->is_open()) accept();
    });
  }

  void place(web_loop& loop, web_connection::socket_type socket) {
    ++shared.accepted;
    error_code failure;
    auto peer = socket.remote_endpoint(failure);
    if (failure) return;
    auto is_full = ++shared.connections > shared.options.connections_max;
    ++loop.count;
    // Counts itself out from here on.
    std::shared_ptr<web_connection> made;
    try {
      made = std::make_shared<web_connection>(loop, std::move(socket), peer,
                                              tls ? tls->current() : nullptr);
    } catch (...) {
      --shared.connections;
      --loop.count;
      throw;
    }
    auto turned_away = is_full && !make_place(loop);
    if (&loop == loops[0].get())
      made->start(turned_away);
    else
      asio::post(loop.io, [made = std::move(made), turned_away] { made->start(turned_away); });
  }

  /// A longest idle connection goes, of this loop or else of another one. It is gone a moment after
  /// the new one has come.
  bool make_place(web_loop& preferred) {
    if (ask_to_close(preferred)) return true;
    return std::any_of(loops.begin(), loops.end(),
                       [](const auto& each) { return ask_to_close(*each); });
  }

  static bool ask_to_close(web_loop& loop) {
    if (loop.idle_count.load() <= loop.closings.load()) return false;
    ++loop.closings;
    asio::post(loop.io, [&loop] {
      --loop.closings;
      static_cast<void>(loop.close_longest_idle());
    });
    return true;
  }
};

caf::expected<std::unique_ptr<web_server>> web_server::start(
    const web_server_options& options, std::shared_ptr<http_service> service) {
  if (auto failure = check(options, service.get())) return failure;
  auto parts = std::make_unique<state>(options, std::move(service));
  if (!options.cert_file.empty()) {
    auto tls = web_tls::open(options.cert_file, options.key_file);
    if (!tls) return std::move(tls.error());
    parts->tls.emplace(std::move(*tls));
  }
  if (auto failure = parts->listen()) return failure;
  parts->accept();
  for (auto& each : parts->loops) parts->threads.emplace_back([&loop = *each] { loop.run(); });
  return std::unique_ptr<web_server>{new web_server{std::move(parts)}};
}

web_server::web_server(std::unique_ptr<state> parts) : state_{std::move(parts)} {}

web_server::~web_server() = default;

std::uint16_t web_server::port() const {
  return state_->port;
}

web_server::counts web_server::count() const {
  const auto& shared = state_->shared;
  counts out;
  out.connections = shared.connections.load();
  out.accepted = shared.accepted.load();
  out.requests = shared.requests.load();
  out.malformed = shared.malformed.load();
  out.left = shared.left.load();
  out.bytes_in = shared.bytes_in.load();
  out.bytes_out = shared.bytes_out.load();
  return out;
}

void web_server::drain() {
  auto& parts = *state_;
  parts.shared.is_draining = true;
  asio::post(parts.loops[0]->io, [&parts] {
    error_code ignored;
    parts.acceptor->close(ignored);
    parts.pause->cancel();
  });
  for (auto& each : parts.loops) asio::post(each->io, [&loop = *each] { loop.close_idle(); });
}

}  // namespace tandem
