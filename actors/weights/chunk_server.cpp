#include "actors/weights/chunk_server.hpp"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "actors/weights/chunk_session.hpp"
#include "actors/weights/server_tls.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// After an accept that failed for want of descriptors or memory.
constexpr std::chrono::milliseconds accept_pause{100};

}  // namespace

struct chunk_server::state {
  asio::io_context io;
  std::shared_ptr<chunk_service> service;
  server_tls tls;
  std::size_t connections_max;
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::vector<std::thread> threads;

  state(std::shared_ptr<version_store> store, const chunk_server_options& options, server_tls made)
      : io{static_cast<int>(std::max(1u, options.threads))},
        service{std::make_shared<chunk_service>(std::move(store), io, options.bytes_per_s)},
        tls{std::move(made)},
        connections_max{options.connections_max} {}

  ~state() {
    io.stop();
    for (auto& each : threads) each.join();
    // Those that wait in it hold what holds it.
    service->gate.clear();
  }

  caf::error listen(const std::string& address, std::uint16_t port) {
    boost::system::error_code failure;
    auto parsed = asio::ip::make_address(address, failure);
    if (failure) return make_error(errc::invalid_argument, "'" + address + "' is no IP address");
    tcp::endpoint end{parsed, port};
    acceptor.open(end.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address{true}, failure);
    if (!failure) acceptor.bind(end, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (!failure) return caf::none;
    return make_error(errc::unavailable, "weights cannot be offered at " + address + ":" +
                                             std::to_string(port) + ": " + failure.message());
  }

  void accept() {
    acceptor.async_accept(
        asio::make_strand(io), [this](boost::system::error_code failure, tcp::socket socket) {
          if (failure) return accept_later();
          // Above the limit the socket is closed as it goes.
          if (service->sessions.load() < connections_max)
            std::make_shared<chunk_session>(std::move(socket), tls.current(), service)->start();
          accept();
        });
  }

  void accept_later() {
    if (!acceptor.is_open()) return;
    pause.expires_after(accept_pause);
    pause.async_wait([this](boost::system::error_code failure) {
      if (!failure) accept();
    });
  }
};

caf::expected<std::unique_ptr<chunk_server>> chunk_server::start(
    std::shared_ptr<version_store> store, const chunk_server_options& options) {
  auto tls = server_tls::open({options.cert_file, options.key_file, options.ca_file});
  if (!tls) return std::move(tls.error());
  auto parts = std::make_unique<state>(std::move(store), options, std::move(*tls));
  if (auto failure = parts->listen(options.address, options.port)) return failure;
  parts->accept();
  for (unsigned i = 0; i < std::max(1u, options.threads); ++i)
    parts->threads.emplace_back([&io = parts->io] { io.run(); });
  return std::unique_ptr<chunk_server>{new chunk_server{std::move(parts)}};
}

chunk_server::chunk_server(std::unique_ptr<state> parts) : state_{std::move(parts)} {}

chunk_server::~chunk_server() = default;

std::uint16_t chunk_server::port() const {
  boost::system::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

std::uint64_t chunk_server::bytes_sent() const {
  return state_->service->bytes_sent.load();
}

}  // namespace tandem
