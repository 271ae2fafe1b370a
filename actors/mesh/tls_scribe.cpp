#include "actors/mesh/tls_scribe.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/openssl/session.hpp>

namespace tandem {
namespace {

namespace network = caf::io::network;

/// What CAF's stream asks of a protocol.
class tls_policy {
 public:
  explicit tls_policy(caf::openssl::session_ptr session) : session_{std::move(session)} {}

  network::rw_state read_some(std::size_t& result, network::native_socket fd, void* buffer,
                              std::size_t size) {
    return session_->read_some(result, fd, buffer, size);
  }
  network::rw_state write_some(std::size_t& result, network::native_socket fd, const void* buffer,
                               std::size_t size) {
    return session_->write_some(result, fd, buffer, size);
  }
  bool must_read_more(network::native_socket fd, std::size_t threshold) {
    return session_->must_read_more(fd, threshold);
  }

 private:
  caf::openssl::session_ptr session_;
};

/// CAF has the same, but hands it out only for sockets that it connected itself.
class tls_scribe : public caf::io::scribe {
 public:
  tls_scribe(network::default_multiplexer& multiplexer, network::native_socket fd,
             caf::openssl::session_ptr session, std::function<void()> on_end)
      : scribe{network::conn_hdl_from_socket(fd)},
        stream_{multiplexer, fd, std::move(session)},
        on_end_{std::move(on_end)} {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (std::exchange(is_launched_, true)) return;
    stream_.start(this);
    // Without anything to write it would not be asked to go on with the handshake.
    stream_.force_empty_write(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  void flush() override {
    if (!stream_.wr_buf().empty()) ++writes_;
    stream_.flush(this);
  }
  std::string addr() const override {
    auto address = network::remote_addr_of_fd(stream_.fd());
    return address ? *address : std::string{};
  }
  std::uint16_t port() const override {
    auto port = network::remote_port_of_fd(stream_.fd());
    return port ? *port : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 protected:
  void detach_from(caf::io::abstract_broker* broker) override {
    scribe::detach_from(broker);
    auto on_end = std::exchange(on_end_, nullptr);
    // The first write is CAF's greeting; a second one selects the connection.
    if (on_end && writes_ > 1) on_end();
  }

 private:
  bool is_launched_ = false;
  std::uint64_t writes_ = 0;
  network::stream_impl<tls_policy> stream_;
  std::function<void()> on_end_;
};

}  // namespace

caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, tcp_socket socket,
                                    std::function<void()> on_end) {
  if (!network::nonblocking(socket.descriptor(), true)) return nullptr;
  auto session = caf::openssl::make_session(system, socket.descriptor(), false);
  if (!session) return nullptr;
  auto* multiplexer = dynamic_cast<network::default_multiplexer*>(&system.middleman().backend());
  if (multiplexer == nullptr) return nullptr;
  // From here on it closes the socket.
  return caf::make_counted<tls_scribe>(*multiplexer, socket.release(), std::move(session),
                                       std::move(on_end));
}

}  // namespace tandem
