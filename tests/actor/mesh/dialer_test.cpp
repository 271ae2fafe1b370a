// Connecting ends in time, whatever the other side does, and holds up nobody else.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/mesh/dialer.hpp"
#include "actors/system/caf_settings.hpp"
#include "actors/system/tcp_socket.hpp"
#include "config/certificates.hpp"
#include "schema/errc.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

constexpr auto dial_patience = 20s;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

/// Relays one connection, and answers no other one: from then on its port is like that of a machine
/// whose network is down.
class one_call {
 public:
  explicit one_call(std::uint16_t to) : listening_{::socket(AF_INET, SOCK_STREAM, 0)} {
    auto at = loopback(0);
    socklen_t size = sizeof at;
    if (::bind(listening_.descriptor(), reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(listening_.descriptor(), 0) != 0 ||
        ::getsockname(listening_.descriptor(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error{"no port"};
    port = ntohs(at.sin_port);
    thread_ = std::thread{[this, to] { relay(to); }};
  }
  ~one_call() {
    stops_ = true;
    thread_.join();
  }
  std::uint16_t port = 0;
  std::atomic<bool> is_over = false;

 private:
  void relay(std::uint16_t to) {
    pollfd waiting{listening_.descriptor(), POLLIN, 0};
    while (::poll(&waiting, 1, 50) == 0)
      if (stops_) return;
    tcp_socket caller{::accept(listening_.descriptor(), nullptr, nullptr)};
    // Nobody accepts these, and they fill the queue.
    for (int i = 0; i < 8; ++i) {
      auto& filling = filling_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      auto at = loopback(port);
      ::connect(filling.descriptor(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    }
    auto called = connect_tcp("127.0.0.1", to, 5s);
    int ends[] = {caller.descriptor(), called.socket.descriptor()};
    for (bool open = true; open && !stops_;) {
      pollfd both[] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
      if (::poll(both, 2, 50) <= 0) continue;
      for (int i = 0; i < 2 && open; ++i) {
        if (both[i].revents == 0) continue;
        char bytes[4096];
        auto count = ::recv(ends[i], bytes, sizeof bytes, 0);
        open = count > 0 &&
               ::send(ends[1 - i], bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
      }
    }
    is_over = true;
  }

  tcp_socket listening_;
  std::vector<tcp_socket> filling_;
  std::atomic<bool> stops_ = false;
  std::thread thread_;
};

class Dialer : public ::testing::Test {
 protected:
  Dialer() {
    auto files = ensure_certificates(folder_ / "tls", "alpha", {});
    if (!files) throw std::runtime_error{message_of(files.error())};
    files_ = *files;
    near_ = make_system(near_config_);
    far_ = make_system(far_config_);
    greeter_ = far_->spawn([](greeter_actor::pointer) -> greeter_actor::behavior_type {
      return {[](hello_atom, const tmsg::hello& hello,
                 const peer_handles& handles) -> caf::result<tmsg::hello, peer_handles> {
        return {hello, handles};
      }};
    });
    auto port = caf::openssl::publish(greeter_, 0, "127.0.0.1", true);
    if (!port) throw std::runtime_error{caf::to_string(port.error())};
    port_ = *port;
  }
  ~Dialer() override {
    caf::anon_send_exit(greeter_, caf::exit_reason::kill);
    greeter_ = nullptr;
    near_.reset();
    far_.reset();
  }
  std::unique_ptr<caf::actor_system> make_system(std::unique_ptr<system_config>& config) {
    config = std::move(*system_config::make({.threads = 1, .network = files_}));
    return std::make_unique<caf::actor_system>(*config);
  }
  void dial(std::uint16_t port, const caf::scoped_actor& whom) {
    make_dialer(files_, 1s)(*near_, "127.0.0.1:" + std::to_string(port),
                            caf::actor_cast<caf::actor>(whom));
  }
  struct answer {
    std::string address;
    bool is_reached = false;
    caf::error why;
  };
  static std::optional<answer> wait(caf::scoped_actor& at) {
    std::optional<answer> result;
    at->receive(
        [&result](done_atom, const std::string& address, const caf::actor& reached,
                  const caf::error& why) {
          result = {address, static_cast<bool>(reached), why};
        },
        caf::after(dial_patience) >> [] {});
    return result;
  }

  test::test_folder folder_;
  tls_files files_;
  std::unique_ptr<system_config> near_config_;
  std::unique_ptr<system_config> far_config_;
  std::unique_ptr<caf::actor_system> near_;
  std::unique_ptr<caf::actor_system> far_;
  greeter_actor greeter_;
  std::uint16_t port_ = 0;
};

TEST_F(Dialer, ReachesTheSupervisorThatIsPublished) {
  caf::scoped_actor self{*near_};
  for (int i = 0; i < 3; ++i) {
    dial(port_, self);
    auto got = wait(self);
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->is_reached) << message_of(got->why);
    EXPECT_EQ(got->address, "127.0.0.1:" + std::to_string(port_));
  }
}

TEST_F(Dialer, TellsOnceThatAConnectionEndedNotThatOneWasSuperfluous) {
  caf::scoped_actor self{*near_};
  for (int i = 0; i < 3; ++i) {
    dial(port_, self);
    auto got = wait(self);
    ASSERT_TRUE(got && got->is_reached);
  }
  caf::anon_send_exit(greeter_, caf::exit_reason::kill);
  greeter_ = nullptr;
  far_.reset();
  std::vector<std::string> ended;
  auto take = [&](std::chrono::milliseconds patience) {
    self->receive([&](gone_atom, const std::string& address) { ended.push_back(address); },
                  caf::after(patience) >> [] {});
  };
  take(dial_patience);
  take(200ms);
  EXPECT_EQ(ended, std::vector<std::string>{"127.0.0.1:" + std::to_string(port_)});
}

TEST_F(Dialer, AnAddressThatGoesSilentHoldsUpNeitherOthersNorTheEnd) {
  one_call silent{port_};
  caf::scoped_actor self{*near_};
  dial(silent.port, self);
  for (auto end = std::chrono::steady_clock::now() + dial_patience;
       !silent.is_over && std::chrono::steady_clock::now() < end;)
    std::this_thread::yield();
  ASSERT_TRUE(silent.is_over) << "the check is done; connecting begins";
  dial(port_, self);
  auto first = wait(self);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->is_reached) << message_of(first->why);
  auto second = wait(self);
  ASSERT_TRUE(second) << "connecting ended";
  EXPECT_FALSE(second->is_reached);
  EXPECT_EQ(code_of(second->why), errc::unavailable);
}

TEST_F(Dialer, ASystemThatEndsWhileItConnectsEndsInTime) {
  one_call silent{port_};
  {
    caf::scoped_actor self{*near_};
    dial(silent.port, self);
    for (auto end = std::chrono::steady_clock::now() + dial_patience;
         !silent.is_over && std::chrono::steady_clock::now() < end;)
      std::this_thread::yield();
  }
  auto start = std::chrono::steady_clock::now();
  near_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, dial_patience);
}

TEST_F(Dialer, AnotherKindOfActorIsNoNode) {
  auto other =
      far_->spawn([](caf::event_based_actor*) -> caf::behavior { return {[](caf::unit_t) {}}; });
  auto port = caf::openssl::publish(other, 0, "127.0.0.1", true);
  ASSERT_TRUE(port);
  caf::scoped_actor self{*near_};
  dial(*port, self);
  auto got = wait(self);
  caf::anon_send_exit(other, caf::exit_reason::kill);
  ASSERT_TRUE(got);
  EXPECT_EQ(code_of(got->why), errc::unavailable) << message_of(got->why);
}

}  // namespace
}  // namespace tandem
